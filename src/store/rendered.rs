//! What the templates of an attempt gave.

use crate::store::StoreError;
use crate::types::AttemptKey;

/// Keeps it; replaces what was kept before.
pub fn put(
    _tx: &rusqlite::Transaction<'_>,
    _key: &AttemptKey,
    _rendered: &serde_json::Value,
) -> Result<(), StoreError> {
    todo!("store helper")
}
