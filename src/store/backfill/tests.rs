//! Backfills come back as they were written, and dates with the runs that they have.

use super::*;
use crate::sched::Change;
use crate::store::Store;
use crate::store::sample::{self, at};
use crate::types::state::BackfillDagRunExceptionReason;
use crate::types::{DagRunState, TaskInstanceState};

fn commit(store: &Store, changes: Vec<Change>) {
    store.write_blocking(move |tx| crate::store::apply::apply(tx, changes)).unwrap();
}

fn run_of(id: &str, date: i64, start: i64, state: DagRunState) -> DagRun {
    DagRun {
        logical_date: Some(at(date)),
        data_interval_start: Some(at(date)),
        data_interval_end: Some(at(date + 60)),
        start_date: Some(at(start)),
        ..sample::run("etl", id, date, state)
    }
}

#[test]
fn a_backfill_comes_back_as_it_was_written() {
    let (_dir, store) = sample::store();
    let first = sample::backfill(1, "etl");
    let other = Backfill { completed_at: Some(at(99)), ..sample::backfill(2, "other") };
    let third = Backfill { dag_run_conf: None, ..sample::backfill(3, "etl") };
    commit(&store, [&first, &other, &third].map(|b| Change::PutBackfill(b.clone())).into());
    let (found, total) = store.read_blocking(|conn| list(conn, None, 2, 0)).unwrap();
    assert_eq!((found.len(), total), (2, 3));
    assert_eq!((&found[0].backfill, &found[1].backfill), (&third, &other));
    let dag_id = DagId::from("etl");
    let (found, total) = store.read_blocking(move |conn| list(conn, Some(&dag_id), 9, 1)).unwrap();
    assert_eq!((found.len(), total), (1, 2));
    assert_eq!(found[0].backfill, first);
    let recovered = store.recover().unwrap();
    assert_eq!(recovered.backfills, [first.clone(), third]);
    assert_eq!(recovered.last_backfill_id, 3);
    let moved = Backfill { position: 7, is_paused: true, ..first };
    commit(&store, vec![Change::PutBackfill(moved.clone())]);
    assert_eq!(store.read_blocking(|conn| get(conn, 1)).unwrap().unwrap().backfill, moved);
    assert_eq!(store.read_blocking(|conn| get(conn, 9)).unwrap(), None);
}

#[test]
fn its_dates_are_shown_with_their_runs_as_they_stand() {
    let (_dir, store) = sample::store();
    let backfill = sample::backfill(1, "etl");
    let run = DagRun { backfill_id: Some(1), ..run_of("r1", 0, 5, DagRunState::Failed) };
    commit(
        &store,
        vec![
            Change::PutBackfillDagRun(sample::backfill_dag_run(1, 1, Some("r1"))),
            Change::PutBackfillDagRun(sample::backfill_dag_run(1, 2, None)),
            Change::PutDagRun(run),
            Change::PutBackfill(backfill.clone()),
        ],
    );
    let lines = store.read_blocking(move |conn| dag_runs(conn, &backfill, 9, 0)).unwrap();
    let lines: Vec<_> = lines
        .iter()
        .map(|line| (line.dag_run.sort_ordinal, line.state, line.dag_run.exception_reason))
        .collect();
    let exists = BackfillDagRunExceptionReason::AlreadyExists;
    assert_eq!(lines, [(2, None, Some(exists)), (1, Some(DagRunState::Failed), None)]);
    let view = store.read_blocking(|conn| get(conn, 1)).unwrap().unwrap();
    let counts = (view.queued, view.running, view.success, view.failed, view.skipped);
    assert_eq!(counts, (0, 0, 0, 1, 1));
}

#[test]
fn of_several_runs_of_a_date_the_one_begun_last_is_read() {
    let (_dir, store) = sample::store();
    let task = sample::key("etl", "new", "extract");
    let runs = [
        run_of("old", 0, 5, DagRunState::Success),
        run_of("new", 0, 9, DagRunState::Failed),
        run_of("running", 60, 9, DagRunState::Running),
        run_of("elsewhere", 120, 9, DagRunState::Success),
    ];
    let mut changes: Vec<Change> = runs.into_iter().map(Change::PutDagRun).collect();
    let failed = sample::task(task, Some(TaskInstanceState::Failed));
    changes.push(Change::PutTaskInstance(failed));
    commit(&store, changes);
    let read = move |with_tasks: bool| {
        let (dates, ids) = ([at(0), at(60), at(61)], ["old".into(), "gone".into()]);
        let dag_id = DagId::from("etl");
        store
            .read_blocking(move |conn| read_dates(conn, &dag_id, &dates, &ids, with_tasks))
            .unwrap()
    };
    let found = read(true);
    let ids: Vec<_> =
        found.runs.iter().map(|r| (r.run.dag_run_id.as_str(), r.tasks.len())).collect();
    assert_eq!(ids, [("new", 1), ("running", 0)]);
    assert_eq!(found.taken, ["old".into()]);
    assert!(read(false).runs.iter().all(|run| run.tasks.is_empty()));
}

#[test]
fn dates_ahead_of_the_schedule_are_found_again() {
    let (_dir, store) = sample::store();
    let of_backfill = |id: &str, date: i64| DagRun {
        backfill_id: Some(1),
        ..run_of(id, date, date, DagRunState::Success)
    };
    let dag_state = crate::sched::change::DagState {
        dag_id: "etl".into(),
        is_paused: false,
        is_stale: false,
        last_logical_date: Some(at(0)),
        scheduled_until: Some(at(60)),
        next_run_after: None,
        failed_in_a_row: crate::sched::change::FailedRow::default(),
    };
    let changes =
        [of_backfill("b0", 0), of_backfill("b1", 60), run_of("r", 120, 0, DagRunState::Success)];
    commit(&store, changes.into_iter().map(Change::PutDagRun).collect());
    commit(&store, vec![Change::PutDagState(dag_state)]);
    assert_eq!(store.recover().unwrap().made_ahead, [("etl".into(), at(60), at(120))]);
}
