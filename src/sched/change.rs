//! What will be on disk: the whole of it for one input is one transaction.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::types::approval::HitlDetail;
use crate::types::asset::AssetEvent;
use crate::types::callback::CallbackRequest;
use crate::types::deadline::Deadline;
use crate::types::event::EventLog;
use crate::types::run::{DagRun, DagRunKey, TaskInstance, TaskTry};
use crate::types::{DagId, LaunchToken, TaskInstanceKey, Timestamp};

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
    /// The output of a task; replaces what an earlier try left.
    PutXcom { key: TaskInstanceKey, value: Value },
    /// Removes the output and what was noted of it, when the task is cleared.
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
    /// Appends.
    InsertAssetEvent(AssetEvent),
    /// Asset events that wait to bring a run of this DAG about: the whole set, replaced.
    PutQueuedAssetEvents { dag_id: DagId, event_ids: Vec<i64> },
    /// The asset events that brought a run about.
    PutTriggeringAssetEvents { run: DagRunKey, event_ids: Vec<i64> },
    /// Appends.
    InsertCallback(Box<CallbackRequest>),
    /// Inserts or replaces.
    PutDeadline(Deadline),
    /// Appends a line to the feed.
    InsertEventLog(EventLog),
}

/// What is kept of a DAG beyond its definition.
#[derive(Debug, Clone, PartialEq)]
pub struct DagState {
    pub dag_id: DagId,
    pub is_paused: bool,
    /// The definition is gone.
    pub is_stale: bool,
    /// Up to which instant time-scheduled runs have been made: the end of the last interval,
    /// or when the DAG was first seen (for `catchup = false`).
    pub scheduled_until: Option<Timestamp>,
    /// When the next scheduled run is due; for display.
    pub next_run_after: Option<Timestamp>,
}
