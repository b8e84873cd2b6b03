//! Identifiers, as they stand on the wire. Their text is shared: the scheduler hands keys on all
//! the time, and a clone copies no text.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! string_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is; definitions are checked where they are parsed.
            pub fn new(text: impl Into<String>) -> Self {
                Self(Arc::from(text.into()))
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                // Most comparisons of the scheduler are of clones.
                if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Arc::from(text))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(Arc::from(text))
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

string_id! {
    /// Names a DAG within a project.
    DagId;
    /// Names a task within its DAG.
    TaskId;
    /// Names a group of tasks within its DAG; no task has the same name.
    GroupId;
    /// Names a run within its DAG, such as `manual__2026-01-01T00:00:00+00:00`.
    DagRunId;
    /// Names a tracked run of an experiment: 32 hex digits.
    TrackingRunId;
    /// Names an asset within a project.
    AssetName;
    /// Fences one launch of one attempt: a report with another token is a straggler.
    LaunchToken;
}

/// Which element of a mapped task; `-1` where the task is not mapped.
pub type MapIndex = i32;

/// Which try of a task instance, from 1.
pub type TryNumber = u32;

/// The map index of a task that is not mapped.
pub const UNMAPPED: MapIndex = -1;

/// Names one task instance of one run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskInstanceKey {
    pub dag_id: DagId,
    pub dag_run_id: DagRunId,
    pub task_id: TaskId,
    pub map_index: MapIndex,
}

impl fmt::Display for TaskInstanceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.dag_id, self.task_id)?;
        if self.map_index != UNMAPPED {
            write!(f, "[{}]", self.map_index)?;
        }
        write!(f, " of {}", self.dag_run_id)
    }
}

/// Names one try of one task instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptKey {
    #[serde(flatten)]
    pub task: TaskInstanceKey,
    pub try_number: TryNumber,
}

impl fmt::Display for AttemptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} try {}", self.task, self.try_number)
    }
}
