//! What a newcomer would stumble over: keys without an answer, ways out that are not shown, text
//! that is cut where there is room.

use crate::DeckOptions;
use crate::message::{Errand, Message};
use crate::state::{Screen, View};
use crate::tests::Driver;
use crate::types::DagId;
use crate::types::ask::{Answer, Request};
use crate::types::event::Event;

fn row(driver: &Driver, at: usize) -> String {
    driver.text().lines().nth(at).unwrap_or_default().to_owned()
}

#[test]
fn a_key_that_means_nothing_says_so_and_where_the_others_are() {
    let mut driver = Driver::new(80, 24);
    driver.keys("8~");
    assert_eq!(driver.said(), "`~` is no key here: ? lists those that are");
}

#[test]
fn every_view_can_be_gone_to_from_the_tabs_of_a_narrow_screen() {
    let mut driver = Driver::new(60, 16);
    let tabs = row(&driver, 1);
    assert!(tabs.starts_with(" [1 DAGs] 2 Runs  3 Assets") && tabs.ends_with(" 8"), "{tabs}");
    driver.keys("8");
    let tabs = row(&driver, 1);
    assert!(tabs.ends_with("[8 System]") && !tabs.contains('…'), "{tabs}");
}

#[test]
fn a_run_below_the_page_of_its_dag_names_the_dag_once() {
    let mut driver = Driver::new(100, 30);
    let name = "mlops_pipeline";
    driver.keys("jjjjj<enter>");
    assert!(row(&driver, 1).starts_with(" DAGs › mlops_pipeline › "), "{}", row(&driver, 1));
    let Screen::Run(run) = driver.screen().clone() else { panic!("a run") };
    driver.keys("<esc>");
    for below in [Screen::Dag(DagId::new(name)), Screen::Run(run.clone())] {
        driver.state.push(below);
        driver.state.push(Screen::Run(run.clone()));
        let crumbs = row(&driver, 1);
        assert_eq!(crumbs.matches(name).count(), 1, "{crumbs}");
        driver.keys("<esc><esc>");
    }
}

#[test]
fn a_form_always_says_how_to_get_out_and_shows_long_values() {
    for (width, height) in [(60, 16), (80, 24), (200, 60)] {
        let mut driver = Driver::new(width, height);
        driver.keys("jjjjjt");
        assert!(driver.text().trim_end().contains("esc back"), "{}", driver.text());
        assert!(driver.text().contains("all at their defaults"), "{}", driver.text());
        driver.keys("<right>");
        assert!(driver.text().contains("1 changed (*)"), "{}", driver.text());
    }
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjjt<tab><tab>");
    let long = "{\"max_depth\": 4, \"eta\": 0.25, \"rounds\": 900}";
    driver.keys("<backspace><backspace>");
    driver.send(Message::Paste(long.to_owned()));
    assert!(driver.text().contains(long), "{}", driver.text());
}

#[test]
fn the_fields_of_a_form_are_seen_in_the_smallest_window() {
    let mut driver = Driver::new(20, 5);
    driver.keys("jjjjjt");
    assert!(driver.text().contains("◂ iris ▸"), "{}", driver.text());
}

#[test]
fn a_plan_that_is_longer_than_its_room_can_be_read_to_its_end() {
    let mut driver = Driver::new(60, 16);
    driver.keys("5jP");
    assert!(driver.text().contains("more lines: pgdn"), "{}", driver.text());
    assert!(!driver.text().contains("pgup"));
    driver.keys("<pagedown><pagedown><pagedown><pagedown>");
    assert!(driver.text().contains("lines above: pgup"), "{}", driver.text());
    assert!(!driver.text().contains("pgdn"), "{}", driver.text());
    driver.keys("<pageup>");
    assert!(driver.text().contains("below: pgdn"), "{}", driver.text());
    driver.keys("<pageup><pageup><pageup><pageup>");
    assert!(!driver.text().contains("pgup"), "{}", driver.text());
}

#[test]
fn runs_can_be_told_apart_at_every_width() {
    for width in [80, 160, 200] {
        let mut driver = Driver::new(width, 30);
        driver.keys("2");
        let text = driver.text();
        let rows: Vec<&str> = text.lines().skip(4).take(4).collect();
        assert!(rows.iter().all(|row| !row.contains("T0") || !row.contains('…')), "{text}");
    }
}

#[test]
fn a_task_that_never_started_has_no_log_to_look_through() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjj<enter>GL");
    assert!(driver.text().contains("Not started"), "{}", driver.text());
    for key in ["/", "n", "}", "@", "s", "|"] {
        driver.keys(key);
        assert_eq!(driver.said(), "the task has not started: there is no log of it", "{key}");
        assert!(driver.state.prompt.is_none(), "{key}");
        driver.wait(20_000);
    }
}

#[test]
fn a_project_without_a_dag_says_how_to_have_one() {
    let mut driver = Driver::with(DeckOptions::default(), 80, 24, |request| match request {
        Request::ListDags => Some(Ok(Answer::Dags(Vec::new()))),
        Request::ListExperiments => Some(Ok(Answer::Experiments(Vec::new()))),
        Request::ListModels => Some(Ok(Answer::Models(Vec::new()))),
        _ => None,
    });
    let hints = row(&driver, 23);
    assert!(hints.contains("e edit") && !hints.contains("trigger"), "{hints}");
    for key in ["t", "p", "r", "d"] {
        driver.keys(key);
        assert_eq!(driver.said(), "there is no DAG yet: e opens dags.toml", "{key}");
    }
    for view in ["4", "5"] {
        driver.keys(view);
        let text = driver.text();
        assert!(text.contains("1, then e opens dags.toml"), "{text}");
        assert!(!text.contains("mlops_pipeline"), "{text}");
    }
}

#[test]
fn when_the_last_error_is_mended_the_deck_is_where_the_edit_began() {
    let mut driver = Driver::new(80, 24);
    let edited = |driver: &mut Driver, broken: bool| {
        driver.send(Message::HandedBack { errand: Errand::Edit, outcome: Ok(Some(0)) });
        driver.send(Message::Event(Event::DefinitionsChanged { broken }));
    };
    edited(&mut driver, true);
    assert_eq!(*driver.screen(), Screen::Definitions);
    edited(&mut driver, false);
    assert_eq!(*driver.screen(), Screen::Root(View::Dags));
    assert_eq!(driver.said(), "the edit is in force");
}
