//! The traffic in force: restored when the model server starts.

pub mod outcome;
pub mod policy;
pub mod rollout;

use rusqlite::{Connection, params};

use crate::store::fault::StoreError;
use crate::store::row;

/// A version's share of its model's requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    pub model: String,
    pub version: u32,
    /// Percent.
    pub weight: u8,
}

/// Returns the traffic of all models, by model and version.
pub fn load(conn: &Connection) -> Result<Vec<Deployment>, StoreError> {
    let sql = "SELECT model, version, weight FROM serving_deployment ORDER BY model, version";
    row::all(conn, sql, [], |row| {
        Ok(Deployment {
            model: row.get("model")?,
            version: row.get("version")?,
            weight: row.get("weight")?,
        })
    })
}

/// Replaces the traffic of one model: (version, percent). None: it is served no more.
pub fn replace(conn: &Connection, model: &str, weights: &[(u32, u8)]) -> Result<(), StoreError> {
    row::execute(conn, "DELETE FROM serving_deployment WHERE model = ?1", [model])?;
    let sql = "INSERT INTO serving_deployment (model, version, weight) VALUES (?1, ?2, ?3)";
    for (version, weight) in weights {
        row::execute(conn, sql, params![model, version, weight])?;
    }
    Ok(())
}
