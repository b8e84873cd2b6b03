//! Which artifacts may go: those of tracked runs that have ended and behind which no registered
//! version stands. The runs themselves, their params and metrics, stay: they are small, and the
//! history of an experiment.

use rusqlite::{Connection, params};

use crate::store::{StoreError, prune, row};
use crate::types::{Timestamp, TrackingRunId};

/// The artifacts of one tracked run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifacts {
    pub run_id: TrackingRunId,
    pub artifact_uri: String,
    pub count: u64,
    pub bytes: u64,
    /// When the run ended, in microseconds.
    ended: i64,
}

const FREE: &str = "r.status <> 'RUNNING'
    AND NOT EXISTS (SELECT 1 FROM model_versions AS v WHERE v.run_id = r.run_id)";

/// Returns what may go to keep the limits, oldest first.
pub fn candidates(
    conn: &Connection,
    before: Option<Timestamp>,
    bytes_max: Option<u64>,
) -> Result<Vec<Artifacts>, StoreError> {
    let sql = format!(
        "SELECT r.run_id, r.artifact_uri, count(*) AS files, sum(a.size) AS bytes,
            ifnull(r.end_time, r.start_time) AS ended
        FROM runs AS r JOIN artifacts AS a ON a.run_id = r.run_id WHERE {FREE}
        GROUP BY r.run_id ORDER BY ended, r.run_id"
    );
    let free = row::all(conn, &sql, [], |row| {
        Ok(Artifacts {
            run_id: row::text(row, "run_id")?,
            artifact_uri: row.get("artifact_uri")?,
            count: u64::try_from(row.get::<_, i64>("files")?).unwrap_or(0),
            bytes: u64::try_from(row.get::<_, i64>("bytes")?).unwrap_or(0),
            ended: row.get("ended")?,
        })
    })?;
    let mut total = row::count(conn, "SELECT ifnull(sum(size), 0) FROM artifacts", [])?;
    let mut wanted = Vec::new();
    for artifacts in free {
        let is_old = before.is_some_and(|before| artifacts.ended < row::micros(before));
        let is_too_much = bytes_max.is_some_and(|max| total > max);
        if is_old || is_too_much {
            total = total.saturating_sub(artifacts.bytes);
            wanted.push(artifacts);
        }
    }
    Ok(wanted)
}

/// Deletes the rows of a run's artifacts, unless a version was registered meanwhile, and notes
/// the folder. `false`: they stay.
pub fn delete(conn: &Connection, artifacts: &Artifacts) -> Result<bool, StoreError> {
    let sql = format!("SELECT 1 FROM runs AS r WHERE r.run_id = ?1 AND {FREE}");
    if row::first(conn, &sql, [artifacts.run_id.as_str()], |_| Ok(()))?.is_none() {
        return Ok(false);
    }
    let sql = "DELETE FROM artifacts WHERE run_id = ?1";
    row::execute(conn, sql, params![artifacts.run_id.as_str()])?;
    prune::note_artifacts_deleted(conn, &artifacts.artifact_uri)?;
    Ok(true)
}
