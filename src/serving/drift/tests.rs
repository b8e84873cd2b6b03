//! From counts in a window to what is told, with times of the test.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::alert::Samples;
use super::*;
use crate::dag::serving::AlertSpec;
use crate::ml::Signature;
use crate::serving::fake::Fake;
use crate::types::callback::CallbackEvent;
use crate::types::serving::{ServedHistory, ServedVersion};
use crate::types::trouble::{TroubleKey, TroubleReport};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + secs).unwrap()
}

/// A profile of the fake's columns: lengths of 0 to 99, kinds `a` and `b`, answers of 1 to 5.
fn profile() -> Profile {
    let steps = |top: u32| (0..=20).map(|n| f64::from(n * top) / 20.0).collect::<Vec<_>>();
    let even = |count: usize| vec![1.0 / count as f64; count];
    serde_json::from_value(json!({
        "rows": 1000,
        "columns": {
            "length": {"kind": "numbers", "missing": 0.0, "quantiles": steps(100),
                "shares": even(20)},
            "kind": {"kind": "categories", "missing": 0.0, "shares": {"a": 0.5, "b": 0.5}},
        },
        "answers": {"rows": 1000, "values": {"kind": "numbers", "missing": 0.0,
            "quantiles": steps(1), "shares": even(20)}},
    }))
    .unwrap()
}

fn drift() -> (Drift, Signature) {
    let fake = Fake::of_version(1);
    let signature = crate::ml::Predictor::signature(&fake).clone();
    (Drift::new(&fake, Some(&profile()), at(0)), signature)
}

/// Asks so many rows, spread as in training, `more` added to the lengths.
fn ask(drift: &Drift, signature: &Signature, rows: usize, more: f64) {
    let row =
        |n: usize| json!([(n % 100) as f64 + more, if n.is_multiple_of(2) { "a" } else { "b" }]);
    let mut builder = crate::ml::batch::Builder::new(signature, crate::ml::batch::Rules::default());
    for n in 0..rows {
        builder.json_row(&row(n)).unwrap();
    }
    let batch = builder.finish().unwrap();
    let answers: Vec<f64> = (0..rows).map(|n| (n % 100) as f64 / 100.0).collect();
    drift.count(&batch, &Answers::new(1, answers));
}

fn spec() -> DriftSpec {
    DriftSpec { window: Duration::from_secs(60), ..DriftSpec::default() }
}

fn judge(drift: &Drift, open: &[&Trouble], secs: i64) -> Arc<DriftReport> {
    drift.judge(("iris", 3), &spec(), open, at(secs))
}

fn one(reports: Vec<TroubleReport>) -> TroubleReport {
    let [report] = <[TroubleReport; 1]>::try_from(reports).unwrap();
    report
}

#[test]
fn rows_as_in_training_are_no_trouble_and_few_rows_no_verdict() {
    let (drift, signature) = drift();
    ask(&drift, &signature, 100, 300.0);
    let report = judge(&drift, &[], 1);
    assert_eq!((report.rows, report.is_judged(), report.worst_psi()), (100, false, None));
    assert_eq!(decide::drift(&report, &[], &spec(), at(1)), []);
    ask(&drift, &signature, 4000, 0.0);
    // The hundred are old by now.
    let report = judge(&drift, &[], 62);
    assert_eq!(report.rows, 4000);
    assert_eq!(report.worst_psi(), Some((None, 0.0)), "{report:#?}");
    assert_eq!(decide::drift(&report, &[], &spec(), at(62)), []);
    assert_eq!(drift.brief().unwrap().psi, Some(0.0));
}

#[test]
fn a_crossing_is_told_once_and_its_end_once() {
    let (drift, signature) = drift();
    ask(&drift, &signature, 1000, 50.0);
    let report = judge(&drift, &[], 1);
    let came = one(decide::drift(&report, &[], &spec(), at(1)));
    assert_eq!(came.event, CallbackEvent::OnDrift);
    assert_eq!(came.troubles.len(), 1);
    assert!(
        came.reason.starts_with("iris version 3: `length` has drifted: psi "),
        "{}",
        came.reason
    );
    let event = came.asset_event.unwrap();
    assert_eq!((event.uri.as_str(), &event.extra["column"]), ("drift://iris", &json!("length")));
    assert_eq!((&event.extra["window"], &event.extra["version"]), (&json!("1m"), &json!(3)));
    let open = came.troubles;
    let open: Vec<&Trouble> = open.iter().collect();
    assert_eq!(decide::drift(&report, &open, &spec(), at(2)), [], "it is told once");
    let again = DriftSpec { repeat: Some(Duration::from_secs(10)), ..spec() };
    assert_eq!(decide::drift(&report, &open, &again, at(9)), []);
    let told = one(decide::drift(&report, &open, &again, at(11)));
    assert_eq!((told.troubles[0].since, told.troubles[0].told_at), (at(1), at(11)));
    assert_eq!(told.asset_event, None, "a retrain is started once");
    // Without enough rows nobody can say that it is over.
    let report = judge(&drift, &open, 100);
    assert_eq!((report.rows, decide::drift(&report, &open, &spec(), at(100))), (0, Vec::new()));
    ask(&drift, &signature, 1000, 0.0);
    let report = judge(&drift, &open, 101);
    assert_eq!(report.columns.iter().filter(|c| c.trouble_since == Some(at(1))).count(), 1);
    let went = one(decide::drift(&report, &open, &spec(), at(101)));
    assert_eq!((went.event, went.ended.len()), (CallbackEvent::OnRecovered, 1));
    assert_eq!(went.reason, "iris version 3: `length` as in training again");
    assert_eq!(went.asset_event, None);
}

#[test]
fn a_window_slides_in_parts_and_says_since_when_it_counts() {
    let (drift, signature) = drift();
    for n in 0..20 {
        ask(&drift, &signature, 10, 0.0);
        judge(&drift, &[], n * 5);
    }
    let report = judge(&drift, &[], 95);
    assert_eq!((report.rows, report.since), (120, at(40)));
}

#[test]
fn a_model_without_a_profile_says_so() {
    let fake = Fake::of_version(1);
    let drift = Drift::new(&fake, None, at(0));
    let report = judge(&drift, &[], 1);
    assert!(report.problem.as_deref().unwrap().starts_with("the model has no training profile"));
    assert_eq!((drift.brief(), report.is_judged()), (None, false));
    assert_eq!(decide::drift(&report, &[], &spec(), at(1)), []);
}

fn served(requests_total: u64, errors_total: u64) -> ServedVersion {
    ServedVersion {
        model: "iris".into(),
        version: 3,
        weight: 100,
        loaded_at: at(0),
        requests_total,
        errors_total,
        requests_per_sec: 0.0,
        p50_ms: None,
        p99_ms: Some(300.0),
        failed_total: 0,
        history: ServedHistory::default(),
        example: None::<Value>,
        drift: None,
    }
}

#[test]
fn errors_above_their_limit_are_told_and_so_is_that_they_are_over() {
    let window = Duration::from_secs(10);
    let spec = AlertSpec { error_rate: Some(0.05), window, ..AlertSpec::default() };
    let mut samples = Samples::default();
    let mut look = |secs, requests, errors, open: &[&Trouble]| {
        let version = served(requests, errors);
        samples.take(std::slice::from_ref(&version), spec.window, at(secs));
        samples.decide(&version, open, &spec, at(secs))
    };
    assert_eq!(look(0, 100, 50, &[]), [], "what was before nobody knows");
    assert_eq!(look(1, 110, 60, &[]), [], "ten requests are too few");
    let came = one(look(2, 200, 60, &[]));
    assert_eq!(came.reason, "iris version 3: error rate 0.100 > 0.05 in 10s");
    assert_eq!(came.event, CallbackEvent::OnTrouble);
    let open: Vec<&Trouble> = came.troubles.iter().collect();
    assert_eq!(look(3, 210, 62, &open), []);
    let went = one(look(14, 400, 62, &open));
    let key = TroubleKey {
        model: "iris".into(),
        version: 3,
        kind: TroubleKind::ErrorRate,
        column: String::new(),
    };
    assert_eq!((went.ended, went.event), (vec![key], CallbackEvent::OnRecovered));
    // A limit that is taken out ends what it began; so does one of the latency.
    let slow = AlertSpec { p99_ms: Some(250.0), error_rate: None, ..spec.clone() };
    let version = served(400, 62);
    let kinds: Vec<_> = samples
        .decide(&version, &open, &slow, at(15))
        .into_iter()
        .map(|report| (report.event, report.reason))
        .collect();
    assert_eq!(
        kinds,
        [
            (
                CallbackEvent::OnRecovered,
                "iris version 3: the error rate is not watched any more".into()
            ),
            (CallbackEvent::OnTrouble, "iris version 3: p99 in ms 300.000 > 250 in 10s".into()),
        ]
    );
}
