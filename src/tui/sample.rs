//! Canned answers for tests: a deck in the middle of a working day.

use serde_json::{Map, Value, json};

use crate::types::ask::{Answer, Request};
use crate::types::event::{EventLog, Severity};
use crate::types::ids::{AttemptKey, TaskInstanceKey, TrackingRunId};
use crate::types::run::{DagRun, DagRunKey, TaskInstance, TaskTry};
use crate::types::serving::{ServedVersion, ServingError, ServingStatus};
use crate::types::state::{DagRunType, TriggeredBy};
use crate::types::view::{
    DagDetailView, DagView, DefinitionsView, DiagnosticView, ExperimentView, ParamProblem,
    PoolView, RecentRun, RunDetailView, StatusView, TaskDetailView, TaskPlace, TaskView,
    TrackingRunView,
};
mod assets;
pub(crate) mod home;
mod lab;
mod log;
pub(crate) mod models;
pub(crate) mod operations;
pub(crate) mod run;
mod scoring;

use crate::types::{DagRunState, Fault, TaskInstanceState, Timestamp};

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
        Request::ServingStatus => Answer::Serving(serving()),
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

/// A broken edit of `dags.toml`.
pub(crate) fn broken_definitions() -> DefinitionsView {
    let drawing = "error[unknown-operator]: `pyhton` is not an operator\n  --> dags.toml:41:12\n   |\n41 | operator = \"pyhton\"\n   |            ^^^^^^^^ did you mean `python`?";
    DefinitionsView {
        diagnostics: vec![DiagnosticView {
            code: "unknown-operator".into(),
            message: "`pyhton` is not an operator".into(),
            file: "dags.toml".into(),
            line: 41,
            column: 12,
            help: Some("did you mean `python`?".into()),
            drawing: drawing.into(),
        }],
        loaded_at: Some(before(3600)),
    }
}

fn dags() -> Vec<DagView> {
    let f = DagRunState::Failed;
    let r = DagRunState::Running;
    let s = DagRunState::Success;
    vec![
        dag("basic_dag_example", "manual", "example", &[s, s, s], 3),
        dag("etl_example", "@daily", "data", &[s, s, f, s, s, s, s, s, s, s, f], 4),
        dag("minio_producer", "@daily", "data", &[s; 16], 1),
        dag("minio_path_watcher", "incoming", "data", &[s, s], 1),
        dag("minio_consumer", "lake_readings", "data", &[s; 30], 1),
        dag("mlops_pipeline", "manual", "ml", &[s, f, s, s, r], 6),
        dag("nightly_scoring", "@daily", "ml", &[s, s, f, s, r], 8),
        dag("model_serving_pipeline", "models:/*@production", "ml,prod", &[], 4),
    ]
}

/// One with a param of every kind.
pub(crate) fn every_param() -> DagDetailView {
    home::every_param(detail(dag("every_param", "manual", "example", &[DagRunState::Success], 6)))
}

/// Many of them.
pub(crate) fn many_dags(count: usize) -> Vec<DagView> {
    let one = |n| dag(&format!("dag_{n:04}"), "@daily", "data", &[DagRunState::Success; 30], 3);
    (0..count).map(one).collect()
}

fn dag(id: &str, schedule: &str, tags: &str, states: &[DagRunState], tasks: usize) -> DagView {
    let count = i64::try_from(states.len()).unwrap();
    let recent_runs = states.iter().zip(0..).map(|(state, n)| {
        let start = before((count - n) * 86_400 - 86_000);
        RecentRun {
            dag_run_id: format!("scheduled__2026-03-{:02}T09:00:00+00:00", n + 1).into(),
            state: *state,
            run_after: start,
            start_date: Some(start),
            end_date: state.is_finished().then(|| start + jiff::SignedDuration::from_secs(41)),
        }
    });
    DagView {
        dag_id: id.into(),
        description: Some(format!(
            "What {id} does, in a sentence that is long enough to wrap on narrow screens"
        )),
        tags: tags.split(',').map(str::to_owned).collect(),
        owner: Some("ana".into()),
        is_paused: id == "minio_path_watcher",
        is_stale: false,
        timetable_summary: schedule.into(),
        next_run_after: schedule.starts_with('@').then(|| before(-46 * 60)),
        strip: states.to_vec(),
        recent_runs: recent_runs.collect(),
        task_count: tasks,
        param_count: if id == "mlops_pipeline" { 4 } else { 0 },
        median_duration: (!states.is_empty()).then_some(48.0),
    }
}

const TASKS: [(&str, &str, &[&str]); 6] = [
    ("validate_data", "dataset.validate", &[]),
    ("train", "ml.train", &["validate_data"]),
    ("decide", "ml.gate", &["train"]),
    ("register", "model.register", &["decide", "train"]),
    ("promote", "model.promote", &["register"]),
    ("reject", "notify", &["decide"]),
];

fn detail(dag: DagView) -> DagDetailView {
    let tasks = TASKS.iter().take(dag.task_count.max(1)).map(|(id, operator, up)| TaskView {
        task_id: (*id).into(),
        operator: (*operator).into(),
        upstream_task_ids: up.iter().map(|up| (*up).into()).collect(),
        downstream_task_ids: TASKS
            .iter()
            .filter(|(_, _, ups)| ups.contains(id))
            .map(|(down, ..)| (*down).into())
            .collect(),
        trigger_rule: "all_success".into(),
        retries: 1,
        pool: "default_pool".into(),
        inlets: vec![],
        outlets: if *id == "promote" { vec!["production_model".into()] } else { vec![] },
        doc_md: None,
        line: 120,
        place: TaskPlace::default(),
    });
    let has_params = dag.param_count > 0;
    let is_running = dag.strip.last() == Some(&DagRunState::Running);
    let last = dag.recent_runs.last().filter(|_| is_running);
    let under_way = last.map(|run| {
        home::brief(DagRunKey { dag_id: dag.dag_id.clone(), dag_run_id: run.dag_run_id.clone() })
    });
    DagDetailView {
        dag_version_number: Some(41),
        schedule_words: "every day at 02:00".into(),
        next_runs: dag
            .next_run_after
            .map(|first| (0..5).map(|n| first + jiff::SignedDuration::from_hours(24 * n)).collect())
            .unwrap_or_default(),
        p95_duration: dag.median_duration.map(|secs| secs * 1.7),
        ended_well: (27, 28),
        under_way,
        tasks: tasks.collect(),
        groups: vec![],
        doc_md: Some(
            "Trains a model, evaluates it and promotes it where it beats the champion.".into(),
        ),
        params_schema: if has_params {
            params_schema()
        } else {
            json!({"type": "object", "properties": {}})
        },
        params: if has_params {
            json!({"dataset": "iris", "model": "xgboost", "hyperparameters": {}, "trials": 0})
                .as_object()
                .unwrap()
                .clone()
        } else {
            Map::new()
        },
        max_active_runs: 2,
        max_active_tasks: 16,
        catchup: false,
        start_date: None,
        timezone: "UTC".into(),
        asset_expression: None,
        fileloc: "dags.toml".into(),
        line: 112,
        dag_version: "3f9c1e".into(),
        dag,
    }
}

fn params_schema() -> Value {
    json!({"type": "object", "properties": {
        "dataset": {"type": "string", "enum": ["iris", "titanic", "housing"], "description": "what to learn from"},
        "model": {"type": "string", "enum": ["xgboost", "lightgbm", "random_forest", "logistic_regression", "linear_regression"]},
        "hyperparameters": {"type": "object", "description": "over the family's defaults"},
        "trials": {"type": "integer", "minimum": 0, "maximum": 200, "description": "0: no tuning"},
    }})
}

pub(crate) fn run(dag_id: &str, dag_run_id: &str, state: DagRunState) -> DagRun {
    DagRun {
        dag_id: dag_id.into(),
        dag_run_id: dag_run_id.into(),
        run_type: DagRunType::Manual,
        state,
        triggered_by: TriggeredBy::Ui,
        triggering_user_name: Some("ana".into()),
        logical_date: Some(before(20)),
        data_interval_start: None,
        data_interval_end: None,
        run_after: before(20),
        queued_at: before(20),
        start_date: (state != DagRunState::Queued).then(|| before(19)),
        end_date: state.is_finished().then(now),
        conf: json!({"model": "random_forest"}).as_object().unwrap().clone(),
        params: Map::new(),
        dag_version: "3f9c1e".into(),
        dag_version_number: 3,
        note: None,
        backfill_id: None,
    }
}

fn runs() -> Vec<DagRun> {
    vec![
        run("mlops_pipeline", "manual__2026-03-02T09:14:03+00:00", DagRunState::Running),
        run("etl_example", "scheduled__2026-03-02T09:00:00+00:00", DagRunState::Failed),
        run("minio_consumer", "asset_triggered__2026-03-02T08:00:00+00:00", DagRunState::Success),
        run("minio_producer", "scheduled__2026-03-02T08:00:00+00:00", DagRunState::Queued),
    ]
}

fn run_detail(run: DagRun) -> RunDetailView {
    if run.dag_id.as_str() == "nightly_scoring" {
        return scoring::run_detail(run);
    }
    use TaskInstanceState as S;
    let states = if run.state == DagRunState::Failed {
        [
            Some(S::Success),
            Some(S::Failed),
            Some(S::UpstreamFailed),
            Some(S::UpstreamFailed),
            Some(S::UpstreamFailed),
            Some(S::UpstreamFailed),
        ]
    } else {
        [Some(S::Success), Some(S::Running), None, None, None, None]
    };
    let tasks = TASKS.iter().zip(states).zip(0..).map(|(((id, operator, _), state), n)| {
        let has_begun = matches!(state, Some(S::Success | S::Running | S::Failed));
        TaskInstance {
            key: key(&run, id),
            state,
            try_number: u32::from(has_begun) + u32::from(*id == "train"),
            max_tries: 2,
            operator: (*operator).into(),
            pool: "default_pool".into(),
            token: None,
            pid: Some(99),
            scheduled_when: None,
            queued_when: has_begun.then(|| before(19)),
            start_date: has_begun.then(|| before(18 - n * 2)),
            end_date: (state.is_some_and(S::is_finished) && has_begun).then(|| before(16 - n * 2)),
            next_retry_at: None,
            trigger: None,
            trigger_timeout: None,
            note: (state == Some(S::Failed)).then(|| "exit 137: killed for want of memory".into()),
            user_note: None,
        }
    });
    let edges =
        TASKS.iter().flat_map(|(id, _, ups)| ups.iter().map(|up| ((*up).into(), (*id).into())));
    RunDetailView {
        progress: Vec::new(),
        tasks: tasks.collect(),
        edges: edges.collect(),
        places: std::collections::BTreeMap::new(),
        groups: vec![],
        triggering_asset_events: vec![],
        median_duration: Some(48.0),
        deadlines: Vec::new(),
        run,
    }
}

fn key(run: &DagRun, task: &str) -> TaskInstanceKey {
    TaskInstanceKey {
        dag_id: run.dag_id.clone(),
        dag_run_id: run.dag_run_id.clone(),
        task_id: task.into(),
        map_index: -1,
    }
}

fn task_detail(key: &TaskInstanceKey) -> TaskDetailView {
    let run = run(key.dag_id.as_str(), key.dag_run_id.as_str(), DagRunState::Running);
    let tasks = run_detail(run).tasks;
    // A task whose log alone matters is any of them by another name.
    let task = tasks.iter().find(|task| task.key == *key);
    let mut task = task.or(tasks.iter().find(|task| task.try_number > 1)).cloned().unwrap();
    task.key = key.clone();
    let tries = (1..=task.try_number).map(|try_number| TaskTry {
        key: AttemptKey { task: key.clone(), try_number },
        token: "t".into(),
        state: if try_number == 1 { TaskInstanceState::Failed } else { TaskInstanceState::Running },
        start_date: Some(before(40)),
        end_date: Some(before(30)),
        exit_code: Some(137),
        error: (try_number == 1).then(|| "killed for want of memory".into()),
    });
    TaskDetailView {
        progress: None,
        task,
        tries: tries.collect(),
        rendered: json!({"dataset": "iris", "model": "random_forest", "hyperparameters": {"n_trees": 200}})
            .as_object()
            .cloned(),
        output: Some(json!({"run_id": "0123456789abcdef0123456789abcdef", "metrics": {"accuracy": 0.9667}})),
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
