//! The store with a million task instances of history: how soon it starts, how soon a list shows
//! its newest page, and how long a write waits while history is pruned.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dagdeck::store::{Store, asset, attention, dag_run, event_log, meta, prune, task_instance};
use dagdeck::types::ask::TaskInstanceQuery;
use dagdeck::types::run::DagRunKey;
use dagdeck::types::{DagId, DagRunState, TaskInstanceState};

use crate::history::{self, DAGS, dag_id};
use crate::{Sheet, median, time};

const START_MAX: Duration = Duration::from_secs(1);
const PAGE_MAX: Duration = Duration::from_millis(5);
const STALL_MAX: Duration = Duration::from_millis(100);
const PAGE_LEN: u32 = 100;
const PRUNED: usize = 1_000;

pub(crate) fn measure(sheet: &mut Sheet) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dagdeck.db");
    let ((), made) = time(|| history::make(&path));
    let bytes = std::fs::metadata(&path).unwrap().len();
    let text = format!("{made:.1?}, {:.0} MB", bytes as f64 / 1e6);
    sheet.figure("(made 1,000,000 task instances of history)", &text);

    let (store, took) = time(|| {
        let store = Store::open(&path).unwrap();
        assert_eq!(store.recover().unwrap().runs.len(), DAGS);
        store
    });
    sheet.limited("start: open and recover", took, START_MAX);
    pages(sheet, &store);
    prune_beside_writes(sheet, &store);
}

fn pages(sheet: &mut Sheet, store: &Store) {
    let dag = |number: usize| Some(DagId::from(dag_id(number)));
    let failed = Some(TaskInstanceState::Failed);
    let any = TaskInstanceQuery { limit: PAGE_LEN, ..TaskInstanceQuery::default() };
    let of_dag = TaskInstanceQuery { dag_id: dag(7), ..any.clone() };
    let queries = [
        ("all", any.clone()),
        ("--state failed", TaskInstanceQuery { state: failed, ..any.clone() }),
        (
            "--state up_for_retry (none)",
            TaskInstanceQuery { state: Some(TaskInstanceState::UpForRetry), ..any.clone() },
        ),
        ("--dag", of_dag.clone()),
        ("--dag --state failed", TaskInstanceQuery { state: failed, ..of_dag.clone() }),
        ("--dag --task", TaskInstanceQuery { task_id: Some("task_9".into()), ..of_dag }),
        ("--pool", TaskInstanceQuery { pool: Some("training".into()), ..any.clone() }),
        ("--pool (none)", TaskInstanceQuery { pool: Some("none".into()), ..any.clone() }),
        ("--operator", TaskInstanceQuery { operator: Some("python".into()), ..any.clone() }),
        ("all, from the middle", TaskInstanceQuery { before: Some(500_000), ..any }),
    ];
    for (name, query) in queries {
        let took = median(31, || {
            let _ = store.read_blocking(|conn| task_instance::page(conn, &query)).unwrap();
        });
        sheet.limited(&format!("tasks list, {name}"), took, PAGE_MAX);
    }
    let runs = [
        ("all", None, None),
        ("--state failed", None, Some(DagRunState::Failed)),
        ("of a DAG", dag(7), None),
    ];
    for (name, dag_id, state) in runs {
        let filter = dag_run::RunFilter::of(dag_id, state);
        let took = median(31, || {
            let list = |conn: &_| dag_run::list(conn, &filter, PAGE_LEN, 0);
            let _ = store.read_blocking(list).unwrap();
        });
        sheet.limited(&format!("runs list, {name}"), took, PAGE_MAX);
    }
    others(sheet, store);
}

fn others(sheet: &mut Sheet, store: &Store) {
    let filter = dag_run::RunFilter::default();
    let took = median(11, || {
        let deep = |conn: &_| dag_run::list(conn, &filter, PAGE_LEN, 90_000);
        let _ = store.read_blocking(deep).unwrap();
    });
    sheet.took("runs list, 90,000 runs back", took);
    let took = median(31, || {
        let _ = store.read_blocking(|conn| event_log::list(conn, PAGE_LEN, None)).unwrap();
    });
    sheet.limited("the event feed", took, PAGE_MAX);
    let took = median(31, || {
        let _ = store.read_blocking(asset::summary).unwrap();
    });
    sheet.limited("assets, with their counts", took, PAGE_MAX);
    let ids: Vec<DagId> = (0..DAGS).map(|number| dag_id(number).into()).collect();
    let took = median(31, || {
        let figures = |conn: &_| {
            let recent = dag_run::recent(conn, &ids, 30)?;
            Ok((recent, dag_run::median_durations(conn, &ids)?))
        };
        let _ = store.read_blocking(figures).unwrap();
    });
    sheet.took(&format!("recent runs and medians of {DAGS} DAGs"), took);
    needing_attention(sheet, store, &ids);
}

/// What the deck's first screen asks for once a second at most while something happens.
fn needing_attention(sheet: &mut Sheet, store: &Store, ids: &[DagId]) {
    let now = dagdeck::types::time::now();
    let minute_ago = now - Duration::from_secs(60);
    let took = median(31, || {
        let look = |conn: &_| {
            attention::failures(conn, ids)?;
            attention::slow_tasks(conn, minute_ago, now, 3.0)?;
            attention::waiting_tasks(conn, minute_ago)?;
            attention::waiting_runs(conn, minute_ago)?;
            attention::missed_deadlines(conn)
        };
        let _ = store.read_blocking(look).unwrap();
    });
    sheet.took(&format!("what needs attention in {DAGS} DAGs"), took);
    let took = median(31, || {
        let _ = store.read_blocking(|conn| attention::pulse(conn, now, 24)).unwrap();
    });
    sheet.took("the pulse of 24 hours", took);
}

/// Prunes a thousand runs, and lets somebody else write all the while.
fn prune_beside_writes(sheet: &mut Sheet, store: &Store) {
    let alone = longest_wait(store, || std::thread::sleep(Duration::from_secs(3))).0;
    sheet.took("longest wait of a write, nothing beside it", alone);
    let (worst, took) = longest_wait(store, || prune_some(store));
    let each = took.as_secs_f64() * 1000.0 / PRUNED as f64;
    sheet.figure(&format!("prune {PRUNED} runs"), &format!("{took:.1?} ({each:.2} ms a run)"));
    sheet.limited("longest wait of a write beside it", worst, STALL_MAX);
    let (left, took) = time(|| store.write_blocking(|tx| prune::give_back_pages(tx, 256)).unwrap());
    sheet.took(&format!("give 256 pages back ({left} left)"), took);
}

/// Writes as long as `work` takes; returns how long one write took at most, and the work.
fn longest_wait(store: &Store, work: impl FnOnce()) -> (Duration, Duration) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut worst = Duration::ZERO;
            while !is_over.load(Ordering::Relaxed) {
                let put = || store.write_blocking(|tx| meta::put(tx, "beside", "x")).unwrap();
                worst = worst.max(time(put).1);
            }
            worst
        });
        let ((), took) = time(work);
        is_over.store(true, Ordering::Relaxed);
        (writer.join().unwrap(), took)
    })
}

fn prune_some(store: &Store) {
    let oldest: Vec<DagRunKey> =
        store.read_blocking(|conn| prune::oldest_runs(conn, PRUNED as u32)).unwrap();
    assert_eq!(oldest.len(), PRUNED);
    let mut settled = 0;
    while settled < PRUNED {
        let next: Vec<DagRunKey> = oldest[settled..].iter().take(64).cloned().collect();
        let gone = store.write_blocking(move |tx| prune::delete_runs(tx, &next)).unwrap();
        assert!(gone.iter().all(|is_gone| *is_gone));
        settled += gone.len();
    }
}
