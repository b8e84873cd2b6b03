//! Runs: one by one, as pages of a list, and as the figures of each DAG.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{Connection, Row, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::run::{DagRun, DagRunKey};
use crate::types::view::RecentRun;
use crate::types::{DagId, DagRunId, DagRunState, LaunchToken, Timestamp};

mod page;

pub use page::{RunFilter, list};

/// How many successful runs a median is taken of.
const MEDIAN_OF: u32 = 20;

/// Inserts or replaces.
pub(crate) fn put(conn: &Connection, run: &DagRun) -> Result<(), StoreError> {
    let sql = "INSERT INTO dag_run (dag_id, dag_run_id, run_type, state, triggered_by,
            triggering_user_name, logical_date, data_interval_start, data_interval_end,
            run_after, queued_at, start_date, end_date, conf, params, dag_version, note,
            dag_version_number, backfill_id, partition_key)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
            ?19, ?20)
        ON CONFLICT (dag_id, dag_run_id) DO UPDATE SET run_type = excluded.run_type,
            state = excluded.state, triggered_by = excluded.triggered_by,
            triggering_user_name = excluded.triggering_user_name,
            logical_date = excluded.logical_date,
            data_interval_start = excluded.data_interval_start,
            data_interval_end = excluded.data_interval_end, run_after = excluded.run_after,
            queued_at = excluded.queued_at, start_date = excluded.start_date,
            end_date = excluded.end_date, conf = excluded.conf, params = excluded.params,
            dag_version = excluded.dag_version, note = excluded.note,
            dag_version_number = excluded.dag_version_number,
            backfill_id = excluded.backfill_id, partition_key = excluded.partition_key";
    let values = params![
        run.dag_id.as_str(),
        run.dag_run_id.as_str(),
        run.run_type.as_str(),
        run.state.as_str(),
        run.triggered_by.as_str(),
        run.triggering_user_name,
        row::opt_micros(run.logical_date),
        row::opt_micros(run.data_interval_start),
        row::opt_micros(run.data_interval_end),
        row::micros(run.run_after),
        row::micros(run.queued_at),
        row::opt_micros(run.start_date),
        row::opt_micros(run.end_date),
        row::json_text(&run.conf, "conf")?,
        row::json_text(&run.params, "params")?,
        run.dag_version,
        run.note,
        run.dag_version_number,
        run.backfill_id,
        run.partition_key,
    ];
    row::execute(conn, sql, values).map(drop)
}

/// Returns a run.
pub fn get(
    conn: &Connection,
    dag_id: &DagId,
    dag_run_id: &DagRunId,
) -> Result<Option<DagRun>, StoreError> {
    let sql = "SELECT * FROM dag_run WHERE dag_id = ?1 AND dag_run_id = ?2";
    row::first(conn, sql, [dag_id.as_str(), dag_run_id.as_str()], read)
}

/// Returns the last successful run before an instant, by logical date.
pub fn previous_success(
    conn: &Connection,
    dag_id: &DagId,
    before: Option<Timestamp>,
) -> Result<Option<DagRun>, StoreError> {
    let sql = "SELECT * FROM dag_run WHERE dag_id = ?1 AND logical_date < ?2 AND state = 'success'
        ORDER BY logical_date DESC LIMIT 1";
    row::first(conn, sql, params![dag_id.as_str(), row::opt_micros(before)], read)
}

/// Deletes a run with all rows that belong to it; its folder is still to be removed.
pub(crate) fn delete(conn: &Connection, run: &DagRunKey, removal: &str) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO dag_run_removal (name, dag_id, dag_run_id)
        VALUES (?1, ?2, ?3)";
    row::execute(conn, sql, [removal, run.dag_id.as_str(), run.dag_run_id.as_str()])?;
    let sql = "DELETE FROM dag_run WHERE dag_id = ?1 AND dag_run_id = ?2";
    row::execute(conn, sql, [run.dag_id.as_str(), run.dag_run_id.as_str()]).map(drop)
}

/// Returns the runs whose folders are still to be removed, each with the name for it.
pub fn removals(conn: &Connection) -> Result<Vec<(String, DagRunKey)>, StoreError> {
    let sql = "SELECT name, dag_id, dag_run_id FROM dag_run_removal";
    row::all(conn, sql, [], |row| {
        let dag_id = row::text(row, "dag_id")?;
        let run = DagRunKey { dag_id, dag_run_id: row::text(row, "dag_run_id")? };
        Ok((row.get("name")?, run))
    })
}

/// Notes that a folder is out of the way.
pub fn removed(conn: &Connection, removal: &str) -> Result<(), StoreError> {
    row::execute(conn, "DELETE FROM dag_run_removal WHERE name = ?1", [removal]).map(drop)
}

/// Returns the other runs of the run's DAG with an earlier or a later logical date.
pub fn around(
    conn: &Connection,
    run: &DagRun,
    (past, future): (bool, bool),
    limit: u32,
) -> Result<Vec<DagRunKey>, StoreError> {
    let Some(date) = run.logical_date else { return Ok(Vec::new()) };
    let sql = "SELECT dag_id, dag_run_id FROM dag_run
        WHERE dag_id = ?1 AND ((?3 AND logical_date < ?2) OR (?4 AND logical_date > ?2))
        ORDER BY logical_date, id LIMIT ?5";
    let values = params![run.dag_id.as_str(), row::micros(date), past, future, limit];
    row::all(conn, sql, values, |row| {
        let dag_id = row::text(row, "dag_id")?;
        Ok(DagRunKey { dag_id, dag_run_id: row::text(row, "dag_run_id")? })
    })
}

/// Returns the runs of a logical date, oldest first.
pub fn of_logical_date(
    conn: &Connection,
    dag_id: &DagId,
    logical_date: Timestamp,
) -> Result<Vec<DagRun>, StoreError> {
    let sql = "SELECT * FROM dag_run WHERE dag_id = ?1 AND logical_date = ?2 ORDER BY id";
    row::all(conn, sql, params![dag_id.as_str(), row::micros(logical_date)], read)
}

/// Remembers which run an attempt has brought about.
pub(crate) fn put_triggered(
    conn: &Connection,
    token: &LaunchToken,
    run: &DagRunKey,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO triggered_dag_run (token, dag_id, dag_run_id) VALUES (?1, ?2, ?3)";
    let values = [token.as_str(), run.dag_id.as_str(), run.dag_run_id.as_str()];
    row::execute(conn, sql, values).map(drop)
}

/// Returns the run that an attempt has brought about.
pub fn triggered_by(
    conn: &Connection,
    token: &LaunchToken,
) -> Result<Option<DagRunKey>, StoreError> {
    let sql = "SELECT dag_id, dag_run_id FROM triggered_dag_run WHERE token = ?1";
    row::first(conn, sql, [token.as_str()], |row| {
        let (dag_id, dag_run_id) = (row::text(row, "dag_id")?, row::text(row, "dag_run_id")?);
        Ok(DagRunKey { dag_id, dag_run_id })
    })
}

/// Returns the runs that have not ended, oldest first.
pub fn active(conn: &Connection) -> Result<Vec<DagRun>, StoreError> {
    let sql = "SELECT * FROM dag_run WHERE state IN ('queued', 'running') ORDER BY id";
    row::all(conn, sql, [], read)
}

/// Returns the last `limit` runs of each DAG, newest last.
pub fn recent(
    conn: &Connection,
    dag_ids: &[DagId],
    limit: u32,
) -> Result<BTreeMap<DagId, Vec<RecentRun>>, StoreError> {
    // A window over all runs would read each of them; this reads `limit` index entries a DAG.
    let sql = "SELECT r.dag_id, r.dag_run_id, r.state, r.run_after, r.start_date, r.end_date
        FROM json_each(?1) AS wanted JOIN dag_run AS r ON r.id IN (
            SELECT id FROM dag_run WHERE dag_id = wanted.value
            ORDER BY run_after DESC, id DESC LIMIT ?2)
        ORDER BY r.run_after, r.id";
    let ids = row::json_text(&dag_ids, "dag_id")?;
    let rows = row::all(conn, sql, params![ids, limit], |row| {
        let run = RecentRun {
            dag_run_id: row::text(row, "dag_run_id")?,
            state: row::word(row, "state")?,
            run_after: row::time(row, "run_after")?,
            start_date: row::opt_time(row, "start_date")?,
            end_date: row::opt_time(row, "end_date")?,
        };
        Ok((row::text::<DagId>(row, "dag_id")?, run))
    })?;
    let mut runs = BTreeMap::<DagId, Vec<RecentRun>>::new();
    for (dag_id, run) in rows {
        runs.entry(dag_id).or_default().push(run);
    }
    Ok(runs)
}

/// Returns which of a DAG's runs are under way, oldest first.
pub fn under_way(conn: &Connection, dag_id: &DagId) -> Result<Vec<DagRunKey>, StoreError> {
    let sql = "SELECT dag_id, dag_run_id FROM dag_run
        WHERE dag_id = ?1 AND state = 'running' ORDER BY run_after, id LIMIT 100";
    row::all(conn, sql, [dag_id.as_str()], |row| {
        Ok(DagRunKey {
            dag_id: row::text(row, "dag_id")?,
            dag_run_id: row::text(row, "dag_run_id")?,
        })
    })
}

/// Counts a DAG's runs that were due since an instant and have ended: those that succeeded, and
/// all of them.
pub fn ended_since(
    conn: &Connection,
    dag_id: &DagId,
    since: Timestamp,
) -> Result<(u64, u64), StoreError> {
    let sql = "SELECT count(*) FROM dag_run
        WHERE dag_id = ?1 AND state = ?2 AND run_after >= ?3";
    let count = |state: DagRunState| {
        row::count(conn, sql, params![dag_id.as_str(), state.as_str(), row::micros(since)])
    };
    let good = count(DagRunState::Success)?;
    Ok((good, good + count(DagRunState::Failed)?))
}

/// Returns the median seconds of each DAG's last successful runs.
pub fn median_durations(
    conn: &Connection,
    dag_ids: &[DagId],
) -> Result<BTreeMap<DagId, f64>, StoreError> {
    let sql = "SELECT r.dag_id, (r.end_date - r.start_date) / 1e6 AS duration
        FROM json_each(?1) AS wanted JOIN dag_run AS r ON r.id IN (
            SELECT id FROM dag_run WHERE dag_id = wanted.value AND state = 'success'
            ORDER BY run_after DESC, id DESC LIMIT ?2)
        WHERE r.start_date IS NOT NULL AND r.end_date IS NOT NULL
        ORDER BY duration";
    let ids = row::json_text(&dag_ids, "dag_id")?;
    let rows = row::all(conn, sql, params![ids, MEDIAN_OF], |row| {
        Ok((row::text::<DagId>(row, "dag_id")?, row.get::<_, f64>("duration")?))
    })?;
    let mut durations = BTreeMap::<DagId, Vec<f64>>::new();
    for (dag_id, duration) in rows {
        durations.entry(dag_id).or_default().push(duration);
    }
    let medians = durations.into_iter().filter_map(|(id, sorted)| Some((id, median(&sorted)?)));
    Ok(medians.collect())
}

/// Returns how long the last `limit` runs of each DAG took, the newest last.
pub fn durations(
    conn: &Connection,
    dag_ids: &[DagId],
    limit: u32,
) -> Result<BTreeMap<DagId, Vec<Duration>>, StoreError> {
    let sql = "SELECT r.dag_id, r.end_date - r.start_date AS micros
        FROM json_each(?1) AS wanted JOIN dag_run AS r ON r.id IN (
            SELECT id FROM dag_run WHERE dag_id = wanted.value
                AND start_date IS NOT NULL AND end_date IS NOT NULL
            ORDER BY run_after DESC, id DESC LIMIT ?2)
        ORDER BY r.run_after, r.id";
    let ids = row::json_text(&dag_ids, "dag_id")?;
    let rows = row::all(conn, sql, params![ids, limit], |row| {
        let micros: i64 = row.get("micros")?;
        let took = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        Ok((row::text::<DagId>(row, "dag_id")?, took))
    })?;
    let mut durations = BTreeMap::<DagId, Vec<Duration>>::new();
    for (dag_id, took) in rows {
        durations.entry(dag_id).or_default().push(took);
    }
    Ok(durations)
}

fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*sorted.get(middle.checked_sub(1)?)?, upper))
}

pub(super) fn read(row: &Row<'_>) -> Result<DagRun, StoreError> {
    Ok(DagRun {
        dag_id: row::text(row, "dag_id")?,
        dag_run_id: row::text(row, "dag_run_id")?,
        run_type: row::word(row, "run_type")?,
        state: row::word(row, "state")?,
        triggered_by: row::word(row, "triggered_by")?,
        triggering_user_name: row.get("triggering_user_name")?,
        logical_date: row::opt_time(row, "logical_date")?,
        data_interval_start: row::opt_time(row, "data_interval_start")?,
        data_interval_end: row::opt_time(row, "data_interval_end")?,
        run_after: row::time(row, "run_after")?,
        queued_at: row::time(row, "queued_at")?,
        start_date: row::opt_time(row, "start_date")?,
        end_date: row::opt_time(row, "end_date")?,
        conf: row::json(row, "conf")?,
        params: row::json(row, "params")?,
        dag_version: row.get("dag_version")?,
        dag_version_number: row.get("dag_version_number")?,
        note: row.get("note")?,
        backfill_id: row.get("backfill_id")?,
        partition_key: row.get("partition_key")?,
    })
}

#[cfg(test)]
mod tests;
