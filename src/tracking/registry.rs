//! Registered models, their versions and aliases. Moving an alias is one transaction with a
//! line in its history; the line's id makes the asset event that follows it countable once.

use crate::store::{Store, StoreError};
use crate::types::view::{AliasMove, AliasPlan, ModelDetailView, ModelVersionView, ModelView};
use crate::types::{Timestamp, TrackingRunId};

/// Registers a run's model as the next version of `name`; the same run registered again under
/// the same name gives the version it has.
pub fn register(
    _store: &Store,
    _name: &str,
    _run_id: &TrackingRunId,
    _now: Timestamp,
) -> Result<ModelVersionView, StoreError> {
    todo!("store helper")
}

/// Lists all registered models, by name.
pub fn list(_store: &Store) -> Result<Vec<ModelView>, StoreError> {
    todo!("store helper")
}

/// Returns a model with its versions and the history of its aliases; refuses with `NotFound`.
pub fn show(_store: &Store, _name: &str) -> Result<ModelDetailView, StoreError> {
    todo!("store helper")
}

/// Returns a version; refuses with `NotFound`.
pub fn version(_store: &Store, _name: &str, _version: u32) -> Result<ModelVersionView, StoreError> {
    todo!("store helper")
}

/// Returns the version that bears the alias.
pub fn by_alias(
    _store: &Store,
    _name: &str,
    _alias: &str,
) -> Result<Option<ModelVersionView>, StoreError> {
    todo!("store helper")
}

/// A wish to move an alias.
#[derive(Debug, Clone, PartialEq)]
pub struct MoveAlias {
    pub name: String,
    pub alias: String,
    pub version: u32,
    /// `Some(current)`: refuse with `Conflict` unless the alias stands there.
    pub expected_current: Option<Option<u32>>,
    pub user: String,
    /// `promote` or `rollback`.
    pub action: &'static str,
    pub now: Timestamp,
}

/// Moves an alias. Where it stands there already nothing is written and `None` is returned.
pub fn move_alias(_store: &Store, _wish: MoveAlias) -> Result<Option<AliasMove>, StoreError> {
    todo!("store helper")
}

/// Says to which version a rollback leads: where the alias stood before it came to where it is,
/// passing over what was itself rolled back; refuses with `Conflict` where there is none.
pub fn rollback_target(_store: &Store, _name: &str, _alias: &str) -> Result<u32, StoreError> {
    todo!("store helper")
}

/// Says what moving the alias would change (`starts_dags` is left empty for the caller).
pub fn plan(
    _store: &Store,
    _name: &str,
    _alias: &str,
    _version: u32,
) -> Result<AliasPlan, StoreError> {
    todo!("store helper")
}

/// Returns the moves after `id`, oldest first: for making good events that a crash swallowed.
pub fn moves_after(_store: &Store, _id: i64) -> Result<Vec<AliasMove>, StoreError> {
    todo!("store helper")
}
