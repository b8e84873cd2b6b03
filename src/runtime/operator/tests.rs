//! A bench for operators that run in a process: real files in a scratch project.

#[path = "../../../tests/it/support/peer.rs"]
pub(crate) mod peer;
#[path = "../../../tests/it/support/postgres.rs"]
mod postgres;
mod story;
pub(super) mod warehouse;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value};

use crate::connection::OpenConnection;
use crate::runtime::attempt::{Order, Private};
use crate::runtime::operator::run_in_process;
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;
use crate::types::ids::UNMAPPED;
use crate::types::{AttemptKey, TaskInstanceKey};

/// One attempt of the task `work`.
pub(crate) struct Bench {
    pub(super) order: Order,
    pub(super) private: Private,
    _scratch: tempfile::TempDir,
}

/// Makes an order of an operator in a project.
pub(super) fn order(operator: &str, project: &Path) -> Order {
    let run_folder = project.join(".dagdeck/runs/d/r");
    let folder = run_folder.join("work/-1/1");
    std::fs::create_dir_all(&folder).unwrap();
    Order {
        key: AttemptKey {
            task: TaskInstanceKey {
                dag_id: "d".into(),
                dag_run_id: "r".into(),
                task_id: "work".into(),
                map_index: UNMAPPED,
            },
            try_number: 1,
        },
        token: "t1".into(),
        operator: operator.to_owned(),
        args: Map::new(),
        env: IndexMap::new(),
        project: project.to_path_buf(),
        folder,
        run_folder,
        execution_timeout_secs: None,
        inlets: Vec::new(),
        outlets: Vec::new(),
        dataset: None,
        connections: Vec::new(),
        triggering_asset_events: Vec::new(),
        user: "ada".into(),
        slurm: None,
        xcom: crate::dag::spec::XcomLimits::default(),
        limits: crate::dag::limits::TaskLimits::default(),
        context: None,
        system_metrics_secs: None,
    }
}

impl Bench {
    pub(super) fn new(operator: &str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let project = scratch.path().canonicalize().unwrap();
        let order = order(operator, &project);
        Self { order, private: Private::default(), _scratch: scratch }
    }

    pub(super) fn project(&self) -> PathBuf {
        self.order.project.clone()
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.project().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(super) fn connect(&mut self, name: &str, url: &str) {
        let options = std::collections::BTreeMap::new();
        let connection = OpenConnection { name: name.into(), url: url.into(), options };
        self.private.connections.insert(name.into(), connection);
    }

    #[allow(clippy::needless_pass_by_value, reason = "`json!` reads best where it is called")]
    pub(super) fn run(&self, args: Value) -> Outcome {
        let order = Order { args: args.as_object().unwrap().clone(), ..self.order.clone() };
        let log = TaskLog::open(&order.folder, self.private.mask.clone()).unwrap();
        run_in_process(&order, &self.private, &Arc::new(log))
    }

    pub(super) fn is_fatal(&self, args: Value, words: &str) {
        match self.run(args) {
            Outcome::Failed { error, retryable: false, .. } => {
                assert!(error.contains(words), "`{error}` does not contain `{words}`");
            }
            other => panic!("{other:?} is not fatal"),
        }
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.order.folder.join("task.log")).unwrap_or_default()
    }

    /// Runs statements on the run's tables.
    pub(super) fn tables(&self, sql: &str) {
        let tables = Connection::open(self.order.run_folder.join("tables.db")).unwrap();
        tables.execute_batch(sql).unwrap();
    }

    pub(super) fn rows(&self, sql: &str) -> Vec<String> {
        rows(&self.order.run_folder.join("tables.db"), sql)
    }

    pub(super) fn rows_of(&self, database: &str, sql: &str) -> Vec<String> {
        rows(&self.project().join(database), sql)
    }
}

fn rows(database: &Path, sql: &str) -> Vec<String> {
    let database = Connection::open(database).unwrap();
    let mut statement = database.prepare(sql).unwrap();
    let width = statement.column_count();
    let rows = statement.query_map([], |row| {
        let fields: Vec<_> = (0..width).map(|at| text(row.get_ref(at).unwrap())).collect();
        Ok(fields.join("|"))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(_) => "blob".to_owned(),
    }
}

#[test]
fn an_operator_that_runs_elsewhere_is_refused() {
    Bench::new("branch").is_fatal(serde_json::json!({}), "`branch` runs inside the daemon");
    Bench::new("bash").is_fatal(serde_json::json!({}), "there is no operator `bash`");
}
