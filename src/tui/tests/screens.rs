//! Each view and each dialog at every size.

use crate::message::Message;
use crate::sample;
use crate::tests::{Driver, nothing, snapshots};
use crate::types::Fault;
use crate::types::ask::{Answer, Request};
use crate::{Colours, DeckOptions};

snapshots! {
    run_graph: "jjjjj<enter><tab>";
    run_log: "jjjjj<enter><tab><tab>";
    task_details: "jjjjj<enter>i";
    experiments: "4";
    experiment_runs: "4<enter>";
    experiment_unfolded: "4<enter>jjjl";
    trials: "4<enter>jjjt";
    trials_given: "4<enter>jjjt<tab>";
    logged_models: "4m";
    logged_model: "4m<enter>";
    register_logged: "4mjr";
    delete_logged: "4mjD";
    tracking_run: "4<enter><enter>";
    tracking_run_charts: "4<enter><enter><tab>hhh";
    tracking_run_model: "4<enter><enter><tab><tab>";
    compare_runs: "4<enter><space><space><space>=";
    compare_charts: "4<enter><space><space><space>=D<tab>Xs";
    serving: "6";
    serving_drift: "6<enter>";
    serving_drift_answers: "6<enter>j";
    events: "7";
    system: "8";
    help: "?";
    approvals: "a";
    versions: "jV";
    version_diff: "jV<enter>";
    backfills: "jB";
    backfill_page: "jB<enter>";
    pause_backfill_dialog: "jB<enter>p";
    cancel_backfill_dialog: "jB<enter>x";
    palette: ":tri";
    operations: "go";
    operation_page: "go<enter>";
    command_log: "pygc";
    tour: ":tour<enter>";
    event_rail: "2E";
    try_it: "6i";
    connection_dialog: "8GG<enter>";
    run_in_full: "2i";
    dags: "";
    dags_filtered: "/data !paused<enter>";
    dag_definition: "d";
    runs_list: "2";
    run_tasks: "jjjjj<enter>";
    run_failed: "2j<enter>";
    clear_dialog: "jjjjj<enter>c";
    trigger_form: "jjjjjt";
    runs_columns: "4<enter>W";
    runs_mistake: "4<enter>/metrics.accuracy > x";
    run_mapped: "jjjjjj<enter>";
    run_mapped_open: "jjjjjj<enter><enter>jjj";
    run_mapped_graph: "jjjjjj<enter><tab>";
    why_task: "jjjjjj<enter>Gkw";
    mark_dialog: "jjjjj<enter>m";
    note_dialog: "jjjjj<enter>n";
    delete_dialog: "2jD";
    undo_dialog: "2u";
    runs_marked: "2<space><space>";
    bulk_clear_dialog: "2<space><space>c";
    approval_dialog: "a<enter>";
    backfill_dialog: "jb";
    pool_dialog: "8<enter>";
    variable_dialog: "8jj<enter>";
    prune_dialog: "8P";
    cancel_dialog: "2<space><space>x";
    pause_dialog: "p";
    leave_dialog: "q";
    chord: "jg";
    sort_menu: "S";
    copy_menu: "2y";
    every_key: ":keys<enter>";
    columns_menu: "W";
}

#[test]
fn a_form_with_a_problem_shows_it_on_its_field() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjjjjt<right><tab><tab><tab>999");
    insta::assert_snapshot!(driver.text());
}

#[test]
fn the_first_screen_without_colours_and_in_ascii() {
    let options = DeckOptions { ascii: true, colours: Colours::None, ..DeckOptions::default() };
    let driver = Driver::with(options, 80, 24, |_| None);
    let text = driver.text();
    assert!(text.is_ascii());
    insta::assert_snapshot!(text);
}

#[test]
fn a_broken_edit_is_told_on_every_screen_and_its_place_is_drawn() {
    let mut driver = Driver::with(DeckOptions::default(), 80, 24, |request| match request {
        Request::Definitions => Some(Ok(Answer::Definitions(sample::broken_definitions()))),
        _ => None,
    });
    insta::assert_snapshot!("broken_banner", driver.text());
    driver.keys("ge");
    insta::assert_snapshot!("broken_drawing", driver.text());
}

#[test]
fn a_daemon_that_is_gone_leaves_the_screen_usable() {
    let mut driver = Driver::new(80, 24);
    driver.send(Message::LinkDown);
    driver.wait(12_000);
    driver.send(Message::Tick);
    driver.keys("j");
    insta::assert_snapshot!(driver.text());
}

#[test]
fn a_new_deck_says_what_would_be_where_and_how_to_get_it() {
    let mut driver = Driver::with(DeckOptions::default(), 80, 24, nothing);
    for (digit, words) in [
        ("1", "No DAGs yet"),
        ("2", "No runs yet"),
        ("3", "No assets here"),
        ("4", "No experiments yet"),
        ("5", "No registered models yet"),
        ("7", "Nothing has happened yet"),
        ("8", "dags.toml or the command line sets them"),
        ("a", "Nobody waits for an answer"),
    ] {
        driver.keys(digit);
        assert!(driver.text().contains(words), "{}", driver.text());
    }
}

#[test]
fn what_cannot_be_fetched_says_why() {
    let mut driver = Driver::with(DeckOptions::default(), 80, 24, |request| match request {
        Request::ListModels => Some(Err(Fault::unavailable("the store does not answer"))),
        _ => None,
    });
    driver.keys("5");
    assert!(driver.text().contains("the store does not answer"));
    assert!(driver.text().contains("ctrl-l asks again"));
}

#[test]
fn two_panes_from_120_columns_and_the_smallest_terminal() {
    let mut driver = Driver::new(120, 30);
    driver.keys("jjjjj<enter>");
    insta::assert_snapshot!("run_120x30", driver.text());
    for (name, keys) in
        [("dags_60x16", ""), ("run_60x16", "jjjjj<enter>"), ("form_60x16", "jjjjjt")]
    {
        let mut driver = Driver::new(60, 16);
        driver.keys(keys);
        insta::assert_snapshot!(name, driver.text());
    }
}
