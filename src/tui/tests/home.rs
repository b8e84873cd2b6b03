//! The first screen: what it shows at each size, and what its keys do.

use crate::DeckOptions;
use crate::sample;
use crate::state::{Pane, Popup, Screen, View};
use crate::tests::{Driver, snapshots};
use crate::types::Fault;
use crate::types::ask::{Answer, Request};

snapshots! {
    home: "jjjjj";
    attention: "A";
}

#[test]
fn tab_goes_into_the_box_and_enter_opens_the_very_thing() {
    let mut driver = Driver::new(100, 30);
    driver.keys("<tab><enter>");
    let Screen::Run(key) = driver.screen() else { panic!("{:?}", driver.screen()) };
    assert_eq!(key.dag_id.as_str(), "etl_example");
    driver.keys("<esc>j<enter>");
    assert!(
        matches!(driver.screen(), Screen::Run(key) if key.dag_run_id.as_str() == "manual__now")
    );
    assert_eq!(driver.state.level().selected.as_deref(), Some("train"));
    driver.keys("<esc>j<enter>");
    assert!(matches!(driver.screen(), Screen::Dag(id) if id.as_str() == "minio_producer"));
    driver.keys("<esc>j<enter>");
    assert!(matches!(driver.screen(), Screen::AssetWhy(name) if name.as_str() == "lake_readings"));
    driver.keys("<esc>j<enter>");
    assert_eq!(*driver.screen(), Screen::Root(View::System));
    driver.keys("1<tab><esc>j");
    assert!(!driver.state.home.is_in_box);
    assert_eq!(driver.state.level().selected.as_deref(), Some("etl_example"));
}

#[test]
fn in_the_box_c_clears_w_says_why_and_shift_l_opens_the_log() {
    let mut driver = Driver::new(100, 30);
    driver.keys("<tab>c");
    assert!(driver.text().contains("Clear what failed of etl_example"), "{}", driver.text());
    driver.keys("<esc>w");
    assert!(matches!(driver.state.popup, Some(Popup::Why { .. })));
    driver.keys("<esc>L");
    assert!(matches!(driver.screen(), Screen::Run(_)));
    assert_eq!(driver.state.level().pane, Pane::Log);
    driver.keys("<esc>yy");
    assert_eq!(
        driver.copied.last().unwrap(),
        "dagdeck runs clear etl_example 'scheduled__2026-03-02T09:00:00+00:00'"
    );
    driver.keys("jc");
    assert!(!driver.is_asking());
    assert!(driver.said().contains("only a failed run"), "{}", driver.said());
}

#[test]
fn a_stale_asset_is_told_with_its_cause_and_leads_to_the_way_from_the_root() {
    let mut driver = Driver::new(200, 60);
    assert!(driver.text().contains("stale: `minio_producer` failed"), "{}", driver.text());
    for key in ["<enter>", "w"] {
        driver.keys("A/rfm<enter>");
        driver.keys(key);
        assert!(driver.text().contains("at task `write`: exit code 1"), "{}", driver.text());
        driver.keys("<enter>");
        assert!(
            matches!(driver.screen(), Screen::Run(key) if key.dag_id.as_str() == "minio_producer")
        );
        driver.keys("<esc><esc>yy");
        assert_eq!(driver.copied.last().unwrap(), "dagdeck assets why lake_readings");
        driver.keys("<esc><esc>");
    }
}

#[test]
fn where_the_way_is_not_known_yet_or_is_refused_its_page_says_so() {
    let mut driver = Driver::with(DeckOptions::default(), 100, 30, |request| match request {
        Request::ExplainAsset { .. } => Some(Err(Fault::not_found("there is no such asset"))),
        _ => None,
    });
    driver.keys("A/rfm<enter><enter>");
    assert!(driver.text().contains("there is no such asset"), "{}", driver.text());
    driver.keys("<esc>");
    assert_eq!(*driver.screen(), Screen::Attention);
}

#[test]
fn where_there_is_no_room_for_the_box_a_line_counts_and_both_keys_open_the_list() {
    for key in ["A", "<tab>"] {
        let mut driver = Driver::new(80, 24);
        assert!(driver.text().contains("✗1 !4 ?1"), "{}", driver.text());
        driver.keys(key);
        assert_eq!(*driver.screen(), Screen::Attention);
        driver.keys("/lake:<enter><enter>");
        assert_eq!(*driver.screen(), Screen::Root(View::System));
    }
}

#[test]
fn where_nothing_needs_attention_nothing_takes_room_for_it() {
    let mut driver = Driver::with(DeckOptions::default(), 100, 30, |request| match request {
        Request::ListAttention => Some(Ok(Answer::Attention(vec![]))),
        _ => None,
    });
    assert!(!driver.text().contains("Needs attention"));
    driver.keys("<tab>");
    assert_eq!(driver.said(), "nothing needs attention");
    driver.keys("A");
    assert!(driver.text().contains("Nothing needs attention"));
}

#[test]
fn a_read_only_deck_offers_no_clear() {
    let options = DeckOptions { read_only: true, ..DeckOptions::default() };
    let mut driver = Driver::with(options, 100, 30, |_| None);
    assert!(!driver.text().contains("c clear"));
    driver.keys("<tab>c");
    assert!(!driver.is_asking());
}

#[test]
fn a_thousand_dags_move_without_a_wait() {
    let mut driver = Driver::with(DeckOptions::default(), 200, 60, |request| match request {
        Request::ListDags => Some(Ok(Answer::Dags(sample::many_dags(1000)))),
        _ => None,
    });
    driver.keys("G");
    assert_eq!(driver.state.level().selected.as_deref(), Some("dag_0999"));
    driver.keys("/dag_05 !dag_050<enter>");
    assert!(driver.text().contains("DAGs 90 of 1000"), "{}", driver.text());
}
