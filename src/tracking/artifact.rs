//! Artifacts: files below `.dagdeck/artifacts/<experiment_id>/<run_id>/artifacts/`.

use std::path::{Path, PathBuf};

use crate::store::{Store, StoreError};
use crate::types::TrackingRunId;

/// Returns the folder of a run's artifacts, below the state folder `.dagdeck`.
pub fn folder(state_dir: &Path, experiment_id: &str, run_id: &TrackingRunId) -> PathBuf {
    state_dir.join("artifacts").join(experiment_id).join(run_id.as_str()).join("artifacts")
}

/// Writes one artifact (temp file, fsync, rename); `path` is relative and may not climb out.
pub fn write(_folder: &Path, _path: &str, _bytes: &[u8]) -> std::io::Result<()> {
    todo!("store helper")
}

/// Takes note of an artifact that was written.
pub fn record(
    _store: &Store,
    _run_id: &TrackingRunId,
    _path: &str,
    _size: u64,
    _sha256: &str,
) -> Result<(), StoreError> {
    todo!("store helper")
}
