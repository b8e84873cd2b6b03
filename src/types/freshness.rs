//! How assets stand against what they are made of, and why one is old: the way from the root
//! cause down to it. An asset is stale where an input changed after it was made, where the run
//! that was to make it failed, where it is older than its `freshness` allows, or where one of
//! these is so upstream.

use serde::{Deserialize, Serialize};

use crate::asset::AssetEvent;
use crate::callback::CallbackRequest;
use crate::ids::{AssetName, DagId, DagRunId, TaskId};
use crate::state::DagRunState;
use crate::time::Timestamp;
use crate::view::RecentRun;

/// How an asset stands.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// Nothing says that it is old.
    #[default]
    Fresh,
    /// Nobody has made it yet.
    Never,
    Stale,
}

/// A DAG that makes an asset, and how it does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Producer {
    pub dag_id: DagId,
    pub is_paused: bool,
    pub last_run: Option<RecentRun>,
}

/// An event with the runs that it brought about, by itself or with others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssetEventView {
    #[serde(flatten)]
    pub event: AssetEvent,
    #[serde(default)]
    pub started_runs: Vec<StartedRun>,
}

/// A run that an event brought about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedRun {
    pub dag_id: DagId,
    pub dag_run_id: DagRunId,
    pub state: DagRunState,
    #[serde(default)]
    pub start_date: Option<Timestamp>,
    #[serde(default)]
    pub end_date: Option<Timestamp>,
    #[serde(default)]
    pub partition_key: Option<String>,
    /// It was the last of the events that brought the run about.
    #[serde(default)]
    pub is_triggering: bool,
}

/// A part of an asset as its events tell of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartitionView {
    pub partition_key: String,
    /// The last event, with the runs that it brought about.
    pub last: AssetEventView,
    /// How many events there are of it.
    pub events: u64,
}

/// What makes an asset old, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaleCause {
    /// Its producer has never run.
    NeverRun,
    /// It is older than its `freshness` allows, and nothing else says why.
    TooOld,
    /// Its producer has not run since an input changed.
    InputChanged,
    /// … and is paused, so it will not.
    Paused,
    /// The run that was to make it failed.
    RunFailed,
}

/// One asset on the way from the root cause to the asset that was asked about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StaleStep {
    pub asset: AssetName,
    pub last: Option<Timestamp>,
    /// `None`: it is old only because of what is before it.
    pub cause: Option<StaleCause>,
    /// In one line; the times are in the fields, for the reader's own clock.
    pub text: String,
    /// What would mend it.
    pub remedy: Option<String>,
    pub dag_id: Option<DagId>,
    pub dag_run_id: Option<DagRunId>,
    pub task_id: Option<TaskId>,
}

/// Why an asset is old, or that it is not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssetWhy {
    pub name: AssetName,
    pub freshness: Freshness,
    /// The root cause first, the asset itself last; only the asset where it is fresh.
    pub path: Vec<StaleStep>,
    /// How many assets are made of it, however indirectly.
    pub downstream_assets: usize,
    /// What was told to the outside of it, oldest first.
    #[serde(default)]
    pub callbacks: Vec<CallbackRequest>,
}

impl AssetWhy {
    /// Writes the way as people do: `raw/clicks → stg/events → features/rfm`.
    pub fn way(&self) -> String {
        let names: Vec<&str> = self.path.iter().map(|step| step.asset.as_str()).collect();
        names.join(" → ")
    }
}
