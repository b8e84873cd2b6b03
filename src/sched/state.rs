//! All scheduling state, owned by one engine task.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::dag::{Dag, Deck};
use crate::sched::change::DagState;
use crate::types::asset::AssetEvent;
use crate::types::run::{DagRun, DagRunKey, TaskInstance};
use crate::types::{DagId, MapIndex, TaskId, Timestamp};

/// What the scheduler knows. Runs that have ended leave it.
#[derive(Debug, Clone)]
pub struct State {
    pub deck: Arc<Deck>,
    pub dag_states: BTreeMap<DagId, DagState>,
    /// Runs that are queued or running.
    pub runs: BTreeMap<DagRunKey, ActiveRun>,
    /// Asset events that wait to bring a run of a DAG about.
    pub queued_asset_events: BTreeMap<DagId, Vec<AssetEvent>>,
    /// Dedupe keys of asset events that were taken note of.
    pub known_asset_changes: BTreeSet<String>,
    pub next_asset_event_id: i64,
    /// Begins every launch token, so that tokens of two daemons differ.
    pub token_prefix: String,
    pub next_token: u64,
}

/// A run that is under way.
#[derive(Debug, Clone)]
pub struct ActiveRun {
    pub run: DagRun,
    /// The definition it began with.
    pub dag: Arc<Dag>,
    pub tasks: BTreeMap<(TaskId, MapIndex), TaskInstance>,
    pub triggering_asset_events: Vec<AssetEvent>,
}

/// A run that has ended, read back from the store to be cleared.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedRun {
    pub run: DagRun,
    pub tasks: Vec<TaskInstance>,
    pub triggering_asset_events: Vec<AssetEvent>,
}

/// What the store gives back at start.
#[derive(Debug, Clone, Default)]
pub struct Recovered {
    pub dag_states: Vec<DagState>,
    /// Runs that had not ended, with their task instances.
    pub runs: Vec<EndedRun>,
    pub queued_asset_events: Vec<(DagId, Vec<AssetEvent>)>,
    pub known_asset_changes: Vec<String>,
    pub last_asset_event_id: i64,
}

impl State {
    /// Begins with what the store gave back. Runs whose DAG is gone from the deck are kept out
    /// and returned, for the engine to end them as failed.
    pub fn recover(
        _deck: Arc<Deck>,
        _recovered: Recovered,
        _token_prefix: String,
    ) -> (Self, Vec<EndedRun>) {
        todo!("sched helper")
    }

    /// When `step` wants to be called with `Input::Tick` at the latest: the next due schedule,
    /// retry or timeout.
    pub fn next_wakeup(&self, _now: Timestamp) -> Option<Timestamp> {
        todo!("sched helper")
    }
}
