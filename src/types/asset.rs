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
    /// A watcher of files, objects or messages.
    Watcher,
    /// A model's alias was moved.
    Registry,
    /// The model server: a served version is asked what it did not learn from.
    Serving,
    /// A program said so, through `POST /api/v2/assets/events`.
    Api,
    /// Somebody said so, in the deck or on the command line.
    Person { user: String },
}

impl std::fmt::Display for AssetEventSource {
    /// In a word or two, for a column of a list.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Task(key) => write!(f, "{}.{}", key.dag_id, key.task_id),
            Self::Watcher => f.write_str("watcher"),
            Self::Registry => f.write_str("registry"),
            Self::Serving => f.write_str("serving"),
            Self::Api => f.write_str("api"),
            Self::Person { user } => f.write_str(user),
        }
    }
}

/// What became of the data. Only watchers tell these apart; whoever else tells of a change says
/// that it changed.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AssetEventKind {
    Created,
    #[default]
    Changed,
    /// It lay under another name before: `extra.moved_from`.
    Moved,
    /// It is gone. No news of data: it starts only what asks for it (`on = ["deleted"]`).
    Deleted,
}

impl AssetEventKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Created, Self::Changed, Self::Moved, Self::Deleted];

    /// Returns the word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Moved => "moved",
            Self::Deleted => "deleted",
        }
    }

    /// Finds it by its word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// How a file or an object looked when a watcher told of it: kept with the event, so that the
/// next daemon knows what was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedObject {
    /// What differs when the content does, such as `SIZE:MTIME` or an ETag; `None`: it is gone.
    pub version: Option<String>,
    /// The URI that it had before.
    pub moved_from: Option<String>,
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
    #[serde(default)]
    pub kind: AssetEventKind,
    /// Which part of the asset it was, such as `2026-03-10`.
    #[serde(default)]
    pub partition_key: Option<String>,
    /// The aliases through which a task told of it.
    #[serde(default)]
    pub source_aliases: Vec<String>,
    #[serde(default)]
    pub object: Option<WatchedObject>,
}

impl AssetEventSpec {
    /// Says that what lies at `uri` changed, and nothing else.
    pub fn new(uri: impl Into<String>, source: AssetEventSource) -> Self {
        Self {
            name: None,
            uri: uri.into(),
            source,
            extra: Map::new(),
            dedupe_key: None,
            kind: AssetEventKind::Changed,
            partition_key: None,
            source_aliases: Vec::new(),
            object: None,
        }
    }
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
    #[serde(default)]
    pub kind: AssetEventKind,
    #[serde(default)]
    pub partition_key: Option<String>,
    /// The aliases through which a task told of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source_aliases: Vec<String>,
}
