//! Asset events: those that happened, those that wait to bring a run about, those that did.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::asset::AssetEvent;
use crate::types::freshness::StartedRun;
use crate::types::run::DagRunKey;
use crate::types::{AssetName, DagId};

/// Appends. The scheduler has numbered it.
pub(crate) fn insert(conn: &Connection, event: &AssetEvent) -> Result<(), StoreError> {
    let sql = "INSERT INTO asset_event (id, name, uri, timestamp, source, extra, dedupe_key)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let values = params![
        event.id,
        event.name.as_str(),
        event.uri,
        row::micros(event.timestamp),
        row::json_text(&event.source, "source")?,
        row::json_text(&event.extra, "extra")?,
        event.dedupe_key,
    ];
    row::execute(conn, sql, values).map(drop)
}

/// Replaces the events that wait to bring a run of a DAG about.
pub(crate) fn put_queued(
    conn: &Connection,
    dag_id: &DagId,
    event_ids: &[i64],
) -> Result<(), StoreError> {
    row::execute(conn, "DELETE FROM asset_dag_run_queue WHERE dag_id = ?1", [dag_id.as_str()])?;
    let sql = "INSERT OR IGNORE INTO asset_dag_run_queue (dag_id, event_id, position)
        VALUES (?1, ?2, ?3)";
    for (position, event_id) in (0_i64..).zip(event_ids) {
        row::execute(conn, sql, params![dag_id.as_str(), event_id, position])?;
    }
    Ok(())
}

/// Replaces the events that brought a run about.
pub(crate) fn put_triggering(
    conn: &Connection,
    run: &DagRunKey,
    event_ids: &[i64],
) -> Result<(), StoreError> {
    let (dag_id, dag_run_id) = (run.dag_id.as_str(), run.dag_run_id.as_str());
    let sql = "DELETE FROM dagrun_asset_event WHERE dag_id = ?1 AND dag_run_id = ?2";
    row::execute(conn, sql, [dag_id, dag_run_id])?;
    let sql = "INSERT OR IGNORE INTO dagrun_asset_event (dag_id, dag_run_id, event_id, position)
        VALUES (?1, ?2, ?3, ?4)";
    for (position, event_id) in (0_i64..).zip(event_ids) {
        row::execute(conn, sql, params![dag_id, dag_run_id, event_id, position])?;
    }
    Ok(())
}

/// Returns the last `limit` events, of one asset or of all, newest first.
pub fn events(
    conn: &Connection,
    asset: Option<&AssetName>,
    limit: u32,
) -> Result<Vec<AssetEvent>, StoreError> {
    match asset {
        Some(asset) => {
            let sql = "SELECT * FROM asset_event WHERE name = ?1 ORDER BY id DESC LIMIT ?2";
            row::all(conn, sql, params![asset.as_str(), limit], read)
        }
        None => {
            let sql = "SELECT * FROM asset_event ORDER BY id DESC LIMIT ?1";
            row::all(conn, sql, [limit], read)
        }
    }
}

/// Returns the last event of each asset that has one, and how many it has.
pub fn summary(conn: &Connection) -> Result<BTreeMap<AssetName, (AssetEvent, u64)>, StoreError> {
    let sql = "SELECT e.*, c.events AS event_count FROM asset_event_count AS c
        JOIN asset_event AS e ON e.id = (SELECT max(id) FROM asset_event WHERE name = c.name)";
    let rows = row::all(conn, sql, [], |row| {
        let count: i64 = row.get("event_count")?;
        Ok((read(row)?, u64::try_from(count).unwrap_or(0)))
    })?;
    Ok(rows.into_iter().map(|(event, count)| (event.name.clone(), (event, count))).collect())
}

/// Returns the events that brought a run about, in their order.
pub fn triggering(conn: &Connection, run: &DagRunKey) -> Result<Vec<AssetEvent>, StoreError> {
    let sql = "SELECT e.* FROM dagrun_asset_event AS t JOIN asset_event AS e ON e.id = t.event_id
        WHERE t.dag_id = ?1 AND t.dag_run_id = ?2 ORDER BY t.position";
    row::all(conn, sql, [run.dag_id.as_str(), run.dag_run_id.as_str()], read)
}

/// Returns the runs that an event brought about.
pub fn started(conn: &Connection, event_id: i64) -> Result<Vec<StartedRun>, StoreError> {
    let sql = "SELECT r.dag_id, r.dag_run_id, r.state FROM dagrun_asset_event AS t
        JOIN dag_run AS r ON r.dag_id = t.dag_id AND r.dag_run_id = t.dag_run_id
        WHERE t.event_id = ?1 ORDER BY r.id";
    row::all(conn, sql, [event_id], |row| {
        Ok(StartedRun {
            dag_id: row::text(row, "dag_id")?,
            dag_run_id: row::text(row, "dag_run_id")?,
            state: row::word(row, "state")?,
        })
    })
}

/// Returns the events that wait to bring a run of a DAG about, by DAG, in their order.
pub fn queued(conn: &Connection) -> Result<Vec<(DagId, Vec<AssetEvent>)>, StoreError> {
    let sql = "SELECT q.dag_id, e.* FROM asset_dag_run_queue AS q
        JOIN asset_event AS e ON e.id = q.event_id ORDER BY q.dag_id, q.position";
    let rows = row::all(conn, sql, [], |row| Ok((row::text::<DagId>(row, "dag_id")?, read(row)?)))?;
    let mut queued = BTreeMap::<DagId, Vec<AssetEvent>>::new();
    for (dag_id, event) in rows {
        queued.entry(dag_id).or_default().push(event);
    }
    Ok(queued.into_iter().collect())
}

/// Returns which of the dedupe keys are those of events that were taken note of.
pub(crate) fn known_keys(conn: &Connection, keys: &[String]) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT dedupe_key FROM asset_event
        WHERE dedupe_key IN (SELECT value FROM json_each(?1))";
    row::all(conn, sql, [row::json_text(&keys, "dedupe_key")?], |row| Ok(row.get(0)?))
}

/// Returns the number of the last event, 0 where there is none.
pub(crate) fn last_id(conn: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT ifnull(max(id), 0) FROM asset_event";
    Ok(row::first(conn, sql, [], |row| Ok(row.get(0)?))?.unwrap_or(0))
}

fn read(row: &Row<'_>) -> Result<AssetEvent, StoreError> {
    Ok(AssetEvent {
        id: row.get("id")?,
        name: row::text(row, "name")?,
        uri: row.get("uri")?,
        timestamp: row::time(row, "timestamp")?,
        source: row::json(row, "source")?,
        extra: row::json(row, "extra")?,
        dedupe_key: row.get("dedupe_key")?,
    })
}

#[cfg(test)]
mod tests;
