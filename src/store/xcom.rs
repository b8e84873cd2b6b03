//! Outputs of tasks.

use serde_json::Value;

use crate::store::StoreError;
use crate::types::TaskInstanceKey;
use crate::types::run::DagRunKey;

/// Returns the outputs of a run.
pub fn for_run(
    _conn: &rusqlite::Connection,
    _run: &DagRunKey,
) -> Result<Vec<(TaskInstanceKey, Value)>, StoreError> {
    todo!("store helper")
}
