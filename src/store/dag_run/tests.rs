//! Pages, filters and figures of runs.

use super::*;
use crate::store::Store;
use crate::store::sample::{self, at, run};

fn store_of(runs: Vec<DagRun>) -> (tempfile::TempDir, Store) {
    let (dir, store) = sample::store();
    store.write_blocking(move |tx| runs.iter().try_for_each(|run| put(tx, run))).unwrap();
    (dir, store)
}

fn ids(runs: &[DagRun]) -> Vec<&str> {
    runs.iter().map(|run| run.dag_run_id.as_str()).collect()
}

#[test]
fn pages_are_newest_first_with_the_total() {
    use DagRunState::{Failed, Running, Success};
    let (_dir, store) = store_of(vec![
        run("a", "a1", 1, Success),
        run("b", "b1", 2, Failed),
        run("a", "a3", 4, Running),
        run("a", "a2", 3, Success),
        run("a", "a2-again", 3, Failed),
    ]);
    let page = |dag: Option<&str>, state, limit, offset| {
        let filter = RunFilter::of(dag.map(DagId::from), state);
        store.read_blocking(|conn| list(conn, &filter, limit, offset)).unwrap()
    };
    let (runs, total) = page(None, None, 3, 0);
    assert_eq!((ids(&runs), total), (vec!["a3", "a2-again", "a2"], 5));
    let (runs, total) = page(None, None, 3, 3);
    assert_eq!((ids(&runs), total), (vec!["b1", "a1"], 5));
    let (runs, total) = page(Some("a"), None, 2, 0);
    assert_eq!((ids(&runs), total), (vec!["a3", "a2-again"], 4));
    let (runs, total) = page(None, Some(Failed), 9, 0);
    assert_eq!((ids(&runs), total), (vec!["a2-again", "b1"], 2));
    let (runs, total) = page(Some("a"), Some(Success), 9, 0);
    assert_eq!((ids(&runs), total), (vec!["a2", "a1"], 2));
    assert_eq!(page(Some("none"), None, 9, 0), (vec![], 0));
}

#[test]
fn every_page_is_read_from_an_index() {
    let (_dir, store) = store_of(vec![run("a", "a1", 1, DagRunState::Success)]);
    for clause in [
        "?1 IS NULL AND ?2 IS NULL",
        "dag_id = ?1 AND ?2 IS NULL",
        "?1 IS NULL AND state = ?2",
        "dag_id = ?1 AND state = ?2",
    ] {
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT * FROM dag_run WHERE {clause}
             ORDER BY run_after DESC, id DESC LIMIT 10"
        );
        let plan = |conn: &Connection| {
            row::all(conn, &sql, ["a", "b"], |row| Ok(row.get::<_, String>("detail")?))
        };
        let plan = store.read_blocking(plan).unwrap().join("\n");
        assert!(plan.contains("USING INDEX") && !plan.contains("TEMP B-TREE"), "{clause}: {plan}");
    }
}

#[test]
fn recent_runs_are_the_last_ones_of_each_dag_newest_last() {
    let mut runs: Vec<DagRun> =
        (0..40).map(|i| run("a", &format!("a{i}"), i, DagRunState::Success)).collect();
    runs.push(run("b", "b0", 7, DagRunState::Failed));
    runs.push(run("unasked", "u0", 7, DagRunState::Failed));
    let (_dir, store) = store_of(runs);
    let asked = ["a", "b", "c"].map(DagId::from);
    let found = store.read_blocking(|conn| recent(conn, &asked, 30)).unwrap();
    assert_eq!(found.len(), 2);
    let of_a = &found["a"];
    assert_eq!(of_a.len(), 30);
    assert_eq!(of_a[0].dag_run_id.as_str(), "a10");
    assert_eq!(of_a[29].dag_run_id.as_str(), "a39");
    assert_eq!(found["b"][0].state, DagRunState::Failed);
    assert_eq!(found["b"][0].end_date, Some(at(17)));
}

#[test]
fn the_median_is_of_the_last_twenty_successes() {
    let took = |id: String, secs: i64, state, duration: i64| {
        let mut run = run("a", &id, secs, state);
        run.end_date = Some(at(secs + duration));
        run
    };
    let mut runs: Vec<DagRun> =
        (0..5).map(|i| took(format!("old{i}"), i, DagRunState::Success, 1000)).collect();
    runs.extend((10..30).map(|i| took(format!("s{i}"), i, DagRunState::Success, i)));
    runs.extend((30..60).map(|i| took(format!("f{i}"), i, DagRunState::Failed, 5000)));
    let (_dir, store) = store_of(runs);
    let asked = ["a", "b"].map(DagId::from);
    let found = store.read_blocking(|conn| median_durations(conn, &asked)).unwrap();
    assert_eq!(found.len(), 1);
    assert!((found["a"] - 19.5).abs() < 1e-9, "{found:?}");
    assert_eq!(median(&[]), None);
    assert_eq!(median(&[1.0, 2.0, 9.0]), Some(2.0));
}
