//! The story of a model through the real operators, tracker and registry: train, decide,
//! register, promote, deploy, watch, roll back, tell. Only engine and model server are stand-ins.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, watch};

use super::Bench;
use crate::connection::OpenConnection;
use crate::dag::graph::Graph;
use crate::dag::params::Params;
use crate::dag::plan::Plan;
use crate::dag::schedule::Schedule;
use crate::dag::spec::LearningTask;
use crate::dag::{Dag, Deck};
use crate::runtime::attempt::{DatasetOrder, Order};
use crate::runtime::handle::{Asked, Handle};
use crate::runtime::layout::Layout;
use crate::runtime::operator::fake_server::FakeServer;
use crate::runtime::operator::{DaemonContext, Work, run_in_daemon};
use crate::runtime::publish::Publisher;
use crate::runtime::task_log::TaskLog;
use crate::sched::{Input, Outcome, Reply};
use crate::store::{self, Store};
use crate::tracking::search::{self, Search};
use crate::tracking::{artifact, run};
use crate::types::asset::AssetEventSpec;
use crate::types::{TaskId, TrackingRunId};

struct World {
    bench: Bench,
    store: Store,
    server: FakeServer,
    handle: Handle,
    deck: Arc<Deck>,
    events: mpsc::UnboundedReceiver<AssetEventSpec>,
    cancelled: watch::Sender<bool>,
}

impl World {
    fn new() -> Self {
        let mut bench = Bench::new("ml.train");
        bench.write("data/iris.csv", include_str!("../../../../data/iris.csv"));
        bench.order.dataset = Some(DatasetOrder {
            name: "iris".into(),
            path: bench.project().join("data/iris.csv"),
            uri: None,
            table: crate::dag::spec::TableSpec::new(LearningTask::Classification, "species"),
            assets: vec![],
        });
        let (inputs, mut asked) = mpsc::channel::<Asked>(16);
        let (seen, events) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Asked { input, reply, .. }) = asked.recv().await {
                if let Input::AssetChanged(spec) = input {
                    let _ = seen.send(spec);
                }
                let _ = reply.unwrap().send(Ok(Reply::AssetEvent(None)));
            }
        });
        let store = Store::open(&Layout::new(bench.project()).database()).unwrap();
        let deck = Arc::new(deck(&bench));
        let server = FakeServer::start(Vec::new());
        let handle = Handle { inputs };
        Self { bench, store, server, handle, deck, events, cancelled: watch::channel(false).0 }
    }

    /// Runs a task of its own token in the attempt's process, or what stands for it here.
    async fn train(&self, token: &str, model: &str) -> Outcome {
        let args = json!({ "model": model, "experiment": "iris", "hyperparameters": "{}" });
        let order = Order { token: token.into(), ..self.order("ml.train", args) };
        let folder = order.folder.clone();
        let work = move || {
            let log = Arc::new(TaskLog::open(&folder, Vec::new()).unwrap());
            super::run_in_process(&order, &crate::runtime::attempt::Private::default(), &log)
        };
        tokio::task::spawn_blocking(work).await.unwrap()
    }

    #[allow(clippy::needless_pass_by_value, reason = "`json!` reads best where it is called")]
    fn order(&self, operator: &str, args: Value) -> Order {
        let args: Map<String, Value> = args.as_object().unwrap().clone();
        Order { operator: operator.into(), args, ..self.bench.order.clone() }
    }

    async fn decide(&self, operator: &str, args: Value) -> Outcome {
        let order = self.order(operator, args);
        let log = Arc::new(TaskLog::open(&order.folder, Vec::new()).unwrap());
        let mut private = self.bench.private.clone();
        let ops = OpenConnection {
            name: "ops".into(),
            url: "log:".into(),
            options: std::collections::BTreeMap::new(),
        };
        private.connections.insert("ops".into(), ops);
        let written = order.args.clone();
        let work = run_in_daemon(DaemonContext {
            order,
            written,
            private,
            deck: Arc::clone(&self.deck),
            layout: Layout::new(self.bench.project()),
            store: self.store.clone(),
            handle: self.handle.clone(),
            publisher: Publisher::default(),
            serving: self.server.handle.clone(),
            log,
            cancelled: self.cancelled.subscribe(),
        });
        match work.await {
            Work::Done(outcome) => outcome,
            Work::Deferred(deferral) => panic!("it waits: {deferral:?}"),
        }
    }
}

/// One DAG `d` in which `register` and `reject` follow `work`.
fn deck(bench: &Bench) -> Deck {
    let upstream = IndexMap::from([
        (TaskId::from("work"), Vec::new()),
        ("register".into(), vec!["work".into()]),
        ("reject".into(), vec!["work".into()]),
        ("after".into(), vec!["reject".into()]),
    ]);
    let dag = Dag {
        dag_id: "d".into(),
        description: None,
        doc_md: None,
        tags: Vec::new(),
        owner: None,
        schedule: Schedule::Manual,
        asset_rule: Default::default(),
        timezone: jiff::tz::TimeZone::UTC,
        start_date: None,
        end_date: None,
        catchup: false,
        max_active_runs: 1,
        max_active_tasks: 1,
        dagrun_timeout: None,
        max_consecutive_failed_dag_runs: 0,
        callbacks: crate::dag::spec::Callbacks::default(),
        deadlines: Vec::new(),
        is_paused_upon_creation: false,
        params: Params::default(),
        tasks: IndexMap::new(),
        graph: Graph::new(upstream).unwrap(),
        fileloc: bench.project(),
        line: 1,
        version: String::new(),
        groups: IndexMap::new(),
        plan: Plan::default(),
        source: String::new(),
    };
    let mut deck = crate::runtime::watch::tests::deck(&bench.project(), &[]);
    deck.dags.insert("d".into(), Arc::new(dag));
    deck
}

fn output(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Success { output, .. } => output,
        other => panic!("it must succeed: {other:?}"),
    }
}

fn error(outcome: Outcome) -> String {
    match outcome {
        Outcome::Failed { error, .. } => error,
        other => panic!("it must fail: {other:?}"),
    }
}

#[tokio::test]
async fn a_training_is_one_tracked_run_with_all_that_is_known_of_it() {
    let world = World::new();
    let trained = output(world.train("t1", "logistic_regression").await);
    assert!(trained["metrics"]["accuracy"].as_f64().unwrap() > 0.8, "{trained}");
    let run_id = TrackingRunId::from(trained["run_id"].as_str().unwrap());
    let tracked = run::get(&world.store, &run_id).unwrap();
    assert_eq!(tracked.status, "FINISHED");
    let tag =
        |key: &str| tracked.tags.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str());
    assert_eq!(tag("mlflow.source.name"), Some("d.work"));
    assert_eq!(tag("dagdeck.dataset"), Some("iris"));
    assert!(tag("dagdeck.signature").unwrap().contains("sepal_length"));
    assert!(tracked.params.contains(&("model".into(), "logistic_regression".into())));
    assert!(tracked.metrics.iter().any(|(key, _)| key == "cv_accuracy_fold"));
    let layout = Layout::new(world.bench.project());
    let folder = artifact::folder(&layout.state_dir(), &tracked.experiment_id, &run_id);
    for (path, size) in &tracked.artifacts {
        assert_eq!(std::fs::metadata(folder.join(path)).unwrap().len(), *size, "{path}");
    }
    assert!(tracked.artifacts.iter().any(|(path, _)| path == "model/model.json"));
}

#[tokio::test]
async fn a_training_that_fails_ends_its_run_as_failed() {
    let world = World::new();
    let text = error(world.train("t1", "linear_regression").await);
    assert!(text.contains("linear_regression"), "{text}");
    let search = Search { experiment: "iris".into(), limit: 10, ..Search::default() };
    let (runs, _) = search::runs(&world.store, &search).unwrap();
    assert_eq!(runs[0].status, "FAILED");
    assert!(runs[0].tags.contains(&("dagdeck.error".into(), text)));
}

#[tokio::test]
async fn a_good_model_goes_all_the_way() {
    let mut world = World::new();
    let trained = output(world.train("t1", "logistic_regression").await);
    let require = json!({ "accuracy": ">= 0.8", "r2": ">= 0.6", "vs_champion": ">= -0.01" });
    let gate = json!({
        "run": trained["run_id"], "require": require, "then": "register", "otherwise": "reject",
    });
    let Outcome::Success { output: decided, chosen, .. } = world.decide("ml.gate", gate).await
    else {
        panic!("the gate decides");
    };
    assert_eq!(chosen, Some(vec!["register".into()]), "{decided}");
    assert!(decided["reason"].as_str().unwrap().ends_with("no champion yet"));

    let register = json!({ "run": trained["run_id"], "name": "iris" });
    let registered = output(world.decide("model.register", register.clone()).await);
    assert_eq!(registered["version"], 1);
    assert_eq!(output(world.decide("model.register", register).await), registered, "again");

    let promote = json!({ "name": "iris", "version": "1" });
    let promoted = output(world.decide("model.promote", promote.clone()).await);
    let expected = json!({
        "name": "iris", "version": 1, "alias": "production", "previous": null,
    });
    assert_eq!(promoted, expected);
    assert_eq!(world.events.recv().await.unwrap().uri, "models:/iris@production");
    assert_eq!(output(world.decide("model.promote", promote).await), expected, "again");

    let deploy = json!({ "model": "models:/iris@production" });
    let deployed = output(world.decide("serving.deploy", deploy).await);
    assert_eq!((&deployed["model"], &deployed["version"]), (&json!("iris"), &json!(1)));
    assert_eq!(world.server.moves(), [vec![(1, 100)]]);
    let watched = output(world.decide("serving.monitor", json!({ "window": 0 })).await);
    assert!(watched["summary"].as_str().unwrap().starts_with("iris v1: "));
}

#[tokio::test]
async fn a_rollback_leads_back_once_however_often_it_is_run() {
    let world = World::new();
    for (version, token) in [(1, "t1"), (2, "t2")] {
        let trained = output(world.train(token, "logistic_regression").await);
        let register = json!({ "run": trained["run_id"], "name": "iris" });
        output(world.decide("model.register", register).await);
        let promote = json!({ "name": "iris", "version": version });
        output(world.decide("model.promote", promote).await);
    }
    let rollback = json!({ "name": "iris" });
    let expected = json!({ "name": "iris", "version": 1, "alias": "production", "previous": 2 });
    assert_eq!(output(world.decide("model.rollback", rollback.clone()).await), expected);
    assert_eq!(output(world.decide("model.rollback", rollback).await), expected, "again");
}

#[tokio::test]
async fn a_poor_model_is_rejected_with_the_reason() {
    let world = World::new();
    let trained = output(world.train("t1", "logistic_regression").await);
    let gate = |otherwise: Value| {
        json!({
            "run": trained["run_id"], "require": { "accuracy": "> 1" }, "then": "register",
            "otherwise": otherwise,
        })
    };
    for (otherwise, expected) in [(json!("reject"), vec!["reject".into()]), (json!(null), vec![])] {
        let Outcome::Success { output, chosen, .. } =
            world.decide("ml.gate", gate(otherwise)).await
        else {
            panic!("the gate decides");
        };
        assert_eq!(chosen, Some(expected));
        assert!(output["reason"].as_str().unwrap().ends_with("<= 1 required"), "{output}");
    }
}

#[tokio::test]
async fn a_challenger_meets_the_champion_on_the_same_rows_and_noise_does_not_promote() {
    let mut world = World::new();
    let first = output(world.train("t1", "random_forest").await);
    let register = json!({ "run": first["run_id"], "name": "iris" });
    output(world.decide("model.register", register).await);
    output(world.decide("model.promote", json!({ "name": "iris", "version": "1" })).await);
    world.events.recv().await.unwrap();
    let second = output(world.train("t2", "random_forest").await);
    let gate = json!({
        "run": second["run_id"], "then": "register", "otherwise": "reject",
        "require": {
            "vs_champion": ">= 0", "drift": "< 0.1", "latency_ms": "< 1000",
            "model_bytes": "> 100", "slices_vs_champion": ">= 0", "vs_champion_p": "< 0.05",
        },
    });
    let Outcome::Success { output, chosen, .. } = world.decide("ml.gate", gate).await else {
        panic!("the gate decides");
    };
    assert_eq!(chosen, Some(vec!["reject".into()]), "{output}");
    let verdicts: Vec<_> = output["figures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|figure| figure["passed"].as_bool().unwrap())
        .collect();
    // The same model again: all is well but that it is no better.
    assert_eq!(verdicts, [true, true, true, true, true, false], "{output}");
    assert_eq!(output["comparison"]["rows"], 30);
    assert_eq!(output["comparison"]["p"], 1.0);
}

#[tokio::test]
async fn a_notice_is_a_line_of_the_feed() {
    let world = World::new();
    let notice = json!({ "connection": "ops", "title": "iris", "message": "rejected\nfor now" });
    output(world.decide("notify", notice).await);
    let feed = world.store.read(|db| store::event_log::list(db, 10, None)).await.unwrap();
    assert_eq!(feed[0].message, "iris: rejected for now");
    assert_eq!(feed[0].event, "notify");
    let nowhere = json!({ "connection": "opps", "message": "x" });
    assert!(error(world.decide("notify", nowhere).await).contains("did you mean `ops`?"));
}

#[tokio::test]
async fn a_branch_follows_only_what_is_directly_downstream() {
    let world = World::new();
    let Outcome::Success { chosen, .. } =
        world.decide("branch", json!({ "choose": ["reject"] })).await
    else {
        panic!("it must succeed");
    };
    assert_eq!(chosen, Some(vec!["reject".into()]));
    let text = error(world.decide("branch", json!({ "choose": "after" })).await);
    assert!(text.contains("task `after` is not directly downstream"), "{text}");
    let stopped = world.decide("short_circuit", json!({ "condition": "false" })).await;
    let expected = Outcome::Success {
        outputs: std::collections::BTreeMap::new(),
        output: json!(false),
        chosen: Some(Vec::new()),
        skip_all_downstream: true,
        asset_events: Vec::new(),
    };
    assert_eq!(stopped, expected);
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let world = World::new();
    let deploy = json!({ "model": "models:/iris@production" });
    let text = error(world.decide("serving.deploy", deploy).await);
    assert!(text.contains("iris"), "{text}");
    let wrong = json!({ "model": "iris" });
    let text = error(world.decide("serving.deploy", wrong).await);
    assert!(text.contains("expected `models:/NAME@ALIAS`"), "{text}");
    let promote = json!({ "name": "iris", "version": 7 });
    assert!(error(world.decide("model.promote", promote).await).contains("iris"));
    let gate = json!({ "run": "nope", "require": { "accuracy": 1 }, "then": "register" });
    assert!(error(world.decide("ml.gate", gate).await).contains("nope"));
}

#[tokio::test]
async fn a_cancelled_attempt_ends_soon() {
    let world = World::new();
    world.server.serves("iris", 1);
    world.cancelled.send_replace(true);
    let ended = world.decide("serving.monitor", json!({ "window": "1h" })).await;
    assert_eq!(error(ended), "cancelled");
}
