//! Brings the state in line with the deck in force: after `dags.toml` was read, and in the first
//! step after `recover`. Runs under way keep the definition that they began with; only one that was
//! made before definitions were kept takes the present one, and may lose tasks by it.

use std::sync::Arc;

use crate::change::{DagState, FailedRow};
use crate::dag::Dag;
use crate::decision::{Decision, end_attempt};
use crate::types::ids::UNMAPPED;
use crate::types::run::DagRunKey;
use crate::types::{DagId, TaskInstanceKey, TaskInstanceState};

impl Decision<'_> {
    /// New DAGs become known, vanished ones stale; schedules, limits and queued asset events are
    /// looked at anew.
    pub(super) fn adopt_deck(&mut self) {
        let deck = self.state.deck.clone();
        self.state.index.touched.all = true;
        self.set_freshness_timers();
        let states = &self.state.dag_states;
        self.state.fair.turns.retain(|dag_id| states.contains_key(dag_id));
        for dag in deck.dags.values() {
            self.version_number(dag);
            let dag_state = self.dag_state_of(dag);
            self.put_dag_state(dag_state);
            self.prune_queued_asset_events(&dag.dag_id);
            if self.state.dag_states.get(&dag.dag_id).is_some_and(|s| !s.is_paused) {
                self.make_asset_triggered(&dag.dag_id);
            }
            self.runs_changed(&dag.dag_id);
        }
        let is_gone = |dag_id: &&DagId| !deck.dags.contains_key(*dag_id);
        let gone: Vec<DagId> = self.state.dag_states.keys().filter(is_gone).cloned().collect();
        for dag_id in gone {
            let Some(mut dag_state) = self.state.dag_states.get(&dag_id).cloned() else { continue };
            dag_state.is_stale = true;
            self.put_dag_state(dag_state);
            self.prune_queued_asset_events(&dag_id);
            self.runs_changed(&dag_id);
        }
    }

    fn dag_state_of(&self, dag: &Arc<Dag>) -> DagState {
        let mut dag_state = match self.state.dag_states.get(&dag.dag_id) {
            Some(known) => known.clone(),
            None => new_dag_state(dag),
        };
        dag_state.is_stale = false;
        dag_state
    }

    /// In the first step after `recover`: writes what that has changed, and has everything
    /// looked at.
    pub(super) fn catch_up(&mut self) {
        if !std::mem::take(&mut self.state.pending.is_fresh) {
            return;
        }
        for dag_state in self.state.dag_states.values() {
            self.draft.put_dag_state(dag_state);
        }
        for key in std::mem::take(&mut self.state.pending.unsaved) {
            if let Some(ti) = self.task(&key).cloned() {
                self.draft.put_task(&ti);
            }
        }
        self.adopt_deck();
        let runs: Vec<DagRunKey> = self.state.runs.keys().cloned().collect();
        for key in runs {
            self.look_at(&key);
        }
    }

    /// Takes tasks out that the definition no longer has, and asks all trigger rules.
    fn look_at(&mut self, key: &DagRunKey) {
        let latest = self.state.dag_versions.get(&key.dag_id);
        let Some(active) = self.state.runs.get_mut(key) else { return };
        if let Some(latest) = latest.filter(|l| l.dag_version == active.run.dag_version)
            && active.run.dag_version_number == 0
        {
            active.run.dag_version_number = latest.version_number;
        }
        self.draft.put_run(&active.run);
        let is_gone = |key: &TaskInstanceKey| {
            let is_mapped = active.dag.mapping(&key.task_id).is_some();
            !active.dag.tasks.contains_key(&key.task_id)
                || (key.map_index != UNMAPPED && !is_mapped)
        };
        let open = active.tasks.values().filter(|ti| !ti.state.is_some_and(|s| s.is_finished()));
        let (gone, left): (Vec<_>, Vec<_>) =
            open.map(|ti| ti.key.clone()).partition(|key| is_gone(key));
        for task in gone {
            let why = "the task is gone from `dags.toml`";
            self.kill(&task, why);
            self.close_try(&task, TaskInstanceState::Removed, None, Some(why.to_owned()));
            let now = self.now;
            self.move_task(&task, Some(TaskInstanceState::Removed), |ti| {
                end_attempt(ti, now);
                ti.note = Some(why.to_owned());
            });
        }
        self.work.extend(left);
        self.maybe_ended.insert(key.clone());
    }
}

/// What is known of a DAG that is seen for the first time.
pub(super) fn new_dag_state(dag: &Dag) -> DagState {
    DagState {
        dag_id: dag.dag_id.clone(),
        is_paused: dag.is_paused_upon_creation,
        is_stale: false,
        last_logical_date: None,
        scheduled_until: None,
        next_run_after: None,
        failed_in_a_row: FailedRow::default(),
    }
}
