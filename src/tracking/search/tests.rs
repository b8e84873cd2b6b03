//! Which runs a filter finds, and in which order.

use super::*;
use crate::store::sample::{self, at};
use crate::tracking::run::{MetricPoint, NewRun};
use crate::types::FaultKind;

/// Runs `a` to `e`, a second apart.
fn world() -> (tempfile::TempDir, Store) {
    let (dir, store) = sample::store();
    let rows: [(&str, Option<f64>, &str, &str); 5] = [
        ("a", Some(0.91), "xgboost", "mlops.train"),
        ("b", Some(0.95), "XGBoost", "mlops.train"),
        ("c", Some(0.80), "random_forest", "by*hand"),
        ("d", Some(f64::NAN), "lightgbm", "mlops_train"),
        ("e", None, "it's", ""),
    ];
    for (n, (name, accuracy, model, source)) in (0..).zip(rows) {
        let new = NewRun {
            experiment_id: "0".into(),
            run_name: name.into(),
            user_id: "ada".into(),
            start_time: at(n),
            tags: vec![("mlflow.source.name".into(), source.into())],
            attempt_token: None,
        };
        let made = run::create(&store, new).unwrap();
        let metrics = accuracy.map(|value| MetricPoint {
            key: "val accuracy".into(),
            value,
            timestamp: at(n),
            step: 0,
        });
        let mut params = vec![("model".to_owned(), model.to_owned())];
        params.extend((name != "e").then(|| ("depth".to_owned(), (n % 2).to_string())));
        run::log_batch(&store, &made.run_id, metrics.into_iter().collect(), params, vec![])
            .unwrap();
        if name < "c" {
            run::end(&store, &made.run_id, "FINISHED", at(n + 10)).unwrap();
        }
    }
    (dir, store)
}

fn find(store: &Store, filter: &str, order_by: &[&str]) -> String {
    let order_by = order_by.iter().map(|text| (*text).to_owned()).collect();
    let search = Search {
        experiment: "Default".into(),
        filter: filter.into(),
        order_by,
        limit: 100,
        ..Search::default()
    };
    let (found, total) = runs(store, &search).unwrap();
    assert_eq!(found.len() as u64, total, "`{filter}`");
    found.into_iter().map(|run| run.run_name).collect()
}

#[test]
fn filters_find_what_they_say() {
    let (_dir, store) = world();
    let start = at(2).as_millisecond();
    for (filter, expected) in [
        ("", "edcba"),
        ("metrics.`val accuracy` > 0.9", "ba"),
        ("metrics.`val accuracy` <= 0.91", "ca"),
        ("metrics.`val accuracy` != 0.95", "dca"),
        ("metrics.other > 0", ""),
        ("params.model = 'xgboost'", "a"),
        ("params.model LIKE 'xg%'", "a"),
        ("params.model ILIKE 'XG%'", "ba"),
        ("params.model LIKE '_andom\\_forest'", ""),
        ("params.model != 'xgboost'", "edcb"),
        ("params.depth != '1'", "ca"),
        ("params.depth IS NULL", "e"),
        ("params.depth IS NOT NULL and status = 'FINISHED'", "ba"),
        ("params.model = \"it's\"", "e"),
        ("tags.mlflow.source.name LIKE 'mlops.%'", "ba"),
        ("tags.mlflow.source.name LIKE 'mlops_train'", "dba"),
        ("tags.mlflow.source.name LIKE 'by*%'", "c"),
        ("attributes.status = 'FINISHED'", "ba"),
        ("status != 'FINISHED'", "edc"),
        ("user_id = 'ada' and run_name LIKE 'c'", "c"),
        ("end_time > 0", "ba"),
        ("artifact_uri LIKE 'mlflow-artifacts:/0/%'", "edcba"),
        (&format!("start_time >= {start}"), "edc"),
        (&format!("start_time = {start}"), "c"),
        ("params.model = 'x'' OR 1=1 --'", ""),
    ] {
        assert_eq!(find(&store, filter, &[]), expected, "`{filter}`");
    }
}

#[test]
fn lists_name_runs() {
    let (_dir, store) = world();
    let search = Search { experiment: "Default".into(), limit: 2, ..Search::default() };
    let (page, total) = runs(&store, &search).unwrap();
    assert_eq!((page.len(), total), (2, 5));
    let ids = format!("run_id IN ('{}', '{}', 'none')", page[0].run_id, page[1].run_id);
    assert_eq!(find(&store, &ids, &[]), "ed");
    assert_eq!(find(&store, &ids.replace("IN", "NOT IN"), &[]), "cba");
    let (rest, _) = runs(&store, &Search { offset: 4, ..search }).unwrap();
    assert_eq!(rest[0].run_name, "a");
}

#[test]
fn orders_put_what_is_missing_last_and_the_newest_first_among_equals() {
    let (_dir, store) = world();
    for (order, expected) in [
        (&["metrics.`val accuracy` DESC"][..], "bacde"),
        (&["metrics.`val accuracy`"], "cabde"),
        (&["params.depth DESC"], "dbcae"),
        (&["params.depth", "metrics.`val accuracy`"], "cabde"),
        (&["attributes.start_time ASC"], "abcde"),
        (&["end_time DESC"], "baedc"),
        (&["run_name DESC"], "edcba"),
        (&["tags.none"], "edcba"),
    ] {
        assert_eq!(find(&store, "", order), expected, "{order:?}");
    }
}

#[test]
fn a_mistake_is_refused_with_its_place() {
    let (_dir, store) = world();
    for (filter, order_by) in [("metrics.a >", vec![]), ("", vec!["metrics.a up".to_owned()])] {
        let experiment = "Default".to_owned();
        let search =
            Search { experiment, filter: filter.into(), order_by, limit: 1, ..Search::default() };
        let StoreError::Refused(fault) = runs(&store, &search).unwrap_err() else { panic!() };
        assert_eq!(fault.kind, FaultKind::Invalid);
        assert!(fault.to_string().contains("character 1"), "{fault}");
    }
}
