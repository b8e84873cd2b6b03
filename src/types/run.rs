//! Runs, task instances and tries, as the store keeps them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::backfill::BackfillId;
use crate::executor::TryPlace;
use crate::ids::{AttemptKey, DagId, DagRunId, LaunchToken, TaskInstanceKey, TryNumber};
use crate::state::{DagRunState, DagRunType, TaskInstanceState, TriggeredBy};
use crate::time::Timestamp;

/// One run of a DAG.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DagRun {
    pub dag_id: DagId,
    pub dag_run_id: DagRunId,
    pub run_type: DagRunType,
    pub state: DagRunState,
    pub triggered_by: TriggeredBy,
    /// Who asked, where somebody did.
    pub triggering_user_name: Option<String>,
    /// `None` for runs that assets brought about without an interval.
    pub logical_date: Option<Timestamp>,
    pub data_interval_start: Option<Timestamp>,
    pub data_interval_end: Option<Timestamp>,
    /// Not before this instant.
    pub run_after: Timestamp,
    pub queued_at: Timestamp,
    pub start_date: Option<Timestamp>,
    pub end_date: Option<Timestamp>,
    /// What the caller gave; merged over the DAG's params it gives `params`.
    pub conf: Map<String, Value>,
    /// The params as the tasks see them: defaults with `conf` over them, checked.
    pub params: Map<String, Value>,
    /// Which version of the definition it runs (a digest of the DAG as checked).
    pub dag_version: String,
    /// Which of the versions that were in force one after the other; 0 where nobody counted yet.
    #[serde(default)]
    pub dag_version_number: u32,
    pub note: Option<String>,
    /// The backfill that made it, or had it run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill_id: Option<BackfillId>,
    /// Which part of its assets it is about, where the schedule is partitioned or who triggered
    /// it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<String>,
}

/// One task of one run (one element of it, where it is mapped).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskInstance {
    #[serde(flatten)]
    pub key: TaskInstanceKey,
    /// `None`: Airflow's "no status", it waits for its upstream tasks.
    pub state: Option<TaskInstanceState>,
    /// The try in flight or the last one; 0 before the first.
    pub try_number: TryNumber,
    /// Tries it may have in all.
    pub max_tries: TryNumber,
    /// The operator's name, such as `ml.train`.
    pub operator: String,
    pub pool: String,
    pub token: Option<LaunchToken>,
    pub pid: Option<u32>,
    /// Where the try in flight or the last one runs.
    #[serde(flatten)]
    pub place: TryPlace,
    pub scheduled_when: Option<Timestamp>,
    pub queued_when: Option<Timestamp>,
    pub start_date: Option<Timestamp>,
    pub end_date: Option<Timestamp>,
    /// When an `up_for_retry` instance may be launched again.
    pub next_retry_at: Option<Timestamp>,
    /// What a `deferred` instance waits for: a `TriggerSpec` as JSON text, without secrets. Text,
    /// because ten thousand may wait, and it is read only when one is looked after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Arc<str>>,
    /// When a `deferred` instance is given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_timeout: Option<Timestamp>,
    /// Why it failed, was skipped, or waits: one line for the operator.
    pub note: Option<String>,
    /// What people wrote on it.
    #[serde(default)]
    pub user_note: Option<String>,
}

/// One try of a task instance, kept for its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskTry {
    #[serde(flatten)]
    pub key: AttemptKey,
    pub token: LaunchToken,
    pub state: TaskInstanceState,
    pub start_date: Option<Timestamp>,
    pub end_date: Option<Timestamp>,
    pub exit_code: Option<i32>,
    /// Why it did not succeed.
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    #[serde(flatten)]
    pub place: TryPlace,
}

/// Names a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DagRunKey {
    pub dag_id: DagId,
    pub dag_run_id: DagRunId,
}

impl TaskInstance {
    /// Says whether something may still happen to it by itself.
    pub fn is_open(&self) -> bool {
        !self.state.is_some_and(TaskInstanceState::is_finished)
    }

    /// Names the try in flight or the last one.
    pub fn attempt(&self) -> AttemptKey {
        AttemptKey { task: self.key.clone(), try_number: self.try_number }
    }

    /// Seconds it ran, or has been running by `now`.
    pub fn duration_secs(&self, now: Timestamp) -> Option<f64> {
        let start = self.start_date?;
        Some((self.end_date.unwrap_or(now) - start).total(jiff::Unit::Second).unwrap_or(0.0))
    }
}

impl DagRun {
    /// Names the run.
    pub fn key(&self) -> DagRunKey {
        DagRunKey { dag_id: self.dag_id.clone(), dag_run_id: self.dag_run_id.clone() }
    }

    /// Seconds it ran, or has been running by `now`.
    pub fn duration_secs(&self, now: Timestamp) -> Option<f64> {
        let start = self.start_date?;
        Some((self.end_date.unwrap_or(now) - start).total(jiff::Unit::Second).unwrap_or(0.0))
    }
}
