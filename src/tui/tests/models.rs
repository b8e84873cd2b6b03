//! Models: the registry, versions compared, aliases moved.

use crate::DeckOptions;
use crate::message::Message;
use crate::state::{Screen, View};
use crate::tests::{Driver, key, snapshots};
use crate::types::Fault;
use crate::types::ask::Request;

snapshots! {
    models: "5j";
    model_version: "5jj<tab>";
    model_history: "5<tab><tab>";
    model_page: "5<enter>";
    model_compare: "5j<space><space>=";
    promote_dialog: "5jP";
    promote_failed_gate: "5jjjjP";
    rollback_dialog: "5R";
}

#[test]
fn promoting_shows_the_difference_and_takes_the_name_typed() {
    let mut driver = Driver::new(100, 30);
    driver.keys("5jP");
    let text = driver.text();
    for part in [
        "- production v3",
        "+ production v4",
        "✓ decide: accuracy 0.9267 >= 0.75 ✓",
        "better",
        "worse",
        "learning_rate",
        "starts model_serving_pipeline",
        "10 %, 50 %, 100 % of the requests",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    driver.keys("iri<enter>");
    assert!(driver.mutations.is_empty());
    assert!(driver.said().contains("type iris to confirm"), "{}", driver.said());
    driver.keys("s<ctrl-y><enter>");
    assert_eq!(driver.copied, ["dagdeck models promote iris 4 --alias production"]);
    assert!(matches!(
        &driver.mutations[..],
        [Request::Promote { version: 4, expected_current: Some(3), alias, reason: None, .. }]
            if alias == "production"
    ));
    assert!(driver.said().contains("production of iris stands at v4"), "{}", driver.said());
}

#[test]
fn a_version_that_failed_a_gate_needs_a_reason() {
    let mut driver = Driver::new(100, 30);
    driver.keys("5jjjjP");
    assert!(driver.text().contains("✗ decide"), "{}", driver.text());
    driver.keys("iris<enter>");
    assert!(driver.mutations.is_empty());
    assert!(driver.said().contains("a gate failed"), "{}", driver.said());
    driver.keys("<shift-tab>the new one drifts<ctrl-s>");
    assert!(matches!(
        &driver.mutations[..],
        [Request::Promote { version: 1, reason: Some(reason), .. }] if reason == "the new one drifts"
    ));
}

#[test]
fn another_alias_can_be_chosen_and_is_looked_at_anew() {
    let mut driver = Driver::new(100, 30);
    driver.keys("5jP<shift-tab><shift-tab><ctrl-u>shadow");
    assert!(driver.text().contains("+ shadow v4"), "{}", driver.text());
    driver.keys("<ctrl-s>");
    assert!(driver.mutations.is_empty(), "the name is not typed");
    driver.keys("<tab><tab>iris<enter>");
    assert!(matches!(&driver.mutations[..], [Request::Promote { alias, .. }] if alias == "shadow"));
}

#[test]
fn a_key_held_down_confirms_nothing() {
    let mut driver = Driver::new(100, 30);
    driver.keys("5j");
    for name in ["P", "enter", "enter"] {
        let event = match name {
            "P" => crossterm::event::KeyEvent::new(
                crossterm::event::KeyCode::Char('P'),
                crossterm::event::KeyModifiers::NONE,
            ),
            name => key(name),
        };
        driver.wait(20);
        driver.send(Message::Key(event));
    }
    assert!(driver.is_asking());
    assert!(driver.mutations.is_empty());
}

#[test]
fn where_the_alias_stands_already_nothing_is_sent() {
    let mut driver = Driver::new(100, 30);
    driver.keys("5jjP");
    assert!(driver.text().contains("stands at v3 already"), "{}", driver.text());
    driver.keys("iris<enter>");
    assert!(driver.mutations.is_empty());
}

#[test]
fn a_rollback_says_what_it_expects_to_stand_there() {
    let mut driver = Driver::new(200, 60);
    driver.keys("5Riris<enter>");
    assert!(matches!(driver.mutations[..], [Request::Rollback { expected_current: Some(3), .. }]));
}

#[test]
fn a_refused_plan_says_why_and_lets_nothing_through() {
    let mut driver = Driver::with(DeckOptions::default(), 100, 30, |request| match request {
        Request::PlanRollback { .. } => {
            Some(Err(Fault::conflict("there is no version before 1").hint("promote another")))
        }
        _ => None,
    });
    driver.keys("5R");
    assert!(driver.text().contains("there is no version before 1 (promote another)"));
    driver.keys("iris<enter>");
    assert!(driver.mutations.is_empty());
}

#[test]
fn two_versions_are_compared_only_where_they_differ_or_in_all() {
    let mut driver = Driver::new(100, 30);
    driver.keys("5jjj<space><space>=");
    assert!(
        matches!(driver.screen(), Screen::Compare(left, right) if (left.1, right.1) == (1, 2)),
        "{:?}",
        driver.screen()
    );
    let text = driver.text();
    assert!(text.contains("▼ worse") && text.contains("▲ better"), "{text}");
    assert!(!text.contains("learning_rate"), "it is the same in both: {text}");
    driver.keys("Dyy");
    assert!(driver.text().contains("learning_rate"));
    assert_eq!(driver.copied, ["dagdeck models compare iris 1 2"]);
    driver.keys("<esc>");
    assert_eq!(*driver.screen(), Screen::Root(View::Models));
    assert!(driver.text().contains("2 marked"));
}

#[test]
fn one_version_is_compared_with_production() {
    let mut driver = Driver::new(80, 24);
    driver.keys("5j=");
    assert!(matches!(driver.screen(), Screen::Compare(left, right) if (left.1, right.1) == (3, 4)));
}

#[test]
fn models_open_and_close_and_lead_to_runs_data_and_server() {
    let mut driver = Driver::new(80, 24);
    driver.keys("5h");
    assert!(driver.text().contains("▸ iris"), "{}", driver.text());
    driver.keys("lj<enter>");
    assert!(matches!(driver.screen(), Screen::Model(name) if name == "iris"));
    driver.keys("<enter>");
    assert!(matches!(driver.screen(), Screen::TrackingRun(_)));
    driver.keys("<esc>gr");
    assert!(matches!(driver.screen(), Screen::Run(key) if key.dag_run_id.as_str() == "manual__4"));
    driver.keys("<esc>gd");
    assert!(matches!(driver.screen(), Screen::Dag(id) if id.as_str() == "mlops_pipeline"));
    driver.keys("<esc>ga");
    assert!(driver.said().contains("bears no alias"), "{}", driver.said());
    driver.keys("jga");
    assert!(matches!(driver.screen(), Screen::Asset(name) if name.as_str() == "production_model"));
    driver.keys("<esc>gx");
    assert_eq!(*driver.screen(), Screen::Root(View::Serving));
}

#[test]
fn a_model_that_cannot_be_fetched_says_why() {
    let mut driver = Driver::with(DeckOptions::default(), 100, 30, |request| match request {
        Request::ShowModel { .. } => Some(Err(Fault::unavailable("the store does not answer"))),
        _ => None,
    });
    driver.keys("5");
    assert!(driver.text().contains("the store does not answer"), "{}", driver.text());
}
