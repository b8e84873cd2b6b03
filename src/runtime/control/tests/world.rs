//! A control with a real store, a scripted engine and a scripted model server.

use std::path::PathBuf;
use std::sync::Mutex;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::dag::graph::Graph;
use crate::dag::operator::Operator;
use crate::dag::params::Params;
use crate::dag::plan::Plan;
use crate::dag::schedule::{AssetExpression, Schedule};
use crate::dag::spec::{AssetSpec, AssetUri, Callbacks};
use crate::dag::tracking::TrackingSpec;
use crate::dag::trigger_rule::TriggerRule;
use crate::dag::weight::WeightRule;
use crate::dag::{Dag, Deck, Flow, TaskSpec};
use crate::runtime::executor::WorkersDesk;
use crate::runtime::handle::Asked;
use crate::runtime::serving::{self, ServingOrder};
use crate::sched::change::{DagState, FailedRow};
use crate::sched::{Change, Command, Input, Reply};
use crate::store::sample::{self, at};
use crate::types::operation::OperationView;
use crate::types::serving::{ServedHistory, ServedVersion, ServingStatus};
use crate::types::time::ManualClock;
use crate::types::view::{MirrorView, OpenLineageView, PoolView};

/// What the scripted engine answers.
pub(crate) type Script = Box<dyn Fn(&Input) -> Result<Reply, Fault> + Send>;

pub(crate) struct World {
    _dir: tempfile::TempDir,
    pub(crate) control: Control,
    pub(crate) parts: ControlParts,
    /// What the engine was asked.
    pub(crate) inputs: Arc<Mutex<Vec<Input>>>,
    _senders: (watch::Sender<Arc<Live>>, watch::Sender<DefinitionsView>),
    pub(crate) watch_problems: watch::Sender<Vec<String>>,
    pub(crate) openlineage: watch::Sender<Option<OpenLineageView>>,
    #[allow(dead_code, reason = "the tracker follows it while it is there")]
    pub(crate) mirror: watch::Sender<Option<MirrorView>>,
    pub(crate) slurm: watch::Sender<SlurmHeard>,
    pub(crate) workers: WorkersDesk,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(deck(), Box::new(ordinary))
    }

    pub(crate) fn with(deck: Deck, script: Script) -> Self {
        let (dir, store) = sample::store();
        let inputs = Arc::new(Mutex::new(Vec::new()));
        let (live, live_receiver) = watch::channel(Arc::new(live(deck)));
        let (definitions, definitions_receiver) = watch::channel(DefinitionsView::default());
        let (watch_problems, problems_receiver) = watch::channel(Vec::new());
        let (openlineage, openlineage_receiver) = watch::channel(None);
        let (mirror, mirror_receiver) = watch::channel(None);
        let (slurm, slurm_receiver) = watch::channel(SlurmHeard::default());
        let (workers_door, workers, _) = Workers::channel();
        let handle = engine(script, Arc::clone(&inputs));
        let lookup = |name: &str| (name == "TOKEN").then(|| "tiger".to_owned());
        let project = dir.path().to_path_buf();
        let desk = Desk::new(project, store.clone(), handle.clone(), Arc::new(lookup));
        let parts = ControlParts {
            layout: Layout::new(dir.path()),
            store,
            handle,
            desk,
            live: live_receiver,
            slurm: slurm_receiver,
            workers: workers_door,
            definitions: definitions_receiver,
            watch_problems: problems_receiver,
            openlineage: openlineage_receiver,
            mirror: mirror_receiver,
            publisher: Publisher::default(),
            serving: server(),
            clock: Arc::new(ManualClock::new(at(1000))),
            started_at: at(0),
            api_listen: Some("127.0.0.1:8080".into()),
            listen_problems: vec!["port taken".into()],
            operating: Arc::default(),
            shutdown: Arc::new(Notify::new()),
        };
        let control = Control::new(parts.clone());
        let _senders = (live, definitions);
        Self {
            _dir: dir,
            control,
            parts,
            inputs,
            _senders,
            watch_problems,
            openlineage,
            mirror,
            slurm,
            workers,
        }
    }

    pub(crate) async fn ask(&self, request: Request) -> Answer {
        self.control.ask(request).await.unwrap()
    }

    pub(crate) async fn refusal(&self, request: Request) -> Fault {
        self.control.ask(request).await.unwrap_err()
    }

    pub(crate) async fn commit(&self, changes: Vec<Change>) {
        self.parts.store.commit(changes).await.unwrap();
    }

    /// Returns the last thing that the engine was asked.
    pub(crate) fn last_input(&self) -> Input {
        self.inputs.lock().unwrap().last().unwrap().clone()
    }
}

/// Says yes to everything.
pub(crate) fn ordinary(input: &Input) -> Result<Reply, Fault> {
    Ok(match input {
        Input::AssetChanged(spec) => {
            let event =
                sample::asset_event(99, spec.name.as_ref().map_or(&spec.uri, |name| name.as_str()));
            Reply::AssetEvent(Some(Box::new(crate::types::asset::AssetEvent {
                extra: spec.extra.clone(),
                ..event
            })))
        }
        Input::Command(Command::Operate(_) | Command::Undo(_)) => {
            Reply::Operated(Box::new(OperationView {
                id: Some(1),
                kind: "x".into(),
                tasks: vec![],
                runs: vec![],
                final_since: None,
            }))
        }
        _ => Reply::Done,
    })
}

fn engine(script: Script, inputs: Arc<Mutex<Vec<Input>>>) -> Handle {
    let (sender, mut receiver) = mpsc::channel::<Asked>(8);
    tokio::spawn(async move {
        while let Some(asked) = receiver.recv().await {
            let answer = script(&asked.input);
            inputs.lock().unwrap().push(asked.input);
            if let Some(reply) = asked.reply {
                let _ = reply.send(answer);
            }
        }
    });
    Handle { inputs: sender }
}

/// Serves version 3 of `iris`.
fn server() -> ServingHandle {
    let (handle, mut orders) = serving::channel();
    tokio::spawn(async move {
        while let Some(order) = orders.recv().await {
            if let ServingOrder::Status { reply } = order {
                let _ = reply.send(serving_status());
            }
        }
    });
    handle
}

fn serving_status() -> ServingStatus {
    let served = ServedVersion {
        model: "iris".into(),
        version: 3,
        weight: 100,
        loaded_at: at(7),
        requests_total: 0,
        errors_total: 0,
        requests_per_sec: 0.0,
        p50_ms: None,
        p99_ms: None,
        failed_total: 0,
        history: ServedHistory::default(),
        example: None,
        drift: None,
    };
    ServingStatus {
        listen: Some("127.0.0.1:3000".into()),
        problem: None,
        default_model: None,
        example: None,
        versions: vec![served],
        in_flight: 0,
        requests_history: vec![],
        p99_history: vec![],
        recent_errors: vec![],
        traffic: vec![],
        prediction_log: None,
        replicas: vec![],
    }
}

fn live(deck: Deck) -> Live {
    let state = |dag_id: &str, is_paused, is_stale| DagState {
        dag_id: dag_id.into(),
        is_paused,
        is_stale,
        last_logical_date: None,
        scheduled_until: None,
        next_run_after: Some(at(3600)),
        failed_in_a_row: FailedRow::default(),
    };
    Live {
        deck: Arc::new(deck),
        dag_states: Arc::new(vec![
            state("etl", false, false),
            state("paused_serving", true, false),
            state("removed", false, true),
            state("serving", false, false),
        ]),
        slots_used: 1,
        slots_total: 16,
        pools: vec![PoolView { name: "default_pool".into(), slots: 128, running: 1, queued: 0 }],
        runs_running: 1,
        runs_queued: 0,
        trouble: None,
    }
}

/// A deck of an ETL, a training, two servings and a DAG without data.
pub(crate) fn deck() -> Deck {
    let mut etl = dag("etl", &[("load", &["check"]), ("extract", &[]), ("check", &["extract"])]);
    etl.tasks["extract"].inlets.push("csv".into());
    etl.tasks["load"].outlets.push("employees".into());
    let mut train = dag("train", &[("register", &[]), ("promote", &["register"])]);
    let name = json!("{{ params.dataset }}");
    set(&mut train, "register", Operator::ModelRegister, &[("name", name.clone())]);
    set(&mut train, "promote", Operator::ModelPromote, &[("name", name)]);
    let deploy = [("model", json!("{{ triggering_asset_events[0].uri }}"))];
    let mut servings = ["serving", "paused_serving"].map(|id| {
        let mut dag = dag(id, &[("deploy", &[])]);
        dag.schedule = Schedule::Assets(AssetExpression::parse("models:/*@production").unwrap());
        dag
    });
    set(&mut servings[0], "deploy", Operator::ServingDeploy, &deploy);
    let basic = dag("basic", &[("say", &[])]);
    let dags = [etl, train, basic].into_iter().chain(servings);
    let asset = |name: &str, uri| {
        let (name, group) = (crate::types::AssetName::from(name), "asset".to_owned());
        let callbacks = Callbacks::default();
        let (watch, freshness) = (None, None);
        (name.clone(), AssetSpec { name, uri, watch, group, freshness, callbacks })
    };
    Deck {
        project: PathBuf::from("/project"),
        name: "practice".into(),
        timezone: jiff::tz::TimeZone::UTC,
        max_active_tasks: 16,
        max_map_length: 1024,
        dags: dags.map(|dag| (dag.dag_id.clone(), Arc::new(dag))).collect(),
        assets: IndexMap::from([
            asset("csv", AssetUri::File("data/employees.csv".into())),
            asset(
                "employees",
                AssetUri::Connection { connection: "warehouse".into(), path: "employees".into() },
            ),
        ]),
        datasets: IndexMap::new(),
        asset_aliases: IndexMap::new(),
        connections: IndexMap::new(),
        variables: IndexMap::new(),
        pools: IndexMap::from([("default_pool".into(), 128)]),
        api_listen: None,
        pools_with_deferred: std::collections::BTreeSet::new(),
        serving: Default::default(),
        xcom: crate::dag::spec::XcomLimits::default(),
        retention: Default::default(),
        overlay: Default::default(),
        sources: vec![],
        slurm: Default::default(),
        openlineage: Default::default(),
        tracking: TrackingSpec { artifact_max_bytes: 100_000, ..TrackingSpec::default() },
        warnings: Vec::new(),
    }
}

/// A DAG of tasks with what each waits for.
pub(crate) fn dag(dag_id: &str, tasks: &[(&str, &[&str])]) -> Dag {
    let upstream: IndexMap<_, Vec<_>> = tasks
        .iter()
        .map(|(task, before)| ((*task).into(), before.iter().map(|b| (*b).into()).collect()))
        .collect();
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    Dag {
        dag_id: dag_id.into(),
        description: None,
        doc_md: None,
        tags: vec![],
        owner: None,
        schedule: Schedule::Manual,
        asset_rule: Default::default(),
        timezone: jiff::tz::TimeZone::UTC,
        start_date: None,
        end_date: None,
        catchup: false,
        max_active_runs: 16,
        max_active_tasks: 16,
        dagrun_timeout: None,
        max_consecutive_failed_dag_runs: 0,
        callbacks: Callbacks::default(),
        deadlines: Vec::new(),
        is_paused_upon_creation: false,
        params: Params { schema, defaults: sample::object(json!({"n": 1})) },
        tasks: tasks.iter().map(|(id, before)| ((*id).into(), task(id, before))).collect(),
        graph: Graph::new(upstream).unwrap(),
        fileloc: PathBuf::from("dags.toml"),
        line: 7,
        version: "v1".into(),
        groups: IndexMap::new(),
        plan: Plan::default(),
        source: String::new(),
    }
    .with_plan()
}

fn task(id: &str, before: &[&str]) -> TaskSpec {
    TaskSpec {
        task_id: id.into(),
        operator: Operator::Empty,
        args: Map::new(),
        upstream: before.iter().map(|b| (*b).into()).collect(),
        trigger_rule: TriggerRule::AllSuccess,
        flow: Flow::default(),
        retries: 0,
        retry_delay: std::time::Duration::ZERO,
        retry_exponential_backoff: 0.0,
        max_retry_delay: None,
        no_retry_exit_codes: Vec::new(),
        execution_timeout: None,
        limits: Default::default(),
        pool: "default_pool".into(),
        pool_slots: 1,
        priority_weight: 1,
        weight_rule: WeightRule::Absolute,
        priority_weight_total: 1,
        callbacks: Callbacks::default(),
        env: IndexMap::new(),
        inlets: vec![],
        outlets: vec![],
        doc_md: None,
        slurm: None,
        line: 9,
    }
}

fn set(dag: &mut Dag, task: &str, operator: Operator, args: &[(&str, Value)]) {
    let task = &mut dag.tasks[task];
    task.operator = operator;
    task.args = args.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
}
