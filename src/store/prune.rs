//! Deletes history, a bounded piece at a time: no write that waits waits long.
//!
//! ```text
//! decide (a reader) ─► delete rows, note the folder ─► commit ─► bury: the folder is renamed away
//! ```
//! What `deleted_folder` holds is still to be buried, also after a crash.

use rusqlite::{Connection, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::run::DagRunKey;
use crate::types::{DagId, DagRunId, Timestamp};

/// How many task instances one transaction deletes at most.
pub const PIECE_LEN_MAX: u32 = 200;

/// How many lines of the feed, or asset events, one transaction deletes at most.
pub const LINES_LEN_MAX: usize = 1_000;

/// What has rows for each task instance; whatever else belongs to a run goes with the run's row.
const OF_TASK: [&str; 8] = [
    "xcom",
    "task_map",
    "task_io",
    "task_dataset",
    "check_result",
    "rendered_task_instance_fields",
    "task_instance_history",
    "task_instance",
];

/// What of a run that has ended is left after a piece of it was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// It is gone, and its folder noted.
    Nothing,
    /// Task instances: delete again.
    More,
    /// It was not there, or is under way.
    Kept,
}

/// Deletes a run that has ended, with all that belongs to it: at most `PIECE_LEN_MAX` task
/// instances at once. Call it, a transaction each, until nothing is left; `bury` does away with
/// the folder.
pub fn delete_run(conn: &Connection, run: &DagRunKey) -> Result<Left, StoreError> {
    delete_piece(conn, run, &mut { PIECE_LEN_MAX })
}

/// As `delete_run`, of as many runs from the first on as one piece holds. Returns of those that
/// are settled whether they are gone; with the others it is to be called again.
pub fn delete_runs(conn: &Connection, runs: &[DagRunKey]) -> Result<Vec<bool>, StoreError> {
    let mut left = PIECE_LEN_MAX;
    let mut settled = Vec::new();
    for run in runs {
        match delete_piece(conn, run, &mut left)? {
            Left::Nothing => settled.push(true),
            Left::Kept => settled.push(false),
            Left::More => break,
        }
        // A run costs something, even one without tasks.
        left = left.saturating_sub(1);
    }
    Ok(settled)
}

fn delete_piece(conn: &Connection, run: &DagRunKey, len: &mut u32) -> Result<Left, StoreError> {
    if *len == 0 {
        return Ok(Left::More);
    }
    let (dag_id, dag_run_id) = (run.dag_id.as_str(), run.dag_run_id.as_str());
    let sql = "SELECT 1 FROM dag_run WHERE dag_id = ?1 AND dag_run_id = ?2
        AND state IN ('success', 'failed')";
    if row::first(conn, sql, [dag_id, dag_run_id], |_| Ok(()))?.is_none() {
        return Ok(Left::Kept);
    }
    let sql = "SELECT task_id, map_index FROM task_instance
        WHERE dag_id = ?1 AND dag_run_id = ?2 LIMIT ?3";
    let values = params![dag_id, dag_run_id, *len];
    let piece =
        row::all(conn, sql, values, |row| Ok((row.get::<_, String>(0)?, row.get::<_, i32>(1)?)))?;
    for (task_id, map_index) in &piece {
        for table in OF_TASK {
            delete_of_task(conn, table, run, task_id, *map_index)?;
        }
    }
    *len = len.saturating_sub(u32::try_from(piece.len()).unwrap_or(u32::MAX));
    if *len == 0 {
        return Ok(Left::More);
    }
    let sql = "DELETE FROM dag_run WHERE dag_id = ?1 AND dag_run_id = ?2";
    row::execute(conn, sql, [dag_id, dag_run_id])?;
    let sql = "INSERT INTO deleted_folder (dag_id, dag_run_id) VALUES (?1, ?2)";
    row::execute(conn, sql, [dag_id, dag_run_id])?;
    Ok(Left::Nothing)
}

fn delete_of_task(
    conn: &Connection,
    table: &str,
    run: &DagRunKey,
    task_id: &str,
    map_index: i32,
) -> Result<(), StoreError> {
    let sql = format!(
        "DELETE FROM {table}
        WHERE dag_id = ?1 AND dag_run_id = ?2 AND task_id = ?3 AND map_index = ?4"
    );
    let values = params![run.dag_id.as_str(), run.dag_run_id.as_str(), task_id, map_index];
    row::execute(conn, &sql, values).map(drop)
}

/// Returns every DAG that has runs, those that are gone from the definitions too.
pub fn dags(conn: &Connection) -> Result<Vec<DagId>, StoreError> {
    let sql = "SELECT DISTINCT dag_id FROM dag_run_count WHERE runs > 0";
    row::all(conn, sql, [], |row| row::text(row, "dag_id"))
}

/// The newest success of a DAG is kept, whatever the limits say.
const NOT_LATEST_SUCCESS: &str = "id IS NOT (SELECT id FROM dag_run
        WHERE dag_id = ?1 AND state = 'success' ORDER BY run_after DESC, id DESC LIMIT 1)";

/// Returns a DAG's runs that ended before `before`, oldest first.
pub fn runs_before(
    conn: &Connection,
    dag_id: &DagId,
    before: Timestamp,
) -> Result<Vec<DagRunKey>, StoreError> {
    let sql = format!(
        "SELECT dag_id, dag_run_id FROM dag_run WHERE dag_id = ?1 AND run_after < ?2
            AND end_date < ?2 AND state IN ('success', 'failed') AND {NOT_LATEST_SUCCESS}
        ORDER BY run_after, id"
    );
    row::all(conn, &sql, params![dag_id.as_str(), row::micros(before)], read_key)
}

/// Returns a DAG's runs that have ended but for the newest `kept`, oldest first.
pub fn runs_beyond(
    conn: &Connection,
    dag_id: &DagId,
    kept: u32,
) -> Result<Vec<DagRunKey>, StoreError> {
    let sql = "SELECT ifnull(sum(runs), 0) FROM dag_run_count WHERE dag_id = ?1";
    if row::count(conn, sql, [dag_id.as_str()])? <= u64::from(kept) {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT dag_id, dag_run_id, id, run_after FROM dag_run
        WHERE dag_id = ?1 AND state IN ('success', 'failed') AND {NOT_LATEST_SUCCESS}
        ORDER BY run_after DESC, id DESC LIMIT -1 OFFSET ?2"
    );
    // The newest success counts, though it is not listed.
    let sql_success = "SELECT 1 FROM dag_run WHERE dag_id = ?1 AND state = 'success' LIMIT 1";
    let has_success = row::first(conn, sql_success, [dag_id.as_str()], |_| Ok(()))?.is_some();
    let offset = kept.saturating_sub(u32::from(has_success));
    let mut runs = row::all(conn, &sql, params![dag_id.as_str(), offset], read_key)?;
    runs.reverse();
    Ok(runs)
}

/// Returns the oldest runs of all DAGs that have ended.
pub fn oldest_runs(conn: &Connection, limit: u32) -> Result<Vec<DagRunKey>, StoreError> {
    let sql = "SELECT r.dag_id, r.dag_run_id FROM dag_run AS r INDEXED BY dag_run_ended
        WHERE r.end_date IS NOT NULL AND r.state IN ('success', 'failed')
            AND r.id IS NOT (SELECT id FROM dag_run
                WHERE dag_id = r.dag_id AND state = 'success'
                ORDER BY run_after DESC, id DESC LIMIT 1)
        ORDER BY r.end_date LIMIT ?1";
    row::all(conn, sql, [limit], read_key)
}

/// Returns a DAG's runs that ended before `before` and whose logs are there.
pub fn runs_with_logs(
    conn: &Connection,
    dag_id: &DagId,
    before: Timestamp,
) -> Result<Vec<DagRunKey>, StoreError> {
    let sql = "SELECT dag_id, dag_run_id FROM dag_run INDEXED BY dag_run_with_logs
        WHERE end_date IS NOT NULL AND logs_pruned_at IS NULL AND end_date < ?2 AND dag_id = ?1
            AND state IN ('success', 'failed')";
    row::all(conn, sql, params![dag_id.as_str(), row::micros(before)], read_key)
}

/// Notes that the logs of a run are gone; until the run goes on.
pub fn note_logs_pruned(
    conn: &Connection,
    run: &DagRunKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE dag_run SET logs_pruned_at = ?3 WHERE dag_id = ?1 AND dag_run_id = ?2
        AND state IN ('success', 'failed')";
    let values = params![run.dag_id.as_str(), run.dag_run_id.as_str(), row::micros(now)];
    row::execute(conn, sql, values).map(drop)
}

fn read_key(row: &rusqlite::Row<'_>) -> Result<DagRunKey, StoreError> {
    Ok(DagRunKey {
        dag_id: row::text(row, "dag_id")?,
        dag_run_id: row::text::<DagRunId>(row, "dag_run_id")?,
    })
}

/// Returns how many lines of the feed are older than `before`.
pub fn lines_before(conn: &Connection, before: Timestamp) -> Result<u64, StoreError> {
    row::count(conn, "SELECT count(*) FROM log WHERE \"when\" < ?1", [row::micros(before)])
}

/// Deletes some of the oldest lines of the feed; returns how many: 0, there are none left.
pub fn delete_lines(conn: &Connection, before: Timestamp) -> Result<usize, StoreError> {
    let sql = "DELETE FROM log WHERE id IN (SELECT id FROM log ORDER BY id LIMIT ?1)
        AND \"when\" < ?2";
    row::execute(conn, sql, params![LINES_LEN_MAX as i64, row::micros(before)])
}

/// What no asset event may be that is deleted: waited for, why a run came about, the last one of
/// its asset, or the last that tells of data.
const NOT_NEEDED: &str = "NOT EXISTS (SELECT 1 FROM asset_dag_run_queue WHERE event_id = e.id)
        AND NOT EXISTS (SELECT 1 FROM dagrun_asset_event WHERE event_id = e.id)
        AND e.id < (SELECT max(id) FROM asset_event WHERE name = e.name)
        AND e.id IS NOT (SELECT max(id) FROM asset_event
            WHERE name = e.name AND kind <> 'deleted')";

/// Returns asset events older than `before` that nothing in the store needs. Of the moves of
/// aliases only those up to number `told` are among them: later ones may be reported again, and
/// must be known then.
pub fn asset_events_before(
    conn: &Connection,
    before: Timestamp,
    told: i64,
) -> Result<Vec<i64>, StoreError> {
    let sql = format!(
        "SELECT e.id FROM asset_event AS e
        WHERE e.timestamp < ?1 AND {NOT_NEEDED}
            AND (e.dedupe_key IS NULL OR e.dedupe_key NOT LIKE 'alias-move:%'
                OR CAST(substr(e.dedupe_key, 12) AS INTEGER) <= ?2)
        ORDER BY e.id"
    );
    row::all(conn, &sql, params![row::micros(before), told], |row| Ok(row.get(0)?))
}

/// Deletes those of the asset events that are still not needed; returns how many.
pub fn delete_asset_events(conn: &Connection, ids: &[i64]) -> Result<usize, StoreError> {
    let sql = format!(
        "DELETE FROM asset_event WHERE id IN (SELECT e.id FROM json_each(?1) AS wanted
            JOIN asset_event AS e ON e.id = wanted.value WHERE {NOT_NEEDED})"
    );
    row::execute(conn, &sql, [row::json_text(&ids, "id")?])
}

/// A folder whose rows are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeletedFolder {
    Run(DagRunKey),
    Artifacts { artifact_uri: String },
}

/// Notes that the artifacts of a tracked run are gone, but for their folder.
pub fn note_artifacts_deleted(conn: &Connection, artifact_uri: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO deleted_folder (artifact_uri) VALUES (?1)";
    row::execute(conn, sql, [artifact_uri]).map(drop)
}

/// How many folders one transaction buries at most.
const BURIED_LEN_MAX: u32 = 64;

/// Hands folders whose rows are gone to `away`, which renames them: nobody can make the same
/// rows again meanwhile, for this is the writer. One that cannot be renamed is kept for another
/// time. Returns how many were settled: 0, none is left that can be.
pub fn bury(
    conn: &Connection,
    mut away: impl FnMut(&DeletedFolder) -> std::io::Result<()>,
) -> Result<usize, StoreError> {
    let sql = "SELECT * FROM deleted_folder ORDER BY id LIMIT ?1";
    let found = row::all(conn, sql, [BURIED_LEN_MAX], |row| {
        let id: i64 = row.get("id")?;
        let folder = match row.get::<_, Option<String>>("artifact_uri")? {
            Some(artifact_uri) => DeletedFolder::Artifacts { artifact_uri },
            None => DeletedFolder::Run(read_key(row)?),
        };
        Ok((id, folder))
    })?;
    let mut settled = 0;
    for (id, folder) in found {
        if !is_there_again(conn, &folder)?
            && let Err(error) = away(&folder)
        {
            tracing::warn!(%error, ?folder, "a folder that is no longer needed stays");
            continue;
        }
        row::execute(conn, "DELETE FROM deleted_folder WHERE id = ?1", [id])?;
        settled += 1;
    }
    Ok(settled)
}

fn is_there_again(conn: &Connection, folder: &DeletedFolder) -> Result<bool, StoreError> {
    let found = match folder {
        DeletedFolder::Run(run) => {
            let sql = "SELECT 1 FROM dag_run WHERE dag_id = ?1 AND dag_run_id = ?2";
            row::first(conn, sql, [run.dag_id.as_str(), run.dag_run_id.as_str()], |_| Ok(()))?
        }
        DeletedFolder::Artifacts { artifact_uri } => {
            let sql = "SELECT 1 FROM artifacts JOIN runs USING (run_id) WHERE artifact_uri = ?1";
            row::first(conn, sql, [artifact_uri], |_| Ok(()))?
        }
    };
    Ok(found.is_some())
}

/// Returns how many bytes of the database hold something.
pub fn used_bytes(conn: &Connection) -> Result<u64, StoreError> {
    let of = |pragma: &str| row::count(conn, &format!("PRAGMA {pragma}"), []);
    Ok((of("page_count")? - of("freelist_count")?.min(of("page_count")?)) * of("page_size")?)
}

/// Gives some free pages back to the disk; returns how many are left. Of a database that was
/// made without this (`auto_vacuum`), none is given back: new rows fill them.
pub fn give_back_pages(conn: &Connection, pages: u32) -> Result<u64, StoreError> {
    if row::count(conn, "PRAGMA auto_vacuum", [])? == 0 {
        return Ok(0);
    }
    // It yields a row for each page.
    let mut statement = conn.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    drop(rows);
    row::count(conn, "PRAGMA freelist_count", [])
}

/// Lets SQLite look at its figures again, where they have changed much.
pub fn optimize(conn: &Connection) -> Result<(), StoreError> {
    Ok(conn.execute_batch("PRAGMA analysis_limit = 400; PRAGMA optimize;")?)
}

#[cfg(test)]
mod tests;
