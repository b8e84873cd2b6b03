//! The log pane, by keys.

use crate::DeckOptions;
use crate::message::{Effect, Message};
use crate::state::log::Reading;
use crate::state::{LogPane, Screen};
use crate::tests::Driver;
use crate::types::ask::{Answer, Request};
use crate::types::log::LogFound;
use crate::types::{Fault, TaskInstanceKey};
use crate::update::update;

fn task(task_id: &str) -> TaskInstanceKey {
    TaskInstanceKey {
        dag_id: "mlops_pipeline".into(),
        dag_run_id: "manual__2026-03-02T09:14:03+00:00".into(),
        task_id: task_id.into(),
        map_index: -1,
    }
}

fn open(task_id: &str, width: u16, height: u16) -> Driver {
    open_with(task_id, width, height, |_| None)
}

fn open_with(
    task_id: &str,
    width: u16,
    height: u16,
    script: fn(&Request) -> Option<Result<Answer, Fault>>,
) -> Driver {
    let mut driver = Driver::with(DeckOptions::default(), width, height, script);
    driver.state.push(Screen::Log(task(task_id)));
    driver.send(Message::Tick);
    driver
}

fn log(driver: &Driver) -> &LogPane {
    driver.state.log.as_ref().unwrap()
}

#[test]
fn a_log_of_any_length_opens_at_its_end_and_loads_what_is_scrolled_to() {
    let mut driver = open("huge", 100, 120);
    assert!(driver.text().contains("step 99999 "), "{}", driver.text());
    assert!(log(&driver).lines.len() < 10_000 && !log(&driver).has_start());
    let start = log(&driver).start;
    for _ in 0..80 {
        driver.keys("<ctrl-u>");
    }
    assert!(log(&driver).start < start, "older lines were read");
    assert!(log(&driver).lines.len() <= 50_000);
    driver.keys("gg");
    assert!(driver.text().contains("step 0 "), "{}", driver.text());
    assert!(driver.text().contains("after this are not loaded") || !log(&driver).is_at_tail);
    driver.keys("<ctrl-d>G");
    assert!(driver.text().contains("step 99999 ") && log(&driver).follows);
}

#[test]
fn a_search_goes_on_where_nothing_is_loaded_and_says_when_there_is_no_more() {
    let mut driver = open("huge", 100, 30);
    driver.keys("/step 4711 <enter>");
    assert!(driver.text().contains("step 4711 of"), "{}", driver.text());
    assert!(!log(&driver).follows);
    driver.keys("n");
    assert!(driver.said().contains("no line after this has"), "{}", driver.said());
    driver.keys("<esc>/nowhere at all<enter>");
    assert!(driver.said().contains("no line"), "{}", driver.said());
    driver.keys("/(<enter>");
    assert!(driver.said().contains("not a pattern: unclosed group"), "{}", driver.said());
    let mut driver = open("train", 80, 24);
    driver.keys("/ROUND 1[0-2]<enter>");
    assert!(driver.said().contains("search") || log(&driver).matches.is_empty(), "capitals count");
    driver.keys("/round 1[0-2]<enter>");
    assert!(driver.said().starts_with("match 1 of 3"), "{}", driver.said());
    driver.keys("nn");
    assert!(driver.said().starts_with("match 3 of 3"), "{}", driver.said());
    driver.keys("n");
    assert!(driver.said().contains("on from the start"), "{}", driver.said());
    driver.keys("&");
    assert_eq!(log(&driver).shown.len(), 3);
    assert!(driver.text().contains("3 of 40 lines"), "{}", driver.text());
    driver.keys("<esc>");
    assert_eq!(log(&driver).shown.len(), 40);
    driver.keys("<esc>");
    assert!(driver.state.log_options.search.text.is_empty());
}

#[test]
fn a_search_under_way_is_given_up_by_esc() {
    let mut driver = open_with("huge", 80, 24, |request| match request {
        Request::SearchLog { backwards: true, offset, .. } => {
            Some(Ok(Answer::LogFound(LogFound {
                at: None,
                next_offset: offset.saturating_sub(1 << 20),
                is_end: *offset < 1 << 20,
                size: 5 << 20,
            })))
        }
        _ => None,
    });
    driver.keys("/nowhere<enter>");
    assert!(driver.said().contains("no line before this has `nowhere`"), "{}", driver.said());
    let effects = update(&mut driver.state, Message::Key(crate::tests::key("enter")), driver.now);
    assert!(effects.is_empty());
    driver.keys("/else<enter>");
    let now = driver.now;
    let press = |driver: &mut Driver, c| {
        let event = crossterm::event::KeyEvent::new(
            crossterm::event::KeyCode::Char(c),
            crossterm::event::KeyModifiers::NONE,
        );
        update(&mut driver.state, Message::Key(event), now)
    };
    let effects = press(&mut driver, 'N');
    assert!(
        effects.iter().any(|e| matches!(e, Effect::Ask { request: Request::SearchLog { .. }, .. }))
    );
    let before = driver.text();
    assert!(before.contains("searching"), "{before}");
    // The daemon tells from time to time how far it came; between that the keys do what they do.
    let asked = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Ask { purpose, generation, request: Request::SearchLog { offset, .. } } => {
                Some((purpose.clone(), *generation, *offset))
            }
            _ => None,
        })
    };
    let (purpose, generation, offset) = asked(&effects).unwrap();
    let found = LogFound { at: None, next_offset: offset / 2, is_end: false, size: 5 << 20 };
    let answer = Message::answered(purpose, generation, Ok(Answer::LogFound(found)));
    let effects = update(&mut driver.state, answer.clone(), now);
    assert_eq!(asked(&effects).map(|(.., offset)| offset), Some(offset / 2));
    assert_ne!(driver.text(), before, "how far it came is shown");
    let top = log(&driver).top;
    press(&mut driver, 'k');
    assert_ne!(log(&driver).top, top);
    assert!(log(&driver).seek.is_some());
    driver.keys("<esc>");
    assert!(driver.said().contains("given up"));
    assert!(log(&driver).seek.is_none());
    assert!(asked(&update(&mut driver.state, answer, now)).is_none(), "what comes late is dropped");
}

#[test]
fn errors_are_gone_to_one_by_one_and_looked_for_beyond() {
    let mut driver = open("huge", 100, 30);
    driver.keys("{");
    assert!(driver.text().contains("ERROR step 90777"), "{}", driver.text());
    driver.keys("{");
    assert!(driver.text().contains("ERROR step 80777"), "{}", driver.text());
    driver.keys("}");
    assert!(driver.text().contains("ERROR step 90777"), "{}", driver.text());
    let mut driver = open("train", 80, 24);
    driver.keys("{");
    assert!(driver.said().contains("no error"), "{}", driver.said());
}

#[test]
fn levels_windows_and_json_change_what_is_seen() {
    let mut driver = open("mixed", 100, 30);
    let text = driver.text();
    assert!(text.contains("evil text with 日本語 in it") || text.contains("evil"), "{text}");
    assert!(text.contains("✗ Traceback") && text.contains("! {\"level\":\"warn\""), "{text}");
    driver.keys("J");
    assert!(driver.text().contains("\"msg\": \"memory is short\","), "{}", driver.text());
    driver.keys("JLLL");
    assert!(driver.text().contains("≥ERROR"));
    assert!(driver.text().contains("File \"train.py\"") && !driver.text().contains("loading"));
    driver.keys("L1");
    assert!(driver.text().contains("last 1m"), "{}", driver.text());
    driver.keys("0w");
    assert!(driver.text().contains("wrap"));
    let mut huge = open("huge", 100, 30);
    huge.keys("1");
    assert!(
        huge.text().contains("of") && log(&huge).shown.len() == 61,
        "{}",
        log(&huge).shown.len()
    );
}

#[test]
fn a_time_is_gone_to_and_what_is_none_is_said_so() {
    let mut driver = open("huge", 100, 30);
    driver.keys("@2026-03-02T01:00:00Z<enter>");
    assert!(driver.text().contains("step 3600 "), "{}", driver.text());
    driver.keys("@soon<enter>");
    assert!(driver.said().contains("`soon` is no time"), "{}", driver.said());
    driver.keys("@2027-01-01T00:00:00Z<enter>");
    assert!(driver.said().contains("nothing was written after"), "{}", driver.said());
}

#[test]
fn lines_are_marked_copied_saved_and_handed_to_a_program() {
    let mut driver = open("train", 80, 24);
    driver.keys("Y");
    assert!(driver.copied[0].lines().count() > 10 && driver.copied[0].contains("out  train:"));
    driver.keys("ggMG");
    assert!(driver.said().contains("marked"));
    driver.keys("Y");
    assert_eq!(driver.copied[1].lines().count(), 40);
    driver.keys("s<enter>");
    assert_eq!(driver.saved[0].path, "mlops_pipeline-train-try2.log");
    driver.send(Message::Saved { path: "x.log".into(), result: Err("there is one".into()) });
    assert!(driver.said().contains("not saved to x.log: there is one"));
    driver.send(Message::Saved { path: "x.log".into(), result: Ok(4_000_000) });
    assert!(driver.said().contains("saved 4.0 MB to x.log"));
    driver.keys("| 'unclosed<enter>");
    assert!(driver.said().contains("quote"), "{}", driver.said());
}

#[test]
fn two_tries_are_read_side_by_side_from_their_starts() {
    let mut driver = open("train", 200, 30);
    driver.keys("=");
    let text = driver.text();
    assert!(text.contains("try 1/") && text.contains("try 2/"), "{text}");
    assert_eq!(text.matches("round 0 of 40").count(), 2, "{text}");
    driver.keys("<ctrl-d>");
    assert_eq!(driver.text().matches("round 0 of 40").count(), 0);
    driver.keys("=");
    assert!(!driver.text().contains("try 1/"));
    driver.keys("((");
    assert!(driver.text().contains(") shows the next") || driver.said().contains("2 tries"));
}

#[test]
fn lines_that_are_cut_are_gone_along_sideways() {
    let mut driver = open("mixed", 60, 20);
    assert!(!driver.text().contains("41,231,877 rows"));
    driver.keys("llll");
    assert!(driver.text().contains("41,231,877 rows"), "{}", driver.text());
    driver.keys("hhhhw");
    assert!(driver.text().contains("41,231,877"), "{}", driver.text());
    driver.keys("l");
    assert!(driver.said().contains("wrapped"));
}

#[test]
fn what_comes_while_one_reads_on_is_counted_and_followed_again_by_f() {
    let mut driver = open("train", 80, 24);
    driver.keys("kkk");
    let chunk = crate::types::view::LogChunk {
        text: "2026-03-02T09:15:00.000Z out  one more\n".into(),
        offset: log(&driver).end,
        next_offset: log(&driver).end + 39,
        size: log(&driver).end + 39,
        is_end: false,
        try_number: 2,
        day: None,
    };
    let purpose =
        crate::message::Purpose::Log { is_beside: false, step: crate::message::LogStep::Follow };
    let generation = log(&driver).generation;
    driver.send(Message::answered(purpose, generation, Ok(Answer::Log(chunk))));
    assert!(driver.text().contains("+1 new (f)"), "{}", driver.text());
    driver.keys("f");
    assert!(driver.text().contains("one more") && driver.text().contains("following"));
}

#[test]
fn a_log_that_cannot_be_read_says_why() {
    let driver = open_with("train", 80, 24, |request| match request {
        Request::ReadLog { .. } => Some(Err(Fault::invalid("read the log: no permission"))),
        _ => None,
    });
    assert!(driver.text().contains("no permission"), "{}", driver.text());
    assert!(matches!(log(&driver).reading, Reading::Failed(_)));
}

#[test]
fn the_daemons_own_log_has_the_same_keys() {
    let mut driver = Driver::new(100, 30);
    driver.keys("8L");
    assert!(driver.text().contains("Daemon log 2026-03-02 · following"), "{}", driver.text());
    driver.keys("{");
    assert!(driver.text().contains("the model server does not answer"), "{}", driver.text());
    driver.keys("=");
    assert!(driver.said().contains("only the tries of a task"));
    driver.keys("<esc>");
    assert_eq!(*driver.screen(), Screen::Root(crate::state::View::System));
}

#[test]
fn logs_at_all_sizes() {
    for (width, height) in [(60, 16), (80, 24), (100, 30), (200, 60)] {
        let mut driver = open("mixed", width, height);
        insta::assert_snapshot!(format!("log_mixed_{width}x{height}"), driver.text());
        driver.keys("wJ");
        insta::assert_snapshot!(format!("log_json_{width}x{height}"), driver.text());
    }
    for (width, height) in [(80, 24), (200, 60)] {
        let mut driver = open("huge", width, height);
        driver.keys("/step 4711 <enter>");
        insta::assert_snapshot!(format!("log_found_{width}x{height}"), driver.text());
        let options = DeckOptions { ascii: true, ..DeckOptions::default() };
        let mut ascii = Driver::with(options, width, height, |_| None);
        ascii.state.push(Screen::Log(task("mixed")));
        ascii.send(Message::Tick);
        insta::assert_snapshot!(format!("log_ascii_{width}x{height}"), ascii.text());
    }
    let mut driver = open("train", 200, 30);
    driver.keys("=");
    insta::assert_snapshot!("log_beside_200x30", driver.text());
}
