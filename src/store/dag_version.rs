//! The versions of DAGs: definitions as JSON, their text for people.

use std::sync::Arc;

use rusqlite::{Connection, Row, params};

use crate::dag::Dag;
use crate::sched::change::DagVersion;
use crate::sched::state::LatestVersion;
use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::DagId;
use crate::types::run::DagRun;
use crate::types::view::DagVersionView;

/// A version in full.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredVersion {
    pub view: DagVersionView,
    pub source: String,
    /// JSON.
    pub definition: String,
}

/// Appends.
pub(crate) fn insert(conn: &Connection, version: &DagVersion) -> Result<(), StoreError> {
    let sql = "INSERT INTO dag_version (dag_id, version_number, dag_version, created_at, fileloc,
            line, source, definition) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let dag = &version.dag;
    let values = params![
        dag.dag_id.as_str(),
        version.version_number,
        dag.version,
        row::micros(version.created_at),
        dag.fileloc.to_string_lossy(),
        i64::try_from(dag.line).unwrap_or(i64::MAX),
        dag.source,
        row::json_text(&**dag, "definition")?,
    ];
    row::execute(conn, sql, values).map(drop)
}

/// Returns the last version of each DAG.
pub(crate) fn latest(conn: &Connection) -> Result<Vec<(DagId, LatestVersion)>, StoreError> {
    // SQLite takes a bare column from the row that holds the maximum.
    let sql = "SELECT dag_id, max(version_number) AS version_number, dag_version
        FROM dag_version GROUP BY dag_id";
    row::all(conn, sql, [], |row| {
        let latest = LatestVersion {
            version_number: row.get("version_number")?,
            dag_version: row.get("dag_version")?,
        };
        Ok((row::text(row, "dag_id")?, latest))
    })
}

/// Returns the definition that a run began with; `None` where none was kept, or where it can no
/// longer be read.
pub fn definition_of(conn: &Connection, run: &DagRun) -> Result<Option<Arc<Dag>>, StoreError> {
    let sql = "SELECT definition FROM dag_version
        WHERE dag_id = ?1 AND version_number = ?2 AND dag_version = ?3";
    let values = params![run.dag_id.as_str(), run.dag_version_number, run.dag_version];
    let text: Option<String> = row::first(conn, sql, values, |row| Ok(row.get(0)?))?;
    let read = text.map(|text| serde_json::from_str::<Dag>(&text));
    Ok(read
        .transpose()
        .unwrap_or_else(|error| {
            let (dag_id, version) = (&run.dag_id, run.dag_version_number);
            tracing::warn!(%dag_id, version, %error, "a kept definition cannot be read any more");
            None
        })
        .map(Arc::new))
}

/// Returns the last `limit` versions of a DAG, newest first.
pub fn list(
    conn: &Connection,
    dag_id: &DagId,
    limit: u32,
) -> Result<Vec<DagVersionView>, StoreError> {
    let sql = "SELECT dag_id, version_number, dag_version, created_at, fileloc, line
        FROM dag_version WHERE dag_id = ?1 ORDER BY version_number DESC LIMIT ?2";
    row::all(conn, sql, params![dag_id.as_str(), limit], read)
}

/// Returns a version in full.
pub fn get(
    conn: &Connection,
    dag_id: &DagId,
    version_number: u32,
) -> Result<Option<StoredVersion>, StoreError> {
    let sql = "SELECT * FROM dag_version WHERE dag_id = ?1 AND version_number = ?2";
    row::first(conn, sql, params![dag_id.as_str(), version_number], |row| {
        Ok(StoredVersion {
            view: read(row)?,
            source: row.get("source")?,
            definition: row.get("definition")?,
        })
    })
}

fn read(row: &Row<'_>) -> Result<DagVersionView, StoreError> {
    Ok(DagVersionView {
        dag_id: row::text(row, "dag_id")?,
        version_number: row.get("version_number")?,
        dag_version: row.get("dag_version")?,
        created_at: row::time(row, "created_at")?,
        fileloc: row.get("fileloc")?,
        line: usize::try_from(row.get::<_, i64>("line")?).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sched::Change;
    use crate::store::sample;

    #[test]
    fn a_run_that_had_not_ended_comes_back_with_the_definition_it_began_with() {
        let (_dir, store) = sample::store();
        let commit = |changes| {
            store.write_blocking(move |tx| crate::store::apply::apply(tx, changes)).unwrap();
        };
        let (first, old) = sample::version(1, "one");
        let (second, new) = sample::version(2, "two");
        let other = DagRun { dag_run_id: "again".into(), ..old.clone() };
        commit(vec![Change::InsertDagVersion(first.clone()), Change::PutDagRun(old)]);
        commit(vec![Change::InsertDagVersion(second.clone()), Change::PutDagRun(new)]);
        commit(vec![Change::PutDagRun(other)]);
        let recovered = store.recover().unwrap();
        let latest = LatestVersion { version_number: 2, dag_version: second.dag.version.clone() };
        assert_eq!(recovered.dag_versions, [("etl".into(), latest)]);
        let found: Vec<Arc<Dag>> = recovered.runs.into_iter().map(|run| run.dag.unwrap()).collect();
        let said = |dag: &Dag| dag.tasks["extract"].args["command"].clone();
        assert_eq!(said(&found[0]), "echo one");
        assert_eq!(said(&found[1]), "echo two");
        assert!(Arc::ptr_eq(&found[0], &found[2]), "runs of one version share it");
        let listed = store.read_blocking(|conn| list(conn, &"etl".into(), 1)).unwrap();
        assert_eq!(listed[0].version_number, 2);
        let whole = store.read_blocking(|conn| get(conn, &"etl".into(), 1)).unwrap().unwrap();
        assert_eq!(whole.source, first.dag.source);
    }

    #[test]
    fn a_definition_that_cannot_be_read_any_more_is_none() {
        let (_dir, store) = sample::store();
        let (version, run) = sample::version(1, "one");
        store
            .write_blocking(move |tx| {
                insert(tx, &version)?;
                row::execute(tx, "UPDATE dag_version SET definition = '{}'", []).map(drop)
            })
            .unwrap();
        let found = store.read_blocking(move |conn| definition_of(conn, &run)).unwrap();
        assert!(found.is_none());
    }
}
