//! An experiment as MLflow's clients know it: made, renamed, tagged, deleted and restored by its
//! id. Deleting one hides it with its runs; `prune` makes room.

use rusqlite::{Connection, Row, params};

use crate::store::{Store, StoreError, row};
use crate::types::{Fault, FaultKind, Timestamp};

/// MLflow's limit to a name.
const NAME_LEN_MAX: usize = 500;

/// Where a run or an experiment stands.
pub const ACTIVE: &str = "active";
pub const DELETED: &str = "deleted";

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
    store: &Store,
    name: &str,
    artifact_location: Option<&str>,
    tags: &[(String, String)],
    now: Timestamp,
) -> Result<String, StoreError> {
    check_name(name)?;
    let (name, location) = (name.to_owned(), artifact_location.map(str::to_owned));
    let tags = tags.to_vec();
    store.write_blocking(move |tx| {
        check_free(tx, &name, None)?;
        let sql = "INSERT INTO experiments (name, artifact_location, creation_time,
                last_update_time)
            VALUES (?1, ?2, ?3, ?3)";
        row::execute(tx, sql, params![name, location, row::micros(now)])?;
        let id = tx.last_insert_rowid();
        tags.iter().try_for_each(|(key, value)| put_tag(tx, id, key, value))?;
        Ok(id.to_string())
    })
}

/// Returns an experiment, deleted or not; refuses with `NotFound`.
pub fn get(store: &Store, experiment_id: &str) -> Result<Experiment, StoreError> {
    store.read_blocking(|conn| {
        let id = number(experiment_id)?;
        let sql = "SELECT * FROM experiments WHERE experiment_id = ?1";
        row::first(conn, sql, [id], |row| read(conn, row))?.ok_or_else(|| unknown(experiment_id))
    })
}

/// Returns the experiment of a name, deleted or not.
pub fn by_name(store: &Store, name: &str) -> Result<Option<Experiment>, StoreError> {
    store.read_blocking(|conn| {
        let sql = "SELECT * FROM experiments WHERE name = ?1";
        row::first(conn, sql, [name], |row| read(conn, row))
    })
}

/// Gives an experiment that is not deleted another name.
pub fn rename(
    store: &Store,
    experiment_id: &str,
    name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    check_name(name)?;
    let (experiment_id, name) = (experiment_id.to_owned(), name.to_owned());
    store.write_blocking(move |tx| {
        let id = active(tx, &experiment_id)?;
        check_free(tx, &name, Some(id))?;
        let sql = "UPDATE experiments SET name = ?2, last_update_time = ?3 WHERE experiment_id = ?1";
        row::execute(tx, sql, params![id, name, row::micros(now)]).map(drop)
    })
}

/// Hides an experiment with its runs.
pub fn delete(store: &Store, experiment_id: &str, now: Timestamp) -> Result<(), StoreError> {
    let experiment_id = experiment_id.to_owned();
    store.write_blocking(move |tx| {
        let id = active(tx, &experiment_id)?;
        let sql = "UPDATE experiments
            SET lifecycle_stage = 'deleted', deleted_time = ?2, last_update_time = ?2
            WHERE experiment_id = ?1";
        row::execute(tx, sql, params![id, row::micros(now)])?;
        let sql = "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = ?2
            WHERE experiment_id = ?1 AND lifecycle_stage = 'active'";
        row::execute(tx, sql, params![id, row::micros(now)]).map(drop)
    })
}

/// Shows an experiment again, with all of its runs, as MLflow does.
pub fn restore(store: &Store, experiment_id: &str, now: Timestamp) -> Result<(), StoreError> {
    let experiment_id = experiment_id.to_owned();
    store.write_blocking(move |tx| {
        let id = number(&experiment_id)?;
        let sql = "UPDATE experiments
            SET lifecycle_stage = 'active', deleted_time = NULL, last_update_time = ?2
            WHERE experiment_id = ?1 AND lifecycle_stage = 'deleted'";
        if row::execute(tx, sql, params![id, row::micros(now)])? == 0 {
            return Err(unknown(&experiment_id));
        }
        let sql = "UPDATE runs SET lifecycle_stage = 'active', deleted_time = NULL
            WHERE experiment_id = ?1";
        row::execute(tx, sql, [id]).map(drop)
    })
}

/// Puts a tag on an experiment that is not deleted.
pub fn set_tag(
    store: &Store,
    experiment_id: &str,
    key: &str,
    value: &str,
) -> Result<(), StoreError> {
    let (experiment_id, key, value) = (experiment_id.to_owned(), key.to_owned(), value.to_owned());
    store.write_blocking(move |tx| {
        let id = active(tx, &experiment_id)?;
        put_tag(tx, id, &key, &value)
    })
}

/// Takes a tag off; refuses one that is not there.
pub fn delete_tag(store: &Store, experiment_id: &str, key: &str) -> Result<(), StoreError> {
    let (experiment_id, key) = (experiment_id.to_owned(), key.to_owned());
    store.write_blocking(move |tx| {
        let id = active(tx, &experiment_id)?;
        let sql = "DELETE FROM experiment_tags WHERE experiment_id = ?1 AND key = ?2";
        if row::execute(tx, sql, params![id, key])? == 0 {
            let text = format!("experiment `{experiment_id}` has no tag `{key}`");
            return Err(Fault::not_found(text).into());
        }
        Ok(())
    })
}

fn read(conn: &Connection, row: &Row<'_>) -> Result<Experiment, StoreError> {
    let id: i64 = row.get("experiment_id")?;
    let sql = "SELECT key, value FROM experiment_tags WHERE experiment_id = ?1 ORDER BY key";
    let location: Option<String> = row.get("artifact_location")?;
    Ok(Experiment {
        experiment_id: id.to_string(),
        name: row.get("name")?,
        artifact_location: location.unwrap_or_else(|| format!("mlflow-artifacts:/{id}")),
        lifecycle_stage: row.get("lifecycle_stage")?,
        creation_time: row::opt_time(row, "creation_time")?,
        last_update_time: row::opt_time(row, "last_update_time")?,
        tags: row::all(conn, sql, [id], |row| Ok((row.get(0)?, row.get(1)?)))?,
    })
}

fn put_tag(conn: &Connection, id: i64, key: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO experiment_tags (experiment_id, key, value)
        VALUES (?1, ?2, ?3)";
    row::execute(conn, sql, params![id, key, value]).map(drop)
}

/// Returns the number of an experiment that is not deleted.
pub(crate) fn active(conn: &Connection, experiment_id: &str) -> Result<i64, StoreError> {
    let id = number(experiment_id)?;
    let sql = "SELECT lifecycle_stage FROM experiments WHERE experiment_id = ?1";
    let stage: Option<String> = row::first(conn, sql, [id], |row| Ok(row.get(0)?))?;
    match stage.as_deref() {
        Some(ACTIVE) => Ok(id),
        Some(_) => {
            let text = format!("experiment `{experiment_id}` is deleted");
            Err(Fault::invalid(text).hint("restore it first").into())
        }
        None => Err(unknown(experiment_id)),
    }
}

fn number(experiment_id: &str) -> Result<i64, StoreError> {
    experiment_id.parse().map_err(|_| unknown(experiment_id))
}

fn unknown(experiment_id: &str) -> StoreError {
    Fault::not_found(format!("No Experiment with id={experiment_id} exists")).into()
}

fn check_name(name: &str) -> Result<(), StoreError> {
    let problem = match name.chars().count() {
        _ if name.trim().is_empty() => "the name of an experiment is empty".to_owned(),
        len if len > NAME_LEN_MAX => {
            format!("the name of an experiment has {len} characters; {NAME_LEN_MAX} at most")
        }
        _ => return Ok(()),
    };
    Err(Fault::invalid(problem).into())
}

fn check_free(conn: &Connection, name: &str, own: Option<i64>) -> Result<(), StoreError> {
    let sql = "SELECT experiment_id, lifecycle_stage FROM experiments WHERE name = ?1";
    let taken: Option<(i64, String)> =
        row::first(conn, sql, [name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    match taken {
        Some((id, _)) if Some(id) == own => Ok(()),
        Some((_, stage)) if stage == DELETED => {
            let text = format!("Experiment(name={name}) already exists, in deleted state");
            Err(Fault::new(FaultKind::Exists, text).hint("restore it, or take another name").into())
        }
        Some(_) => Err(Fault::new(FaultKind::Exists, format!("Experiment(name={name}) already exists")).into()),
        None => Ok(()),
    }
}
