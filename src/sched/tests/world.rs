//! A small world to tell stories in: a deck, a scheduler, a clock that is moved by hand, and a
//! store that applies the changes. After every step the oracle is asked, and what the store
//! gives back must be the state.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::backfill::BackfillRead;
use crate::dag::{Dag, Deck};
use crate::past::PastRun;
use crate::state::{EndedRun, LatestVersion, Recovered};
use crate::types::approval::HitlDetail;
use crate::types::ask::Trigger;
use crate::types::deferral::{AtTimeout, Deferral, OnError, TriggerSpec};
use crate::types::event::EventLog;
use crate::types::executor::TryPlace;
use crate::types::run::{DagRun, DagRunKey, TaskInstance, TaskTry};
use crate::types::state::TriggeredBy;
use crate::types::{
    AssetName, AttemptKey, DagId, DagRunState, LaunchToken, TaskInstanceKey, TaskInstanceState,
    Timestamp,
};
use crate::{Change, Command, Decided, Effect, Input, Outcome, Rejected, Reply, Report};
use crate::{State, oracle, step};

pub(crate) use super::decks::{dag, deck, task};
use crate::AssetNews;
use crate::change::{DagState, DagVersion, OperationRow};
use crate::input::{Operate, Undo};
use crate::types::asset::{AssetEvent, AssetEventKind, WatchedObject};
use crate::types::backfill::{Backfill, BackfillDagRun, BackfillId};
use crate::types::callback::{CallbackRequest, CallbackSubject};
use crate::types::deadline::Deadline;
use crate::types::operation::{ClearTasks, Operation, OperationView, Reach, TaskChoice, TaskMove};
use crate::types::xcom::{RETURN_VALUE, XcomValue};

/// What a store would hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Rows {
    pub(crate) dag_states: BTreeMap<DagId, DagState>,
    pub(crate) versions: BTreeMap<(DagId, u32), DagVersion>,
    pub(crate) runs: BTreeMap<DagRunKey, DagRun>,
    pub(crate) tasks: BTreeMap<TaskInstanceKey, TaskInstance>,
    pub(crate) tries: BTreeMap<AttemptKey, TaskTry>,
    pub(crate) xcoms: BTreeMap<TaskInstanceKey, Value>,
    pub(crate) hitl_details: BTreeMap<AttemptKey, HitlDetail>,
    pub(crate) triggered_runs: BTreeMap<LaunchToken, DagRunKey>,
    pub(crate) maps: BTreeMap<TaskInstanceKey, BTreeMap<String, usize>>,
    /// Those of other keys, or in files.
    pub(crate) named_xcoms: BTreeMap<(TaskInstanceKey, String), XcomValue>,
    pub(crate) asset_events: BTreeMap<i64, AssetEvent>,
    pub(crate) stale: BTreeMap<AssetName, i64>,
    pub(crate) troubles:
        BTreeMap<crate::types::trouble::TroubleKey, crate::types::trouble::Trouble>,
    pub(crate) asset_objects: BTreeMap<String, WatchedObject>,
    pub(crate) queued: BTreeMap<DagId, Vec<i64>>,
    pub(crate) triggering: BTreeMap<DagRunKey, Vec<i64>>,
    pub(crate) operations: BTreeMap<i64, OperationRow>,
    /// Outputs that operations took away.
    pub(crate) taken: BTreeMap<i64, BTreeMap<TaskInstanceKey, Value>>,
    pub(crate) undone: BTreeMap<i64, i64>,
    pub(crate) backfills: BTreeMap<BackfillId, Backfill>,
    pub(crate) backfill_dag_runs: BTreeMap<(BackfillId, u32), BackfillDagRun>,
    pub(crate) callbacks: Vec<CallbackRequest>,
    pub(crate) deadlines: BTreeMap<(DagRunKey, u32), Deadline>,
    pub(crate) log: Vec<EventLog>,
}

impl Rows {
    fn apply(&mut self, change: Change) {
        match change {
            Change::PutDagRun(run) => {
                self.runs.insert(run.key(), run);
            }
            Change::PutTaskInstance(ti) => {
                self.tasks.insert(ti.key.clone(), ti);
            }
            Change::PutTaskTry(task_try) => {
                self.tries.insert(task_try.key.clone(), task_try);
            }
            Change::PutXcom { task, key, value: XcomValue::Value(value) }
                if key == RETURN_VALUE =>
            {
                self.xcoms.insert(task, value);
            }
            Change::PutXcom { task, key, value } => {
                self.named_xcoms.insert((task, key), value);
            }
            Change::DeleteTaskInstance { key } => {
                self.tasks.remove(&key);
            }
            Change::PutTaskMap { key, lengths } => {
                self.maps.insert(key, lengths);
            }
            Change::DeleteXcom { key } => {
                self.maps.remove(&key);
                self.xcoms.remove(&key);
                self.named_xcoms.retain(|(task, _), _| *task != key);
            }
            Change::PutHitlDetail(mut detail) => {
                if let Some(first) = self.hitl_details.get(&detail.key) {
                    detail.created_at = first.created_at;
                }
                self.hitl_details.insert(detail.key.clone(), detail);
            }
            Change::PutTriggeredRun { token, run } => {
                assert!(self.triggered_runs.insert(token, run).is_none(), "a token made two runs");
            }
            Change::PutDagState(dag_state) => {
                self.dag_states.insert(dag_state.dag_id.clone(), dag_state);
            }
            Change::InsertDagVersion(version) => {
                // As a store keeps it.
                let text = serde_json::to_string(&*version.dag).unwrap();
                let dag = Arc::new(serde_json::from_str::<Dag>(&text).unwrap());
                let key = (dag.dag_id.clone(), version.version_number);
                let version = DagVersion { dag, ..version };
                assert!(self.versions.insert(key, version).is_none(), "a version came twice");
            }
            Change::InsertAssetEvent(event) => {
                assert!(self.asset_events.insert(event.id, event).is_none(), "an id came twice");
            }
            Change::PutAssetObject { uri, object, .. } => {
                self.asset_objects.insert(uri, object);
            }
            Change::PutAssetStale { asset, event_id } => {
                self.stale.insert(asset, event_id);
            }
            Change::PutQueuedAssetEvents { dag_id, event_ids } => {
                self.queued.insert(dag_id, event_ids);
            }
            Change::PutTriggeringAssetEvents { run, event_ids } => {
                self.triggering.insert(run, event_ids);
            }
            Change::InsertOperation(row) => {
                let kept = row.outputs.iter();
                let kept = kept.filter_map(|key| Some((key.clone(), self.xcoms.get(key)?.clone())));
                self.taken.insert(row.id, kept.collect());
                assert!(self.operations.insert(row.id, row).is_none(), "an id came twice");
            }
            Change::UndoOperation { id, by } => {
                self.xcoms.extend(self.taken.remove(&id).unwrap_or_default());
                assert!(self.undone.insert(id, by).is_none(), "undone twice");
            }
            Change::DeleteDagRun { run, .. } => {
                let is_of = |key: &TaskInstanceKey| crate::decision::run_key(key) == run;
                self.runs.remove(&run);
                self.tasks.retain(|key, _| !is_of(key));
                self.tries.retain(|key, _| !is_of(&key.task));
                self.xcoms.retain(|key, _| !is_of(key));
                self.named_xcoms.retain(|(key, _), _| !is_of(key));
                self.maps.retain(|key, _| !is_of(key));
                self.triggering.remove(&run);
                self.callbacks.retain(|one| one.subject != CallbackSubject::Run(run.clone()));
                self.deadlines.retain(|(key, _), _| *key != run);
            }
            Change::PutBackfill(backfill) => {
                self.backfills.insert(backfill.id, backfill);
            }
            Change::PutBackfillDagRun(dag_run) => {
                assert!(self.backfills.contains_key(&dag_run.backfill_id));
                let key = (dag_run.backfill_id, dag_run.sort_ordinal);
                assert!(self.backfill_dag_runs.insert(key, dag_run).is_none(), "{key:?} twice");
            }
            Change::InsertCallback(request) => self.callbacks.push(*request),
            Change::PutTrouble(trouble) => {
                self.troubles.insert(trouble.key.clone(), trouble);
            }
            Change::DeleteTrouble(key) => {
                self.troubles.remove(&key);
            }
            Change::PutDeadline(deadline) => {
                let (dag_id, dag_run_id) = (deadline.dag_id.clone(), deadline.dag_run_id.clone());
                let key = (DagRunKey { dag_id, dag_run_id }, deadline.number);
                self.deadlines.insert(key, deadline);
            }
            Change::InsertEventLog(line) => self.log.push(line),
        }
    }

    fn news(&self) -> Vec<(AssetName, AssetNews)> {
        let news = self.asset_events.values().filter(|one| one.kind != AssetEventKind::Deleted);
        let news = news.map(|event| {
            let is_told = self.stale.get(&event.name) == Some(&event.id);
            let news = AssetNews { event_id: event.id, timestamp: event.timestamp, is_told };
            (event.name.clone(), news)
        });
        news.collect::<BTreeMap<_, _>>().into_iter().collect()
    }

    fn events(&self, ids: &[i64]) -> Vec<AssetEvent> {
        ids.iter().map(|id| self.asset_events[id].clone()).collect()
    }

    pub(crate) fn run_with_tasks(&self, key: &DagRunKey) -> EndedRun {
        let of_run =
            |ti: &&TaskInstance| ti.key.dag_id == key.dag_id && ti.key.dag_run_id == key.dag_run_id;
        EndedRun {
            run: self.runs[key].clone(),
            dag: self.definition_of(&self.runs[key]),
            tasks: self.tasks.values().filter(of_run).cloned().collect(),
            triggering_asset_events: self
                .triggering
                .get(key)
                .map(|ids| self.events(ids))
                .unwrap_or_default(),
            maps: self
                .maps
                .iter()
                .filter(|(of, _)| of.dag_id == key.dag_id && of.dag_run_id == key.dag_run_id)
                .map(|(of, lengths)| (of.clone(), lengths.clone()))
                .collect(),
        }
    }

    fn definition_of(&self, run: &DagRun) -> Option<Arc<Dag>> {
        let version = self.versions.get(&(run.dag_id.clone(), run.dag_version_number))?;
        (version.dag.version == run.dag_version).then(|| version.dag.clone())
    }

    fn latest_versions(&self) -> Vec<(DagId, LatestVersion)> {
        // The last one of each DAG counts.
        let all = self.versions.iter().map(|((dag_id, version_number), version)| {
            let dag_version = version.dag.version.clone();
            (dag_id.clone(), LatestVersion { version_number: *version_number, dag_version })
        });
        all.collect()
    }

    pub(crate) fn recovered(&self) -> Recovered {
        let open = self.runs.values().filter(|run| !run.state.is_finished());
        Recovered {
            dag_states: self.dag_states.values().cloned().collect(),
            dag_versions: self.latest_versions(),
            runs: open.map(|run| self.run_with_tasks(&run.key())).collect(),
            queued_asset_events: self
                .queued
                .iter()
                .map(|(dag_id, ids)| (dag_id.clone(), self.events(ids)))
                .collect(),
            known_asset_changes: self
                .asset_events
                .values()
                .filter_map(|event| event.dedupe_key.clone())
                .collect(),
            last_asset_event_id: self.asset_events.keys().next_back().copied().unwrap_or(0),
            asset_news: self.news(),
            backfills: self
                .backfills
                .values()
                .filter(|backfill| backfill.completed_at.is_none())
                .cloned()
                .collect(),
            last_backfill_id: self.backfills.keys().next_back().copied().unwrap_or(0),
            made_ahead: self.runs.values().filter_map(|run| self.made_ahead(run)).collect(),
            past: self
                .runs
                .values()
                .filter(|run| run.state.is_finished())
                .filter_map(|run| PastRun::of(run, self.run_with_tasks(&run.key()).tasks.iter()))
                .collect(),
            last_operation_id: self.operations.keys().next_back().copied().unwrap_or(0),
            deadlines: self
                .deadlines
                .values()
                .filter(|one| !one.missed && one.met_at.is_none())
                .cloned()
                .collect(),
            runtimes: Vec::new(),
        }
    }
}

impl Rows {
    fn made_ahead(&self, run: &DagRun) -> Option<(DagId, Timestamp, Timestamp)> {
        let until = self.dag_states.get(&run.dag_id)?.scheduled_until;
        let (date, end) = (run.logical_date?, run.data_interval_end?);
        let is_ahead = run.backfill_id.is_some() && until.is_none_or(|until| end > until);
        is_ahead.then(|| (run.dag_id.clone(), date, end))
    }

    /// What the store would answer to `Effect::ReadBackfill`.
    pub(crate) fn read_dates(&self, dag_id: &DagId, dates: &[Timestamp]) -> BackfillRead {
        let of_dag: Vec<&DagRun> = self.runs.values().filter(|run| run.dag_id == *dag_id).collect();
        let of_date = |date: &Timestamp| {
            let runs = of_dag.iter().filter(|run| run.logical_date == Some(*date));
            runs.max_by_key(|run| run.start_date).map(|run| self.run_with_tasks(&run.key()))
        };
        BackfillRead {
            runs: dates.iter().filter_map(of_date).collect(),
            taken: of_dag.iter().map(|run| run.dag_run_id.clone()).collect(),
        }
    }
}

/// The world.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) now: Timestamp,
    pub(crate) rows: Rows,
    /// Of the last step.
    pub(crate) last: Option<Decided>,
    /// The run that names without one mean.
    pub(crate) run: Option<DagRunKey>,
    pub(crate) checks_limits: bool,
}

impl World {
    /// Begins on 2026-03-10 at noon, with nothing in the store.
    pub(crate) fn new(deck: Deck) -> Self {
        Self::at("2026-03-10T12:00:00Z", deck)
    }

    pub(crate) fn at(now: &str, deck: Deck) -> Self {
        let (state, _) = State::recover(Arc::new(deck), Recovered::default(), "t".into());
        let mut world = Self {
            state,
            now: now.parse().unwrap(),
            rows: Rows::default(),
            last: None,
            run: None,
            checks_limits: true,
        };
        world.tick();
        world
    }

    /// Takes one step, applies its changes, and asks the oracle.
    pub(crate) fn step(&mut self, input: Input) -> Result<Reply, Rejected> {
        let before = format!("{:?}", self.state);
        let decided = match step(&mut self.state, self.now, input) {
            Ok(decided) => decided,
            Err(rejected) => {
                assert_eq!(before, format!("{:?}", self.state), "a rejection changed the state");
                return Err(rejected);
            }
        };
        for change in decided.changes.clone() {
            self.rows.apply(change);
        }
        let reply = decided.reply.clone();
        self.last = Some(decided);
        self.check();
        Ok(reply)
    }

    fn check(&self) {
        oracle::check(&self.state);
        if self.checks_limits {
            oracle::check_limits(&self.state);
        }
        oracle::check_recovered(&self.state, self.rows.recovered());
    }

    pub(crate) fn tick(&mut self) {
        self.step(Input::Tick).unwrap();
    }

    /// Moves the clock and ticks.
    pub(crate) fn tick_at(&mut self, at: &str) {
        self.now = at.parse().unwrap();
        self.tick();
    }

    pub(crate) fn tick_after(&mut self, secs: u64) {
        self.now += Duration::from_secs(secs);
        self.tick();
    }

    pub(crate) fn ask(&mut self, trigger: Trigger) -> Result<DagRun, Rejected> {
        match self.step(Input::Command(Command::Trigger(trigger)))? {
            Reply::Run(run) => Ok(*run),
            other => panic!("{other:?}"),
        }
    }

    /// Makes a run by hand; names mean its tasks from now on.
    pub(crate) fn trigger(&mut self, dag_id: &str) -> DagRun {
        let run = self.ask(trigger(dag_id)).unwrap();
        self.run = Some(run.key());
        run
    }

    pub(crate) fn key(&self, task: &str) -> TaskInstanceKey {
        let DagRunKey { dag_id, dag_run_id } = self.run.clone().expect("a run");
        let (task, index) = match task.strip_suffix(']').and_then(|task| task.split_once('[')) {
            Some((task, index)) => (task, index.parse().unwrap()),
            None => (task, -1),
        };
        TaskInstanceKey { dag_id, dag_run_id, task_id: task.into(), map_index: index }
    }

    pub(crate) fn ti(&self, task: &str) -> &TaskInstance {
        &self.rows.tasks[&self.key(task)]
    }

    /// All instances of a task with their states: `0 success, 1 failed`.
    pub(crate) fn all(&self, task: &str) -> String {
        let run = self.run.as_ref().expect("a run");
        let rows =
            self.rows.tasks.values().filter(|ti| {
                (&ti.key.dag_run_id, ti.key.task_id.as_str()) == (&run.dag_run_id, task)
            });
        let state = |ti: &TaskInstance| ti.state.map_or("none", TaskInstanceState::as_str);
        let rows: Vec<_> = rows.map(|ti| format!("{} {}", ti.key.map_index, state(ti))).collect();
        rows.join(", ")
    }

    pub(crate) fn is(&self, task: &str) -> &'static str {
        self.ti(task).state.map_or("none", TaskInstanceState::as_str)
    }

    pub(crate) fn run_is(&self) -> DagRunState {
        self.rows.runs[self.run.as_ref().expect("a run")].state
    }

    pub(crate) fn in_force(&self, task: &str) -> (AttemptKey, LaunchToken) {
        let ti = self.ti(task);
        (ti.attempt(), ti.token.clone().unwrap_or_else(|| panic!("`{task}` is not in flight")))
    }

    pub(crate) fn start(&mut self, task: &str) {
        let (key, token) = self.in_force(task);
        self.step(Input::Report(Report::Started {
            key,
            token,
            pid: Some(1),
            place: TryPlace::default(),
        }))
        .unwrap();
    }

    pub(crate) fn finish(&mut self, task: &str, outcome: Outcome) {
        let (key, token) = self.in_force(task);
        self.step(Input::Report(Report::Finished { key, token, outcome })).unwrap();
    }

    pub(crate) fn succeed(&mut self, task: &str) {
        self.finish(task, Outcome::output(json!({"from": task})));
    }

    /// Ends a task with an output.
    pub(crate) fn give(&mut self, task: &str, output: Value) {
        self.finish(task, Outcome::output(output));
    }

    pub(crate) fn fail(&mut self, task: &str) {
        self.finish(task, Outcome::failed("boom"));
    }

    pub(crate) fn choose(&mut self, task: &str, chosen: &[&str]) {
        self.finish(
            task,
            Outcome::Success {
                outputs: std::collections::BTreeMap::new(),
                output: Value::Null,
                chosen: Some(chosen.iter().map(|t| (*t).into()).collect()),
                skip_all_downstream: false,
                asset_events: Vec::new(),
            },
        );
    }

    pub(crate) fn clear(
        &mut self,
        tasks: &[&str],
        only_failed: bool,
        include_downstream: bool,
    ) -> Result<Vec<String>, Rejected> {
        let wish = Operation::ClearTasks(ClearTasks {
            tasks: choices(tasks),
            reach: Reach { include_downstream, ..Reach::default() },
            only_failed,
            ..ClearTasks::default()
        });
        Ok(names(&self.operate(wish)?.tasks))
    }

    /// Does something to the run that names mean.
    pub(crate) fn operate(&mut self, operation: Operation) -> Result<OperationView, Rejected> {
        let key = self.run.clone().expect("a run");
        self.operate_on(operation, vec![key], false)
    }

    pub(crate) fn operate_on(
        &mut self,
        operation: Operation,
        runs: Vec<DagRunKey>,
        dry_run: bool,
    ) -> Result<OperationView, Rejected> {
        let ended = self.ended(&runs);
        let wish = Operate { operation, runs, ended, user: Some("ana".into()), dry_run };
        match self.step(Input::Command(Command::Operate(wish)))? {
            Reply::Operated(view) => Ok(*view),
            other => panic!("{other:?}"),
        }
    }

    /// Ends the run that names mean, as failed.
    pub(crate) fn cancel(&mut self) {
        self.operate(Operation::MarkRuns { state: DagRunState::Failed }).unwrap();
    }

    /// Undoes an operation, as one that was kept with its images.
    pub(crate) fn undo(&mut self, id: i64) -> Result<OperationView, Rejected> {
        let row = self.rows.operations[&id].clone();
        let images = row.images.unwrap_or_else(|| panic!("final: {:?}", row.final_since));
        let runs: Vec<DagRunKey> = images.runs_before.iter().map(DagRun::key).collect();
        let ended = self.ended(&runs);
        let is_note = row.kind.starts_with("note");
        let wish = Undo { id, is_note, images, ended, user: Some("ana".into()) };
        match self.step(Input::Command(Command::Undo(wish)))? {
            Reply::Operated(view) => Ok(*view),
            other => panic!("{other:?}"),
        }
    }

    fn ended(&self, runs: &[DagRunKey]) -> Vec<EndedRun> {
        let known = runs.iter().filter(|key| self.rows.runs.contains_key(key));
        known.map(|key| self.rows.run_with_tasks(key)).collect()
    }

    pub(crate) fn pause(&mut self, dag_id: &str, is_paused: bool) {
        let command = Command::SetPaused { dag_id: dag_id.into(), is_paused, user: None };
        self.step(Input::Command(command)).unwrap();
    }

    /// Throws the memory away and begins again with what the store holds.
    pub(crate) fn restart(&mut self, deck: Deck) -> Vec<EndedRun> {
        let recovered = self.rows.recovered();
        let (state, orphans) = State::recover(Arc::new(deck), recovered, "u".into());
        self.state = state;
        orphans
    }

    /// The tasks that the last step launched, in order.
    pub(crate) fn launched(&self) -> Vec<String> {
        let effects = self.last.iter().flat_map(|decided| &decided.effects);
        effects
            .filter_map(|effect| match effect {
                Effect::Launch(launch) => Some(named(&launch.key)),
                _ => None,
            })
            .collect()
    }

    /// The tasks whose attempts the last step killed, in order.
    pub(crate) fn killed(&self) -> Vec<String> {
        let effects = self.last.iter().flat_map(|decided| &decided.effects);
        effects
            .filter_map(|effect| match effect {
                Effect::Kill { key, .. } => Some(key.task.task_id.to_string()),
                _ => None,
            })
            .collect()
    }

    /// The tasks whose triggers the last step armed, in order.
    pub(crate) fn armed(&self) -> Vec<String> {
        let effects = self.last.iter().flat_map(|decided| &decided.effects);
        effects
            .filter_map(|effect| match effect {
                Effect::Arm(arm) => Some(arm.key.task.task_id.to_string()),
                _ => None,
            })
            .collect()
    }

    /// Has a task wait for something; `timeout` in seconds from now.
    pub(crate) fn defer(&mut self, task: &str, timeout: Option<u64>, at_timeout: AtTimeout) {
        let (key, token) = self.in_force(task);
        let timeout_at = timeout.map(|secs| self.now + Duration::from_secs(secs));
        let deferral = deferral(at_timeout, timeout_at);
        self.step(Input::Report(Report::Deferred { key, token, deferral })).unwrap();
    }

    /// All runs of a DAG: id and state, oldest first.
    pub(crate) fn runs_of(&self, dag_id: &str) -> Vec<&DagRun> {
        let mut runs: Vec<&DagRun> =
            self.rows.runs.values().filter(|run| run.dag_id.as_str() == dag_id).collect();
        runs.sort_by_key(|run| (run.run_after, run.dag_run_id.clone()));
        runs
    }

    /// The names of the lines of the feed.
    pub(crate) fn feed(&self) -> Vec<&str> {
        self.rows.log.iter().map(|line| line.event.as_str()).collect()
    }

    /// What would make the feed complete: each line's text.
    pub(crate) fn feed_has(&self, text: &str) -> bool {
        self.rows.log.iter().any(|line| line.message.contains(text))
    }
}

/// `task`, or `task[2]` where it is mapped.
fn named(key: &AttemptKey) -> String {
    match key.task.map_index {
        -1 => key.task.task_id.to_string(),
        index => format!("{}[{index}]", key.task.task_id),
    }
}

pub(crate) fn trigger(dag_id: &str) -> Trigger {
    Trigger {
        dag_id: dag_id.into(),
        conf: Map::new(),
        dag_run_id: None,
        logical_date: None,
        note: None,
        triggered_by: TriggeredBy::Test,
        user: Some("ana".into()),
        partition_key: None,
    }
}

/// Waits for a file.
pub(crate) fn deferral(at_timeout: AtTimeout, timeout_at: Option<Timestamp>) -> Deferral {
    let spec = TriggerSpec {
        operator: "sensor.file".into(),
        args: [("path".to_owned(), json!("x.csv"))].into_iter().collect(),
        at_timeout,
        on_error: OnError::Fail,
        poke_interval: 60.0,
        max_wait: None,
        approval: None,
    };
    Deferral { trigger: spec.to_text(), timeout_at, note: "waits for `x.csv`".into() }
}

pub(crate) fn project() -> PathBuf {
    PathBuf::from("/project")
}

pub(crate) fn choices(tasks: &[&str]) -> Vec<TaskChoice> {
    let choice = |task: &&str| TaskChoice { task_id: (*task).into(), map_indexes: Vec::new() };
    tasks.iter().map(choice).collect()
}

pub(crate) fn names(tasks: &[TaskMove]) -> Vec<String> {
    tasks.iter().map(|task| task.key.task_id.to_string()).collect()
}
