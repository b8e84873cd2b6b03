//! DAGs: the list, one in full, many of them, a file that is broken.

use serde_json::{Map, Value, json};

use crate::sample::{before, home};
use crate::types::DagRunState;
use crate::types::run::DagRunKey;
use crate::types::view::{
    DagDetailView, DagView, DefinitionsView, DiagnosticView, RecentRun, TaskPlace, TaskView,
};

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

pub(super) fn dags() -> Vec<DagView> {
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

pub(super) fn dag(
    id: &str,
    schedule: &str,
    tags: &str,
    states: &[DagRunState],
    tasks: usize,
) -> DagView {
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

pub(super) const TASKS: [(&str, &str, &[&str]); 6] = [
    ("validate_data", "dataset.validate", &[]),
    ("train", "ml.train", &["validate_data"]),
    ("decide", "ml.gate", &["train"]),
    ("register", "model.register", &["decide", "train"]),
    ("promote", "model.promote", &["register"]),
    ("reject", "notify", &["decide"]),
];

pub(super) fn detail(dag: DagView) -> DagDetailView {
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
