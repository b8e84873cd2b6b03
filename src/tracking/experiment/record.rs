//! An experiment as MLflow's clients know it: made, renamed, tagged, deleted and restored by its
//! id. Deleting one hides it with its runs. The texts of refusals are MLflow's.

use rusqlite::{Connection, Row, params};

use crate::store::{StoreError, row};
use crate::types::{Fault, FaultKind, Timestamp};

const ACTIVE: &str = "active";
const DELETED: &str = "deleted";

/// All that is kept of an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    pub experiment_id: String,
    pub name: String,
    pub artifact_location: String,
    /// `active` or `deleted`.
    pub lifecycle_stage: String,
    pub creation_time: Option<Timestamp>,
    pub last_update_time: Option<Timestamp>,
    pub tags: Vec<(String, String)>,
}

/// Makes an experiment and returns its id; refuses a name that is taken, also by a deleted one.
pub fn create(
    tx: &Connection,
    name: &str,
    artifact_location: Option<&str>,
    tags: &[(String, String)],
    now: Timestamp,
) -> Result<String, StoreError> {
    check_free(tx, name, None)?;
    let sql = "INSERT INTO experiments (name, artifact_location, creation_time, last_update_time)
        VALUES (?1, ?2, ?3, ?3)";
    row::execute(tx, sql, params![name, artifact_location, row::micros(now)])?;
    let id = tx.last_insert_rowid();
    tags.iter().try_for_each(|(key, value)| put_tag(tx, id, key, value))?;
    Ok(id.to_string())
}

/// Returns an experiment, deleted or not; refuses with `NotFound`.
pub fn get(conn: &Connection, experiment_id: &str) -> Result<Experiment, StoreError> {
    let id: i64 = experiment_id.parse().map_err(|_| {
        Fault::invalid(format!(
            "Invalid experiment ID '{experiment_id}'. Experiment ID must be a valid integer."
        ))
    })?;
    let sql = "SELECT * FROM experiments WHERE experiment_id = ?1";
    row::first(conn, sql, [id], |row| read(conn, row))?.ok_or_else(|| unknown(experiment_id))
}

/// Returns the experiment of a name, deleted or not.
pub fn by_name(conn: &Connection, name: &str) -> Result<Option<Experiment>, StoreError> {
    let sql = "SELECT * FROM experiments WHERE name = ?1";
    row::first(conn, sql, [name], |row| read(conn, row))
}

/// Gives an experiment that is not deleted another name.
pub fn rename(
    tx: &Connection,
    experiment_id: &str,
    name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let found = get(tx, experiment_id)?;
    if found.lifecycle_stage != ACTIVE {
        let text = "Cannot rename a non-active experiment.";
        return Err(Fault::new(FaultKind::Denied, text).into());
    }
    check_free(tx, name, Some(found.experiment_id.as_str()))?;
    let sql = "UPDATE experiments SET name = ?2, last_update_time = ?3 WHERE experiment_id = ?1";
    row::execute(tx, sql, params![found.experiment_id, name, row::micros(now)]).map(drop)
}

/// Hides an experiment with its runs.
pub fn delete(tx: &Connection, experiment_id: &str, now: Timestamp) -> Result<(), StoreError> {
    let id = in_stage(tx, experiment_id, ACTIVE)?.experiment_id;
    let sql = "UPDATE experiments
        SET lifecycle_stage = 'deleted', deleted_time = ?2, last_update_time = ?2
        WHERE experiment_id = ?1";
    row::execute(tx, sql, params![id, row::micros(now)])?;
    let sql = "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = ?2
        WHERE experiment_id = ?1 AND lifecycle_stage = 'active'";
    row::execute(tx, sql, params![id, row::micros(now)]).map(drop)
}

/// Shows an experiment again, with all of its runs, as MLflow does.
pub fn restore(tx: &Connection, experiment_id: &str, now: Timestamp) -> Result<(), StoreError> {
    let id = in_stage(tx, experiment_id, DELETED)?.experiment_id;
    let sql = "UPDATE experiments
        SET lifecycle_stage = 'active', deleted_time = NULL, last_update_time = ?2
        WHERE experiment_id = ?1";
    row::execute(tx, sql, params![id, row::micros(now)])?;
    let sql = "UPDATE runs SET lifecycle_stage = 'active', deleted_time = NULL
        WHERE experiment_id = ?1";
    row::execute(tx, sql, [id]).map(drop)
}

/// Puts a tag on an experiment that is not deleted.
pub fn set_tag(
    tx: &Connection,
    experiment_id: &str,
    key: &str,
    value: &str,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO experiment_tags (experiment_id, key, value)
        VALUES (?1, ?2, ?3)";
    let id = active(tx, experiment_id)?.experiment_id;
    row::execute(tx, sql, params![id, key, value]).map(drop)
}

/// Takes a tag off; refuses one that is not there.
pub fn delete_tag(tx: &Connection, experiment_id: &str, key: &str) -> Result<(), StoreError> {
    let id = active(tx, experiment_id)?.experiment_id;
    let sql = "DELETE FROM experiment_tags WHERE experiment_id = ?1 AND key = ?2";
    if row::execute(tx, sql, params![id, key])? == 0 {
        let text = format!("No tag with name: {key} in experiment with id {experiment_id}");
        return Err(Fault::not_found(text).into());
    }
    Ok(())
}

pub(crate) fn read(conn: &Connection, row: &Row<'_>) -> Result<Experiment, StoreError> {
    let id: i64 = row.get("experiment_id")?;
    let sql = "SELECT key, value FROM experiment_tags WHERE experiment_id = ?1 ORDER BY key";
    let location: Option<String> = row.get("artifact_location")?;
    let creation_time = row::opt_time(row, "creation_time")?;
    Ok(Experiment {
        experiment_id: id.to_string(),
        name: row.get("name")?,
        artifact_location: location.unwrap_or_else(|| format!("mlflow-artifacts:/{id}")),
        lifecycle_stage: row.get("lifecycle_stage")?,
        creation_time,
        last_update_time: row::opt_time(row, "last_update_time")?.or(creation_time),
        tags: row::all(conn, sql, [id], |row| Ok((row.get(0)?, row.get(1)?)))?,
    })
}

fn put_tag(conn: &Connection, id: i64, key: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO experiment_tags (experiment_id, key, value)
        VALUES (?1, ?2, ?3)";
    row::execute(conn, sql, params![id, key, value]).map(drop)
}

/// Returns an experiment that is not deleted.
pub(crate) fn active(conn: &Connection, experiment_id: &str) -> Result<Experiment, StoreError> {
    let found = get(conn, experiment_id)?;
    match found.lifecycle_stage.as_str() {
        ACTIVE => Ok(found),
        stage => {
            let text = format!(
                "The experiment {experiment_id} must be in the 'active' state. Current state is \
                 {stage}."
            );
            Err(Fault::invalid(text).hint("restore it first").into())
        }
    }
}

/// Returns an experiment that is in a stage; one that is not is as good as none.
fn in_stage(conn: &Connection, id: &str, stage: &str) -> Result<Experiment, StoreError> {
    let found = get(conn, id)?;
    if found.lifecycle_stage == stage { Ok(found) } else { Err(unknown(id)) }
}

fn unknown(experiment_id: &str) -> StoreError {
    Fault::not_found(format!("No Experiment with id={experiment_id} exists")).into()
}

fn check_free(conn: &Connection, name: &str, own: Option<&str>) -> Result<(), StoreError> {
    let taken = by_name(conn, name)?;
    match taken {
        Some(taken) if Some(taken.experiment_id.as_str()) != own => {
            let text = format!("Experiment(name={name}) already exists.");
            let fault = Fault::new(FaultKind::Exists, text);
            Err(match taken.lifecycle_stage.as_str() {
                DELETED => fault.hint("it is deleted: restore it, or take another name"),
                _ => fault,
            }
            .into())
        }
        _ => Ok(()),
    }
}
