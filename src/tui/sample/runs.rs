//! Runs and their tasks.

use serde_json::{Map, json};

use crate::sample::{TASKS, before, now, scoring};
use crate::types::executor::{ExecutorKind, TryPlace};
use crate::types::ids::{AttemptKey, TaskInstanceKey};
use crate::types::run::{DagRun, TaskInstance, TaskTry};
use crate::types::state::{DagRunType, TriggeredBy};
use crate::types::view::{RunDetailView, TaskDetailView};
use crate::types::{DagRunState, TaskInstanceState};

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
        partition_key: None,
    }
}

pub(super) fn runs() -> Vec<DagRun> {
    vec![
        run("mlops_pipeline", "manual__2026-03-02T09:14:03+00:00", DagRunState::Running),
        run("etl_example", "scheduled__2026-03-02T09:00:00+00:00", DagRunState::Failed),
        run("minio_consumer", "asset_triggered__2026-03-02T08:00:00+00:00", DagRunState::Success),
        run("minio_producer", "scheduled__2026-03-02T08:00:00+00:00", DagRunState::Queued),
    ]
}

pub(super) fn run_detail(run: DagRun) -> RunDetailView {
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
            place: place(),
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

fn place() -> TryPlace {
    TryPlace { hostname: Some("gpu-01".into()), ..TryPlace::of(ExecutorKind::Local) }
}

pub(super) fn key(run: &DagRun, task: &str) -> TaskInstanceKey {
    TaskInstanceKey {
        dag_id: run.dag_id.clone(),
        dag_run_id: run.dag_run_id.clone(),
        task_id: task.into(),
        map_index: -1,
    }
}

pub(super) fn task_detail(key: &TaskInstanceKey) -> TaskDetailView {
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
        pid: Some(98 + try_number),
        place: place(),
    });
    TaskDetailView {
        progress: None,
        tracked_runs: vec![super::lab::search_id()],
        task,
        tries: tries.collect(),
        rendered: json!({"dataset": "iris", "model": "random_forest", "hyperparameters": {"n_trees": 200}})
            .as_object()
            .cloned(),
        output: Some(json!({"run_id": "0123456789abcdef0123456789abcdef", "metrics": {"accuracy": 0.9667}})),
    }
}
