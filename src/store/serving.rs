//! The traffic of the model server.

use crate::store::StoreError;

/// Returns (model, version, percent) as last kept.
pub fn load(_conn: &rusqlite::Connection) -> Result<Vec<(String, u32, u8)>, StoreError> {
    todo!("store helper")
}

/// Keeps a model's traffic.
pub fn replace(
    _tx: &rusqlite::Transaction<'_>,
    _model: &str,
    _weights: &[(u32, u8)],
) -> Result<(), StoreError> {
    todo!("store helper")
}
