//! `dags list|show|versions|diff|pause|unpause`.

use crate::cli::args::DagsCommand;
use crate::cli::command::graph::{self, Graph};
use crate::cli::command::{ask, expect_answer, runs};
use crate::cli::error::CliError;
use crate::cli::output::{Output, ago, duration, fields, instant, or_dash, table};
use crate::runtime::Layout;
use crate::types::DagRunState;
use crate::types::ask::{Answer, Request};
use crate::types::view::{DagDetailView, DagDiffView, DagVersionView, DagView};

/// Carries out a command about DAGs.
pub async fn dispatch(
    layout: &Layout,
    command: DagsCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    match command {
        DagsCommand::List => {
            let answer = ask(layout, Request::ListDags).await?;
            let dags = expect_answer!(answer, Answer::Dags(dags) => dags, "dags list");
            output.answer(&dags, |dags| list(dags));
        }
        DagsCommand::Show { dag_id } => {
            let answer = ask(layout, Request::ShowDag { dag_id: dag_id.into() }).await?;
            let dag = expect_answer!(answer, Answer::Dag(dag) => dag, "dags show");
            output.answer(&dag, |dag| show(dag));
        }
        DagsCommand::Graph { dag_id, run: None, format } => {
            let answer = ask(layout, Request::ShowDag { dag_id: dag_id.into() }).await?;
            let dag = expect_answer!(answer, Answer::Dag(dag) => dag, "dags graph");
            let graph = Graph::of_dag(&dag);
            output.answer(&graph, |graph| graph.written(format));
        }
        DagsCommand::Graph { dag_id, run: Some(run), format } => {
            let graph = Graph::of_run(&runs::detail(layout, dag_id, run).await?);
            output.answer(&graph, |graph| graph.written(format));
        }
        DagsCommand::Grid { dag_id, limit, around } => {
            let around = around.map(Into::into);
            let request = Request::ShowGrid { dag_id: dag_id.into(), limit, around };
            let answer = ask(layout, request).await?;
            let found = expect_answer!(answer, Answer::Grid(grid) => grid, "dags grid");
            output.answer(&found, |found| graph::grid(found));
        }
        DagsCommand::Versions { dag_id, limit } => {
            let request = Request::ListDagVersions { dag_id: dag_id.into(), limit };
            let answer = ask(layout, request).await?;
            let versions =
                expect_answer!(answer, Answer::DagVersions(found) => found, "dags versions");
            output.answer(&versions, |versions| version_table(versions));
        }
        DagsCommand::Diff { dag_id, from, to } => {
            let request = Request::DiffDagVersions { dag_id: dag_id.into(), from, to };
            let answer = ask(layout, request).await?;
            let diff = expect_answer!(answer, Answer::DagDiff(diff) => diff, "dags diff");
            output.answer(&diff, difference);
        }
        DagsCommand::Pause { dag_id } => set_paused(layout, dag_id, true, output).await?,
        DagsCommand::Unpause { dag_id } => set_paused(layout, dag_id, false, output).await?,
    }
    Ok(0)
}

async fn set_paused(
    layout: &Layout,
    dag_id: String,
    is_paused: bool,
    output: &mut Output,
) -> Result<(), CliError> {
    let request = Request::SetPaused { dag_id: dag_id.as_str().into(), is_paused };
    ask(layout, request).await?;
    let body = serde_json::json!({ "dag_id": dag_id, "is_paused": is_paused });
    let word = if is_paused { "paused" } else { "scheduled again" };
    output.answer(&body, |_| format!("{dag_id} is {word}"));
    Ok(())
}

fn version_table(versions: &[DagVersionView]) -> String {
    let row = |version: &DagVersionView| {
        vec![
            version.version_number.to_string(),
            instant(Some(version.created_at)),
            version.dag_version.clone(),
            format!("{}:{}", version.fileloc, version.line),
        ]
    };
    table(&["VERSION", "SINCE", "DIGEST", "DEFINED AT"], versions.iter().map(row), "no versions")
}

/// What is written in the file says more; what is inherited shows in the definition only.
fn difference(diff: &DagDiffView) -> String {
    match (diff.source.is_empty(), diff.definition.is_empty()) {
        (false, _) => diff.source.clone(),
        (true, false) => {
            let head = "its own tables are the same; what it inherits differs:";
            format!("{head}\n{}", diff.definition)
        }
        (true, true) => format!("versions {} and {} are the same", diff.from, diff.to),
    }
}

fn list(dags: &[DagView]) -> String {
    let row = |dag: &DagView| {
        let last = dag.recent_runs.last();
        vec![
            dag.dag_id.to_string(),
            state_word(dag).to_owned(),
            dag.timetable_summary.clone(),
            ago(last.and_then(|run| run.start_date)),
            dag.median_duration.map_or_else(|| "-".to_owned(), duration),
            if dag.is_paused { "-".to_owned() } else { ago(dag.next_run_after) },
            dag.tags.join(","),
        ]
    };
    let header = ["DAG", "LAST RUN", "SCHEDULE", "STARTED", "MEDIAN", "NEXT", "TAGS"];
    table(&header, dags.iter().map(row), "no DAGs: add one to dags.toml")
}

fn state_word(dag: &DagView) -> &'static str {
    match dag.recent_runs.last() {
        _ if dag.is_stale => "removed",
        _ if dag.is_paused => "paused",
        Some(run) => DagRunState::as_str(run.state),
        None => "-",
    }
}

fn show(detail: &DagDetailView) -> String {
    let dag = &detail.dag;
    let mut text = fields(&[
        ("dag", dag.dag_id.to_string()),
        ("description", or_dash(dag.description.clone())),
        ("schedule", dag.timetable_summary.clone()),
        ("paused", dag.is_paused.to_string()),
        ("next run", ago(dag.next_run_after)),
        ("defined at", format!("{}:{}", detail.fileloc, detail.line)),
        ("version", detail.dag_version.clone()),
        ("params", serde_json::Value::Object(detail.params.clone()).to_string()),
    ]);
    let rows = detail.tasks.iter().map(|task| {
        let upstream: Vec<&str> = task.upstream_task_ids.iter().map(AsRef::as_ref).collect();
        vec![
            task.task_id.to_string(),
            task.operator.clone(),
            if upstream.is_empty() { "-".to_owned() } else { upstream.join(",") },
            task.trigger_rule.clone(),
            task.retries.to_string(),
        ]
    });
    text.push_str("\n\n");
    text.push_str(&table(
        &["TASK", "OPERATOR", "AFTER", "TRIGGER RULE", "RETRIES"],
        rows,
        "no tasks",
    ));
    text
}
