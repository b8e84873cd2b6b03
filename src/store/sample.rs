//! Rows for tests.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::dag::Dag;
use crate::sched::change::DagVersion;
use crate::store::Store;
use crate::types::asset::{AssetEvent, AssetEventKind, AssetEventSource};
use crate::types::backfill::{Backfill, BackfillDagRun, BackfillId};
use crate::types::event::{EventLog, Severity};
use crate::types::executor::{ExecutorKind, TryPlace};
use crate::types::ids::UNMAPPED;
use crate::types::run::{DagRun, TaskInstance, TaskTry};
use crate::types::settings::Settings;
use crate::types::state::{
    BackfillDagRunExceptionReason, DagRunType, ReprocessBehavior, TriggeredBy,
};
use crate::types::{
    AttemptKey, DagRunState, LaunchToken, TaskInstanceKey, TaskInstanceState, Timestamp,
};

/// A store in a folder of its own.
pub(crate) fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("dagdeck.db")).unwrap();
    (dir, store)
}

/// A definition of `etl`, whose one task says `word`.
pub(crate) fn dag(word: &str) -> Arc<Dag> {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "[dag.etl]\nschedule = \"@daily\"\n\n[dag.etl.task.extract]\noperator = \"command\"\n\
         command = \"echo {word}\"\n"
    );
    std::fs::write(dir.path().join("dags.toml"), text).unwrap();
    let deck = crate::dag::load(dir.path(), &|_| None, &Settings::default()).unwrap();
    let mut dag = Dag::clone(&deck.dags["etl"]);
    dag.fileloc = "/project/dags.toml".into();
    Arc::new(dag)
}

/// A version of `etl`, and a run of it.
pub(crate) fn version(version_number: u32, word: &str) -> (DagVersion, DagRun) {
    let dag = dag(word);
    let id = format!("v{version_number}");
    let run = DagRun {
        dag_version: dag.version.clone(),
        dag_version_number: version_number,
        ..run("etl", &id, i64::from(version_number), DagRunState::Running)
    };
    (DagVersion { version_number, created_at: at(i64::from(version_number)), dag }, run)
}

/// Seconds after some instant.
pub(crate) fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + secs).unwrap()
}

/// Takes what `json!` made as an object.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

pub(crate) fn run(dag_id: &str, id: &str, secs: i64, state: DagRunState) -> DagRun {
    DagRun {
        dag_id: dag_id.into(),
        dag_run_id: id.into(),
        run_type: DagRunType::Manual,
        state,
        triggered_by: TriggeredBy::Cli,
        triggering_user_name: Some("ada".into()),
        logical_date: Some(at(secs)),
        data_interval_start: None,
        data_interval_end: None,
        run_after: at(secs),
        queued_at: at(secs),
        start_date: Some(at(secs)),
        end_date: state.is_finished().then(|| at(secs + 10)),
        conf: object(json!({"z": 1, "a": [true, null]})),
        params: object(json!({"z": 1, "a": [true, null], "d": 2.5})),
        dag_version: "v1".into(),
        dag_version_number: 1,
        note: None,
        backfill_id: None,
        partition_key: None,
    }
}

pub(crate) fn key(dag_id: &str, run_id: &str, task_id: &str) -> TaskInstanceKey {
    TaskInstanceKey {
        dag_id: dag_id.into(),
        dag_run_id: run_id.into(),
        task_id: task_id.into(),
        map_index: UNMAPPED,
    }
}

pub(crate) fn task(key: TaskInstanceKey, state: Option<TaskInstanceState>) -> TaskInstance {
    TaskInstance {
        key,
        state,
        try_number: 1,
        max_tries: 2,
        operator: "command".into(),
        pool: "default_pool".into(),
        token: Some("t-1".into()),
        pid: Some(77),
        place: place(),
        scheduled_when: Some(at(1)),
        queued_when: Some(at(2)),
        start_date: Some(at(3)),
        end_date: None,
        next_retry_at: None,
        trigger: None,
        trigger_timeout: None,
        note: Some("waits".into()),
        user_note: Some("look here".into()),
    }
}

fn place() -> TryPlace {
    TryPlace {
        executor: Some(ExecutorKind::Slurm),
        hostname: Some("n7".into()),
        external_executor_id: Some("12_3".into()),
        adopted: Some("after a restart of the daemon".into()),
    }
}

pub(crate) fn task_try(task: TaskInstanceKey, n: u32, state: TaskInstanceState) -> TaskTry {
    TaskTry {
        key: AttemptKey { task, try_number: n },
        token: LaunchToken::new(format!("t-{n}")),
        state,
        start_date: Some(at(3)),
        end_date: Some(at(4)),
        exit_code: Some(1),
        error: Some("exit code 1".into()),
        pid: Some(76),
        place: place(),
    }
}

pub(crate) fn asset_event(id: i64, name: &str) -> AssetEvent {
    AssetEvent {
        id,
        name: name.into(),
        uri: format!("file:{name}.csv"),
        timestamp: at(id),
        source: AssetEventSource::Person { user: "ada".into() },
        extra: object(json!({"uri": "file:x.csv", "size": 3})),
        dedupe_key: Some(format!("k{id}")),
        kind: AssetEventKind::Changed,
        partition_key: None,
        source_aliases: Vec::new(),
    }
}

pub(crate) fn line(event: &str) -> EventLog {
    EventLog {
        id: 0,
        when: at(5),
        severity: Severity::Warning,
        event: event.into(),
        dag_id: Some("etl".into()),
        dag_run_id: Some("r1".into()),
        task_id: None,
        owner: Some("ada".into()),
        message: "run `r1` failed".into(),
    }
}

/// Of ten days.
pub(crate) fn backfill(id: BackfillId, dag_id: &str) -> Backfill {
    Backfill {
        id,
        dag_id: dag_id.into(),
        from_date: at(-864_000),
        to_date: at(0),
        dag_run_conf: Some(object(json!({"n": 2}))),
        is_paused: false,
        reprocess_behavior: ReprocessBehavior::Failed,
        run_backwards: true,
        max_active_runs: 3,
        created_at: at(10),
        completed_at: None,
        updated_at: at(11),
        triggering_user_name: Some("ada".into()),
        position: 1,
        last_logical_date: Some(at(0)),
    }
}

pub(crate) fn backfill_dag_run(
    backfill_id: BackfillId,
    sort_ordinal: u32,
    dag_run_id: Option<&str>,
) -> BackfillDagRun {
    BackfillDagRun {
        backfill_id,
        sort_ordinal,
        logical_date: at(0),
        dag_run_id: dag_run_id.map(Into::into),
        exception_reason: match dag_run_id {
            Some(_) => None,
            None => Some(BackfillDagRunExceptionReason::AlreadyExists),
        },
    }
}
