//! From changes to SQL: all changes of one decision, in one transaction.

use rusqlite::Connection;

use crate::sched::Change;
use crate::store::fault::StoreError;
use crate::store::{
    asset, backfill, callback, dag, dag_run, dag_version, deadline, event_log, hitl, operation,
    task_instance, task_map, xcom,
};

/// Writes the changes. Runs, asset events and backfills come first, since other rows refer to
/// them; but a run that is deleted may be made anew by what comes after.
pub(crate) fn apply(conn: &Connection, mut changes: Vec<Change>) -> Result<(), StoreError> {
    let is_before_delete = |change: &Change| !matches!(change, Change::DeleteDagRun { .. });
    for stretch in changes.chunk_by_mut(|change, _| is_before_delete(change)) {
        stretch.sort_by_key(|change| match change {
            Change::PutDagRun(_) | Change::InsertAssetEvent(_) | Change::PutBackfill(_) => 0,
            _ => 1,
        });
        stretch.iter().try_for_each(|change| apply_one(conn, change))?;
    }
    Ok(())
}

fn apply_one(conn: &Connection, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::PutDagRun(run) => dag_run::put(conn, run),
        Change::PutTaskInstance(task) => task_instance::put(conn, task),
        Change::DeleteTaskInstance { key } => task_instance::delete(conn, key),
        Change::PutTaskTry(task_try) => task_instance::put_try(conn, task_try),
        Change::PutXcom { task, key, value } => xcom::put(conn, task, key, value),
        Change::DeleteXcom { key } => {
            task_map::delete(conn, key)?;
            xcom::delete(conn, key)
        }
        Change::PutTaskMap { key, lengths } => task_map::put(conn, key, lengths),
        Change::PutHitlDetail(detail) => hitl::put(conn, detail),
        Change::PutTriggeredRun { token, run } => dag_run::put_triggered(conn, token, run),
        Change::PutDagState(state) => dag::put(conn, state),
        Change::InsertDagVersion(version) => dag_version::insert(conn, version),
        Change::InsertAssetEvent(event) => asset::insert(conn, event),
        Change::PutAssetObject { asset, uri, object } => {
            asset::put_object(conn, asset, uri, object)
        }
        Change::PutAssetStale { asset, event_id } => asset::put_stale(conn, asset, *event_id),
        Change::PutQueuedAssetEvents { dag_id, event_ids } => {
            asset::put_queued(conn, dag_id, event_ids)
        }
        Change::PutTriggeringAssetEvents { run, event_ids } => {
            asset::put_triggering(conn, run, event_ids)
        }
        Change::InsertOperation(row) => operation::insert(conn, row),
        Change::UndoOperation { id, by } => operation::undo(conn, *id, *by),
        Change::DeleteDagRun { run, removal } => dag_run::delete(conn, run, removal),
        Change::PutBackfill(backfill) => backfill::put(conn, backfill),
        Change::PutBackfillDagRun(dag_run) => backfill::put_dag_run(conn, dag_run),
        Change::InsertCallback(request) => callback::insert(conn, request),
        Change::PutDeadline(one) => deadline::put(conn, one),
        Change::InsertEventLog(line) => event_log::insert(conn, line).map(drop),
    }
}

#[cfg(test)]
mod tests;
