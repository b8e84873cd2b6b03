//! The versions of models that matter now: those that bear an alias, those that serve, the last.

use rusqlite::{Connection, Row, params};

use crate::store::{StoreError, row};
use crate::types::run::DagRunKey;
use crate::types::{Timestamp, TrackingRunId};

/// A version with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingVersion {
    pub name: String,
    pub version: u32,
    pub run_id: Option<TrackingRunId>,
    pub creation_timestamp: Timestamp,
    pub aliases: Vec<String>,
    /// The run of a DAG that trained it, where one did.
    pub trained_by: Option<DagRunKey>,
}

const FACTS: &str = "SELECT v.*,
        (SELECT value FROM tags WHERE run_id = v.run_id AND key = 'dagdeck.dag_id') AS dag_id,
        (SELECT value FROM tags WHERE run_id = v.run_id AND key = 'dagdeck.dag_run_id')
            AS dag_run_id,
        (SELECT group_concat(alias, ',' ORDER BY alias) FROM registered_model_aliases AS a
            WHERE a.name = v.name AND a.version = v.version) AS aliases
    FROM model_versions AS v";

/// Returns them by model, the newest first; `served` are looked at whatever aliases they bear.
pub fn list(
    conn: &Connection,
    served: &[(String, u32)],
) -> Result<Vec<StandingVersion>, StoreError> {
    let sql = format!(
        "{FACTS}
        WHERE EXISTS (SELECT 1 FROM registered_model_aliases AS a
                WHERE a.name = v.name AND a.version = v.version)
            OR v.version = (SELECT max(version) FROM model_versions WHERE name = v.name)
            OR EXISTS (SELECT 1 FROM json_each(?1) AS s
                WHERE s.value ->> 0 = v.name AND s.value ->> 1 = v.version)
        ORDER BY v.name, v.version DESC"
    );
    row::all(conn, &sql, [row::json_text(&served, "served")?], read)
}

/// Returns one version, whether it matters now or not.
pub fn version(
    conn: &Connection,
    name: &str,
    version: u32,
) -> Result<Option<StandingVersion>, StoreError> {
    let sql = format!("{FACTS} WHERE v.name = ?1 AND v.version = ?2");
    row::first(conn, &sql, params![name, version], read)
}

fn read(row: &Row<'_>) -> Result<StandingVersion, StoreError> {
    let (dag_id, dag_run_id): (Option<String>, Option<String>) =
        (row.get("dag_id")?, row.get("dag_run_id")?);
    let aliases: Option<String> = row.get("aliases")?;
    Ok(StandingVersion {
        name: row.get("name")?,
        version: row.get("version")?,
        run_id: row::opt_text(row, "run_id")?,
        creation_timestamp: row::time(row, "creation_timestamp")?,
        aliases: aliases.iter().flat_map(|all| all.split(',')).map(str::to_owned).collect(),
        trained_by: dag_id.zip(dag_run_id).map(|(dag_id, dag_run_id)| DagRunKey {
            dag_id: dag_id.as_str().into(),
            dag_run_id: dag_run_id.as_str().into(),
        }),
    })
}
