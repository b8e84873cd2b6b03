//! Experiments.

use crate::store::{Store, StoreError};
use crate::types::view::ExperimentView;

/// Returns the id of the experiment, making it where there is none.
pub fn ensure(_store: &Store, _name: &str) -> Result<String, StoreError> {
    todo!("store helper")
}

/// Lists all active experiments, by name.
pub fn list(_store: &Store) -> Result<Vec<ExperimentView>, StoreError> {
    todo!("store helper")
}
