//! Runs under runs: where they are listed, what is known of them together.

use super::*;
use crate::store::Store;
use crate::store::sample::{self, at};
use crate::tracking::run::{MetricPoint, NewRun, PARENT, create, end, log_batch};
use crate::tracking::search::{self, Search};
use crate::types::FaultKind;
use crate::types::ask::Nesting;

fn made(store: &Store, name: &str, n: i64, tags: &[(&str, &str)]) -> TrackingRunId {
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let new = NewRun {
        experiment_id: "0".into(),
        run_name: name.into(),
        user_id: "ada".into(),
        start_time: at(n),
        tags: tags.iter().map(pair).collect(),
        attempt_token: None,
    };
    create(store, new).unwrap().run_id
}

fn log(store: &Store, run: &TrackingRunId, metrics: &[(&str, f64)], depth: &str) {
    let point = |(key, value): &(&str, f64)| MetricPoint {
        key: (*key).to_owned(),
        value: *value,
        timestamp: at(0),
        step: 0,
    };
    let metrics = metrics.iter().map(point).collect();
    let params = vec![("max_depth".to_owned(), depth.to_owned())];
    log_batch(store, run, metrics, params, Vec::new()).unwrap();
}

fn listed(store: &Store, nesting: Nesting) -> Vec<TrackingRunView> {
    let experiment = "Default".to_owned();
    let search = Search { experiment, nesting, limit: 100, ..Search::default() };
    let (found, total) = search::runs(store, &search).unwrap();
    assert_eq!(found.len() as u64, total);
    found
}

fn names(found: &[TrackingRunView]) -> Vec<&str> {
    found.iter().map(|run| run.run_name.as_str()).collect()
}

#[test]
fn a_search_tells_how_far_it_is_and_the_best_of_what_was_whole() {
    let (_dir, store) = sample::store();
    let planned = [(PLANNED, "20"), (METRIC, "log_loss")];
    let parent = made(&store, "search", 0, &planned);
    let nested = listed(&store, Nesting::Top)[0].nested.clone().unwrap();
    assert_eq!((nested.runs, nested.planned, nested.best), (0, Some(20), None));
    let rows = [("complete", 0.5), ("pruned", 0.1), ("complete", 0.3), ("failed", 0.2)];
    let mut ids = Vec::new();
    for (n, (state, value)) in (1..).zip(rows) {
        let tags = [(PARENT, parent.as_str()), (STATE, state)];
        let id = made(&store, &format!("trial-{n}"), n, &tags);
        log(&store, &id, &[("cv_log_loss_mean", value), ("accuracy", 0.9)], &n.to_string());
        end(&store, &id, if state == "failed" { "FAILED" } else { "FINISHED" }, at(n)).unwrap();
        ids.push(id);
    }
    made(&store, "trial-5", 5, &[(PARENT, parent.as_str())]);
    let top = listed(&store, Nesting::Top);
    assert_eq!(names(&top), ["search"]);
    let expected = NestedRuns {
        runs: 5,
        running: 1,
        failed: 1,
        pruned: 1,
        planned: Some(20),
        metric: Some("cv_log_loss_mean".into()),
        best: Some((0.3, ids[2].clone())),
    };
    assert_eq!(top[0].nested.as_ref(), Some(&expected));
    let under = listed(&store, Nesting::Under(parent.clone()));
    assert_eq!(names(&under), ["trial-5", "trial-4", "trial-3", "trial-2", "trial-1"]);
    assert_eq!(under[0].nested, None);
    assert_eq!(listed(&store, Nesting::All).len(), 6);
    let view = store.read_blocking(|conn| trials(conn, &parent, 4)).unwrap();
    assert_eq!(view.run.nested.as_ref(), Some(&expected));
    let told: Vec<_> =
        view.trials.iter().map(|one| (one.number, one.value, one.is_pruned)).collect();
    let values = [(1, Some(0.5), false), (2, Some(0.1), true), (3, Some(0.3), false)];
    assert_eq!(told[..3], values);
    assert_eq!(view.trials.len(), 4);
    assert_eq!(view.trials[1].params, [("max_depth".to_owned(), "2".to_owned())]);
}

#[test]
fn runs_that_a_program_nested_are_judged_by_what_says_most() {
    let (_dir, store) = sample::store();
    let parent = made(&store, "sweep", 0, &[]);
    for n in 1..4 {
        let id = made(&store, &format!("child-{n}"), n, &[(PARENT, parent.as_str())]);
        let metrics =
            [("epochs", 9.0), ("accuracy", 0.5 + n as f64 / 8.0), ("loss", f64::INFINITY)];
        log(&store, &id, &metrics, "3");
    }
    // What is worst in infinity is best of nothing.
    let nan = made(&store, "child-4", 4, &[(PARENT, parent.as_str())]);
    log(&store, &nan, &[("accuracy", f64::NAN)], "3");
    let nested = listed(&store, Nesting::Top)[0].nested.clone().unwrap();
    assert_eq!((nested.runs, nested.running, nested.planned), (4, 4, None));
    assert_eq!(nested.metric.as_deref(), Some("accuracy"));
    assert_eq!(nested.best.map(|(value, _)| value), Some(0.875));
}

#[test]
fn what_hangs_under_nothing_that_is_shown_is_shown_at_the_top() {
    let (_dir, store) = sample::store();
    made(&store, "lost", 1, &[(PARENT, "0123456789abcdef")]);
    let own = made(&store, "own", 2, &[]);
    let tags = vec![(PARENT.to_owned(), own.to_string())];
    log_batch(&store, &own, Vec::new(), Vec::new(), tags).unwrap();
    let top = listed(&store, Nesting::Top);
    assert_eq!(names(&top), ["own", "lost"]);
    assert!(top.iter().all(|run| run.nested.is_none()), "{top:?}");
    assert_eq!(names(&listed(&store, Nesting::Under(own))), [""; 0]);
    let unknown = store.read_blocking(|conn| trials(conn, &"nope".into(), 4));
    let Err(StoreError::Refused(fault)) = unknown else { panic!("{unknown:?}") };
    assert_eq!(fault.kind, FaultKind::NotFound);
}

#[test]
fn the_runs_under_a_run_are_found_by_their_index() {
    let (_dir, store) = sample::store();
    let sql = format!("EXPLAIN QUERY PLAN SELECT count(*) {UNDER}");
    let plan: Vec<String> = store
        .read_blocking(|conn| row::all(conn, &sql, ["x", "0"], |row| Ok(row.get("detail")?)))
        .unwrap();
    assert!(plan.iter().any(|step| step.contains("tags_parent")), "{plan:?}");
}
