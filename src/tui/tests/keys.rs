//! What keys do.

use crate::DeckOptions;
use crate::message::Message;
use crate::state::{LogPane, Screen, View};
use crate::tests::Driver;
use crate::types::ask::{Answer, Request};
use crate::types::event::Event;
use crate::types::view::ExperimentView;
use crate::types::{DagRunState, Fault, FaultKind};
use crate::{rows, sample};

#[test]
fn the_palette_does_what_the_keys_of_the_screen_do_and_opens_by_name() {
    let mut driver = Driver::new(80, 24);
    driver.keys("5<enter>:roll back<enter>");
    assert!(driver.text().contains("Roll iris back"), "{}", driver.text());
    driver.keys("<esc>1:model iris<enter>");
    assert_eq!(driver.state.level().screen, Screen::Model("iris".into()));
    let options = DeckOptions { read_only: true, ..DeckOptions::default() };
    let mut driver = Driver::with(options, 80, 24, |_| None);
    driver.keys("5<enter>:roll back");
    assert!(driver.text().contains("no command fits"));
}

#[test]
fn experiments_are_listed_by_their_last_update_and_empty_ones_last() {
    let mut driver = Driver::with(DeckOptions::default(), 80, 24, |request| {
        let Request::ListExperiments = request else { return None };
        let experiment = |name: &str, updated: Option<i64>| ExperimentView {
            experiment_id: name.into(),
            name: name.into(),
            run_count: u64::from(updated.is_some()),
            last_update_time: updated
                .map(|ago| sample::now() - jiff::SignedDuration::from_secs(ago)),
        };
        Some(Ok(Answer::Experiments(vec![
            experiment("Default", None),
            experiment("iris", Some(90)),
            experiment("titanic", Some(10)),
        ])))
    });
    driver.keys("4");
    let level = driver.state.level();
    let keys = rows::keys(&driver.state, level);
    assert_eq!(keys, ["titanic", "iris", "Default"]);
}

#[test]
fn enter_opens_the_latest_run_of_a_dag_and_its_page_where_there_is_none() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjj<enter>");
    assert!(matches!(driver.screen(), Screen::Run(key) if key.dag_id.as_str() == "mlops_pipeline"));
    driver.keys("<esc>G<enter>");
    assert!(matches!(driver.screen(), Screen::Dag(id) if id.as_str() == "model_serving_pipeline"));
}

#[test]
fn digits_go_to_views_which_keep_their_place() {
    let mut driver = Driver::new(80, 24);
    driver.keys("j<enter>2");
    assert_eq!(*driver.screen(), Screen::Root(View::Runs));
    driver.keys("1");
    assert!(matches!(driver.screen(), Screen::Run(_)));
    driver.keys("1");
    assert_eq!(*driver.screen(), Screen::Root(View::Dags));
}

#[test]
fn escape_closes_one_thing_at_a_time_and_never_leaves() {
    let mut driver = Driver::new(80, 24);
    driver.keys("/etl<enter>?<esc>");
    assert_eq!(driver.state.level().filter, "etl");
    driver.keys("<esc>");
    assert_eq!(driver.state.level().filter, "");
    driver.keys("<esc><esc><esc>");
    assert!(!driver.has_quit);
    driver.keys("q");
    assert!(driver.has_quit);
}

#[test]
fn control_c_leaves_only_when_pressed_twice_in_a_short_while() {
    let mut driver = Driver::new(80, 24);
    driver.keys("<ctrl-c>");
    assert!(driver.said().contains("runs go on"));
    driver.wait(5000);
    driver.keys("<ctrl-c>");
    assert!(!driver.has_quit);
    driver.keys("<ctrl-c>");
    assert!(driver.has_quit);
}

#[test]
fn a_form_is_filled_in_checked_and_sent_and_the_run_is_opened() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjjt<right><tab><tab><tab><right><right><ctrl-s>");
    let [Request::Trigger(trigger)] = driver.mutations.as_slice() else {
        panic!("{:?}", driver.mutations);
    };
    assert_eq!(
        trigger.conf,
        *serde_json::json!({"dataset": "titanic", "trials": 2}).as_object().unwrap()
    );
    assert!(
        matches!(driver.screen(), Screen::Run(key) if key.dag_run_id.as_str() == "manual__new")
    );
    driver.keys("<esc>");
    assert_eq!(*driver.screen(), Screen::Root(View::Dags));
}

#[test]
fn a_form_with_a_problem_is_not_sent_and_its_draft_is_kept() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjjt<tab><tab><tab>999<ctrl-s>");
    assert!(driver.mutations.is_empty());
    assert!(driver.said().contains("must be at most 200"), "{}", driver.said());
    driver.keys("<esc>t");
    assert!(driver.text().contains("0999"));
    driver.keys("<ctrl-r>");
    assert!(!driver.text().contains("0999"));
}

#[test]
fn a_refused_trigger_says_why_and_can_be_sent_again() {
    let mut driver = Driver::with(DeckOptions::default(), 80, 24, |request| match request {
        Request::Trigger(_) => {
            Some(Err(Fault::new(FaultKind::Conflict, "dag `mlops_pipeline` is paused")
                .hint("unpause it")))
        }
        _ => None,
    });
    driver.keys("jjjjjt<ctrl-s>");
    assert!(driver.said().contains("is paused (unpause it)"));
    driver.keys("<ctrl-s>");
    assert_eq!(driver.mutations.len(), 2);
}

#[test]
fn triggering_again_starts_from_what_the_run_was_given() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjj<enter>t");
    assert!(driver.text().contains("random_forest"));
    driver.keys("<ctrl-s>");
    assert!(
        matches!(&driver.mutations[..], [Request::Trigger(t)] if t.conf["model"] == "random_forest")
    );
}

#[test]
fn a_confirm_is_deaf_for_a_moment_and_cancel_is_chosen_first() {
    let mut driver = Driver::new(80, 24);
    driver.keys("p");
    assert!(driver.is_asking());
    driver.send(Message::Key(super::key("enter")));
    assert!(driver.is_asking(), "it does not listen yet");
    driver.keys("<enter>");
    assert!(!driver.is_asking());
    assert!(driver.mutations.is_empty());
    driver.keys("py");
    assert!(matches!(driver.mutations[..], [Request::SetPaused { is_paused: true, .. }]));
    assert!(driver.said().contains("paused basic_dag_example"));
}

#[test]
fn a_run_that_has_ended_is_not_cancelled() {
    let mut driver = Driver::new(80, 24);
    driver.keys("2jx");
    assert!(driver.said().contains("has ended already"));
    driver.keys("kxy");
    assert!(matches!(driver.mutations[..], [Request::CancelRun { .. }]));
}

#[test]
fn a_read_only_deck_changes_nothing() {
    let options = DeckOptions { read_only: true, ..DeckOptions::default() };
    let mut driver = Driver::with(options, 80, 24, |_| None);
    driver.keys("pt<enter>cCxmnDubt2cCxmnDu13m5<enter>PR8ea<enter><esc>:trigger ml<enter><esc>");
    assert!(driver.mutations.is_empty());
    assert!(!driver.is_asking());
    assert!(driver.text().contains("read-only"));
}

#[test]
fn the_log_follows_until_it_is_scrolled_up_and_again_at_its_end() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjj<enter><tab><tab>");
    let follows = |driver: &Driver| driver.state.log.as_ref().is_some_and(|log| log.follows);
    assert!(follows(&driver));
    assert!(driver.text().contains("round 39"));
    driver.keys("kk");
    assert!(!follows(&driver));
    assert!(!driver.text().contains("round 39"));
    driver.keys("G");
    assert!(follows(&driver));
    driver.keys("/round 7<enter>");
    assert!(driver.text().contains("round 7 "), "{}", driver.text());
    assert!(!follows(&driver));
}

#[test]
fn moving_the_selection_changes_the_log_and_an_old_answer_is_dropped() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjj<enter>");
    let first =
        driver.state.log.as_ref().and_then(LogPane::task).map(|key| key.task_id.to_string());
    driver.keys("j");
    let second =
        driver.state.log.as_ref().and_then(LogPane::task).map(|key| key.task_id.to_string());
    assert_ne!(first, second);
}

#[test]
fn the_tries_of_a_task_have_a_log_each() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjj<enter>(");
    assert_eq!(driver.state.log.as_ref().and_then(LogPane::wanted_try), Some(1));
    driver.keys("(");
    assert!(driver.said().contains("2 tries"));
    driver.keys(")");
    assert_eq!(driver.state.log.as_ref().and_then(LogPane::wanted_try), None);
}

#[test]
fn h_and_l_go_to_older_and_newer_runs_at_the_same_task() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjj<enter>h");
    assert!(
        matches!(driver.screen(), Screen::Run(key) if key.dag_run_id.as_str().contains("03-04"))
    );
    assert_eq!(driver.state.level().selected.as_deref(), Some("train"));
    driver.keys("ll");
    assert!(driver.said().contains("newest"));
}

#[test]
fn the_palette_finds_by_parts_and_says_when_nothing_fits() {
    let mut driver = Driver::new(80, 24);
    driver.keys(":exps<enter>");
    assert_eq!(*driver.screen(), Screen::Root(View::Experiments), "letters in order");
    driver.keys(":trigger mlops_pipeline<enter>");
    assert!(matches!(driver.screen(), Screen::Form(id) if id.as_str() == "mlops_pipeline"));
    driver.keys("<esc>:xyzzy<enter>");
    assert!(driver.said().contains("no command fits"));
    driver.keys(":q<enter>");
    assert!(driver.has_quit);
}

#[test]
fn y_copies_the_command_that_does_the_same() {
    let mut driver = Driver::new(80, 24);
    driver.keys("yy8yy2yy5<enter>yy");
    assert_eq!(driver.copied[0], "dagdeck dags show basic_dag_example");
    assert_eq!(driver.copied[1], "dagdeck status");
    assert_eq!(
        driver.copied[2],
        "dagdeck runs show mlops_pipeline manual__2026-03-02T09:14:03+00:00"
    );
    assert_eq!(driver.copied[3], "dagdeck models show iris");
    assert!(driver.said().starts_with("copied: "));
}

#[test]
fn pasted_text_goes_into_a_text_input_and_never_runs_as_keys() {
    let mut driver = Driver::new(80, 24);
    driver.send(Message::Paste("py".into()));
    assert!(!driver.is_asking());
    assert!(driver.said().contains("pasted"));
    driver.keys("/");
    driver.send(Message::Paste("etl\n".into()));
    assert_eq!(driver.state.level().filter, "etl");
}

#[test]
fn events_of_a_burst_cause_one_fetch_of_what_is_shown() {
    let mut driver = Driver::new(80, 24);
    let event = || {
        Message::Event(Event::DagRunChanged {
            dag_id: "etl_example".into(),
            dag_run_id: "r".into(),
            state: DagRunState::Running,
        })
    };
    let first = crate::update::update(&mut driver.state, event(), driver.now);
    let second = crate::update::update(&mut driver.state, event(), driver.now);
    assert_eq!(first.len(), 1, "a timer: {first:?}");
    assert!(second.is_empty(), "{second:?}");
    let timer = crate::message::Timer::Refetch;
    let third = crate::update::update(&mut driver.state, Message::Timer(timer), driver.now);
    assert!(third.len() >= 2, "{third:?}");
}

#[test]
fn when_the_line_is_back_what_is_shown_is_asked_for_again() {
    let mut driver = Driver::new(80, 24);
    driver.send(Message::LinkDown);
    let asked = crate::update::update(&mut driver.state, Message::LinkUp, driver.now);
    assert!(asked.len() >= 3, "{asked:?}");
}

#[test]
fn an_event_of_the_feed_leads_to_its_run() {
    let mut driver = Driver::new(80, 24);
    driver.keys("7j<enter>");
    assert!(matches!(driver.screen(), Screen::Run(key) if key.dag_id.as_str() == "etl_example"));
    driver.keys("<esc>G<enter>");
    assert_eq!(driver.state.view, View::Models, "it belongs to no run");
}

#[test]
fn along_the_edges_of_the_graph_the_selection_goes_up_and_downstream() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjj<enter><tab>ggjj");
    assert_eq!(driver.state.level().selected.as_deref(), Some("decide"), "it runs top down");
    driver.keys("k");
    assert_eq!(driver.state.level().selected.as_deref(), Some("train"));
}

#[test]
fn the_cursor_of_a_run_goes_with_what_happens_until_it_is_moved() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjj<enter>");
    let selected = |driver: &Driver| driver.state.level().selected.clone();
    assert_eq!(selected(&driver).as_deref(), Some("train"), "the one that runs");
    driver.keys("k");
    driver.send(Message::Tick);
    assert_eq!(selected(&driver).as_deref(), Some("validate_data"));
}

#[test]
fn a_fault_of_the_daemon_is_told_with_where_to_look() {
    use crate::message::{Act, Purpose};
    let mut driver = Driver::new(80, 24);
    let fault = Fault::new(FaultKind::Internal, "the store is broken");
    driver.send(Message::answered(Purpose::Act(Act::Cancel), 1, Err(fault)));
    assert!(driver.said().contains("internal: the store is broken"));
}

#[test]
fn a_frozen_deck_counts_what_happens_and_shows_it_when_it_thaws() {
    let mut driver = Driver::new(100, 30);
    driver.keys("f");
    assert!(driver.text().contains("frozen +0 (f)"), "{}", driver.text());
    let asked = driver.state.generation;
    let event = Event::DagChanged { dag_id: "etl_example".into() };
    driver.send(Message::Event(event.clone()));
    driver.send(Message::Event(event));
    driver.wait(5000);
    driver.send(Message::Tick);
    assert!(driver.text().contains("frozen +2"), "{}", driver.text());
    assert_eq!(driver.state.generation, asked, "nothing is asked for meanwhile");
    driver.keys("f");
    assert!(!driver.text().contains("frozen"));
    assert!(driver.state.generation > asked);
}
