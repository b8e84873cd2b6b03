//! What people change of models beside promoting them.

use serde::{Deserialize, Serialize};

/// A change of a registered model, or of one of its versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum ModelChange {
    Describe {
        description: String,
    },
    SetTag {
        key: String,
        value: String,
    },
    DeleteTag {
        key: String,
    },
    /// Of a version. `archive_existing`: those in the stage are archived.
    SetStage {
        stage: String,
        archive_existing: bool,
    },
    /// Of a model.
    DeleteAlias {
        alias: String,
    },
    /// Of a model.
    Rename {
        new_name: String,
    },
    /// Refused while it serves or is in production.
    Delete,
}
