//! What came from what, as it is reported: the one shape in which the lineage takes links in,
//! whether an attempt here saw them or a program elsewhere tells of them.

use serde::{Deserialize, Serialize};

use crate::ids::{DagId, TaskId};
use crate::io::DatasetRef;
use crate::time::Timestamp;

/// A job made its outputs of its inputs. Told again, it is the same link, seen later.
///
/// Columns come with the outputs: each [`ColumnRef`](crate::io::ColumnRef) names its origins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineageLink {
    pub job: JobRef,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<DatasetRef>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<DatasetRef>,
    pub seen: Timestamp,
    /// The run of the job, as whoever reports it names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Who reports it, in a few words; of attempts here nothing needs to be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What reads and writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobRef {
    /// A task here.
    Task { dag_id: DagId, task_id: TaskId },
    /// A job elsewhere, by its OpenLineage name.
    Foreign { namespace: String, name: String },
}

impl std::fmt::Display for JobRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Task { dag_id, task_id } => write!(f, "{dag_id}.{task_id}"),
            Self::Foreign { namespace, name } => write!(f, "{namespace}/{name}"),
        }
    }
}

/// Which way data goes between a job and a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Read,
    Wrote,
}

impl Direction {
    /// Returns the word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Wrote => "wrote",
        }
    }

    /// Finds it by its word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Read, Self::Wrote].into_iter().find(|one| one.as_str() == word)
    }
}

/// One end of a link, as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenDataset {
    pub job: JobRef,
    pub direction: Direction,
    pub dataset: DatasetRef,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub run: Option<String>,
    pub source: Option<String>,
}
