//! Params, metrics and ends of tracked runs.

use super::*;
use crate::store::fault::injection;
use crate::store::sample::{self, at};
use crate::tracking::experiment;
use crate::tracking::search::{self, Search};
use crate::types::FaultKind;

fn new_run(token: Option<&str>) -> NewRun {
    NewRun {
        experiment_id: "0".into(),
        run_name: "xgboost on iris".into(),
        user_id: "ada".into(),
        start_time: at(0),
        tags: vec![("dagdeck.dag_id".into(), "mlops_pipeline".into())],
        attempt_token: token.map(str::to_owned),
    }
}

fn point(key: &str, step: i64, secs: i64, value: f64) -> MetricPoint {
    MetricPoint { key: key.into(), value, timestamp: at(secs), step }
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

fn refusal<R: std::fmt::Debug>(result: Result<R, StoreError>) -> Fault {
    match result {
        Err(StoreError::Refused(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

fn page(
    store: &Store,
    experiment: &str,
    offset: u32,
) -> Result<(Vec<TrackingRunView>, u64), StoreError> {
    let experiment = experiment.to_owned();
    search::runs(store, &Search { experiment, limit: 2, offset, ..Search::default() })
}

#[test]
fn a_new_run_is_running_and_says_where_its_artifacts_go() {
    let (_dir, store) = sample::store();
    let run = create(&store, new_run(None)).unwrap();
    assert_eq!(run.run_id.as_str().len(), 32);
    assert!(run.run_id.as_str().bytes().all(|b| b.is_ascii_hexdigit()));
    assert_eq!(run.status, "RUNNING");
    assert_eq!(run.artifact_uri, format!("mlflow-artifacts:/0/{}/artifacts", run.run_id));
    let tags = [("dagdeck.dag_id", "mlops_pipeline"), ("mlflow.runName", "xgboost on iris")];
    assert_eq!(run.tags, pairs(&tags));
    assert_eq!(get(&store, &run.run_id).unwrap(), run);
    let listed = experiment::list(&store).unwrap();
    assert_eq!((listed[0].run_count, listed[0].last_update_time), (1, Some(at(0))));
}

#[test]
fn an_attempt_that_makes_its_run_twice_gets_the_same_one() {
    let (_dir, store) = sample::store();
    let first = create(&store, new_run(Some("t-1"))).unwrap();
    let mut again = new_run(Some("t-1"));
    again.start_time = at(9);
    assert_eq!(create(&store, again).unwrap(), first);
    assert_ne!(create(&store, new_run(Some("t-2"))).unwrap().run_id, first.run_id);
    assert_ne!(create(&store, new_run(None)).unwrap().run_id, first.run_id);
    assert_eq!(page(&store, "Default", 0).unwrap().1, 3);
}

#[test]
fn the_latest_metric_has_the_greatest_step_then_time_then_value() {
    let (_dir, store) = sample::store();
    let run = create(&store, new_run(None)).unwrap().run_id;
    let points = vec![
        point("by_step", 2, 0, 0.5),
        point("by_step", 1, 9, 0.9),
        point("by_time", 0, 5, 0.5),
        point("by_time", 0, 4, 0.9),
        point("by_value", 0, 0, 0.9),
        point("by_value", 0, 0, 0.5),
        point("nan", 0, 0, f64::NAN),
        point("number_over_nan", 0, 0, f64::NAN),
        point("number_over_nan", 0, 0, -1.0),
        point("infinite", 0, 0, f64::INFINITY),
        point("minus_infinite", 0, 0, f64::NEG_INFINITY),
    ];
    log_batch(&store, &run, points, vec![], vec![]).unwrap();
    let found = get(&store, &run).unwrap().metrics;
    let of = |key: &str| found.iter().find(|(k, _)| k == key).unwrap().1;
    assert_eq!((of("by_step"), of("by_time"), of("by_value")), (0.5, 0.5, 0.9));
    assert!(of("nan").is_nan());
    assert_eq!(of("number_over_nan"), -1.0);
    assert_eq!((of("infinite"), of("minus_infinite")), (f64::INFINITY, f64::NEG_INFINITY));
    let history = metric_history(&store, &run, "by_step").unwrap();
    assert_eq!(history, [point("by_step", 1, 9, 0.9), point("by_step", 2, 0, 0.5)]);
}

#[test]
fn a_point_logged_twice_is_one_point() {
    let (_dir, store) = sample::store();
    let run = create(&store, new_run(None)).unwrap().run_id;
    for _ in 0..2 {
        let points = vec![point("loss", 0, 0, 0.5), point("nan", 0, 0, f64::NAN)];
        log_batch(&store, &run, points, vec![], vec![]).unwrap();
    }
    assert_eq!(metric_history(&store, &run, "loss").unwrap().len(), 1);
    assert_eq!(metric_history(&store, &run, "nan").unwrap().len(), 1);
}

#[test]
fn a_param_keeps_its_value_and_a_tag_takes_the_new_one() {
    let (_dir, store) = sample::store();
    let run = create(&store, new_run(None)).unwrap().run_id;
    let log = |params: &[(&str, &str)], tags: &[(&str, &str)]| {
        let points = vec![point("m", 0, 0, 1.0)];
        log_batch(&store, &run, points, pairs(params), pairs(tags))
    };
    log(&[("depth", "3")], &[("stage", "a")]).unwrap();
    log(&[("depth", "3"), ("eta", "0.1")], &[("stage", "b")]).unwrap();
    let fault = refusal(log(&[("new", "1"), ("depth", "4")], &[("stage", "c")]));
    assert_eq!(fault.kind, FaultKind::Conflict);
    assert!(fault.message.contains("'depth'") && fault.message.contains("'3'"), "{fault}");
    let found = get(&store, &run).unwrap();
    assert_eq!(found.params, pairs(&[("depth", "3"), ("eta", "0.1")]));
    assert!(found.tags.contains(&("stage".into(), "b".into())));
}

#[test]
fn a_run_ends_once_its_attempt_is_over() {
    let (_dir, store) = sample::store();
    let done = create(&store, new_run(Some("t-1"))).unwrap().run_id;
    end(&store, &done, "FINISHED", at(5)).unwrap();
    assert_eq!(end_abandoned(&store, "t-1", at(9)).unwrap(), 0);
    let left = create(&store, new_run(Some("t-2"))).unwrap().run_id;
    assert_eq!(end_abandoned(&store, "t-2", at(9)).unwrap(), 1);
    assert_eq!(end_abandoned(&store, "t-2", at(9)).unwrap(), 0);
    let status = |run| {
        let run = get(&store, run).unwrap();
        (run.status, run.end_time)
    };
    assert_eq!(status(&done), ("FINISHED".into(), Some(at(5))));
    assert_eq!(status(&left), ("FAILED".into(), Some(at(9))));
    let fault = refusal(end(&store, &done, "DONE", at(5)));
    assert!(fault.hint.unwrap().contains("FINISHED"));
}

#[test]
fn what_names_no_run_or_experiment_is_refused() {
    let (_dir, store) = sample::store();
    let unknown = TrackingRunId::new("nope");
    for fault in [
        refusal(get(&store, &unknown)),
        refusal(log_batch(&store, &unknown, vec![], vec![], vec![])),
        refusal(end(&store, &unknown, "FINISHED", at(0))),
        refusal(metric_history(&store, &unknown, "m")),
        refusal(artifact::record(&store, &unknown, "x", b"")),
        refusal(page(&store, "nope", 0)),
        refusal(create(&store, NewRun { experiment_id: "7".into(), ..new_run(None) })),
    ] {
        assert_eq!(fault.kind, FaultKind::NotFound, "{fault}");
    }
    let named = create(&store, NewRun { experiment_id: "iris".into(), ..new_run(None) });
    assert!(refusal(named).message.contains("valid integer"));
}

#[test]
fn runs_are_listed_newest_first_page_by_page_with_their_artifacts() {
    let (_dir, store) = sample::store();
    let made: Vec<TrackingRunId> = (0..5)
        .map(|i| create(&store, NewRun { start_time: at(i), ..new_run(None) }).unwrap().run_id)
        .collect();
    artifact::record(&store, &made[4], "model/model.json", b"12345").unwrap();
    artifact::record(&store, &made[4], "a.txt", b"1").unwrap();
    artifact::record(&store, &made[4], "a.txt", b"123").unwrap();
    let (runs, total) = page(&store, "Default", 0).unwrap();
    assert_eq!(total, 5);
    assert_eq!(runs.iter().map(|r| &r.run_id).collect::<Vec<_>>(), [&made[4], &made[3]]);
    assert_eq!(runs[0].artifacts, [("a.txt".into(), 3), ("model/model.json".into(), 5)]);
    let (runs, _) = page(&store, "Default", 4).unwrap();
    assert_eq!(runs[0].run_id, made[0]);
}

#[test]
fn whichever_write_of_a_batch_fails_nothing_is_half_logged() {
    let (_dir, store) = sample::store();
    let run = create(&store, new_run(None)).unwrap().run_id;
    let before = get(&store, &run).unwrap();
    let mut n = 1;
    loop {
        injection::fail_nth_write(&store, n);
        let points = vec![point("a", 0, 0, 1.0), point("b", 0, 0, 1.0)];
        let (params, tags) = (pairs(&[("p", "1")]), pairs(&[("t", "1")]));
        if log_batch(&store, &run, points, params, tags).is_ok() {
            break;
        }
        assert!(!injection::disarm(&store));
        assert_eq!(get(&store, &run).unwrap(), before, "write {n}");
        n += 1;
    }
    assert!(injection::disarm(&store));
    assert_eq!(n, 8, "six statements and the commit");
    assert_eq!(get(&store, &run).unwrap().metrics.len(), 2);
}
