//! Tracked runs and the model server: what keys do there.

use crate::message::Message;
use crate::state::Screen;
use crate::tests::Driver;
use crate::types::ask::{Answer, Request};
use crate::types::search;
use crate::types::serving::PredictionView;
use crate::{DeckOptions, rows};

fn runs(width: u16, height: u16) -> Driver {
    let mut driver = Driver::new(width, height);
    driver.keys("4<enter>");
    driver
}

fn names(driver: &Driver) -> Vec<String> {
    let level = driver.state.level();
    let Screen::Experiment(name) = &level.screen else { panic!("{:?}", level.screen) };
    rows::tracking_runs(&driver.state, level, name).iter().map(|run| run.run_name.clone()).collect()
}

#[test]
fn plain_words_filter_what_is_there_and_mlflows_language_asks_for_it() {
    let mut driver = runs(120, 30);
    assert_eq!(names(&driver).len(), 6);
    driver.keys("/random_forest<enter>");
    assert_eq!(names(&driver), ["random_forest-1", "random_forest-4"]);
    driver.keys("<esc>/metrics.accuracy > 0.9<enter>");
    assert_eq!(names(&driver).len(), 2);
    assert!(driver.text().contains("MLflow filter metrics.accuracy > 0.9"), "{}", driver.text());
    driver.keys("yy");
    assert_eq!(
        driver.copied.last().unwrap(),
        "dagdeck experiments runs iris --filter 'metrics.accuracy > 0.9'"
    );
}

#[test]
fn a_mistake_in_a_filter_is_told_under_its_place_while_it_is_typed() {
    let mut driver = runs(100, 30);
    driver.keys("/params.model = xgb");
    let text = driver.text();
    let last: Vec<&str> = text.lines().collect();
    let row = last.last().unwrap();
    assert!(row.contains("^ character 16"), "{text}");
    assert!(row.contains("in quotes: 'xgb'"), "{text}");
    // What is wrong filters nothing.
    assert_eq!(names(&driver).len(), 6);
    driver.keys("<esc>");
    assert!(!driver.text().contains("character 16"));
}

#[test]
fn the_order_of_runs_is_asked_for_and_the_best_has_a_star() {
    let mut driver = runs(200, 60);
    assert!(driver.text().contains("★"), "{}", driver.text());
    driver.state.lists.sort_by(rows::tracking::LIST, "metrics.log_loss", false);
    driver.send(Message::Tick);
    driver.keys("yy");
    let copied = driver.copied.last().unwrap();
    assert!(copied.contains("--order-by 'metrics.log_loss ASC'"), "{copied}");
    let best = driver.text().lines().find(|line| line.contains('★')).unwrap().to_owned();
    assert!(best.contains("random_forest-4") || best.contains("-5"), "{best}");
}

#[test]
fn pages_are_turned_and_end() {
    let mut driver = runs(120, 30);
    driver.keys(")");
    assert!(driver.text().contains("201–206 of 206"), "{}", driver.text());
    driver.keys(")");
    assert!(driver.said().contains("last page"));
    driver.keys("((");
    assert!(driver.said().contains("first page"));
}

#[test]
fn marked_runs_are_compared_by_their_differences_against_a_baseline() {
    let mut driver = runs(120, 30);
    driver.keys("=");
    assert!(driver.said().contains("mark two to five runs"));
    driver.keys("<space><space>=");
    let Screen::CompareRuns(ids) = driver.screen().clone() else { panic!() };
    assert_eq!(ids.len(), 2);
    let text = driver.text();
    assert!(text.contains("baseline") && text.contains("▼") && text.contains("★"), "{text}");
    assert!(text.contains("learning_rate"));
    driver.keys("D");
    assert!(!driver.text().contains("learning_rate"), "{}", driver.text());
    driver.keys("b");
    assert_eq!(driver.state.lab.baseline.as_ref(), Some(&ids[1]));
    driver.keys("yy");
    assert!(driver.copied.last().unwrap().ends_with("--only-differences"));
    driver.keys("<esc>b=");
    assert!(!driver.is_asking());
}

#[test]
fn charts_have_a_cursor_a_scale_and_a_zoom_that_escape_takes_back() {
    let mut driver = runs(120, 40);
    driver.keys("<enter><tab>hh");
    assert!(driver.text().contains("step "), "{}", driver.text());
    driver.keys("XlXs)");
    assert!(driver.text().contains("log scale · smoothed 0.6 · zoomed"), "{}", driver.text());
    driver.keys("<esc><esc>");
    assert!(!driver.text().contains("· zoomed"), "{}", driver.text());
    assert!(matches!(driver.screen(), Screen::TrackingRun(_)));
}

#[test]
fn a_runs_artifact_is_shown_and_its_maker_is_found() {
    let mut driver = runs(100, 30);
    driver.keys("<enter>");
    let keys = rows::keys(&driver.state, driver.state.level());
    let at = keys.iter().position(|key| key == "artifact roc_curve.json").unwrap();
    driver.keys(&"j".repeat(at));
    driver.keys("<enter>");
    assert!(matches!(driver.screen(), Screen::Artifact(_, path) if path == "roc_curve.json"));
    assert!(driver.text().contains("\"auc\": 1.0"), "{}", driver.text());
    driver.keys("<esc>gr");
    assert!(matches!(driver.screen(), Screen::Run(key) if key.dag_id.as_str() == "mlops_pipeline"));
}

#[test]
fn the_model_is_asked_from_its_form_and_the_answer_is_shown() {
    let mut driver = Driver::new(80, 24);
    driver.keys("6i");
    assert!(driver.is_asking());
    assert!(driver.text().contains("sepal_length"), "{}", driver.text());
    driver.keys("<right><ctrl-s>");
    let text = driver.text();
    assert!(text.contains("200 answered by iris v3 in 0.84 ms"), "{text}");
    assert!(text.contains("setosa 0.98"), "{text}");
    driver.keys("<ctrl-y>");
    let copied = driver.copied.last().unwrap();
    assert!(copied.starts_with("curl -X POST 127.0.0.1:3000/models/iris/versions/3/predict"));
    assert!(driver.mutations.is_empty(), "asking changes nothing");
    driver.keys("<esc>");
    assert!(!driver.is_asking());
}

#[test]
fn a_refused_row_is_told_in_the_form() {
    let mut driver = Driver::with(DeckOptions::default(), 80, 24, |request| {
        let Request::Predict(_) = request else { return None };
        Some(Ok(Answer::Predicted(PredictionView {
            status: 400,
            model: Some("iris".into()),
            version: Some(3),
            took_ms: 0.2,
            request_id: None,
            body: serde_json::json!({"error": "row 0: a value is required"}),
        })))
    });
    driver.keys("6i<ctrl-s>");
    assert!(driver.text().contains("400 refused by iris v3"), "{}", driver.text());
    assert!(driver.text().contains("a value is required"), "{}", driver.text());
}

#[test]
fn tab_goes_through_the_servers_charts_and_a_rollback_asks_first() {
    let mut driver = Driver::new(80, 24);
    driver.keys("6");
    assert!(driver.text().contains("Requests per second"));
    driver.keys("<tab>");
    assert!(driver.text().contains("Latency in ms"), "{}", driver.text());
    driver.keys("<tab>");
    assert!(driver.text().contains("failed 5xx"), "{}", driver.text());
    driver.keys("R");
    assert!(driver.is_asking() && driver.mutations.is_empty());
}

#[test]
fn every_column_of_the_runs_can_be_ordered_by_where_they_are() {
    let driver = runs(120, 30);
    let info = rows::list_info(&driver.state).unwrap();
    for field in info.fields.iter().filter(|field| field.is_sortable) {
        let name = match field.name.as_str() {
            "run" => "run_name",
            "started" => "start_time",
            other => other,
        };
        assert!(search::order(name).is_ok(), "{name}");
    }
}
