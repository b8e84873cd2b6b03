//! What one step has decided so far. Of what is put more than once only the last state is kept:
//! a run that is made and begins in one step is one row and one event.

use std::collections::BTreeMap;

use indexmap::{IndexMap, IndexSet};

use crate::change::{Change, DagState, DagVersion, OperationRow};
use crate::effect::Effect;
use crate::input::Reply;
use crate::step::Decided;
use crate::types::approval::HitlDetail;
use crate::types::asset::{AssetEvent, WatchedObject};
use crate::types::backfill::{Backfill, BackfillDagRun, BackfillId};
use crate::types::callback::CallbackRequest;
use crate::types::deadline::Deadline;
use crate::types::event::{Event, EventLog};
use crate::types::run::{DagRun, DagRunKey, TaskInstance, TaskTry};
use crate::types::trouble::{Trouble, TroubleKey};
use crate::types::xcom::XcomValue;
use crate::types::{AssetName, AttemptKey, DagId, LaunchToken, TaskInstanceKey};

/// Changes and effects, as they come about.
#[derive(Debug, Default)]
pub(super) struct Draft {
    dag_states: IndexMap<DagId, DagState>,
    dag_versions: Vec<DagVersion>,
    runs: IndexMap<DagRunKey, DagRun>,
    /// `None`: deleted.
    tasks: IndexMap<TaskInstanceKey, Option<TaskInstance>>,
    tries: IndexMap<AttemptKey, TaskTry>,
    /// All outputs of these are removed …
    deleted_xcoms: IndexSet<TaskInstanceKey>,
    /// … before these are put.
    xcoms: IndexMap<(TaskInstanceKey, String), XcomValue>,
    hitl_details: IndexMap<AttemptKey, HitlDetail>,
    triggered_runs: IndexMap<LaunchToken, DagRunKey>,
    task_maps: IndexMap<TaskInstanceKey, BTreeMap<String, usize>>,
    asset_events: Vec<AssetEvent>,
    assets: Vec<Change>,
    queued_asset_events: IndexMap<DagId, Vec<i64>>,
    triggering: Vec<(DagRunKey, Vec<i64>)>,
    operations: Vec<Change>,
    deleted: Vec<(DagRunKey, String)>,
    backfills: IndexMap<BackfillId, Backfill>,
    backfill_dag_runs: Vec<BackfillDagRun>,
    callbacks: Vec<CallbackRequest>,
    troubles: Vec<Change>,
    deadlines: IndexMap<(DagRunKey, u32), Deadline>,
    log: Vec<EventLog>,
    effects: Vec<Effect>,
}

impl Draft {
    pub(super) fn put_dag_state(&mut self, dag_state: &DagState) {
        self.dag_states.insert(dag_state.dag_id.clone(), dag_state.clone());
    }

    pub(super) fn insert_dag_version(&mut self, version: DagVersion) {
        self.dag_versions.push(version);
    }

    pub(super) fn put_run(&mut self, run: &DagRun) {
        self.runs.insert(run.key(), run.clone());
    }

    pub(super) fn put_task(&mut self, task: &TaskInstance) {
        self.tasks.insert(task.key.clone(), Some(task.clone()));
    }

    pub(super) fn delete_task(&mut self, key: TaskInstanceKey) {
        self.tasks.insert(key, None);
    }

    pub(super) fn put_try(&mut self, task_try: TaskTry) {
        self.tries.insert(task_try.key.clone(), task_try);
    }

    pub(super) fn put_xcom(&mut self, task: TaskInstanceKey, key: String, value: XcomValue) {
        self.xcoms.insert((task, key), value);
    }

    pub(super) fn delete_xcoms(&mut self, task: TaskInstanceKey) {
        self.task_maps.shift_remove(&task);
        self.xcoms.retain(|(of, _), _| *of != task);
        self.deleted_xcoms.insert(task);
    }

    pub(super) fn put_hitl_detail(&mut self, detail: HitlDetail) {
        self.hitl_details.insert(detail.key.clone(), detail);
    }

    pub(super) fn put_triggered_run(&mut self, token: LaunchToken, run: DagRunKey) {
        self.triggered_runs.insert(token, run);
    }

    pub(super) fn put_task_map(&mut self, key: TaskInstanceKey, lengths: BTreeMap<String, usize>) {
        self.task_maps.insert(key, lengths);
    }

    pub(super) fn insert_asset_event(&mut self, event: AssetEvent) {
        self.asset_events.push(event);
    }

    pub(super) fn put_asset_object(
        &mut self,
        asset: AssetName,
        uri: String,
        object: WatchedObject,
    ) {
        self.assets.push(Change::PutAssetObject { asset, uri, object });
    }

    pub(super) fn put_asset_stale(&mut self, asset: AssetName, event_id: i64) {
        self.assets.push(Change::PutAssetStale { asset, event_id });
    }

    pub(super) fn put_queued_asset_events(&mut self, dag_id: DagId, events: &[AssetEvent]) {
        self.queued_asset_events.insert(dag_id, events.iter().map(|event| event.id).collect());
    }

    pub(super) fn put_triggering(&mut self, run: DagRunKey, events: &[AssetEvent]) {
        self.triggering.push((run, events.iter().map(|event| event.id).collect()));
    }

    pub(super) fn insert_operation(&mut self, operation: OperationRow) {
        self.operations.insert(0, Change::InsertOperation(operation));
    }

    pub(super) fn undo_operation(&mut self, id: i64, by: i64) {
        self.operations.push(Change::UndoOperation { id, by });
    }

    /// Forgets what was put of the run: it goes, and its folder with it.
    pub(super) fn delete_run(&mut self, run: &DagRunKey, removal: String) {
        let is_of =
            |key: &TaskInstanceKey| key.dag_id == run.dag_id && key.dag_run_id == run.dag_run_id;
        self.runs.shift_remove(run);
        self.tasks.retain(|key, _| !is_of(key));
        self.tries.retain(|key, _| !is_of(&key.task));
        self.xcoms.retain(|(key, _), _| !is_of(key));
        self.task_maps.retain(|key, _| !is_of(key));
        self.deleted_xcoms.retain(|key| !is_of(key));
        self.deadlines.retain(|(of, _), _| of != run);
        self.effect(Effect::RemoveRun { run: run.clone(), removal: removal.clone() });
        self.deleted.push((run.clone(), removal));
    }

    pub(super) fn put_backfill(&mut self, backfill: &Backfill) {
        self.backfills.insert(backfill.id, backfill.clone());
    }

    pub(super) fn put_backfill_dag_run(&mut self, dag_run: BackfillDagRun) {
        self.backfill_dag_runs.push(dag_run);
    }

    pub(super) fn put_callback(&mut self, request: CallbackRequest) {
        self.callbacks.push(request);
    }

    pub(super) fn put_trouble(&mut self, trouble: Trouble) {
        self.troubles.push(Change::PutTrouble(trouble));
    }

    pub(super) fn delete_trouble(&mut self, key: TroubleKey) {
        self.troubles.push(Change::DeleteTrouble(key));
    }

    pub(super) fn put_deadline(&mut self, deadline: Deadline) {
        let (dag_id, dag_run_id) = (deadline.dag_id.clone(), deadline.dag_run_id.clone());
        self.deadlines.insert((DagRunKey { dag_id, dag_run_id }, deadline.number), deadline);
    }

    pub(super) fn log(&mut self, line: EventLog) {
        self.log.push(line);
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Returns the run as this step leaves it, where it touched it.
    pub(super) fn run(&self, key: &DagRunKey) -> Option<&DagRun> {
        self.runs.get(key)
    }

    /// Returns the task instance as this step leaves it, where it touched it.
    pub(super) fn task(&self, key: &TaskInstanceKey) -> Option<&TaskInstance> {
        self.tasks.get(key)?.as_ref()
    }

    /// Closes the draft. Rows come before those that refer to them.
    pub(super) fn close(self, reply: Reply) -> Decided {
        let events = self.events();
        let mut changes = Vec::new();
        changes.extend(self.dag_states.into_values().map(Change::PutDagState));
        changes.extend(self.dag_versions.into_iter().map(Change::InsertDagVersion));
        changes.extend(self.runs.into_values().map(Change::PutDagRun));
        changes.extend(self.tasks.into_iter().map(|(key, task)| match task {
            Some(task) => Change::PutTaskInstance(task),
            None => Change::DeleteTaskInstance { key },
        }));
        changes.extend(self.tries.into_values().map(Change::PutTaskTry));
        // An operation keeps the outputs that it takes away.
        changes.extend(self.operations);
        changes.extend(self.deleted_xcoms.into_iter().map(|key| Change::DeleteXcom { key }));
        changes.extend(self.xcoms.into_iter().map(|((task, key), value)| Change::PutXcom {
            task,
            key,
            value,
        }));
        changes.extend(self.hitl_details.into_values().map(Change::PutHitlDetail));
        changes.extend(
            self.triggered_runs
                .into_iter()
                .map(|(token, run)| Change::PutTriggeredRun { token, run }),
        );
        let maps = self.task_maps.into_iter();
        changes.extend(maps.map(|(key, lengths)| Change::PutTaskMap { key, lengths }));
        changes.extend(self.asset_events.into_iter().map(Change::InsertAssetEvent));
        changes.extend(self.assets);
        changes.extend(
            self.queued_asset_events
                .into_iter()
                .map(|(dag_id, event_ids)| Change::PutQueuedAssetEvents { dag_id, event_ids }),
        );
        changes.extend(
            self.triggering
                .into_iter()
                .map(|(run, event_ids)| Change::PutTriggeringAssetEvents { run, event_ids }),
        );
        changes.extend(self.backfills.into_values().map(Change::PutBackfill));
        changes.extend(self.backfill_dag_runs.into_iter().map(Change::PutBackfillDagRun));
        changes.extend(self.deadlines.into_values().map(Change::PutDeadline));
        let callbacks = self.callbacks.into_iter().map(Box::new);
        changes.extend(callbacks.map(Change::InsertCallback));
        changes.extend(self.troubles);
        let deleted = self.deleted.into_iter();
        changes.extend(deleted.map(|(run, removal)| Change::DeleteDagRun { run, removal }));
        changes.extend(self.log.into_iter().map(Change::InsertEventLog));
        Decided { changes, effects: self.effects, events, reply }
    }

    fn events(&self) -> Vec<Event> {
        let backfilled = self.backfills.values().map(|backfill| &backfill.dag_id);
        let deleted = self.deleted.iter().map(|(run, _)| &run.dag_id);
        let dags: IndexSet<_> = self.dag_states.keys().chain(backfilled).chain(deleted).collect();
        let dags = dags.into_iter().map(|dag_id| Event::DagChanged { dag_id: dag_id.clone() });
        let runs = self.runs.values().map(|run| Event::DagRunChanged {
            dag_id: run.dag_id.clone(),
            dag_run_id: run.dag_run_id.clone(),
            state: run.state,
        });
        let tasks = self.tasks.iter().map(|(key, task)| Event::TaskInstanceChanged {
            key: key.clone(),
            state: task.as_ref().and_then(|task| task.state),
        });
        let stale = self.assets.iter().filter_map(|change| match change {
            Change::PutAssetStale { asset, .. } => Some(asset),
            _ => None,
        });
        let names: IndexSet<_> =
            self.asset_events.iter().map(|event| &event.name).chain(stale).collect();
        let assets = names.into_iter().map(|name| Event::AssetChanged { name: name.clone() });
        let serving = (!self.troubles.is_empty()).then_some(Event::ServingChanged);
        dags.chain(runs).chain(tasks).chain(assets).chain(serving).collect()
    }
}
