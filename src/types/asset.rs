//! Asset events: what says that data changed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{AssetName, TaskInstanceKey};
use crate::time::Timestamp;

/// Who saw the change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AssetEventSource {
    /// A task that names the asset among its outlets.
    Task(TaskInstanceKey),
    /// A watcher of files or objects.
    Watcher,
    /// A model's alias was moved.
    Registry,
    /// Somebody said so, through the deck, the CLI or the API.
    Person { user: String },
}

/// A change that somebody reports; the scheduler makes an [`AssetEvent`] of it unless it was
/// reported before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssetEventSpec {
    /// The asset, where the reporter knows it; else it is found by `uri`.
    pub name: Option<AssetName>,
    /// What changed, such as `file:data/employees.csv` or `models:/iris@production`.
    pub uri: String,
    pub source: AssetEventSource,
    /// Free details: `uri`, `size`, `etag`, `version` …
    pub extra: Map<String, Value>,
    /// The same change bears the same key, however often it is reported; it counts once.
    pub dedupe_key: Option<String>,
}

/// A change that was taken note of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssetEvent {
    pub id: i64,
    /// The asset as `dags.toml` names it, or the URI itself for one that nobody declared.
    pub name: AssetName,
    pub uri: String,
    pub timestamp: Timestamp,
    pub source: AssetEventSource,
    pub extra: Map<String, Value>,
    pub dedupe_key: Option<String>,
}
