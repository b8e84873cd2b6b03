//! Backfills, what became of each of their dates, and what there is of a date before a backfill
//! comes to it.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};

use crate::sched::backfill::BackfillRead;
use crate::sched::state::EndedRun;
use crate::store::fault::StoreError;
use crate::store::{asset, dag_run, row, task_instance, task_map};
use crate::types::backfill::{
    Backfill, BackfillDagRun, BackfillDagRunView, BackfillId, BackfillView,
};
use crate::types::run::DagRun;
use crate::types::{DagId, DagRunId, Timestamp};

/// Inserts or replaces.
pub(crate) fn put(conn: &Connection, backfill: &Backfill) -> Result<(), StoreError> {
    let sql = "INSERT INTO backfill (id, dag_id, from_date, to_date, dag_run_conf, is_paused,
            reprocess_behavior, run_backwards, max_active_runs, created_at, completed_at,
            updated_at, triggering_user_name, position, last_logical_date)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
        ON CONFLICT (id) DO UPDATE SET is_paused = excluded.is_paused,
            completed_at = excluded.completed_at, updated_at = excluded.updated_at,
            position = excluded.position, last_logical_date = excluded.last_logical_date";
    let conf = backfill.dag_run_conf.as_ref();
    let values = params![
        backfill.id,
        backfill.dag_id.as_str(),
        row::micros(backfill.from_date),
        row::micros(backfill.to_date),
        conf.map(|conf| row::json_text(conf, "dag_run_conf")).transpose()?,
        backfill.is_paused,
        backfill.reprocess_behavior.as_str(),
        backfill.run_backwards,
        backfill.max_active_runs,
        row::micros(backfill.created_at),
        row::opt_micros(backfill.completed_at),
        row::micros(backfill.updated_at),
        backfill.triggering_user_name,
        backfill.position,
        row::opt_micros(backfill.last_logical_date),
    ];
    row::execute(conn, sql, values).map(drop)
}

/// Inserts or replaces.
pub(crate) fn put_dag_run(conn: &Connection, dag_run: &BackfillDagRun) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO backfill_dag_run
            (backfill_id, sort_ordinal, logical_date, dag_run_id, exception_reason)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = params![
        dag_run.backfill_id,
        dag_run.sort_ordinal,
        row::micros(dag_run.logical_date),
        dag_run.dag_run_id.as_ref().map(DagRunId::as_str),
        dag_run.exception_reason.map(|reason| reason.as_str()),
    ];
    row::execute(conn, sql, values).map(drop)
}

/// Returns a backfill.
pub fn get(conn: &Connection, id: BackfillId) -> Result<Option<BackfillView>, StoreError> {
    row::first(conn, "SELECT * FROM backfill WHERE id = ?1", [id], read)?
        .map(|backfill| view(conn, backfill))
        .transpose()
}

/// Returns a page of the backfills of a DAG or of all, newest first, and how many there are.
pub fn list(
    conn: &Connection,
    dag_id: Option<&DagId>,
    limit: u32,
    offset: u32,
) -> Result<(Vec<BackfillView>, u64), StoreError> {
    let dag_id = dag_id.map(DagId::as_str);
    let clause = if dag_id.is_some() { "dag_id = ?1" } else { "?1 IS NULL" };
    let page = format!("SELECT * FROM backfill WHERE {clause} ORDER BY id DESC LIMIT ?2 OFFSET ?3");
    let found = row::all(conn, &page, params![dag_id, limit, offset], read)?;
    let total = format!("SELECT count(*) FROM backfill WHERE {clause}");
    let total = row::count(conn, &total, params![dag_id])?;
    let views = found.into_iter().map(|backfill| view(conn, backfill));
    Ok((views.collect::<Result<_, _>>()?, total))
}

/// Returns a page of the dates that a backfill has dealt with, the last one first.
pub fn dag_runs(
    conn: &Connection,
    backfill: &Backfill,
    limit: u32,
    offset: u32,
) -> Result<Vec<BackfillDagRunView>, StoreError> {
    let sql = "SELECT b.*, r.state, r.start_date, r.end_date FROM backfill_dag_run AS b
        LEFT JOIN dag_run AS r ON r.dag_id = ?2 AND r.dag_run_id = b.dag_run_id
        WHERE b.backfill_id = ?1 ORDER BY b.sort_ordinal DESC LIMIT ?3 OFFSET ?4";
    let values = params![backfill.id, backfill.dag_id.as_str(), limit, offset];
    row::all(conn, sql, values, |row| {
        Ok(BackfillDagRunView {
            dag_run: BackfillDagRun {
                backfill_id: row.get("backfill_id")?,
                sort_ordinal: row.get("sort_ordinal")?,
                logical_date: row::time(row, "logical_date")?,
                dag_run_id: row::opt_text(row, "dag_run_id")?,
                exception_reason: row::opt_word(row, "exception_reason")?,
            },
            state: row::opt_word(row, "state")?,
            start_date: row::opt_time(row, "start_date")?,
            end_date: row::opt_time(row, "end_date")?,
        })
    })
}

/// Returns the backfills that have not ended.
pub(crate) fn under_way(conn: &Connection) -> Result<Vec<Backfill>, StoreError> {
    row::all(conn, "SELECT * FROM backfill WHERE completed_at IS NULL ORDER BY id", [], read)
}

/// Returns the largest id there is.
pub(crate) fn last_id(conn: &Connection) -> Result<BackfillId, StoreError> {
    let last = row::first(conn, "SELECT max(id) AS id FROM backfill", [], |row| {
        Ok(row.get::<_, Option<i64>>("id")?)
    })?;
    Ok(last.flatten().unwrap_or(0))
}

/// Returns logical dates of runs of backfills, with the ends of their intervals, that lie behind
/// what the DAG's schedule has come to.
pub(crate) fn made_ahead(
    conn: &Connection,
) -> Result<Vec<(DagId, Timestamp, Timestamp)>, StoreError> {
    let sql = "SELECT d.dag_id, r.logical_date, r.data_interval_end
        FROM dag AS d JOIN dag_run AS r ON r.dag_id = d.dag_id AND r.backfill_id IS NOT NULL
            AND r.data_interval_end > ifnull(d.scheduled_until, -9223372036854775808)
        WHERE r.logical_date IS NOT NULL";
    row::all(conn, sql, [], |row| {
        let (date, end) = (row::time(row, "logical_date")?, row::time(row, "data_interval_end")?);
        Ok((row::text(row, "dag_id")?, date, end))
    })
}

/// Reads the runs of some dates, and which of some ids there are.
pub fn read_dates(
    conn: &Connection,
    dag_id: &DagId,
    logical_dates: &[Timestamp],
    dag_run_ids: &[DagRunId],
    with_tasks: bool,
) -> Result<BackfillRead, StoreError> {
    let dates: Vec<i64> = logical_dates.iter().map(|date| row::micros(*date)).collect();
    // Of several runs of one date the one begun last counts, as in Airflow; it comes last here.
    let sql = "SELECT r.* FROM json_each(?2) AS wanted
        JOIN dag_run AS r ON r.dag_id = ?1 AND r.logical_date = wanted.value
        ORDER BY r.start_date NULLS FIRST, r.id";
    let dates = row::json_text(&dates, "logical_date")?;
    let found = row::all(conn, sql, params![dag_id.as_str(), dates], dag_run::read)?;
    let latest: BTreeMap<Option<Timestamp>, DagRun> =
        found.into_iter().map(|run| (run.logical_date, run)).collect();
    let mut runs = Vec::new();
    for run in latest.into_values() {
        let key = run.key();
        let wants_tasks = with_tasks && run.state.is_finished();
        runs.push(EndedRun {
            run,
            dag: None,
            tasks: if wants_tasks { task_instance::for_run(conn, &key)? } else { Vec::new() },
            triggering_asset_events: asset::triggering(conn, &key)?,
            maps: if wants_tasks { task_map::for_run(conn, &key)? } else { Vec::new() },
        });
    }
    let sql = "SELECT r.dag_run_id FROM json_each(?2) AS wanted
        JOIN dag_run AS r ON r.dag_id = ?1 AND r.dag_run_id = wanted.value";
    let ids = row::json_text(&dag_run_ids, "dag_run_id")?;
    let taken =
        row::all(conn, sql, params![dag_id.as_str(), ids], |row| row::text(row, "dag_run_id"))?;
    Ok(BackfillRead { runs, taken })
}

fn view(conn: &Connection, backfill: Backfill) -> Result<BackfillView, StoreError> {
    let in_state = |state: &str| {
        let sql = "SELECT count(*) FROM dag_run WHERE backfill_id = ?1 AND state = ?2";
        row::count(conn, sql, params![backfill.id, state])
    };
    let sql = "SELECT count(*) FROM backfill_dag_run
        WHERE backfill_id = ?1 AND dag_run_id IS NULL";
    Ok(BackfillView {
        queued: in_state("queued")?,
        running: in_state("running")?,
        success: in_state("success")?,
        failed: in_state("failed")?,
        skipped: row::count(conn, sql, [backfill.id])?,
        backfill,
    })
}

fn read(row: &Row<'_>) -> Result<Backfill, StoreError> {
    let conf: Option<String> = row.get("dag_run_conf")?;
    let conf = conf.map(|text| {
        serde_json::from_str(&text)
            .map_err(|source| StoreError::Content { column: "dag_run_conf", source })
    });
    Ok(Backfill {
        id: row.get("id")?,
        dag_id: row::text(row, "dag_id")?,
        from_date: row::time(row, "from_date")?,
        to_date: row::time(row, "to_date")?,
        dag_run_conf: conf.transpose()?,
        is_paused: row.get("is_paused")?,
        reprocess_behavior: row::word(row, "reprocess_behavior")?,
        run_backwards: row.get("run_backwards")?,
        max_active_runs: row.get("max_active_runs")?,
        created_at: row::time(row, "created_at")?,
        completed_at: row::opt_time(row, "completed_at")?,
        updated_at: row::time(row, "updated_at")?,
        triggering_user_name: row.get("triggering_user_name")?,
        position: row.get("position")?,
        last_logical_date: row::opt_time(row, "last_logical_date")?,
    })
}

#[cfg(test)]
mod tests;
