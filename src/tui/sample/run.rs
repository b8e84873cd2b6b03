//! Runs side by side, what was told of a run, and runs of many thousands of tasks.

use std::collections::BTreeMap;

use crate::sample::{before, dags, run, run_detail};
use crate::types::ask::{Answer, Request};
use crate::types::callback::{
    CallbackAction, CallbackEvent, CallbackRequest, CallbackSpec, CallbackState, CallbackSubject,
};
use crate::types::executor::TryPlace;
use crate::types::grid::{GridRun, GridTask, GridView};
use crate::types::ids::{TaskInstanceKey, UNMAPPED};
use crate::types::run::{DagRunKey, TaskInstance};
use crate::types::state::DagRunType;
use crate::types::view::{GroupView, RunDetailView, TaskPlace};
use crate::types::{DagId, DagRunId, DagRunState, TaskId, TaskInstanceState as S};

/// Answers what belongs here.
pub(super) fn answer(request: &Request) -> Option<Answer> {
    Some(match request {
        Request::ShowGrid { dag_id, limit, around } => {
            Answer::Grid(Box::new(grid(dag_id, *limit, around.as_ref())))
        }
        Request::ListCallbacks { dag_id, dag_run_id } => {
            Answer::Callbacks(vec![callback(dag_id, dag_run_id)])
        }
        _ => return None,
    })
}

/// The last runs of a DAG of the sample; a run that is not among them is the newest.
fn grid(dag_id: &DagId, limit: u32, around: Option<&DagRunId>) -> GridView {
    let recent = dags().into_iter().find(|dag| dag.dag_id == *dag_id);
    let mut runs: Vec<GridRun> = recent
        .into_iter()
        .flat_map(|dag| dag.recent_runs)
        .map(|run| GridRun {
            dag_run_id: run.dag_run_id,
            run_type: DagRunType::Scheduled,
            state: run.state,
            run_after: run.run_after,
            start_date: run.start_date,
            end_date: run.end_date,
            dag_version_number: 3,
        })
        .collect();
    if let Some(around) = around.filter(|id| runs.iter().all(|run| run.dag_run_id != **id)) {
        runs.push(GridRun {
            dag_run_id: around.clone(),
            run_type: DagRunType::Manual,
            state: DagRunState::Running,
            run_after: before(20),
            start_date: Some(before(19)),
            end_date: None,
            dag_version_number: 3,
        });
    }
    let limit = limit as usize;
    let has_older = runs.len() > limit;
    runs.drain(..runs.len().saturating_sub(limit));
    let tasks = run_detail(run(dag_id.as_str(), "r", DagRunState::Running)).tasks;
    let mut ids: Vec<TaskId> = tasks.iter().map(|task| task.key.task_id.clone()).collect();
    ids.dedup();
    let cell = |run: &GridRun, at: usize| match (run.state, at) {
        (DagRunState::Failed, 0) | (DagRunState::Success, _) => 's',
        (DagRunState::Failed, 1) => 'f',
        (DagRunState::Failed, _) => 'u',
        (DagRunState::Running | DagRunState::Queued, _) => '.',
    };
    let tasks = ids.into_iter().zip(0..).map(|(task_id, at)| GridTask {
        task_id,
        states: runs.iter().map(|run| cell(run, at)).collect(),
        median_duration: Some(8.0 + at as f64 * 3.0),
    });
    GridView { dag_id: dag_id.clone(), tasks: tasks.collect(), runs, has_older, has_newer: false }
}

fn callback(dag_id: &DagId, dag_run_id: &DagRunId) -> CallbackRequest {
    CallbackRequest {
        id: "cb-1".into(),
        subject: CallbackSubject::Run(DagRunKey {
            dag_id: dag_id.clone(),
            dag_run_id: dag_run_id.clone(),
        }),
        task_id: Some("train".into()),
        map_index: UNMAPPED,
        try_number: 1,
        event: CallbackEvent::OnFailure,
        spec: CallbackSpec {
            action: CallbackAction::Notify {
                connection: "team_channel".into(),
                message: "train failed".into(),
                title: None,
            },
            timeout: std::time::Duration::from_secs(10),
            retries: 2,
            retry_delay: std::time::Duration::from_secs(1),
        },
        task_or_run_state: "failed".into(),
        details: None,
        reason: Some("exit 137: killed for want of memory".into()),
        deadline: None,
        state: CallbackState::Done,
        tries: 1,
        created_at: before(30),
        ended_at: Some(before(29)),
        output: Some("200 ok".into()),
        error: None,
    }
}

/// A run of many tasks: chains of ten, twenty chains a group, where there are groups.
pub(crate) fn wide(count: usize, has_groups: bool) -> RunDetailView {
    let run = run("wide", "manual__2026-03-02T09:14:03+00:00", DagRunState::Running);
    let group = |at: usize| format!("part_{:02}", at / 200);
    let id = |at: usize| -> TaskId {
        match has_groups {
            true => format!("{}.step_{at:05}", group(at)).into(),
            false => format!("step_{at:05}").into(),
        }
    };
    let task = |at: usize| {
        let state = match at {
            _ if at == count / 3 => Some(S::Failed),
            _ if at < count / 2 => Some(S::Success),
            _ if at < count / 2 + 16 => Some(S::Running),
            _ => None,
        };
        let has_begun = state.is_some();
        TaskInstance {
            key: TaskInstanceKey {
                dag_id: run.dag_id.clone(),
                dag_run_id: run.dag_run_id.clone(),
                task_id: id(at),
                map_index: UNMAPPED,
            },
            state,
            try_number: u32::from(has_begun),
            max_tries: 2,
            operator: "python".into(),
            pool: "default_pool".into(),
            token: None,
            pid: None,
            place: TryPlace::default(),
            scheduled_when: None,
            queued_when: has_begun.then(|| before(19)),
            start_date: has_begun.then(|| before(18)),
            end_date: state.is_some_and(S::is_finished).then(|| before(9)),
            next_retry_at: None,
            trigger: None,
            trigger_timeout: None,
            note: None,
            user_note: None,
        }
    };
    let in_group = |at: usize| TaskPlace { group_id: Some(group(at).into()), ..Default::default() };
    let places: BTreeMap<TaskId, TaskPlace> = match has_groups {
        true => (0..count).map(|at| (id(at), in_group(at))).collect(),
        false => BTreeMap::new(),
    };
    let view = |at: usize| GroupView {
        group_id: group(at).into(),
        parent: None,
        tooltip: None,
        is_mapped: false,
    };
    RunDetailView {
        tasks: (0..count).map(task).collect(),
        edges: (1..count)
            .filter(|at| at % 10 != 0)
            .map(|at| (id(at - 1), id(at)))
            .chain((10..count).step_by(10).map(|at| (id(0), id(at))))
            .collect(),
        places,
        groups: if has_groups { (0..count).step_by(200).map(view).collect() } else { vec![] },
        triggering_asset_events: vec![],
        progress: vec![],
        median_duration: Some(48.0),
        deadlines: vec![],
        run,
    }
}
