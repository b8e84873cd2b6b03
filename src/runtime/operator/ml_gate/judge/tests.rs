//! What passes a gate, and the reason when something does not.

use serde_json::json;

use super::*;

fn requirements(pairs: &[(&str, &str)]) -> Vec<Requirement> {
    pairs
        .iter()
        .map(|(metric, condition)| Requirement {
            metric: (*metric).to_owned(),
            condition: Condition::parse(&json!(condition)).unwrap(),
        })
        .collect()
}

fn classifier(accuracy: f64) -> Subject {
    Subject {
        kind: Some(Kind::Classification),
        metrics: vec![("accuracy".into(), accuracy), ("f1_macro".into(), 0.9)],
    }
}

fn champion(metric: &str, value: f64) -> Champion {
    Champion { title: "iris@production v3".into(), metrics: vec![(metric.into(), value)] }
}

const SAMPLE: &[(&str, &str)] =
    &[("accuracy", ">= 0.8"), ("r2", ">= 0.6"), ("vs_champion", ">= -0.01")];

fn judged(subject: &Subject, champion: Option<&Champion>) -> Judged {
    judge(subject, &requirements(SAMPLE), champion).unwrap()
}

#[test]
fn a_good_run_without_a_champion_passes() {
    let judged = judged(&classifier(0.97), None);
    assert!(judged.passed);
    assert_eq!(judged.reason, "accuracy 0.97 >= 0.8; no champion yet");
}

#[test]
fn a_metric_of_the_other_kind_does_not_apply() {
    let judged = judged(&classifier(0.97), None);
    assert_eq!(judged.figures[1].metric, "r2");
    assert_eq!(judged.figures[1].passed, None);
    assert_eq!(
        json!(judged.figures[0]),
        json!({ "metric": "accuracy", "required": ">= 0.8", "value": 0.97, "passed": true })
    );
}

#[test]
fn a_poor_run_fails_with_one_readable_line() {
    assert_eq!(judged(&classifier(0.71), None).reason, "accuracy 0.71 < 0.8 required");
}

#[test]
fn a_run_that_is_worse_than_the_champion_fails() {
    let rival = champion("accuracy", 0.95);
    let judged_run = judged(&classifier(0.9), Some(&rival));
    assert!(!judged_run.passed);
    assert_eq!(
        judged_run.reason,
        "accuracy 0.9 against 0.95 of iris@production v3: -0.05 < -0.01 required"
    );
    assert!(judged(&classifier(0.94), Some(&rival)).passed, "at the bound it holds");
}

#[test]
fn a_champion_of_another_kind_is_no_rival() {
    assert!(judged(&classifier(0.9), Some(&champion("r2", 0.9))).passed);
}

#[test]
fn a_regression_run_is_compared_by_r2() {
    let subject = Subject { kind: Some(Kind::Regression), metrics: vec![("r2".into(), 0.7)] };
    let judged = judged(&subject, Some(&champion("r2", 0.8)));
    assert!(judged.reason.starts_with("r2 0.7 against 0.8"), "{}", judged.reason);
}

#[test]
fn where_nothing_applies_the_gate_fails() {
    let judged = judge(&classifier(0.9), &requirements(&[("rmse", "< 3")]), None).unwrap();
    assert!(!judged.passed);
    assert_eq!(judged.reason, "no requirement applies to a classification run");
}

#[test]
fn a_metric_that_nobody_knows_is_an_error_with_what_was_meant() {
    let error = judge(&classifier(0.9), &requirements(&[("acuracy", ">= 0.8")]), None);
    let text = error.unwrap_err().to_string();
    assert_eq!(text, "`require`: the run has no metric `acuracy` (did you mean `accuracy`?)");
}

#[test]
fn cross_validated_metrics_belong_to_a_kind_too() {
    assert_eq!(Kind::of_metric("cv_accuracy_mean"), Some(Kind::Classification));
    assert_eq!(Kind::of_metric("cv_rmse_std"), Some(Kind::Regression));
    assert_eq!(Kind::of_metric("r2"), Some(Kind::Regression));
    assert_eq!(Kind::of_metric("latency"), None);
    assert_eq!(Kind::of_metric("maestro"), None);
}
