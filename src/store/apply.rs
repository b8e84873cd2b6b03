//! From changes to SQL: all changes of one decision, in one transaction.

use std::collections::HashMap;
use std::hash::Hash;

use rusqlite::Connection;

use crate::sched::Change;
use crate::store::fault::StoreError;
use crate::store::{
    asset, backfill, callback, dag, dag_run, dag_version, deadline, event_log, hitl, operation,
    task_instance, task_map, trouble, xcom,
};

/// Writes the changes. Runs, asset events and backfills come first, since other rows refer to
/// them; but a run that is deleted may be made anew by what comes after.
pub(crate) fn apply(conn: &Connection, mut changes: Vec<Change>) -> Result<(), StoreError> {
    let is_before_delete = |change: &Change| !matches!(change, Change::DeleteDagRun { .. });
    keep_latest(&mut changes);
    for stretch in changes.chunk_by_mut(|change, _| is_before_delete(change)) {
        stretch.sort_by_key(|change| match change {
            Change::PutDagRun(_) | Change::InsertAssetEvent(_) | Change::PutBackfill(_) => 0,
            _ => 1,
        });
        stretch.iter().try_for_each(|change| apply_one(conn, change))?;
    }
    Ok(())
}

/// Of what is put more than once by the decisions of one commit writes only how it stands in the
/// end, in the first's place: other rows may refer to it.
fn keep_latest(changes: &mut Vec<Change>) {
    let is_delete = |change: &Change| {
        matches!(change, Change::DeleteTaskInstance { .. } | Change::DeleteDagRun { .. })
    };
    if changes.iter().any(is_delete) {
        return;
    }
    let (mut tasks, mut tries) = (HashMap::new(), HashMap::new());
    let mut kept: Vec<Change> = Vec::with_capacity(changes.len());
    for change in changes.drain(..) {
        let place = match &change {
            Change::PutTaskInstance(task) => place_of(&mut tasks, &task.key, kept.len()),
            Change::PutTaskTry(one) => place_of(&mut tries, &one.key, kept.len()),
            _ => None,
        };
        match place.and_then(|place| kept.get_mut(place)) {
            Some(earlier) => *earlier = change,
            None => kept.push(change),
        }
    }
    *changes = kept;
}

/// Returns where a key was seen before, or notes that it is seen now.
fn place_of<K: Clone + Eq + Hash>(
    seen: &mut HashMap<K, usize>,
    key: &K,
    now: usize,
) -> Option<usize> {
    if let Some(place) = seen.get(key) {
        return Some(*place);
    }
    seen.insert(key.clone(), now);
    None
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
        Change::PutTrouble(trouble) => trouble::put(conn, trouble),
        Change::DeleteTrouble(key) => trouble::delete(conn, key),
        Change::PutDeadline(one) => deadline::put(conn, one),
        Change::InsertEventLog(line) => event_log::insert(conn, line).map(drop),
    }
}

#[cfg(test)]
mod tests;
