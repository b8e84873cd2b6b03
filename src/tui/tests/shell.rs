//! The shell of keys: chords, the history of places.

use crate::DeckOptions;
use crate::state::{Screen, View};
use crate::tests::Driver;
use crate::types::DagRunId;
use crate::types::ask::{Answer, Request};
use crate::{rows, sample};

#[test]
fn a_chord_shows_how_it_goes_on_and_esc_or_a_stranger_gives_it_up() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjg");
    let text = driver.text();
    assert!(text.contains("g …") && text.contains("the runs of the DAG"), "{text}");
    driver.keys("<esc>");
    assert!(!driver.text().contains("g …"));
    assert_eq!(*driver.screen(), Screen::Root(View::Dags), "esc only gave up the chord");
    driver.keys("gq");
    assert_eq!(driver.said(), "`g q` is no key here");
    assert!(!driver.has_quit);
    driver.keys("gr");
    assert!(matches!(driver.screen(), Screen::DagRuns(_)));
    driver.keys("<esc>gg");
    assert_eq!(driver.state.level().index, 0);
}

#[test]
fn brackets_go_through_the_places_that_led_here() {
    let mut driver = Driver::new(80, 24);
    driver.keys("[");
    assert_eq!(driver.said(), "this is where you began");
    driver.keys("jr<esc>3j<enter>");
    let asset = driver.screen().clone();
    driver.keys("[");
    assert_eq!(*driver.screen(), Screen::Root(View::Assets));
    assert_eq!(driver.state.level().index, 1, "as it was left");
    driver.keys("[[");
    assert!(matches!(driver.screen(), Screen::DagRuns(_)));
    driver.keys("[");
    assert_eq!(*driver.screen(), Screen::Root(View::Dags));
    driver.keys("]]]]");
    assert_eq!(*driver.screen(), asset);
    driver.keys("]");
    assert_eq!(driver.said(), "there is nothing further on");
    driver.keys("-");
    assert_eq!(*driver.screen(), Screen::Root(View::Dags));
    driver.keys("-");
    assert_eq!(*driver.screen(), asset);
}

#[test]
fn a_read_only_deck_says_so_where_a_key_would_change_something() {
    let options = DeckOptions { read_only: true, ..DeckOptions::default() };
    let mut driver = Driver::with(options, 80, 24, |_| None);
    driver.keys("t");
    assert_eq!(driver.said(), "this deck is read-only");
    assert_eq!(*driver.screen(), Screen::Root(View::Dags));
}

#[test]
fn ctrl_q_leaves_at_once_from_anywhere() {
    let mut driver = Driver::new(80, 24);
    driver.keys("j<enter><ctrl-q>");
    assert!(driver.has_quit);
}

fn dags(driver: &Driver) -> Vec<String> {
    rows::keys(&driver.state, driver.state.level())
}

#[test]
fn s_sorts_the_list_and_the_order_is_kept() {
    let mut driver = Driver::new(200, 60);
    let as_it_comes = dags(&driver);
    driver.keys("S");
    let text = driver.text();
    assert!(text.contains("Sort by") && text.contains("n   name"), "{text}");
    driver.keys("n");
    let mut sorted = as_it_comes.clone();
    sorted.sort();
    assert_eq!(dags(&driver), sorted);
    assert!(driver.text().contains("· sort name↑"), "{}", driver.text());
    driver.keys("2g1");
    driver.keys("<esc>1Sn");
    sorted.reverse();
    assert_eq!(dags(&driver), sorted, "again is the other way round");
    driver.keys("S<esc>");
    assert_eq!(dags(&driver), sorted);
    driver.keys("Sn");
    assert_eq!(dags(&driver), as_it_comes);
}

#[test]
fn the_cursor_stays_on_its_row_when_the_list_is_sorted() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jS");
    driver.keys("n");
    assert_eq!(driver.state.level().selected.as_deref(), Some("etl_example"));
    driver.keys("j");
    assert_eq!(driver.state.level().selected.as_deref(), Some("minio_consumer"));
}

#[test]
fn w_chooses_columns_more_than_one_in_a_row() {
    let mut driver = Driver::new(200, 60);
    assert!(driver.text().contains("SCHEDULE") && !driver.text().contains("OWNER"));
    driver.keys("W");
    assert!(driver.text().contains("Columns"));
    driver.keys("sw<esc>");
    assert!(!driver.text().contains("SCHEDULE") && driver.text().contains("OWNER"));
    driver.keys("Ws<esc>");
    assert!(driver.text().contains("SCHEDULE"));
}

#[test]
fn slash_again_recalls_the_last_filter_and_columns_are_filtered_by_name() {
    let mut driver = Driver::new(200, 60);
    driver.keys("//");
    assert_eq!(driver.said(), "this list had no filter yet");
    driver.keys("schedule:daily !~etl<enter>");
    assert!(
        driver.text().contains("DAGs 2 of 8 · filter schedule:daily !~etl"),
        "{}",
        driver.text()
    );
    driver.keys("<esc>");
    assert_eq!(dags(&driver).len(), 8);
    driver.keys("//<enter>");
    assert_eq!(dags(&driver).len(), 2);
}

#[test]
fn v_marks_the_rows_from_here_to_where_the_cursor_goes() {
    let mut driver = Driver::new(80, 24);
    driver.keys("2jvjj");
    assert_eq!(driver.state.level().marks.len(), 3);
    driver.keys("k");
    assert_eq!(driver.state.level().marks.len(), 2);
    driver.keys("vG");
    assert_eq!(driver.state.level().marks.len(), 2, "ended");
    driver.keys("<esc>");
    assert!(driver.state.level().marks.is_empty());
    driver.keys("ggv<esc>j");
    assert!(driver.state.level().marks.is_empty(), "esc gives it up");
}

#[test]
fn what_is_small_is_asked_on_one_row_that_names_it() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jp");
    let text = driver.text();
    let row = text.lines().find(|line| line.contains("? Pause etl_example?"));
    assert!(row.is_some_and(|row| row.contains("y yes") && row.contains("n no")), "{text}");
    driver.keys("<enter>");
    assert!(driver.mutations.is_empty(), "enter is No");
}

#[test]
fn a_pause_is_undone_and_done_again() {
    let mut driver = Driver::new(80, 24);
    driver.keys("<ctrl-r>");
    assert_eq!(driver.said(), "nothing that this deck did was undone");
    driver.keys("jpyu");
    assert!(driver.text().contains("Undo: Unpause etl_example?"), "{}", driver.text());
    driver.keys("y<ctrl-r>");
    assert!(driver.text().contains("Redo: Pause etl_example?"), "{}", driver.text());
    driver.keys("y");
    let set: Vec<bool> = driver
        .mutations
        .iter()
        .map(|request| matches!(request, Request::SetPaused { is_paused: true, .. }))
        .collect();
    assert_eq!(set, [true, false, true]);
}

#[test]
fn what_touches_many_takes_their_number_typed() {
    let mut driver = Driver::with(DeckOptions::default(), 80, 24, |request| {
        let Request::ListRuns { .. } = request else { return None };
        let Ok(Answer::Runs { runs, .. }) = sample::answer(request) else { return None };
        let first = runs.first()?.clone();
        let runs: Vec<_> = (0..25)
            .map(|at| {
                let mut run = first.clone();
                run.dag_run_id = DagRunId::from(format!("manual__{at}"));
                run
            })
            .collect();
        let total = 25;
        Some(Ok(Answer::Runs { runs, total }))
    });
    driver.keys("2*c");
    driver.keys("<ctrl-s>");
    assert!(driver.mutations.is_empty());
    assert_eq!(driver.said(), "type 25 runs to confirm");
    driver.keys("<shift-tab><shift-tab><shift-tab>25 runs<ctrl-s>");
    assert_eq!(driver.mutations.len(), 1);
}
