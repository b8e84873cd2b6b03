//! What keys do to runs, tasks and settings: each says first what it touches.

use crate::DeckOptions;
use crate::message::Message;
use crate::state::Screen;
use crate::tests::{Driver, key};
use crate::types::ask::{Answer, Request};
use crate::types::operation::{NoteEdit, Operation};
use crate::types::view::DagVersionView;
use crate::types::{DagRunState, Fault, TaskInstanceState};

/// Returns the one operation that was asked for.
fn operation(driver: &Driver) -> (&Operation, usize) {
    match driver.mutations.as_slice() {
        [Request::Operate { operation, runs, dry_run: false }] => (operation, runs.len()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn clearing_says_what_it_touches_before_it_is_done() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjj<enter>c");
    let text = driver.text();
    for part in ["Clear train?", "3 tasks, 1 run", "decide", "failed → waiting", "--downstream"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(driver.mutations.is_empty(), "a dry run changes nothing");
    driver.keys("<space><tab><space>y");
    let (Operation::ClearTasks(clear), 1) = operation(&driver) else { panic!() };
    assert!(clear.reach.include_upstream && !clear.reach.include_downstream);
    assert_eq!(clear.tasks[0].task_id.as_str(), "train");
    assert!(driver.said().contains("u takes it back"), "{}", driver.said());
}

#[test]
fn a_form_is_deaf_for_a_moment_and_escape_leaves_everything_as_it_is() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjj<enter>c");
    driver.send(Message::Key(key("ctrl-s")));
    driver.keys("<esc>");
    assert!(!driver.is_asking());
    driver.keys("c");
    driver.state.popup.as_ref().expect("it is open again");
    driver.keys("n");
    assert!(!driver.is_asking());
    assert!(driver.mutations.is_empty());
}

#[test]
fn an_element_of_a_mapped_task_is_cleared_alone_and_the_row_of_all_as_a_whole() {
    let mut driver = Driver::new(200, 60);
    driver.keys("jjjjjj<enter><enter>jcy");
    let (Operation::ClearTasks(clear), _) = operation(&driver) else { panic!() };
    assert_eq!(clear.tasks[0].map_indexes, [3]);
    driver.mutations.clear();
    driver.keys("kcy");
    let (Operation::ClearTasks(clear), _) = operation(&driver) else { panic!() };
    assert_eq!(clear.tasks[0].task_id.as_str(), "ingest.parse");
    assert!(clear.tasks[0].map_indexes.is_empty());
}

#[test]
fn marked_runs_are_cleared_together_and_the_marks_are_gone_then() {
    let mut driver = Driver::new(80, 24);
    driver.keys("2<space><space>");
    assert!(driver.text().contains("2 marked"));
    driver.keys("cy");
    assert_eq!(operation(&driver).1, 2);
    assert!(driver.state.level().marks.is_empty());
    driver.keys("*<esc>");
    assert!(driver.state.level().marks.is_empty(), "escape clears them");
}

#[test]
fn marked_runs_are_cancelled_one_by_one_without_those_that_have_ended() {
    let mut driver = Driver::new(80, 24);
    driver.keys("2*x");
    assert!(driver.text().contains("Cancel 2 runs?"), "{}", driver.text());
    driver.keys("<enter>");
    assert!(driver.mutations.is_empty(), "Cancel has the focus first");
    driver.keys("xy");
    assert_eq!(driver.mutations.len(), 2);
    assert!(driver.mutations.iter().all(|ask| matches!(ask, Request::CancelRun { .. })));
}

#[test]
fn a_task_and_a_run_are_marked() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjj<enter>m<right><right><ctrl-s>");
    let (Operation::MarkTasks(mark), _) = operation(&driver) else { panic!() };
    assert_eq!(mark.state, TaskInstanceState::Skipped);
    let mut driver = Driver::new(80, 24);
    driver.keys("2jm<right>y");
    let (Operation::MarkRuns { state }, _) = operation(&driver) else { panic!() };
    assert_eq!(*state, DagRunState::Failed);
}

#[test]
fn a_note_is_written_on_the_task_or_on_its_run() {
    let note = NoteEdit { text: "odd day".into(), append: false };
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjj<enter>nodd day<ctrl-s>");
    assert!(matches!(operation(&driver).0, Operation::NoteTasks { note: n, .. } if *n == note));
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjj<enter>nodd day<tab><tab><right><ctrl-s>");
    assert!(matches!(operation(&driver).0, Operation::NoteRuns { note: n } if *n == note));
}

#[test]
fn deleting_takes_the_name_typed() {
    let mut driver = Driver::new(80, 24);
    driver.keys("2jDetl<enter>");
    assert!(driver.mutations.is_empty());
    assert!(driver.said().contains("type etl_example"), "{}", driver.said());
    driver.keys("_example<enter>");
    assert_eq!(*operation(&driver).0, Operation::DeleteRuns);
}

#[test]
fn undoing_says_what_it_takes_back() {
    let mut driver = Driver::new(80, 24);
    driver.keys("2u");
    assert!(driver.text().contains("marked 1 run of etl_example success"), "{}", driver.text());
    driver.keys("y");
    assert!(matches!(driver.mutations[..], [Request::Undo { id: Some(5) }]));
}

#[test]
fn where_there_is_nothing_to_undo_nothing_is_asked() {
    let mut driver = Driver::with(DeckOptions::default(), 80, 24, |request| match request {
        Request::ListOperations { .. } => Some(Ok(Answer::Operations(vec![]))),
        _ => None,
    });
    driver.keys("2uy");
    assert!(driver.mutations.is_empty());
    assert!(driver.said().contains("nothing to undo"));
}

#[test]
fn a_refused_dry_run_is_told_and_holds_the_button() {
    let mut driver = Driver::with(DeckOptions::default(), 80, 24, |request| match request {
        Request::Operate { .. } => Some(Err(Fault::conflict("the run is being pruned"))),
        _ => None,
    });
    driver.keys("jjjjj<enter>c");
    assert!(driver.text().contains("the run is being pruned"));
    driver.keys("y");
    assert!(driver.mutations.is_empty());
}

#[test]
fn why_tells_reasons_and_remedies_and_its_command_is_copied() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjjj<enter>Gkw");
    let text = driver.text();
    assert!(text.contains("waits for ingest.parse") && text.contains("→ clear"), "{text}");
    driver.keys("y<esc>");
    assert!(driver.copied[0].starts_with("dagdeck why nightly_scoring"), "{:?}", driver.copied);
    assert!(driver.copied[0].ends_with(" score"));
}

#[test]
fn a_question_is_answered_with_its_form_from_the_list_and_from_its_task() {
    let mut driver = Driver::new(80, 24);
    assert!(driver.text().contains("? 1 approval (a)"));
    driver.keys("a<enter><right><tab>5<tab>looks good<ctrl-s>");
    let [Request::AnswerApproval(answer)] = driver.mutations.as_slice() else {
        panic!("{:?}", driver.mutations);
    };
    assert_eq!(answer.chosen_options, ["Approve"]);
    assert_eq!(answer.params_input["share"], 0.15);
    assert_eq!(answer.params_input["reason"], "looks good");
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjjj<enter>Gkka");
    assert!(driver.text().contains("Publish the scores?") && driver.is_asking());
}

#[test]
fn two_versions_are_compared_those_marked_or_the_selected_with_the_one_before() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jV<enter>");
    assert_eq!(*driver.screen(), Screen::Diff("etl_example".into(), 2, 3));
    driver.keys("<esc><space>j<space><enter>");
    assert_eq!(*driver.screen(), Screen::Diff("etl_example".into(), 1, 3));
    driver.keys("yy");
    assert_eq!(driver.copied, ["dagdeck dags diff etl_example 1 3"]);
}

#[test]
fn the_first_version_has_nothing_before_it() {
    let mut driver = Driver::with(DeckOptions::default(), 80, 24, |request| match request {
        Request::ListDagVersions { dag_id, .. } => {
            Some(Ok(Answer::DagVersions(vec![DagVersionView {
                dag_id: dag_id.clone(),
                version_number: 1,
                dag_version: "3f9c1e".into(),
                created_at: crate::sample::now(),
                fileloc: "dags.toml".into(),
                line: 1,
            }])))
        }
        _ => None,
    });
    driver.keys("V");
    assert!(driver.text().contains("there is none before it"), "{}", driver.text());
}

#[test]
fn a_backfill_is_tried_begun_paused_and_cancelled() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jb");
    assert!(driver.text().contains("3 dates") && driver.text().contains("left out"));
    driver.keys("<ctrl-s>");
    let [Request::CreateBackfill(spec)] = driver.mutations.as_slice() else { panic!() };
    assert_eq!(spec.from_date, "2026-02-23T00:00:00Z".parse().unwrap());
    driver.mutations.clear();
    driver.keys("Bpyxy");
    assert!(matches!(
        driver.mutations[..],
        [
            Request::SetBackfillPaused { backfill_id: 2, is_paused: true },
            Request::CancelBackfill { backfill_id: 2 }
        ]
    ));
    driver.keys("jp");
    assert!(driver.said().contains("has ended already"));
}

#[test]
fn a_date_that_is_none_is_told_and_nothing_is_begun() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jb!<ctrl-s>");
    assert!(driver.mutations.is_empty());
    assert!(driver.said().contains("is no date"), "{}", driver.said());
}

#[test]
fn a_pools_slots_and_a_variable_are_set_and_a_connection_tried() {
    let mut driver = Driver::new(80, 24);
    driver.keys("8j<enter><right><ctrl-s>");
    assert!(matches!(&driver.mutations[..], [Request::SetPools { pools }] if pools[0].slots == 3));
    driver.mutations.clear();
    driver.keys("jj<enter>/x<enter>");
    assert!(matches!(&driver.mutations[..], [Request::SetVariables { variables }]
            if variables[0].value == "s3://lake/prod/x"));
    driver.keys("jjjT");
    assert_eq!(driver.mutations.len(), 1, "a test changes nothing");
    driver.keys("yy");
    assert_eq!(driver.copied, ["dagdeck connections get warehouse"]);
}
