//! What will be on disk: the whole of it for one input is one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dag::Dag;
use crate::types::approval::HitlDetail;
use crate::types::asset::{AssetEvent, WatchedObject};
use crate::types::backfill::{Backfill, BackfillDagRun};
use crate::types::callback::CallbackRequest;
use crate::types::deadline::Deadline;
use crate::types::event::EventLog;
use crate::types::operation::Moves;
use crate::types::run::{DagRun, DagRunKey, TaskInstance, TaskTry};
use crate::types::trouble::{Trouble, TroubleKey};
use crate::types::xcom::XcomValue;
use crate::types::{AssetName, DagId, DagRunId, LaunchToken, TaskInstanceKey, Timestamp};

/// One change of the store.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Inserts or replaces.
    PutDagRun(DagRun),
    /// Inserts or replaces.
    PutTaskInstance(TaskInstance),
    /// Removes a task instance that was never begun: the one without index of a mapped task.
    DeleteTaskInstance { key: TaskInstanceKey },
    /// Inserts or replaces.
    PutTaskTry(TaskTry),
    /// An output of a task; replaces what an earlier try left.
    PutXcom { task: TaskInstanceKey, key: String, value: XcomValue },
    /// Removes all outputs and what was noted of them, when the task is cleared.
    DeleteXcom { key: TaskInstanceKey },
    /// Inserts or replaces a question to people, or its answer.
    PutHitlDetail(HitlDetail),
    /// Remembers which run an attempt has brought about.
    PutTriggeredRun { token: LaunchToken, run: DagRunKey },
    /// How long the parts of an output are that other tasks are mapped over; of an instance of a
    /// mapped task it says only that there is an output.
    PutTaskMap { key: TaskInstanceKey, lengths: BTreeMap<String, usize> },
    /// Inserts or replaces what is kept of a DAG beyond its definition.
    PutDagState(DagState),
    /// Appends a version of a definition.
    InsertDagVersion(DagVersion),
    /// Appends.
    InsertAssetEvent(AssetEvent),
    /// How a file or an object looked when a watcher told of it; one that is gone is forgotten.
    PutAssetObject { asset: AssetName, uri: String, object: WatchedObject },
    /// That it was told that an asset is too old, after this last event of it.
    PutAssetStale { asset: AssetName, event_id: i64 },
    /// Asset events that wait to bring a run of this DAG about: the whole set, replaced.
    PutQueuedAssetEvents { dag_id: DagId, event_ids: Vec<i64> },
    /// The asset events that brought a run about.
    PutTriggeringAssetEvents { run: DagRunKey, event_ids: Vec<i64> },
    /// Keeps an operation, and the outputs that it takes away; comes before what takes them.
    InsertOperation(OperationRow),
    /// Gives the outputs of an operation back, and notes which one undid it.
    UndoOperation { id: i64, by: i64 },
    /// Removes a run with all that belongs to it; its folder is to be removed under this name.
    DeleteDagRun { run: DagRunKey, removal: String },
    /// Inserts or replaces.
    PutBackfill(Backfill),
    /// Inserts or replaces.
    PutBackfillDagRun(BackfillDagRun),
    /// Appends.
    InsertCallback(Box<CallbackRequest>),
    /// Inserts or replaces.
    PutTrouble(Trouble),
    /// Removes what is over.
    DeleteTrouble(TroubleKey),
    /// Inserts or replaces.
    PutDeadline(Deadline),
    /// Appends a line to the feed.
    InsertEventLog(EventLog),
}

/// A definition that was in force from some time on.
#[derive(Debug, Clone)]
pub struct DagVersion {
    /// From 1, in the order in which they came.
    pub version_number: u32,
    pub created_at: Timestamp,
    pub dag: Arc<Dag>,
}

impl PartialEq for DagVersion {
    fn eq(&self, other: &Self) -> bool {
        let name = |one: &Self| (one.dag.dag_id.clone(), one.version_number, one.created_at);
        name(self) == name(other) && self.dag.version == other.dag.version
    }
}

/// An operation as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationRow {
    pub id: i64,
    pub when: Timestamp,
    pub owner: Option<String>,
    pub kind: String,
    pub description: String,
    /// JSON, as it was asked.
    pub wish: Value,
    /// Why it cannot be undone.
    pub final_since: Option<String>,
    /// Of these the outputs are kept.
    pub outputs: Vec<TaskInstanceKey>,
    pub images: Option<Box<Images>>,
    /// What it did to each, for people.
    pub moves: Moves,
}

/// What an operation touched, before and after it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Images {
    pub runs_before: Vec<DagRun>,
    pub tasks_before: Vec<TaskInstance>,
    pub runs_after: Vec<DagRun>,
    /// Also of what lies downstream, untouched.
    pub tasks_after: Vec<TaskInstance>,
}

/// What is kept of a DAG beyond its definition.
#[derive(Debug, Clone, PartialEq)]
pub struct DagState {
    pub dag_id: DagId,
    pub is_paused: bool,
    /// The definition is gone.
    pub is_stale: bool,
    /// The logical date of the last run by time.
    pub last_logical_date: Option<Timestamp>,
    /// Up to which instant runs by time have been made: the end of the last one's interval.
    pub scheduled_until: Option<Timestamp>,
    /// When the next scheduled run is due; for display.
    pub next_run_after: Option<Timestamp>,
    pub failed_in_a_row: FailedRow,
}

/// The runs that have failed since one succeeded; kept where a DAG is to be paused for them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FailedRow {
    /// `run_after` of the newest run that succeeded.
    pub since: Option<Timestamp>,
    /// Oldest first, as many as it takes.
    pub runs: Vec<FailedRun>,
}

/// A run that has failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FailedRun {
    pub run_after: Timestamp,
    pub dag_run_id: DagRunId,
}
