//! What needs attention, how busy the deck is, runs in short.

use serde_json::json;

use crate::sample::{before, run};
use crate::types::DagRunState;
use crate::types::ask::{Answer, Request};
use crate::types::attention::{
    AttentionItem, AttentionKind, AttentionTarget, FailedTask, PulseHour, PulseView, RunBrief,
};
use crate::types::event::Severity;
use crate::types::ids::{TaskInstanceKey, UNMAPPED};
use crate::types::run::DagRunKey;
use crate::types::state::TaskInstanceState;
use crate::types::view::{DagDetailView, PoolNeed, TriggerPlan};

/// Answers what the first screen and its neighbours ask.
pub(crate) fn answer(request: &Request) -> Option<Answer> {
    Some(match request {
        Request::ListAttention => Answer::Attention(attention()),
        Request::Pulse => Answer::Pulse(PulseView {
            hours: (0..24).map(|n| PulseHour { runs: 4 + n * 7 % 11, failed: n / 21 }).collect(),
        }),
        Request::BriefRun { dag_id, dag_run_id } => Answer::RunBrief(Box::new(brief(DagRunKey {
            dag_id: dag_id.clone(),
            dag_run_id: dag_run_id.clone(),
        }))),
        _ => return None,
    })
}

fn task(dag: &str, run: &str, task: &str) -> TaskInstanceKey {
    TaskInstanceKey {
        dag_id: dag.into(),
        dag_run_id: run.into(),
        task_id: task.into(),
        map_index: UNMAPPED,
    }
}

/// One of each kind.
pub(crate) fn attention() -> Vec<AttentionItem> {
    use AttentionKind as K;
    let key = |dag: &str, id: &str| DagRunKey { dag_id: dag.into(), dag_run_id: id.into() };
    let item =
        |kind, severity, subject: &str, text: &str, secs, target, remedy: &str| AttentionItem {
            kind,
            severity,
            subject: subject.into(),
            text: text.into(),
            since: Some(before(secs)),
            target,
            remedy: remedy.into(),
        };
    let failed = "scheduled__2026-03-02T09:00:00+00:00";
    vec![
        item(
            K::FailedRun,
            Severity::Error,
            "etl_example",
            "task transform: exit code 137, try 2/2, 2 failed in a row",
            240,
            AttentionTarget::Run(key("etl_example", failed)),
            "dagdeck runs clear etl_example 'scheduled__2026-03-02T09:00:00+00:00'",
        ),
        item(
            K::SlowTask,
            Severity::Warning,
            "mlops_pipeline",
            "task train still runs; usually it takes 41s",
            1800,
            AttentionTarget::Task(task("mlops_pipeline", "manual__now", "train")),
            "dagdeck logs mlops_pipeline 'manual__now' train",
        ),
        item(
            K::OverdueRun,
            Severity::Warning,
            "minio_producer",
            "the next run is overdue: at most 1 may be under way",
            900,
            AttentionTarget::Dag { dag_id: "minio_producer".into() },
            "dagdeck why minio_producer",
        ),
        item(
            K::StaleAsset,
            Severity::Warning,
            "lake_readings",
            "stale: `minio_producer` failed to make it; features/rfm, features/session are stale \
             with it",
            21_600,
            AttentionTarget::Asset { name: "lake_readings".into() },
            "dagdeck assets why lake_readings",
        ),
        item(
            K::Problem,
            Severity::Warning,
            "daemon",
            "cannot watch `lake:incoming/`: no such folder",
            86_400 * 3,
            AttentionTarget::System,
            "dagdeck status",
        ),
        item(
            K::Approval,
            Severity::Info,
            "nightly_scoring",
            "approve asks: Write 1,204 scores to the lake?",
            600,
            AttentionTarget::Approval(task("nightly_scoring", "scheduled__now", "approve")),
            "dagdeck approvals show nightly_scoring 'scheduled__now' approve",
        ),
    ]
}

/// A run of which one task has failed and one runs.
pub(crate) fn brief(run: DagRunKey) -> RunBrief {
    use TaskInstanceState as S;
    let key = |id: &str| TaskInstanceKey {
        dag_id: run.dag_id.clone(),
        dag_run_id: run.dag_run_id.clone(),
        task_id: id.into(),
        map_index: UNMAPPED,
    };
    RunBrief {
        counts: vec![(None, 3), (Some(S::Failed), 1), (Some(S::Running), 2), (Some(S::Success), 4)],
        running: vec![key("train"), key("report")],
        failed: vec![FailedTask {
            key: key("transform"),
            try_number: 2,
            max_tries: 2,
            note: Some("exit code 137".into()),
            end_date: Some(before(240)),
            last_line: Some("MemoryError: cannot allocate 12.4 GiB for the join".into()),
        }],
        run,
    }
}

/// What a trigger would do.
pub(crate) fn plan(dag_id: &crate::types::DagId) -> TriggerPlan {
    TriggerPlan {
        dag_id: dag_id.clone(),
        params: serde_json::Map::new(),
        task_count: 6,
        median_duration: Some(48.0),
        active_runs: 1,
        max_active_runs: 2,
        mapped: vec![("tune".into(), Some(64))],
        pools: vec![PoolNeed { pool: "training".into(), tasks: 2, slots: 4, free: 3 }],
    }
}

/// The confs of the last runs, newest first.
pub(crate) fn with_confs() -> Vec<crate::types::run::DagRun> {
    let conf = |id: &str, value: serde_json::Value| {
        let mut run = run("every_param", id, DagRunState::Success);
        run.conf = value.as_object().cloned().unwrap_or_default();
        run
    };
    vec![
        conf("manual__3", json!({"rate": 0.05, "mode": "full"})),
        conf("manual__2", json!({"rate": 0.1})),
        conf("manual__1", json!({})),
    ]
}

/// A DAG with a param of every kind.
pub(crate) fn every_param(mut detail: DagDetailView) -> DagDetailView {
    let schema = json!({"type": "object", "required": ["owner"], "properties": {
        "mode": {"enum": ["quick", "full", "none"], "description": "how much is done"},
        "region": {"enum": ["eu-1", "eu-2", "us-1", "us-2", "ap-1", "ap-2"], "title": "Region"},
        "rate": {"type": "number", "minimum": 0.0, "maximum": 0.5, "section": "Training"},
        "depth": {"type": "integer", "minimum": 2, "maximum": 16, "section": "Training"},
        "gpu": {"type": "boolean", "section": "Training"},
        "from": {"type": "string", "format": "date", "section": "Data"},
        "at": {"type": ["string", "null"], "format": "date-time", "section": "Data"},
        "features": {"type": "array", "items": {"enum": ["rfm", "session", "text"]}, "minItems": 1, "section": "Data"},
        "owner": {"type": "string", "maxLength": 12, "pattern": "^[a-z]+$", "examples": ["ana", "ben"]},
        "token": {"type": "string", "format": "password"},
        "grid": {"type": "object"},
        "source": {"oneOf": [
            {"title": "file", "type": "string"},
            {"title": "rows", "type": "integer", "minimum": 1, "maximum": 9},
        ]},
        "size": {"oneOf": [{"const": 1, "title": "small"}, {"const": 9, "title": "large"}]},
    }});
    let params = json!({
        "mode": "quick", "region": "eu-1", "rate": 0.1, "depth": 8, "gpu": false,
        "from": "2026-03-01", "at": null, "features": ["rfm"], "token": "", "grid": {"a": [1, 2]},
        "source": "lake:incoming", "size": 1,
    });
    detail.dag.dag_id = "every_param".into();
    detail.dag.param_count = 13;
    detail.params_schema = schema;
    detail.params = params.as_object().cloned().unwrap_or_default();
    detail
}
