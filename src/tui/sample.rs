//! Canned answers for tests: a deck in the middle of a working day.

use serde_json::{Value, json};

use crate::types::ask::{Answer, Request};
use crate::types::event::{EventLog, Severity};
use crate::types::ids::TrackingRunId;
use crate::types::serving::{
    ReplicaState, ReplicaView, ServedVersion, ServingError, ServingStatus,
};
use crate::types::view::{
    DefinitionsView, ExperimentView, MirrorView, OpenLineageView, ParamProblem, PoolView,
    StatusView, TrackingRunView,
};
use crate::types::{DagRunState, Fault, Timestamp};

mod assets;
mod dags;
pub(crate) mod home;
pub(crate) mod lab;
mod log;
pub(crate) mod models;
pub(crate) mod operations;
mod origin;
pub(crate) mod run;
mod runs;
mod scoring;

pub(crate) use dags::many_dags;
use dags::{TASKS, dags, detail};
#[cfg(test)]
pub(crate) use dags::{broken_definitions, every_param};
pub(crate) use runs::run;
use runs::{key, run_detail, runs, task_detail};

/// The instant at which everything is looked at.
pub(crate) fn now() -> Timestamp {
    "2026-03-02T09:14:22Z".parse().unwrap()
}

fn before(secs: i64) -> Timestamp {
    now() - jiff::SignedDuration::from_secs(secs)
}

/// Answers as a daemon with the sample project would.
pub(crate) fn answer(request: &Request) -> Result<Answer, Fault> {
    let elsewhere = [
        lab::answer,
        home::answer,
        operations::answer,
        assets::answer,
        models::answer,
        run::answer,
    ]
    .iter()
    .find_map(|ask| ask(request));
    if let Some(answer) = elsewhere {
        return Ok(answer);
    }
    if let Some(answer) = log::answer(request) {
        return answer;
    }
    Ok(match request {
        Request::Status => Answer::Status(Box::new(status())),
        Request::Definitions => Answer::Definitions(DefinitionsView {
            diagnostics: vec![],
            loaded_at: Some(before(3600)),
        }),
        Request::ListDags => Answer::Dags(dags()),
        Request::ShowDag { dag_id } => {
            let dag = dags().into_iter().find(|dag| dag.dag_id == *dag_id);
            Answer::Dag(Box::new(detail(dag.ok_or_else(|| Fault::not_found("no such dag"))?)))
        }
        Request::PlanTrigger { dag_id, conf } => {
            if conf.get("trials").and_then(Value::as_i64).is_some_and(|n| n > 200) {
                Answer::Plan(Err(vec![ParamProblem {
                    param: "trials".into(),
                    message: "must be at most 200".into(),
                }]))
            } else {
                Answer::Plan(Ok(home::plan(dag_id)))
            }
        }
        Request::Trigger(trigger) => {
            Answer::Run(Box::new(run(trigger.dag_id.as_str(), "manual__new", DagRunState::Queued)))
        }
        Request::ListRuns { dag_id, .. } => {
            let mut runs = runs();
            runs.retain(|run| dag_id.as_ref().is_none_or(|dag_id| run.dag_id == *dag_id));
            Answer::Runs { total: runs.len() as u64, runs }
        }
        Request::ShowRun { dag_id, dag_run_id, .. } => {
            let state = match dag_run_id.as_str() {
                "scheduled__2026-03-02T09:00:00+00:00" => DagRunState::Failed,
                _ => DagRunState::Running,
            };
            Answer::RunDetail(Box::new(run_detail(run(
                dag_id.as_str(),
                dag_run_id.as_str(),
                state,
            ))))
        }
        Request::ClearTasks { .. } => Answer::Cleared(vec![]),
        Request::ShowTask { key } => Answer::Task(Box::new(task_detail(key))),
        Request::ListXcoms { .. } => Answer::Xcoms(vec![]),
        Request::GetXcom { key, .. } => return Err(Fault::not_found(format!("no output `{key}`"))),
        Request::ShowApproval { key } => Err(Fault::not_found(format!("{key} asks nothing")))?,
        Request::ListExperiments => Answer::Experiments(experiments()),
        Request::ListTaskInstances(_) => {
            Answer::TaskInstances { task_instances: vec![], next: None }
        }
        Request::ServingStatus => Answer::Serving(Box::new(serving())),
        Request::ListEvents { .. } => Answer::Events(events()),
        _ => Answer::Done,
    })
}

pub(crate) fn status() -> StatusView {
    StatusView {
        deck_name: "practice".into(),
        project: "/srv/pipelines".into(),
        version: "0.1.0".into(),
        pid: 4128,
        started_at: before(86_400 * 3),
        api_listen: Some("127.0.0.1:8080".into()),
        serving_listen: Some("127.0.0.1:3000".into()),
        openlineage: Some(OpenLineageView {
            target: "http://marquez:5000/api/v1/lineage".into(),
            sent: 4_102,
            waiting: 12,
            lost: 0,
            problem: None,
        }),
        mirror: Some(MirrorView {
            target: "http://mlflow:5000".into(),
            sent: 318,
            waiting: 2,
            refused: 0,
            problem: None,
        }),
        problems: vec!["cannot watch `lake:incoming/`: no such folder".into()],
        slots_used: 3,
        slots_total: 16,
        runs_running: 2,
        runs_queued: 1,
        pools: vec![
            PoolView { name: "default_pool".into(), slots: 16, running: 2, queued: 0 },
            PoolView { name: "training".into(), slots: 2, running: 1, queued: 1 },
        ],
        dag_count: 8,
        definition_errors: 0,
        store_bytes: 4_812_000,
        memory_bytes: Some(48_100_000),
        now: now(),
    }
}

fn experiments() -> Vec<ExperimentView> {
    let experiment = |id: &str, name: &str, run_count| ExperimentView {
        experiment_id: id.into(),
        name: name.into(),
        run_count,
        last_update_time: Some(before(600)),
    };
    vec![experiment("1", "iris", 6), experiment("2", "titanic", 3), experiment("3", "housing", 2)]
}

fn tracking_run(n: i64) -> TrackingRunView {
    let model =
        ["xgboost", "random_forest", "logistic_regression"][usize::try_from(n).unwrap() % 3];
    let figure = |base: f64| base - n as f64 / 100.0;
    TrackingRunView {
        run_id: TrackingRunId::new(format!("{n:032x}")),
        run_name: format!("{model}-{n}"),
        experiment_id: "1".into(),
        status: if n == 2 { "FAILED".into() } else { "FINISHED".into() },
        start_time: before(600 + n * 3600),
        end_time: Some(before(580 + n * 3600)),
        params: vec![("model".into(), model.into()), ("learning_rate".into(), "0.1".into())],
        metrics: vec![
            ("accuracy".into(), figure(0.9667)),
            ("f1_macro".into(), figure(0.9653)),
            ("log_loss".into(), figure(0.1832)),
            ("cv_accuracy_mean".into(), figure(0.9533)),
        ],
        tags: vec![("dag_id".into(), "mlops_pipeline".into())],
        artifact_uri: "dagdeck-artifacts:/1".into(),
        artifacts: vec![("model/MLmodel".into(), 812), ("model/model.json".into(), 41_200)],
        nested: None,
    }
}

fn serving() -> ServingStatus {
    ServingStatus {
        listen: Some("127.0.0.1:3000".into()),
        problem: None,
        default_model: Some("iris".into()),
        example: Some(json!([[5.1, 3.5, 1.4, 0.2]])),
        versions: vec![
            ServedVersion {
                model: "iris".into(),
                version: 3,
                weight: 90,
                loaded_at: before(3600),
                requests_total: 41_231,
                errors_total: 3,
                requests_per_sec: 37.1,
                p50_ms: Some(0.8),
                p99_ms: Some(4.2),
                failed_total: 1,
                history: lab::served(1.0),
                example: Some(json!([[5.1, 3.5, 1.4, 0.2]])),
            },
            ServedVersion {
                model: "iris".into(),
                version: 4,
                weight: 10,
                loaded_at: before(60),
                requests_total: 412,
                errors_total: 0,
                requests_per_sec: 4.1,
                p50_ms: None,
                p99_ms: None,
                failed_total: 0,
                history: lab::served(0.1),
                example: Some(json!([[5.1, 3.5, 1.4, 0.2]])),
            },
        ],
        in_flight: 2,
        requests_history: (0..60).map(|n| f64::from((n * 7) % 23) + 20.0).collect(),
        p99_history: (0..60).map(|n| f64::from((n * 5) % 11) / 2.0 + 1.0).collect(),
        recent_errors: vec![ServingError {
            when: before(42),
            status: 422,
            model: Some("iris".into()),
            version: Some(3),
            message: "row 0 has 3 values, the model takes 4".into(),
        }],
        replicas: vec![replica(1, ReplicaState::Ready), replica(2, ReplicaState::Waiting)],
    }
}

fn replica(replica: u32, state: ReplicaState) -> ReplicaView {
    let is_ready = state == ReplicaState::Ready;
    ReplicaView {
        replica,
        state,
        pid: is_ready.then_some(4242),
        since: is_ready.then(|| before(3600)),
        deaths: u32::from(!is_ready),
        requests_total: 41_643,
        requests_per_sec: if is_ready { 41.2 } else { 0.0 },
        in_flight: if is_ready { 2 } else { 0 },
        memory_bytes: is_ready.then_some(31 << 20),
        problem: (!is_ready).then(|| "process 4243 has died".into()),
    }
}

fn events() -> Vec<EventLog> {
    let event = |id: i64, severity, event: &str, dag_id: Option<&str>, message: &str| EventLog {
        id,
        when: before(60 * (10 - id)),
        severity,
        event: event.into(),
        dag_id: dag_id.map(Into::into),
        dag_run_id: dag_id.map(|_| "manual__2026-03-02T09:14:03+00:00".into()),
        task_id: None,
        owner: Some("ana".into()),
        message: message.into(),
    };
    vec![
        event(
            9,
            Severity::Info,
            "dag_run.running",
            Some("mlops_pipeline"),
            "mlops_pipeline manual__2026-03-02T09:14:03+00:00 runs",
        ),
        event(
            8,
            Severity::Error,
            "dag_run.failed",
            Some("etl_example"),
            "etl_example failed: task extract, exit 137",
        ),
        event(
            7,
            Severity::Warning,
            "task_instance.up_for_retry",
            Some("etl_example"),
            "extract is tried again in 10s",
        ),
        event(
            6,
            Severity::Warning,
            "deadline.missed",
            Some("nightly_scoring"),
            "the run had not ended 5 minutes after it was queued",
        ),
        event(
            5,
            Severity::Warning,
            "callback.failed",
            Some("nightly_scoring"),
            "the on_failure notify of ingest.parse failed: ops does not answer",
        ),
        event(4, Severity::Info, "model.promoted", None, "iris v3 is production now"),
    ]
}
