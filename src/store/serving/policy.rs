//! How a model's requests are divided beside the percents.

use rusqlite::{Connection, params};

use crate::store::fault::StoreError;
use crate::store::row;

/// What was said of a model's traffic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    pub sticky: Option<String>,
    /// (version, percent).
    pub shadow: Option<(u32, u8)>,
}

/// Returns what was said of all models.
pub fn all(conn: &Connection) -> Result<Vec<(String, Policy)>, StoreError> {
    row::all(conn, "SELECT * FROM serving_policy ORDER BY model", [], |row| {
        let shadow: Option<u32> = row.get("shadow")?;
        let percent = row.get("shadow_percent")?;
        let shadow = shadow.map(|version| (version, percent));
        Ok((row.get("model")?, Policy { sticky: row.get("sticky")?, shadow }))
    })
}

/// Keeps what was said of a model.
pub fn put(conn: &Connection, model: &str, policy: &Policy) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO serving_policy (model, sticky, shadow, shadow_percent) \
               VALUES (?1, ?2, ?3, ?4)";
    let (shadow, percent) = policy.shadow.map_or((None, 100), |(version, p)| (Some(version), p));
    row::execute(conn, sql, params![model, policy.sticky, shadow, percent]).map(drop)
}
