//! `tasks list`: task instances across runs.

use crate::cli::args::TaskListArgs;
use crate::cli::columns::{self, TaskColumn};
use crate::cli::command::{ask, expect_answer};
use crate::cli::error::CliError;
use crate::cli::output::{Output, ago, duration, or_dash, table};
use crate::runtime::Layout;
use crate::types::ask::{Answer, Request, TaskInstanceQuery};
use crate::types::run::TaskInstance;
use crate::types::{ids, time};

/// Lists a page of them.
pub async fn list(
    layout: &Layout,
    args: TaskListArgs,
    output: &mut Output,
) -> Result<u8, CliError> {
    let columns = args.columns.clone();
    let answer = ask(layout, Request::ListTaskInstances(query(args))).await?;
    let (tasks, next) = expect_answer!(
        answer,
        Answer::TaskInstances { task_instances, next } => (task_instances, next),
        "tasks list"
    );
    let body = serde_json::json!({ "task_instances": tasks, "next": next });
    output.answer(&body, |_| page(&tasks, &columns, next));
    Ok(0)
}

fn query(args: TaskListArgs) -> TaskInstanceQuery {
    TaskInstanceQuery {
        dag_id: args.dag.map(Into::into),
        task_id: args.task.map(Into::into),
        state: args.state,
        pool: args.pool,
        operator: args.operator,
        limit: args.limit,
        before: args.before,
    }
}

fn page(tasks: &[TaskInstance], further: &[TaskColumn], next: Option<i64>) -> String {
    let now = time::now();
    let row = |task: &TaskInstance| {
        let name = match task.key.map_index {
            ids::UNMAPPED => task.key.task_id.to_string(),
            index => format!("{}[{index}]", task.key.task_id),
        };
        let mut row = vec![
            task.key.dag_id.to_string(),
            task.key.dag_run_id.to_string(),
            name,
            or_dash(task.state),
            ago(task.start_date),
            task.duration_secs(now).map_or_else(|| "-".to_owned(), duration),
            task.note.clone().unwrap_or_default(),
        ];
        columns::insert(&mut row, further.iter().map(|column| column.cell(task)));
        row
    };
    let mut header = vec!["DAG", "RUN", "TASK", "STATE", "STARTED", "DURATION", "NOTE"];
    columns::insert(&mut header, further.iter().map(|column| column.head()));
    let mut text = table(&header, tasks.iter().map(row), "no task instances");
    if let Some(next) = next {
        text.push_str(&format!("\nmore with --before {next}"));
    }
    text
}
