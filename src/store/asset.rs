//! Asset events: those that happened, those that wait to bring a run about, those that did.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};

use crate::sched::AssetNews;
use crate::store::fault::StoreError;
use crate::store::lineage;
use crate::store::row;
use crate::types::asset::{AssetEvent, AssetEventKind, AssetEventSource, WatchedObject};
use crate::types::freshness::StartedRun;
use crate::types::run::DagRunKey;
use crate::types::{AssetName, DagId};

/// Appends. The scheduler has numbered it.
pub(crate) fn insert(conn: &Connection, event: &AssetEvent) -> Result<(), StoreError> {
    let sql = "INSERT INTO asset_event (id, name, uri, timestamp, source, extra, dedupe_key, kind,
            partition_key, source_aliases)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let values = params![
        event.id,
        event.name.as_str(),
        event.uri,
        row::micros(event.timestamp),
        row::json_text(&event.source, "source")?,
        row::json_text(&event.extra, "extra")?,
        event.dedupe_key,
        event.kind.as_str(),
        event.partition_key,
        row::json_text(&event.source_aliases, "source_aliases")?,
    ];
    row::execute(conn, sql, values)?;
    match &event.source {
        AssetEventSource::Task(task) => {
            lineage::put_asset(conn, task, event.name.as_str(), event.timestamp)
        }
        _ => Ok(()),
    }
}

/// Keeps how a file or an object looked when a watcher told of it.
pub(crate) fn put_object(
    conn: &Connection,
    asset: &AssetName,
    uri: &str,
    object: &WatchedObject,
) -> Result<(), StoreError> {
    let forget = "DELETE FROM asset_object WHERE asset = ?1 AND uri = ?2";
    if let Some(before) = &object.moved_from {
        row::execute(conn, forget, [asset.as_str(), before])?;
    }
    let Some(version) = &object.version else {
        return row::execute(conn, forget, [asset.as_str(), uri]).map(drop);
    };
    let sql = "INSERT INTO asset_object (asset, uri, version) VALUES (?1, ?2, ?3)
        ON CONFLICT (asset, uri) DO UPDATE SET version = excluded.version";
    row::execute(conn, sql, [asset.as_str(), uri, version]).map(drop)
}

/// Returns what watchers have told of what is there: of each asset the URIs with their versions.
pub fn objects(
    conn: &Connection,
) -> Result<BTreeMap<AssetName, BTreeMap<String, String>>, StoreError> {
    let sql = "SELECT asset, uri, version FROM asset_object";
    let rows = row::all(conn, sql, [], |row| {
        Ok((row::text::<AssetName>(row, "asset")?, row.get("uri")?, row.get("version")?))
    })?;
    let mut objects = BTreeMap::<AssetName, BTreeMap<String, String>>::new();
    for (asset, uri, version) in rows {
        objects.entry(asset).or_default().insert(uri, version);
    }
    Ok(objects)
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

/// Returns the last event of each asset that has one, and how many it has. That something was
/// deleted is counted, but is no news of the data.
pub fn summary(conn: &Connection) -> Result<BTreeMap<AssetName, (AssetEvent, u64)>, StoreError> {
    let sql = "SELECT e.*, c.events AS event_count FROM asset_event_count AS c
        JOIN asset_event AS e ON e.id = (
            SELECT max(id) FROM asset_event WHERE name = c.name AND kind <> 'deleted')";
    let rows = row::all(conn, sql, [], |row| {
        let count: i64 = row.get("event_count")?;
        Ok((read(row)?, u64::try_from(count).unwrap_or(0)))
    })?;
    Ok(rows.into_iter().map(|(event, count)| (event.name.clone(), (event, count))).collect())
}

/// Returns the last event of each asset that was no deletion, and whether it was told that this
/// is too long ago.
pub(crate) fn news(conn: &Connection) -> Result<Vec<(AssetName, AssetNews)>, StoreError> {
    let sql = "SELECT e.name, e.id, e.timestamp, s.event_id IS NOT NULL AS is_told
        FROM asset_event_count AS c JOIN asset_event AS e ON e.id = (
            SELECT max(id) FROM asset_event WHERE name = c.name AND kind <> 'deleted')
        LEFT JOIN asset_stale AS s ON s.name = e.name AND s.event_id = e.id";
    row::all(conn, sql, [], |row| {
        let news = AssetNews {
            event_id: row.get("id")?,
            timestamp: row::time(row, "timestamp")?,
            is_told: row.get("is_told")?,
        };
        Ok((row::text(row, "name")?, news))
    })
}

/// Notes that it was told that an asset is too old, after its last event.
pub(crate) fn put_stale(
    conn: &Connection,
    asset: &AssetName,
    event_id: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO asset_stale (name, event_id) VALUES (?1, ?2)
        ON CONFLICT (name) DO UPDATE SET event_id = excluded.event_id";
    row::execute(conn, sql, params![asset.as_str(), event_id]).map(drop)
}

/// Returns the last event of each partition of an asset, the newest first, with how many there
/// are of it, and the number of partitions.
pub fn partitions(
    conn: &Connection,
    asset: &AssetName,
    limit: u32,
) -> Result<Vec<(AssetEvent, u64)>, StoreError> {
    let sql = "SELECT e.*, p.events FROM (
            SELECT max(id) AS last, count(*) AS events FROM asset_event
            WHERE name = ?1 AND partition_key IS NOT NULL GROUP BY partition_key
            ORDER BY last DESC LIMIT ?2) AS p
        JOIN asset_event AS e ON e.id = p.last ORDER BY e.id DESC";
    row::all(conn, sql, params![asset.as_str(), limit], |row| {
        let count: i64 = row.get("events")?;
        Ok((read(row)?, u64::try_from(count).unwrap_or(0)))
    })
}

/// Counts the partitions of each asset that has any.
pub fn partition_counts(conn: &Connection) -> Result<BTreeMap<AssetName, u64>, StoreError> {
    let sql = "SELECT name, count(DISTINCT partition_key) AS partitions FROM asset_event
        WHERE partition_key IS NOT NULL GROUP BY name";
    let rows = row::all(conn, sql, [], |row| {
        let count: i64 = row.get("partitions")?;
        Ok((row::text(row, "name")?, u64::try_from(count).unwrap_or(0)))
    })?;
    Ok(rows.into_iter().collect())
}

/// Returns the events that brought a run about, in their order.
pub fn triggering(conn: &Connection, run: &DagRunKey) -> Result<Vec<AssetEvent>, StoreError> {
    let sql = "SELECT e.* FROM dagrun_asset_event AS t JOIN asset_event AS e ON e.id = t.event_id
        WHERE t.dag_id = ?1 AND t.dag_run_id = ?2 ORDER BY t.position";
    row::all(conn, sql, [run.dag_id.as_str(), run.dag_run_id.as_str()], read)
}

/// Returns the runs that an event brought about.
pub fn started(conn: &Connection, event_id: i64) -> Result<Vec<StartedRun>, StoreError> {
    let sql = "SELECT r.dag_id, r.dag_run_id, r.state, r.start_date, r.end_date, r.partition_key,
            t.position = (SELECT max(position) FROM dagrun_asset_event
                WHERE dag_id = t.dag_id AND dag_run_id = t.dag_run_id) AS is_triggering
        FROM dagrun_asset_event AS t
        JOIN dag_run AS r ON r.dag_id = t.dag_id AND r.dag_run_id = t.dag_run_id
        WHERE t.event_id = ?1 ORDER BY r.id";
    row::all(conn, sql, [event_id], |row| {
        Ok(StartedRun {
            dag_id: row::text(row, "dag_id")?,
            dag_run_id: row::text(row, "dag_run_id")?,
            state: row::word(row, "state")?,
            start_date: row::opt_time(row, "start_date")?,
            end_date: row::opt_time(row, "end_date")?,
            partition_key: row.get("partition_key")?,
            is_triggering: row.get("is_triggering")?,
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
        kind: AssetEventKind::of_word(&row.get::<_, String>("kind")?).unwrap_or_default(),
        partition_key: row.get("partition_key")?,
        source_aliases: row::json(row, "source_aliases")?,
    })
}

#[cfg(test)]
mod tests;
