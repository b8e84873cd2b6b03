//! Runs across DAGs: what the daemon is asked for, pages, what is done to many.

use crate::DeckOptions;
use crate::sample;
use crate::tests::{Driver, snapshots};
use crate::types::DagRunState;
use crate::types::ask::{Answer, Request};
use crate::types::state::DagRunType;

/// Runs enough for three pages; with a word, one that no column shows.
fn many(request: &Request) -> Option<Result<Answer, crate::types::Fault>> {
    let Request::ListRuns { state, only, limit, offset, .. } = request else { return None };
    let one = |n: u32| {
        let mut run = sample::run("etl_example", &format!("manual__{n}"), DagRunState::Success);
        run.run_type = DagRunType::Manual;
        run
    };
    if *state == Some(DagRunState::Failed) {
        let run = sample::run("etl_example", "failed_one", DagRunState::Failed);
        return Some(Ok(Answer::Runs { runs: vec![run], total: 1 }));
    }
    if only.words == ["hidden"] {
        return Some(Ok(Answer::Runs { runs: vec![one(7777)], total: 1 }));
    }
    if !only.words.is_empty() || only.run_type.is_some() {
        return Some(Ok(Answer::Runs { runs: vec![], total: 0 }));
    }
    let last = (offset + limit).min(700);
    Some(Ok(Answer::Runs { runs: (*offset..last).map(one).collect(), total: 700 }))
}

fn driver() -> Driver {
    let mut driver = Driver::with(DeckOptions::default(), 100, 30, many);
    driver.keys("2");
    driver
}

snapshots! {
    runs: "2j";
    dag_page: "jjjjjd";
}

#[test]
fn what_no_column_shows_is_found_by_the_daemon() {
    let mut driver = driver();
    driver.keys("/hidden<enter>");
    assert!(driver.text().contains("manual__7777"), "{}", driver.text());
    driver.keys("<esc>/type:backfill<enter>");
    assert!(driver.text().contains("No run passes the filter"), "{}", driver.text());
    driver.keys("<esc>/hidden !7777<enter>");
    assert!(driver.text().contains("No run passes the filter"), "{}", driver.text());
}

#[test]
fn shift_a_shows_only_those_that_failed_and_escape_all_again() {
    let mut driver = driver();
    driver.keys("A");
    assert!(driver.text().contains("failed_one") && driver.text().contains("only failed ones"));
    driver.keys("<esc>");
    assert!(!driver.text().contains("failed_one"));
}

#[test]
fn more_pages_are_asked_for_as_the_cursor_goes_down() {
    let mut driver = driver();
    assert_eq!(crate::rows::keys(&driver.state, driver.state.level()).len(), 300);
    driver.keys("G");
    assert_eq!(crate::rows::keys(&driver.state, driver.state.level()).len(), 600);
    driver.keys("GG");
    assert_eq!(crate::rows::keys(&driver.state, driver.state.level()).len(), 700);
    assert_eq!(driver.state.level().pages, 3);
}

#[test]
fn of_many_runs_their_number_is_typed_before_something_is_done_to_them() {
    let mut driver = driver();
    driver.keys("*c");
    assert!(driver.text().contains("type 300 runs to go on"), "{}", driver.text());
    driver.keys("<ctrl-s>");
    assert!(driver.mutations.is_empty());
    assert_eq!(driver.said(), "type 300 runs to confirm");
    driver.keys("<shift-tab><shift-tab>");
    for _ in 0..12 {
        let Some(crate::state::Popup::Sheet(sheet)) = &driver.state.popup else { panic!() };
        if sheet.fields.get(sheet.focus).is_some_and(|field| field.name == "confirm") {
            break;
        }
        driver.keys("<tab>");
    }
    driver.keys("300 runs<ctrl-s>");
    assert_eq!(driver.mutations.len(), 1);
}

#[test]
fn tab_turns_the_parts_of_a_definition_over() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjjd");
    assert!(driver.text().contains("every day at 02:00"), "{}", driver.text());
    driver.keys("<tab>");
    assert!(driver.text().contains("what to learn from"), "{}", driver.text());
    driver.keys("<tab>");
    assert!(driver.text().contains("beats the champion"), "{}", driver.text());
    driver.keys("<shift-tab><shift-tab>");
    assert!(driver.text().contains("every day at 02:00"), "{}", driver.text());
}
