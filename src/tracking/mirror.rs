//! What goes over to another MLflow server: which runs and models have changed and are still to be
//! told there (`mirror_due`, written by triggers with the change itself), and what stands there for
//! what is here (`mirror_copy`). Who sends it is `runtime::mirror`.

use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::{StoreError, row};
use crate::tracking::registry;
use crate::tracking::registry::record::RegisteredModel;
use crate::tracking::registry::version::Version;
use crate::tracking::run::record::{self, Run};
use crate::tracking::run::{self, MetricPoint, PARENT};
use crate::types::TrackingRunId;

/// What there is a copy of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Experiment,
    Run,
    Model,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Experiment => "experiment",
            Self::Run => "run",
            Self::Model => "model",
        }
    }
}

/// What is still to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// A run or a model.
    pub kind: Kind,
    pub id: String,
    /// Grows with each change.
    pub changed: i64,
}

/// How many wait, and how many the server will not have, with what it says of one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    pub waiting: u64,
    pub refused: u64,
    pub refusal: Option<String>,
}

/// What stands there for what is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy<S> {
    pub remote: String,
    /// How far it is.
    pub state: S,
}

/// Has what changes from now on written down for the server at `uri`, or no longer. What was told
/// to another server says nothing of this one.
pub fn follow(conn: &Connection, uri: Option<&str>) -> Result<(), StoreError> {
    let Some(uri) = uri else {
        row::execute(conn, "UPDATE mirror_target SET is_on = 0", [])?;
        return row::execute(conn, "DELETE FROM mirror_due", []).map(drop);
    };
    if row::count(conn, "SELECT count(*) FROM mirror_target WHERE uri = ?1", [uri])? == 0 {
        row::execute(conn, "DELETE FROM mirror_due", [])?;
        row::execute(conn, "DELETE FROM mirror_copy", [])?;
    }
    let sql = "INSERT OR REPLACE INTO mirror_target (one, uri, is_on) VALUES (1, ?1, 1)";
    row::execute(conn, sql, [uri]).map(drop)
}

/// Says whether changes are written down.
pub fn is_followed(conn: &Connection) -> Result<bool, StoreError> {
    Ok(row::count(conn, "SELECT count(*) FROM mirror_target WHERE is_on = 1", [])? > 0)
}

/// Returns some of what is to be told, runs before models: versions come of runs.
pub fn due(conn: &Connection, limit: u32) -> Result<Vec<Due>, StoreError> {
    let sql = "SELECT * FROM mirror_due WHERE problem IS NULL ORDER BY kind DESC, id LIMIT ?1";
    row::all(conn, sql, [limit], |row| {
        let kind: String = row.get("kind")?;
        Ok(Due {
            kind: if kind == Kind::Run.word() { Kind::Run } else { Kind::Model },
            id: row.get("id")?,
            changed: row.get("changed")?,
        })
    })
}

/// Returns how many wait.
pub fn standing(conn: &Connection) -> Result<Standing, StoreError> {
    let sql = "SELECT kind || ' ' || id || ': ' || problem AS refusal FROM mirror_due
        WHERE problem IS NOT NULL LIMIT 1";
    Ok(Standing {
        waiting: row::count(conn, "SELECT count(*) FROM mirror_due WHERE problem IS NULL", [])?,
        refused: row::count(conn, "SELECT count(*) FROM mirror_due WHERE problem IS NOT NULL", [])?,
        refusal: row::first(conn, sql, [], |row| Ok(row.get(0)?))?,
    })
}

/// Notes that all has been told of it, unless it has changed meanwhile.
pub fn told(conn: &Connection, due: &Due) -> Result<(), StoreError> {
    let sql = "DELETE FROM mirror_due WHERE kind = ?1 AND id = ?2 AND changed = ?3";
    row::execute(conn, sql, params![due.kind.word(), due.id, due.changed]).map(drop)
}

/// Notes that the server will not have it; it is tried again when it changes, or by `again`.
pub fn refused(conn: &Connection, due: &Due, why: &str) -> Result<(), StoreError> {
    let sql = "UPDATE mirror_due SET problem = ?4 WHERE kind = ?1 AND id = ?2 AND changed = ?3";
    row::execute(conn, sql, params![due.kind.word(), due.id, due.changed, why]).map(drop)
}

/// Has tried again what was refused.
pub fn again(conn: &Connection) -> Result<(), StoreError> {
    row::execute(conn, "UPDATE mirror_due SET problem = NULL WHERE problem IS NOT NULL", [])
        .map(drop)
}

/// Returns what stands there for it.
pub fn copy<S: DeserializeOwned>(
    conn: &Connection,
    kind: Kind,
    id: &str,
) -> Result<Option<Copy<S>>, StoreError> {
    let sql = "SELECT remote, state FROM mirror_copy WHERE kind = ?1 AND id = ?2";
    row::first(conn, sql, [kind.word(), id], |row| {
        Ok(Copy { remote: row.get("remote")?, state: row::json(row, "state")? })
    })
}

/// Notes what stands there for it, and how far that is.
pub fn keep<S: Serialize>(
    conn: &Connection,
    kind: Kind,
    id: &str,
    copy: &Copy<S>,
) -> Result<(), StoreError> {
    let state = row::json_text(&copy.state, "state")?;
    let sql = "INSERT OR REPLACE INTO mirror_copy (kind, id, remote, state)
        VALUES (?1, ?2, ?3, ?4)";
    row::execute(conn, sql, [kind.word(), id, &copy.remote, &state]).map(drop)
}

/// Forgets what stood there.
pub fn forget(conn: &Connection, kind: Kind, id: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM mirror_copy WHERE kind = ?1 AND id = ?2";
    row::execute(conn, sql, [kind.word(), id]).map(drop)
}

/// A run with all that is told of it but its histories.
#[derive(Debug, Clone, PartialEq)]
pub struct RunFacts {
    pub run: Run,
    pub experiment: String,
    /// The run that it hangs under.
    pub parent: Option<String>,
    /// Path and SHA-256.
    pub artifacts: Vec<(String, String)>,
}

/// Returns a run that a pipeline made, be it a trial of one; `None` of what clients of MLflow made
/// here, and of one that is gone.
pub fn run_facts(conn: &Connection, run_id: &str) -> Result<Option<RunFacts>, StoreError> {
    let sql = "SELECT 1 FROM runs WHERE run_id = ?1 AND (attempt_token IS NOT NULL OR EXISTS
        (SELECT 1 FROM tags JOIN runs AS parent ON parent.run_id = tags.value
            WHERE tags.run_id = runs.run_id AND tags.key = ?2
                AND parent.attempt_token IS NOT NULL))";
    if row::first(conn, sql, [run_id, PARENT], |_| Ok(()))?.is_none() {
        return Ok(None);
    }
    let run = record::of(conn, &TrackingRunId::new(run_id))?;
    let sql = "SELECT name FROM experiments WHERE experiment_id = ?1";
    let experiment = row::first(conn, sql, [&run.experiment_id], |row| Ok(row.get(0)?))?;
    let parent = run.tags.iter().find(|(key, _)| key == PARENT).map(|(_, id)| id.clone());
    let sql = "SELECT path, sha256 FROM artifacts WHERE run_id = ?1 ORDER BY path";
    let artifacts = row::all(conn, sql, [run_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Some(RunFacts { run, experiment: experiment.unwrap_or_default(), parent, artifacts }))
}

/// Returns a model with those of its versions that come of a run, the oldest first; `None` where it
/// is gone.
pub fn model_facts(
    conn: &Connection,
    name: &str,
) -> Result<Option<(RegisteredModel, Vec<Version>)>, StoreError> {
    if !registry::record::exists(conn, name)? {
        return Ok(None);
    }
    let sql =
        "SELECT * FROM model_versions WHERE name = ?1 AND run_id IS NOT NULL ORDER BY version";
    let versions = row::all(conn, sql, [name], |row| registry::version::read(conn, row))?;
    Ok(Some((registry::record::of(conn, name)?, versions)))
}

/// Returns points of a run that were logged after the one of this number, as they were logged, with
/// the number of the last.
pub fn points_after(
    conn: &Connection,
    run_id: &str,
    after: i64,
    limit: u32,
) -> Result<(Vec<MetricPoint>, i64), StoreError> {
    let sql = "SELECT rowid, * FROM metrics WHERE run_id = ?1 AND rowid > ?2
        ORDER BY rowid LIMIT ?3";
    let read = |row: &Row<'_>| Ok((run::point(row)?, row.get::<_, i64>("rowid")?));
    let found = row::all(conn, sql, params![run_id, after, limit], read)?;
    let last = found.last().map_or(after, |(_, number)| *number);
    Ok((found.into_iter().map(|(point, _)| point).collect(), last))
}

#[cfg(test)]
mod tests;
