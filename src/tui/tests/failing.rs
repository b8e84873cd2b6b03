//! The daemon refuses, goes away and answers late: the event rail, the sheets of pruning and of
//! connections, the pages of backfills and operations.

use crate::DeckOptions;
use crate::message::Message;
use crate::state::{Pane, Screen};
use crate::tests::Driver;
use crate::types::Fault;
use crate::types::ask::{Answer, Prune, Request};
use crate::types::settings::ConnectionTest;

type Script = fn(&Request) -> Option<Result<Answer, Fault>>;

fn deck(width: u16, height: u16, script: Script) -> Driver {
    Driver::with(DeckOptions::default(), width, height, script)
}

fn has(driver: &Driver, words: &str) {
    let text = driver.text();
    assert!(text.contains(words), "`{words}` in\n{text}");
}

// ── the rail of events ──────────────────────────────────────────────────────────────────────────

#[test]
fn the_rail_opens_beside_any_view_and_where_there_is_no_room_over_it() {
    let mut driver = Driver::new(200, 60);
    driver.keys("2E");
    assert!(driver.state.has_rail);
    has(&driver, "Events");
    driver.keys("1E");
    assert!(!driver.state.has_rail, "the same key closes it");
    let mut driver = Driver::new(80, 24);
    driver.keys("2E");
    assert!(!driver.state.has_rail && driver.state.popup.is_some());
    driver.keys("jjk<esc>");
    assert!(driver.state.popup.is_none());
    driver.keys("7E");
    assert_eq!(driver.said(), "these are the events");
}

#[test]
fn a_rail_whose_events_are_refused_says_why_and_asks_again() {
    let mut driver = deck(200, 60, |request| match request {
        Request::ListEvents { .. } => Some(Err(Fault::unavailable("the store does not answer"))),
        _ => None,
    });
    driver.keys("2E");
    has(&driver, "the store does not answer");
    driver.script = |_| None;
    driver.keys("<ctrl-l>");
    assert!(!driver.text().contains("the store does not answer"), "{}", driver.text());
}

#[test]
fn a_rail_keeps_its_events_while_the_daemon_is_gone_and_while_it_is_slow() {
    let mut driver = Driver::new(200, 60);
    driver.keys("2E");
    let shown = driver.text();
    let line = shown.lines().find(|line| line.contains("etl_example")).unwrap().to_owned();
    let event = line.split_whitespace().last().unwrap().to_owned();
    driver.send(Message::LinkDown);
    has(&driver, "daemon gone");
    has(&driver, &event);
    driver.holds = |request| matches!(request, Request::ListEvents { .. });
    driver.send(Message::LinkUp);
    has(&driver, &event);
    driver.release();
    has(&driver, &event);
}

// ── what is no longer kept ──────────────────────────────────────────────────────────────────────

#[test]
fn pruning_says_what_it_frees_and_cancel_has_the_focus_of_nothing_done() {
    let mut driver = Driver::new(80, 24);
    driver.keys("8P");
    has(&driver, "Delete what is no longer kept?");
    has(&driver, "dagdeck prune");
    driver.keys("<esc>");
    assert!(driver.mutations.is_empty() && !driver.is_asking());
    driver.keys("P90d");
    has(&driver, "dagdeck prune --older-than 90d");
    driver.keys("<ctrl-s>");
    let [Request::Prune(Prune { dry_run: false, older_than_secs, .. })] =
        driver.mutations.as_slice()
    else {
        panic!("{:?}", driver.mutations)
    };
    assert_eq!(*older_than_secs, Some(90.0 * 86_400.0));
    assert_eq!(driver.said(), "deleted what is no longer kept");
}

#[test]
fn an_age_that_is_none_is_told_and_nothing_is_deleted() {
    let mut driver = Driver::new(80, 24);
    driver.keys("8Psoon");
    has(&driver, "`soon` is no age");
    driver.keys("<ctrl-s>");
    assert!(driver.mutations.is_empty());
    assert!(driver.said().contains("is no age"), "{}", driver.said());
}

#[test]
fn a_refused_prune_is_told_in_the_form_and_afterwards() {
    let mut driver = deck(80, 24, |request| match request {
        Request::Prune(_) => Some(Err(Fault::conflict("a backup is being made"))),
        _ => None,
    });
    driver.keys("8P");
    has(&driver, "✗ a backup is being made");
    driver.keys("<ctrl-s>");
    assert!(driver.mutations.is_empty(), "what was refused dry is not tried");
    let mut driver = deck(80, 24, |request| match request {
        Request::Prune(Prune { dry_run: false, .. }) => {
            Some(Err(Fault::conflict("a backup is being made")))
        }
        _ => None,
    });
    driver.keys("8P<ctrl-s>");
    assert_eq!(driver.said(), "a backup is being made");
}

#[test]
fn a_dry_run_that_comes_late_is_that_of_another_form_and_changes_nothing() {
    let mut driver = Driver::new(80, 24);
    driver.holds = |request| matches!(request, Request::Prune(_));
    driver.keys("8P");
    has(&driver, "looking what it would touch");
    driver.keys("<esc>");
    driver.release();
    assert!(!driver.is_asking(), "{}", driver.text());
    // The form that is open now waits for its own answer.
    driver.holds = |request| matches!(request, Request::Prune(_));
    driver.keys("P9");
    driver.release();
    driver.keys("0d");
    has(&driver, "--older-than 90d");
    assert!(driver.mutations.is_empty());
}

// ── connections ─────────────────────────────────────────────────────────────────────────────────

#[test]
fn the_fields_of_a_connection_have_names_of_their_own() {
    let mut driver = Driver::new(80, 24);
    driver.keys("8G<enter>");
    has(&driver, "URL password");
    has(&driver, "option password");
    driver.keys("<ctrl-s>");
    assert!(driver.mutations.is_empty());
    assert_eq!(driver.said(), "type password again: *** is not it");
    let typed = "<tab><tab><backspace><backspace><backspace>${env:PW}<ctrl-s>";
    driver.keys(typed);
    let [Request::SetConnections { connections }] = driver.mutations.as_slice() else {
        panic!("{:?} {}", driver.mutations, driver.said())
    };
    assert_eq!(connections[0].url, "sqlite:data/warehouse.db");
    assert_eq!(connections[0].options["password"], "${env:PW}");
}

#[test]
fn a_password_needs_its_place_in_the_url() {
    let mut driver = Driver::new(80, 24);
    driver.keys("8G<enter><tab>tiger<tab><backspace><backspace><backspace>x<ctrl-s>");
    assert!(driver.mutations.is_empty());
    assert_eq!(driver.said(), "the URL has no *** for the password to stand in");
    assert!(!driver.text().contains("tiger"), "{}", driver.text());
}

#[test]
fn a_refused_connection_and_a_test_that_fails_or_is_slow_are_told() {
    let mut driver = deck(80, 24, |request| match request {
        Request::SetConnections { .. } => Some(Err(Fault::invalid("no such kind of URL"))),
        Request::TestConnection { .. } => Some(Err(Fault::unavailable("it takes too long"))),
        _ => None,
    });
    driver.keys("8G<enter><tab><tab><backspace><backspace><backspace>x<ctrl-s>");
    assert_eq!(driver.said(), "no such kind of URL");
    driver.keys("T");
    assert_eq!(driver.said(), "no answer: it takes too long");
    driver.holds = |request| matches!(request, Request::TestConnection { .. });
    driver.script = |request| match request {
        Request::TestConnection { conn_id } => Some(Ok(Answer::ConnectionTest(ConnectionTest {
            conn_id: conn_id.clone(),
            ok: true,
            message: "it answers".into(),
        }))),
        _ => None,
    };
    driver.keys("T");
    assert_eq!(driver.said(), "trying warehouse…");
    driver.keys("2");
    driver.release();
    assert_eq!(driver.said(), "warehouse: it answers");
    assert_eq!(driver.state.view, crate::state::View::Runs, "who went on is not called back");
}

// ── the page of a backfill ──────────────────────────────────────────────────────────────────────

#[test]
fn a_backfill_has_a_page_with_its_dates_and_enter_leads_to_the_run() {
    let mut driver = Driver::new(100, 30);
    driver.keys("jB<enter>");
    assert_eq!(*driver.screen(), Screen::Backfill("etl_example".into(), 2));
    for words in [
        "Backfill 2 of etl_example",
        "7 of 20 dates ended",
        "2026-02-01 to 2026-02-20, oldest first",
        "by ana",
        "4 at once; dates whose run failed run again",
        "left out: already exists",
    ] {
        has(&driver, words);
    }
    driver.keys("yy");
    assert_eq!(driver.copied.last().unwrap(), "dagdeck backfill show 2");
    driver.keys("<enter>");
    assert!(matches!(driver.screen(), Screen::Run(key) if key.dag_id.as_str() == "etl_example"));
    driver.keys("<esc>jj<enter>");
    assert_eq!(driver.said(), "this date has no run");
    driver.keys("gr");
    assert_eq!(*driver.screen(), Screen::DagRuns("etl_example".into()));
}

#[test]
fn on_its_page_a_backfill_is_paused_and_cancelled_and_says_where_it_is_refused() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jB<enter>pnxn");
    assert!(driver.mutations.is_empty(), "n leaves all as it is");
    driver.keys("pyxy");
    assert!(matches!(
        driver.mutations[..],
        [
            Request::SetBackfillPaused { backfill_id: 2, is_paused: true },
            Request::CancelBackfill { backfill_id: 2 }
        ]
    ));
    let mut driver = deck(80, 24, |request| match request {
        Request::CancelBackfill { .. } => Some(Err(Fault::conflict("it has ended meanwhile"))),
        _ => None,
    });
    driver.keys("jB<enter>xy");
    assert_eq!(driver.said(), "it has ended meanwhile");
    let options = DeckOptions { read_only: true, ..DeckOptions::default() };
    let mut driver = Driver::with(options, 80, 24, |_| None);
    for key in ["p", "x"] {
        driver.keys("1j<esc>jB<enter>");
        driver.keys(key);
        assert!(driver.mutations.is_empty() && !driver.is_asking());
        assert_eq!(driver.said(), "this deck is read-only");
    }
}

#[test]
fn a_backfill_that_cannot_be_read_says_why_and_one_that_comes_late_fills_its_page() {
    let mut driver = deck(80, 24, |request| match request {
        Request::ShowBackfill { .. } => Some(Err(Fault::not_found("there is no backfill 2"))),
        _ => None,
    });
    driver.keys("jB<enter>");
    has(&driver, "there is no backfill 2");
    driver.keys("p<enter>");
    assert!(driver.mutations.is_empty() && !driver.is_asking());
    let mut driver = Driver::new(80, 24);
    driver.holds = |request| matches!(request, Request::ShowBackfill { .. });
    driver.keys("jB<enter>");
    assert!(!driver.text().contains("dates ended"));
    driver.keys("jp<enter>");
    assert!(!driver.is_asking(), "nothing is known yet that could be paused");
    driver.release();
    has(&driver, "7 of 20 dates ended");
    driver.send(Message::LinkDown);
    has(&driver, "7 of 20 dates ended");
    has(&driver, "daemon gone");
}

#[test]
fn more_dates_are_asked_for_as_the_cursor_nears_the_last_of_them() {
    let mut driver = deck(80, 24, |request| match request {
        Request::ShowBackfill { limit, .. } => {
            Some(Ok(crate::sample::operations::long_backfill(*limit)))
        }
        _ => None,
    });
    driver.keys("jB<enter>");
    has(&driver, "1/100");
    driver.keys("Gj");
    has(&driver, "/200");
    driver.keys("GjGjGj");
    has(&driver, "/250");
}

// ── the page of an operation ────────────────────────────────────────────────────────────────────

#[test]
fn an_operation_has_a_page_of_what_it_did_to_each_and_enter_leads_there() {
    let mut driver = Driver::new(100, 30);
    driver.keys("go<enter>");
    let Screen::Operation(id) = *driver.screen() else { panic!("{:?}", driver.screen()) };
    for words in ["What it did 3 · 2 tasks of 1 run", "the run itself", "transform[3]", "load"] {
        has(&driver, words);
    }
    driver.keys("yy");
    assert_eq!(*driver.copied.last().unwrap(), format!("dagdeck operations show {id}"));
    driver.keys("jj<enter>");
    assert!(matches!(driver.screen(), Screen::Run(key) if key.dag_id.as_str() == "etl_example"));
    assert_eq!(driver.state.level().pane, Pane::Tasks);
    assert_eq!(driver.state.level().selected.as_deref(), Some("load"));
    driver.keys("<esc>u");
    assert!(driver.is_asking() || !driver.said().is_empty());
}

#[test]
fn an_operation_that_cannot_be_read_or_of_which_little_is_known_says_so() {
    let mut driver = deck(80, 24, |request| match request {
        Request::ShowOperation { .. } => Some(Err(Fault::not_found("there is no operation 7"))),
        _ => None,
    });
    driver.keys("go<enter>");
    has(&driver, "there is no operation 7");
    driver.keys("<enter>u");
    assert!(driver.mutations.is_empty() && !driver.is_asking());
    let mut driver = deck(80, 24, |request| match request {
        Request::ShowOperation { id } => {
            let mut detail = crate::sample::operations::operation(*id);
            detail.moves = None;
            Some(Ok(Answer::Operation(Box::new(detail))))
        }
        _ => None,
    });
    driver.keys("go<enter>");
    has(&driver, "What it did to each is not known");
    driver.keys("<enter>");
    assert!(matches!(driver.screen(), Screen::Operation(_)));
}

#[test]
fn what_an_operation_did_may_come_late_and_what_is_deleted_is_not_opened() {
    let mut driver = deck(100, 30, |request| match request {
        Request::ShowOperation { id } => {
            let mut detail = crate::sample::operations::operation(*id);
            if let Some(moves) = &mut detail.moves {
                moves.tasks.clear();
                moves.runs[0].to = None;
            }
            Some(Ok(Answer::Operation(Box::new(detail))))
        }
        _ => None,
    });
    driver.holds = |request| matches!(request, Request::ShowOperation { .. });
    driver.keys("go<enter>");
    assert!(!driver.text().contains("What it did"), "{}", driver.text());
    driver.release();
    has(&driver, "What it did 1 · 1 run");
    has(&driver, "deleted");
    driver.keys("<enter>");
    assert_eq!(driver.said(), "this run is deleted");
}

#[test]
fn a_list_of_operations_that_is_refused_says_why() {
    let mut driver = deck(80, 24, |request| match request {
        Request::ListOperations { .. } => Some(Err(Fault::unavailable("the store is busy"))),
        _ => None,
    });
    driver.keys("go");
    has(&driver, "the store is busy");
    driver.keys("<enter>u");
    assert!(driver.mutations.is_empty());
}
