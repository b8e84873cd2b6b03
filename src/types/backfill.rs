//! Backfills: runs for a range of dates of the past, made because somebody asked.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{DagId, DagRunId};
use crate::state::{BackfillDagRunExceptionReason, DagRunState, ReprocessBehavior};
use crate::time::Timestamp;

/// Counts up; unique in a project.
pub type BackfillId = i64;

/// As many runs of one backfill run at once unless it says otherwise; Airflow's default.
pub const MAX_ACTIVE_RUNS: u32 = 10;

/// A wish for a backfill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackfillSpec {
    pub dag_id: DagId,
    /// The first logical date.
    pub from_date: Timestamp,
    /// The last logical date, inclusive.
    pub to_date: Timestamp,
    #[serde(default)]
    pub reprocess_behavior: ReprocessBehavior,
    /// The newest date first.
    #[serde(default)]
    pub run_backwards: bool,
    #[serde(default = "max_active_runs")]
    pub max_active_runs: u32,
    /// `None` leaves runs that are cleared the `conf` that they had.
    #[serde(default)]
    pub dag_run_conf: Option<Map<String, Value>>,
    /// Who asks, for the record.
    #[serde(default)]
    pub user: Option<String>,
}

const fn max_active_runs() -> u32 {
    MAX_ACTIVE_RUNS
}

/// A backfill, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Backfill {
    pub id: BackfillId,
    pub dag_id: DagId,
    pub from_date: Timestamp,
    pub to_date: Timestamp,
    pub dag_run_conf: Option<Map<String, Value>>,
    /// No run of it is made or begun; those that run go on.
    pub is_paused: bool,
    pub reprocess_behavior: ReprocessBehavior,
    pub run_backwards: bool,
    pub max_active_runs: u32,
    /// Dates whose interval has not ended by then are left out.
    pub created_at: Timestamp,
    /// When its last run had ended, or it was cancelled.
    pub completed_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub triggering_user_name: Option<String>,
    /// How many dates were dealt with: the last `sort_ordinal`.
    pub position: u32,
    /// The date that was dealt with last: the runs of those after it are still to be made.
    pub last_logical_date: Option<Timestamp>,
}

/// What became of one date of a backfill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackfillDagRun {
    pub backfill_id: BackfillId,
    /// From 1, in the order in which they were dealt with.
    pub sort_ordinal: u32,
    pub logical_date: Timestamp,
    /// `None` where no run was made.
    pub dag_run_id: Option<DagRunId>,
    /// Why not.
    pub exception_reason: Option<BackfillDagRunExceptionReason>,
}

/// A date of a backfill with its run as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackfillDagRunView {
    #[serde(flatten)]
    pub dag_run: BackfillDagRun,
    pub state: Option<DagRunState>,
    #[serde(default)]
    pub start_date: Option<Timestamp>,
    #[serde(default)]
    pub end_date: Option<Timestamp>,
}

/// A backfill with how far it has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackfillView {
    #[serde(flatten)]
    pub backfill: Backfill,
    pub queued: u64,
    pub running: u64,
    pub success: u64,
    pub failed: u64,
    /// Dates for which no run was made.
    pub skipped: u64,
}

/// A backfill in full: its dates so far, a page of them, and how many there are in all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackfillDetailView {
    #[serde(flatten)]
    pub backfill: BackfillView,
    /// Of the range; `None` where they are too many to count, or the DAG is gone.
    pub total_dates: Option<u64>,
    /// A paused DAG holds its backfill.
    pub is_dag_paused: bool,
    pub dag_runs: Vec<BackfillDagRunView>,
}

/// What a backfill would do with one date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedDagRun {
    pub logical_date: Timestamp,
    pub data_interval_start: Timestamp,
    pub data_interval_end: Timestamp,
    pub run_after: Timestamp,
    /// The run that there is, which is cleared or stands in the way.
    pub dag_run_id: Option<DagRunId>,
    /// Why no run would be made.
    pub exception_reason: Option<BackfillDagRunExceptionReason>,
}

/// What a backfill would do (a dry run).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackfillPlan {
    pub dag_id: DagId,
    /// In the order in which they would be made; a page of them.
    pub dag_runs: Vec<PlannedDagRun>,
    /// Of the range; `None` where they are too many to count.
    pub total_dates: Option<u64>,
}
