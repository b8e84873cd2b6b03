//! How a run comes about: made (`queued`, with all its task instances), then begun when
//! `max_active_runs` allows. `ending` tells how it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::dag::schedule::DataInterval;
use crate::dag::{Dag, TaskSpec};
use crate::decision::{About, Decision};
use crate::index::{RunGroup, RunIndex};
use crate::state::{ActiveRun, EndedRun};
use crate::types::asset::AssetEvent;
use crate::types::backfill::BackfillId;
use crate::types::event::Severity;
use crate::types::executor::TryPlace;
use crate::types::ids::UNMAPPED;
use crate::types::run::{DagRun, DagRunKey, TaskInstance};
use crate::types::state::{DagRunType, TriggeredBy};
use crate::types::{DagId, DagRunId, DagRunState, MapIndex, TaskInstanceKey, Timestamp};
use crate::when;

/// What a run is made of.
#[derive(Debug)]
pub(super) struct NewRun {
    pub(super) dag: Arc<Dag>,
    pub(super) run_type: DagRunType,
    pub(super) triggered_by: TriggeredBy,
    pub(super) user: Option<String>,
    /// `None`: one is made of `run_type` and `run_after`.
    pub(super) dag_run_id: Option<DagRunId>,
    pub(super) logical_date: Option<Timestamp>,
    pub(super) interval: Option<DataInterval>,
    pub(super) run_after: Timestamp,
    pub(super) conf: Map<String, Value>,
    pub(super) params: Map<String, Value>,
    pub(super) note: Option<String>,
    pub(super) events: Vec<AssetEvent>,
    pub(super) backfill_id: Option<BackfillId>,
    pub(super) partition_key: Option<String>,
}

impl Decision<'_> {
    /// Makes a run, `queued`, and its task instances, without status.
    pub(super) fn make_run(&mut self, new: NewRun) -> DagRun {
        let dag = new.dag;
        let dag_run_id = match new.dag_run_id {
            Some(given) => given,
            None => self.free_run_id(&dag.dag_id, new.run_type, new.run_after),
        };
        let dag_version_number = self.version_number(&dag);
        let run = DagRun {
            dag_id: dag.dag_id.clone(),
            dag_run_id,
            run_type: new.run_type,
            state: DagRunState::Queued,
            triggered_by: new.triggered_by,
            triggering_user_name: new.user,
            logical_date: new.logical_date,
            data_interval_start: new.interval.map(|interval| interval.start),
            data_interval_end: new.interval.map(|interval| interval.end),
            run_after: new.run_after,
            queued_at: self.now,
            start_date: None,
            end_date: None,
            conf: new.conf,
            params: new.params,
            dag_version: dag.version.clone(),
            dag_version_number,
            note: new.note,
            backfill_id: new.backfill_id,
            partition_key: new.partition_key,
        };
        let key = run.key();
        self.remember_run_id(&key);
        let fresh = EndedRun {
            run: run.clone(),
            dag: None,
            tasks: Vec::new(),
            triggering_asset_events: new.events,
            maps: Vec::new(),
        };
        let (active, made) = ActiveRun::reload(fresh, dag, self.state.deck.max_map_length);
        self.draft.put_run(&active.run);
        for task in &made {
            self.draft.put_task(&active.tasks[&(task.task_id.clone(), task.map_index)]);
        }
        if !active.triggering_asset_events.is_empty() {
            self.draft.put_triggering(key.clone(), &active.triggering_asset_events);
        }
        self.state.index.note_all(&active);
        self.state.runs.insert(key.clone(), active);
        self.set_deadlines(&key);
        self.runs_changed(&key.dag_id);
        let message = match &run.triggering_user_name {
            Some(user) => format!("{} made run `{}`", user, key.dag_run_id),
            None => format!("run `{}` was made", key.dag_run_id),
        };
        let owner = run.triggering_user_name.clone();
        self.log(Severity::Info, "dag_run.queued", About::run(&key), owner, message);
        run
    }

    /// Begins queued runs, the oldest first, as many as `max_active_runs` allows. Says whether
    /// there was one.
    pub(super) fn promote(&mut self) -> bool {
        let mut any = false;
        for dag_id in std::mem::take(&mut self.state.pending.promotable) {
            while let Some(key) = self.next_to_begin(&dag_id) {
                any = true;
                self.begin(&key);
            }
        }
        any
    }

    /// A backfill has a limit of its own; its runs come after the others.
    fn next_to_begin(&self, dag_id: &DagId) -> Option<DagRunKey> {
        let groups = self.state.index.dag_runs.range(RunGroup::of_dag(dag_id)..);
        let mut groups = groups.take_while(|(group, _)| group.dag_id == *dag_id);
        groups.find_map(|(_, runs)| {
            let (_, _, dag_run_id) = runs.queued.first()?;
            let key = DagRunKey { dag_id: dag_id.clone(), dag_run_id: dag_run_id.clone() };
            let active = self.state.runs.get(&key)?;
            (runs.running < self.state.runs_limit(active)).then_some(key)
        })
    }

    fn begin(&mut self, key: &DagRunKey) {
        let now = self.now;
        self.move_run(key, DagRunState::Running, |run| run.start_date = Some(now));
        let Some(active) = self.state.runs.get(key) else { return };
        let waiting = active.tasks.values().filter(|ti| ti.state.is_none());
        self.work.extend(waiting.map(|ti| ti.key.clone()));
        self.maybe_ended.insert(key.clone());
    }

    /// Has the DAG looked at: a queued run may begin, a scheduled one be made.
    pub(super) fn runs_changed(&mut self, dag_id: &DagId) {
        self.state.pending.promotable.insert(dag_id.clone());
        self.state.pending.schedules.insert(dag_id.clone());
    }

    fn free_run_id(&self, dag_id: &DagId, run_type: DagRunType, at: Timestamp) -> DagRunId {
        let plain = format!("{run_type}__{}", when::iso(at));
        let last = self.state.pending.last_run_ids.get(dag_id).map(|(_, ids)| ids);
        let is_taken = |id: &DagRunId| {
            let key = DagRunKey { dag_id: dag_id.clone(), dag_run_id: id.clone() };
            self.state.runs.contains_key(&key) || last.is_some_and(|ids| ids.contains(id))
        };
        let ids = std::iter::once(plain.clone()).chain((2..).map(|n: u64| format!("{plain}_{n}")));
        let mut ids = ids.map(DagRunId::new);
        ids.find(|id| !is_taken(id)).expect("there are more numbers than runs")
    }

    fn remember_run_id(&mut self, key: &DagRunKey) {
        let now = self.now;
        let last = self.state.pending.last_run_ids.entry(key.dag_id.clone());
        let (at, ids) = last.or_insert_with(|| (now, BTreeSet::new()));
        if *at != now {
            *at = now;
            ids.clear();
        }
        ids.insert(key.dag_run_id.clone());
    }
}

impl ActiveRun {
    /// Puts a run under way under its definition. Tasks that have no instance yet get one;
    /// returns which.
    ///
    /// As in Airflow those of a task that is mapped over nothing but what is written stand there
    /// from the beginning.
    pub(super) fn reload(
        found: EndedRun,
        dag: Arc<Dag>,
        max_map_length: usize,
    ) -> (Self, Vec<TaskInstanceKey>) {
        let EndedRun { mut run, dag: _, tasks, triggering_asset_events, maps } = found;
        if run.dag_version != dag.version {
            run.dag_version.clone_from(&dag.version);
            run.dag_version_number = 0;
        }
        let mut tasks: BTreeMap<_, _> =
            tasks.into_iter().map(|ti| ((ti.key.task_id.clone(), ti.key.map_index), ti)).collect();
        let mut made = Vec::new();
        for spec in dag.tasks.values() {
            let all = (spec.task_id.clone(), MapIndex::MIN)..=(spec.task_id.clone(), MapIndex::MAX);
            let mapping = dag.mapping(&spec.task_id);
            if tasks.range(all).any(|((_, index), _)| mapping.is_some() || *index == UNMAPPED) {
                continue;
            }
            let written = mapping.and_then(|expand| expand.count(|_, _| None));
            let written = written.filter(|count| (1..=max_map_length).contains(count));
            let count = written.and_then(|count| MapIndex::try_from(count).ok());
            for index in count.map_or(UNMAPPED..0, |count| 0..count) {
                let ti = new_task_instance(&run, spec, index);
                made.push(ti.key.clone());
                tasks.insert((spec.task_id.clone(), index), ti);
            }
        }
        let index = RunIndex::build(&dag, &tasks);
        let mut active =
            Self { run, dag, tasks, triggering_asset_events, maps: BTreeMap::new(), index };
        for (key, lengths) in maps {
            active.note_map(&key.task_id, key.map_index, lengths);
        }
        (active, made)
    }
}

/// Makes an instance of a task, without status.
pub(super) fn new_task_instance(
    run: &DagRun,
    spec: &TaskSpec,
    map_index: MapIndex,
) -> TaskInstance {
    TaskInstance {
        key: TaskInstanceKey {
            dag_id: run.dag_id.clone(),
            dag_run_id: run.dag_run_id.clone(),
            task_id: spec.task_id.clone(),
            map_index,
        },
        state: None,
        try_number: 0,
        max_tries: spec.retries.saturating_add(1),
        operator: spec.operator.name().to_owned(),
        pool: spec.pool.clone(),
        token: None,
        pid: None,
        place: TryPlace::default(),
        scheduled_when: None,
        queued_when: None,
        start_date: None,
        end_date: None,
        next_retry_at: None,
        trigger: None,
        trigger_timeout: None,
        note: None,
        user_note: None,
    }
}
