//! What passes a gate, and the reason when something does not.

use serde_json::json;

use super::*;
use crate::ml::Comparison;
use crate::ml::compare::SliceComparison;

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
    Champion {
        title: "iris@production v3".into(),
        name: "iris".into(),
        version: 3,
        folder: None,
        metrics: vec![(metric.into(), value)],
    }
}

const SAMPLE: &[(&str, &str)] =
    &[("accuracy", ">= 0.8"), ("r2", ">= 0.6"), ("vs_champion", ">= -0.01")];

fn judged(subject: &Subject, champion: Option<&Champion>) -> Judged {
    judge(subject, &requirements(SAMPLE), champion, &Measured::default()).unwrap()
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
    let judged =
        judge(&classifier(0.9), &requirements(&[("rmse", "< 3")]), None, &Measured::default())
            .unwrap();
    assert!(!judged.passed);
    assert_eq!(judged.reason, "no requirement applies to a classification run");
}

#[test]
fn a_metric_that_nobody_knows_is_an_error_with_what_was_meant() {
    let error = judge(
        &classifier(0.9),
        &requirements(&[("acuracy", ">= 0.8")]),
        None,
        &Measured::default(),
    );
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

fn measured() -> Measured {
    let slice = |slice: &str, own: f64| SliceComparison {
        slice: slice.to_owned(),
        rows: 40,
        own,
        other: 0.8,
    };
    Measured {
        comparison: Some(Ok(Comparison {
            rows: 200,
            metric: "accuracy",
            own: 0.85,
            other: 0.84,
            interval: [-0.02, 0.04],
            p: 0.31,
            test: "McNemar's exact test",
            slices: vec![slice("sex=female", 0.7), slice("sex=male", 0.9)],
        })),
        drift: Some(Ok(("age".to_owned(), 0.3))),
        latency_ms: Some(Ok(0.2)),
        model_bytes: Some(Err("gone".to_owned())),
    }
}

#[test]
fn a_lead_that_may_be_chance_a_slice_that_got_worse_and_drift_fail() {
    let rival = champion("accuracy", 0.5);
    let asked = requirements(&[
        ("vs_champion", ">= 0"),
        ("vs_champion_p", "< 0.05"),
        ("slices_vs_champion", ">= -0.05"),
        ("drift", "< 0.25"),
        ("latency_ms", "< 1"),
        ("model_bytes", "< 1000"),
    ]);
    let judged = judge(&classifier(0.9), &asked, Some(&rival), &measured()).unwrap();
    let verdicts: Vec<_> = judged.figures.iter().map(|figure| figure.passed.unwrap()).collect();
    assert_eq!(verdicts, [true, false, false, false, true, false]);
    let expected = [
        "vs_champion_p 0.31 >= 0.05 required that a lead as large over iris@production v3 is chance (McNemar's exact test)",
        "slices_vs_champion -0.1 < -0.05 required at sex=female (40 rows) against iris@production v3",
        "drift 0.3 >= 0.25 required of `age` since iris@production v3",
        "model_bytes cannot be measured: gone",
    ];
    assert_eq!(judged.reason, expected.join("; "));
    // Not the metrics that were recorded, but both on the same rows.
    assert_eq!(judged.figures[0].value, Some(0.01));
}

#[test]
fn without_a_champion_or_its_rows_only_what_can_be_told_is_judged() {
    let asked = requirements(&[("vs_champion_p", "< 0.05"), ("drift", "< 0.25")]);
    let none = Measured::default();
    assert!(judge(&classifier(0.9), &asked, None, &none).unwrap().passed);
    let rival = champion("accuracy", 0.5);
    let judged = judge(&classifier(0.9), &asked, Some(&rival), &none).unwrap();
    assert!(!judged.passed);
    assert!(judged.reason.contains("it comes from no run"), "{}", judged.reason);
}
