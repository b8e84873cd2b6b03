//! What operators do and look into: operations, questions, versions, backfills, settings, whys.

use serde_json::json;

use crate::sample::before;
use crate::types::approval::{HitlDetail, Question};
use crate::types::ask::{Answer, PruneReport, PrunedKind, Request};
use crate::types::backfill::{
    Backfill, BackfillDagRun, BackfillDagRunView, BackfillDetailView, BackfillPlan, BackfillView,
    PlannedDagRun,
};
use crate::types::executor::{
    ExecutorsView, InHand, PendingReason, SlurmHeard, SlurmJobs, SlurmView, WorkerDeath,
    WorkerView, WorkersHeard,
};
use crate::types::ids::{AttemptKey, TaskInstanceKey};
use crate::types::operation::{
    Moves, Operation, OperationDetailView, OperationLine, OperationView, RunMove, TaskMove,
};
use crate::types::run::DagRunKey;
use crate::types::settings::{ConnectionView, Origin, SlotPoolView, VariableView};
use crate::types::state::{BackfillDagRunExceptionReason, ReprocessBehavior};
use crate::types::view::{DagDiffView, DagVersionView};
use crate::types::why::{Reason, ReasonKind, WhySubject, WhyView};
use crate::types::{DagRunState, TaskInstanceState as S};

/// Answers what belongs here.
pub(super) fn answer(request: &Request) -> Option<Answer> {
    Some(match request {
        Request::Operate { operation, runs, dry_run } => {
            Answer::Operated(Box::new(operated(operation, runs, *dry_run)))
        }
        Request::Undo { id } => Answer::Operated(Box::new(OperationView {
            id: Some(8),
            kind: "undo".into(),
            tasks: vec![],
            runs: vec![RunMove {
                dag_id: "etl_example".into(),
                dag_run_id: format!("manual__{}", id.unwrap_or(0)).into(),
                from: DagRunState::Success,
                to: Some(DagRunState::Failed),
            }],
            final_since: None,
        })),
        Request::ListOperations { .. } => Answer::Operations(operations()),
        Request::ShowOperation { id } => Answer::Operation(Box::new(operation(*id))),
        Request::Explain(subject) => Answer::Why(vec![why(subject)]),
        Request::ListApprovals { .. } => Answer::Approvals(vec![approval()]),
        Request::ListDagVersions { dag_id, .. } => Answer::DagVersions(
            (1..=3_u32)
                .rev()
                .map(|number| DagVersionView {
                    dag_id: dag_id.clone(),
                    version_number: number,
                    dag_version: format!("{number}f9c1e77aa"),
                    created_at: before(i64::from(4 - number) * 86_400),
                    fileloc: "dags.toml".into(),
                    line: 112,
                })
                .collect(),
        ),
        Request::DiffDagVersions { dag_id, from, to } => Answer::DagDiff(DagDiffView {
            dag_id: dag_id.clone(),
            from: from.unwrap_or(2),
            to: to.unwrap_or(3),
            source: "--- v2\n+++ v3\n@@ -3,3 +3,3 @@\n [dags.tasks.train]\n-retries = 1\n+retries = 3\n operator = \"ml.train\"\n".into(),
            definition: "--- v2\n+++ v3\n@@ -40,3 +40,3 @@\n   \"task_id\": \"train\",\n-  \"retries\": 1,\n+  \"retries\": 3,\n".into(),
        }),
        Request::PlanBackfill(spec) => Answer::BackfillPlan(BackfillPlan {
            dag_id: spec.dag_id.clone(),
            dag_runs: (0..3)
                .map(|n| {
                    let date = before(86_400 * (7 - n));
                    PlannedDagRun {
                        logical_date: date,
                        data_interval_start: date,
                        data_interval_end: date,
                        run_after: date,
                        dag_run_id: (n == 1).then(|| "scheduled__2026-02-24T09:14:22+00:00".into()),
                        exception_reason: (n == 1)
                            .then_some(BackfillDagRunExceptionReason::AlreadyExists),
                    }
                })
                .collect(),
            total_dates: Some(3),
        }),
        Request::CreateBackfill(_) => Answer::Backfill(Box::new(backfill_detail())),
        Request::ListBackfills { .. } => {
            Answer::Backfills { backfills: vec![backfill(2, false), backfill(1, true)], total: 2 }
        }
        Request::ShowBackfill { .. } => Answer::Backfill(Box::new(backfill_detail())),
        Request::Prune(wish) => Answer::Pruned(PruneReport {
            dry_run: wish.dry_run,
            kinds: vec![
                PrunedKind { kind: "runs".into(), count: 412, bytes: 0 },
                PrunedKind { kind: "logs".into(), count: 1_650, bytes: 482_000_000 },
            ],
        }),
        Request::ListExecutors | Request::ReplaceWorker => Answer::Executors(executors()),
        Request::ListPools => Answer::Pools(pools()),
        Request::ListVariables => Answer::Variables(variables()),
        Request::ListConnections => Answer::Connections(connections()),
        _ => return None,
    })
}

fn executors() -> ExecutorsView {
    let reason = "Resources: waits for nodes to become free".into();
    let reasons = vec![PendingReason { reason, jobs: 3 }];
    let jobs = SlurmJobs { pending: 3, running: 2, held: 0, reasons };
    let heard = SlurmHeard { is_asked: true, heard_at: Some(before(1)), silence: None, jobs };
    let tasks = InHand { queued: 3, running: 2 };
    let dags = vec!["mlops_pipeline".into()];
    let local = InHand { queued: 0, running: 1 };
    let worker = |pid, age, build: &str, attempts, is_current| WorkerView {
        pid,
        since: before(age),
        version: Some("0.1.0".to_owned()),
        build: build.to_owned(),
        attempts,
        is_current,
    };
    let workers = WorkersHeard {
        workers: vec![
            worker(4711, 3 * 3600, "5f0c1d22e9ab", 3, true),
            worker(4242, 76 * 3600, "b1946ac92492", 2, false),
        ],
        deaths: vec![WorkerDeath { at: before(240), pid: 4001, attempts: 4 }],
        trouble: None,
    };
    ExecutorsView { local, workers, slurm: Some(SlurmView { tasks, dags, heard }) }
}

fn operated(operation: &Operation, runs: &[DagRunKey], dry_run: bool) -> OperationView {
    let task = |run: &DagRunKey, id: &str, from, to| TaskMove {
        key: TaskInstanceKey {
            dag_id: run.dag_id.clone(),
            dag_run_id: run.dag_run_id.clone(),
            task_id: id.into(),
            map_index: -1,
        },
        try_number: 1,
        from,
        to,
    };
    let moved = |to| {
        let runs = runs.iter().map(|run| RunMove {
            dag_id: run.dag_id.clone(),
            dag_run_id: run.dag_run_id.clone(),
            from: DagRunState::Failed,
            to,
        });
        runs.collect::<Vec<_>>()
    };
    let (tasks, moves) = match operation {
        Operation::ClearTasks(_) => {
            let of = |run| {
                ["train", "decide", "register"].map(|id| task(run, id, Some(S::Failed), None))
            };
            (runs.iter().flat_map(of).collect(), moved(Some(DagRunState::Queued)))
        }
        Operation::MarkTasks(mark) => {
            let of = |run| task(run, "train", Some(S::Failed), Some(mark.state));
            (runs.iter().map(of).collect(), vec![])
        }
        Operation::NoteTasks { .. } => {
            let of = |run| task(run, "train", Some(S::Running), Some(S::Running));
            (runs.iter().map(of).collect(), vec![])
        }
        Operation::MarkRuns { state } => (vec![], moved(Some(*state))),
        Operation::NoteRuns { .. } => (vec![], moved(Some(DagRunState::Failed))),
        Operation::DeleteRuns => (vec![], moved(None)),
    };
    OperationView {
        id: (!dry_run).then_some(7),
        kind: operation.kind().into(),
        tasks,
        runs: moves,
        final_since: matches!(operation, Operation::DeleteRuns)
            .then(|| "what is deleted is gone".into()),
    }
}

fn operations() -> Vec<OperationLine> {
    let line = |id: i64, kind: &str, description: &str, undone_by| OperationLine {
        id,
        when: before(120 * (8 - id)),
        owner: Some("ana".into()),
        kind: kind.into(),
        description: description.into(),
        wish: json!({}),
        final_since: None,
        undone_by,
    };
    vec![
        line(7, "undo", "undid operation 6", None),
        line(6, "mark_tasks", "marked 1 task of etl_example failed", Some(7)),
        line(5, "mark_runs", "marked 1 run of etl_example success", None),
    ]
}

fn why(subject: &WhySubject) -> WhyView {
    WhyView {
        subject: subject.clone(),
        run_state: subject.dag_run_id.as_ref().map(|_| DagRunState::Running),
        state: None,
        reasons: vec![
            Reason::new(
                ReasonKind::Upstream,
                "waits for ingest.parse (1 of 10 failed, 2 under way)",
            )
            .remedy("clear ingest.parse[3], or mark it a success"),
            Reason::new(ReasonKind::Pool, "pool training is full: 2 of 2 slots are taken")
                .remedy("dagdeck pools set training 4"),
        ],
    }
}

fn approval() -> HitlDetail {
    HitlDetail {
        key: AttemptKey {
            task: TaskInstanceKey {
                dag_id: "nightly_scoring".into(),
                dag_run_id: "scheduled__2026-03-05T09:00:00+00:00".into(),
                task_id: "publish".into(),
                map_index: -1,
            },
            try_number: 1,
        },
        question: Question {
            subject: "Publish the scores?".into(),
            body: Some("41,231 scores; drift 0.04 against yesterday.".into()),
            options: vec!["Approve".into(), "Reject".into()],
            defaults: Some(vec!["Reject".into()]),
            multiple: false,
            params: json!({
                "share": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.1,
                          "description": "of the traffic at first"},
                "reason": {"type": "string", "default": "", "description": "for the record"},
            })
            .as_object()
            .unwrap()
            .clone(),
            assignees: vec![],
        },
        created_at: before(240),
        timeout_at: Some(before(-3600)),
        response: None,
    }
}

fn backfill(id: i64, is_over: bool) -> BackfillView {
    BackfillView {
        backfill: Backfill {
            id,
            dag_id: "etl_example".into(),
            from_date: "2026-02-01T00:00:00Z".parse().unwrap(),
            to_date: "2026-02-20T00:00:00Z".parse().unwrap(),
            dag_run_conf: None,
            is_paused: false,
            reprocess_behavior: ReprocessBehavior::Failed,
            run_backwards: false,
            max_active_runs: 4,
            created_at: before(600 + 86_400 * i64::from(is_over)),
            completed_at: is_over.then(|| before(86_000)),
            updated_at: before(10),
            triggering_user_name: Some("ana".into()),
            position: 9,
            last_logical_date: None,
        },
        queued: u64::from(!is_over),
        running: if is_over { 0 } else { 2 },
        success: 5,
        failed: 1,
        skipped: 1,
    }
}

fn backfill_detail() -> BackfillDetailView {
    let run = |ordinal: u32, state, exception_reason: Option<_>| BackfillDagRunView {
        dag_run: BackfillDagRun {
            backfill_id: 2,
            sort_ordinal: ordinal,
            logical_date: before(86_400 * i64::from(20 - ordinal)),
            dag_run_id: exception_reason.is_none().then(|| "backfill__2026-02-09".into()),
            exception_reason,
        },
        state,
        start_date: state.map(|_| before(i64::from(10 - ordinal) * 120)),
        end_date: state
            .filter(|state: &DagRunState| state.is_finished())
            .map(|_| before(i64::from(10 - ordinal) * 120 - 48)),
    };
    BackfillDetailView {
        is_dag_paused: false,
        backfill: backfill(2, false),
        total_dates: Some(20),
        dag_runs: vec![
            run(9, Some(DagRunState::Running), None),
            run(8, Some(DagRunState::Failed), None),
            run(7, None, Some(BackfillDagRunExceptionReason::AlreadyExists)),
            run(6, Some(DagRunState::Success), None),
        ],
    }
}

/// One of 250 dates, of which as many are sent as are asked for.
#[cfg(test)]
pub(crate) fn long_backfill(limit: u32) -> Answer {
    let mut detail = backfill_detail();
    let one = detail.dag_runs.remove(0);
    detail.backfill.backfill.position = 250;
    detail.dag_runs = (0..limit.min(250))
        .map(|n| {
            let mut run = one.clone();
            run.dag_run.sort_ordinal = 250 - n;
            run
        })
        .collect();
    Answer::Backfill(Box::new(detail))
}

/// A clear of two tasks, one of them mapped, that had the run go on.
pub(crate) fn operation(id: i64) -> OperationDetailView {
    let line = operations().into_iter().find(|line| line.id == id);
    let run = DagRunKey {
        dag_id: "etl_example".into(),
        dag_run_id: "scheduled__2026-03-02T09:00:00+00:00".into(),
    };
    let task = |task_id: &str, map_index, from, to| TaskMove {
        key: TaskInstanceKey {
            dag_id: run.dag_id.clone(),
            dag_run_id: run.dag_run_id.clone(),
            task_id: task_id.into(),
            map_index,
        },
        try_number: 2,
        from,
        to,
    };
    OperationDetailView {
        line: line.unwrap_or_else(|| operations().remove(0)),
        moves: Some(Moves {
            runs: vec![RunMove {
                dag_id: run.dag_id.clone(),
                dag_run_id: run.dag_run_id.clone(),
                from: DagRunState::Failed,
                to: Some(DagRunState::Queued),
            }],
            tasks: vec![
                task("transform", 3, Some(S::Failed), None),
                task("load", -1, Some(S::UpstreamFailed), None),
            ],
            more_runs: 0,
            more_tasks: 0,
        }),
    }
}

fn pools() -> Vec<SlotPoolView> {
    let pool = |name: &str, slots, running_slots, queued_slots, declared_slots| SlotPoolView {
        pool: name.into(),
        slots,
        running_slots,
        queued_slots,
        open_slots: slots - running_slots,
        description: None,
        origin: if declared_slots == Some(slots) { Origin::DagsToml } else { Origin::RunTime },
        declared_slots,
    };
    vec![pool("default_pool", 16, 2, 0, Some(16)), pool("training", 2, 1, 1, Some(4))]
}

fn variables() -> Vec<VariableView> {
    let variable = |key: &str, value: &str, problem: Option<&str>| VariableView {
        key: key.into(),
        value: value.into(),
        description: None,
        origin: Origin::DagsToml,
        problem: problem.map(Into::into),
    };
    vec![
        variable("api_token", "${env:API_TOKEN}", Some("the environment has no API_TOKEN")),
        variable("lake_root", "s3://lake/prod", None),
    ]
}

fn connections() -> Vec<ConnectionView> {
    vec![ConnectionView {
        conn_id: "warehouse".into(),
        conn_type: "sqlite".into(),
        url: "sqlite:data/warehouse.db".into(),
        options: [("password".to_owned(), "***".to_owned())].into(),
        description: None,
        origin: Origin::RunTime,
        problem: None,
    }]
}
