//! `runs clear|mark|note|delete`, `tasks clear|mark|note`, `undo` and `operations list|show`.

use crate::cli::args::{
    ClearArgs, NoteArgs, OperationsCommand, ReachArgs, TasksCommand, WhichRuns, WhichTasks,
};
use crate::cli::command::{ask, expect_answer, tasks};
use crate::cli::error::CliError;
use crate::cli::output::{Output, fields, instant, or_dash, table};
use crate::runtime::Layout;
use crate::types::Fault;
use crate::types::ask::{Answer, Request, RunsOnly};
use crate::types::ids::UNMAPPED;
use crate::types::operation::{
    ClearTasks, MarkTasks, NoteEdit, Operation, OperationDetailView, OperationLine, OperationView,
    Reach, RunMove, TaskChoice, TaskMove,
};
use crate::types::run::DagRunKey;

/// What one command may touch; the daemon refuses more.
const RUNS_MAX: u32 = 999;

/// Carries out a command about tasks.
pub async fn on_tasks(
    layout: &Layout,
    command: TasksCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    match command {
        TasksCommand::List(args) => tasks::list(layout, args, output).await,
        TasksCommand::Clear { tasks, clear } => {
            let wish = clearing(choices(&tasks)?, &clear);
            operate(layout, wish, &tasks.runs, clear.reach.dry_run, output).await
        }
        TasksCommand::Mark { state, tasks, reach } => {
            let wish = MarkTasks { tasks: choices(&tasks)?, state, reach: reach_of(&reach) };
            let wish = Operation::MarkTasks(wish);
            operate(layout, wish, &tasks.runs, reach.dry_run, output).await
        }
        TasksCommand::Note { tasks, note } => {
            let wish = Operation::NoteTasks { tasks: choices(&tasks)?, note: edit(note) };
            operate(layout, wish, &tasks.runs, false, output).await
        }
    }
}

/// Makes the wish to clear of its arguments.
pub fn clearing(tasks: Vec<TaskChoice>, args: &ClearArgs) -> Operation {
    Operation::ClearTasks(ClearTasks {
        tasks,
        reach: reach_of(&args.reach),
        only_failed: args.only_failed,
        only_running: args.only_running,
        run_on_latest_version: args.run_on_latest_version,
    })
}

/// Makes the edit of a note of its arguments.
pub fn edit(note: NoteArgs) -> NoteEdit {
    NoteEdit { text: note.text, append: note.append }
}

/// Does something to runs, and says what it touched.
pub async fn operate(
    layout: &Layout,
    operation: Operation,
    which: &WhichRuns,
    dry_run: bool,
    output: &mut Output,
) -> Result<u8, CliError> {
    let runs = named(layout, which).await?;
    let answer = ask(layout, Request::Operate { operation, runs, dry_run }).await?;
    let view = expect_answer!(answer, Answer::Operated(view) => view, "operate");
    output.answer(&view, |view| show(view));
    Ok(0)
}

/// Undoes an operation.
pub async fn undo(layout: &Layout, id: Option<i64>, output: &mut Output) -> Result<u8, CliError> {
    let answer = ask(layout, Request::Undo { id }).await?;
    let view = expect_answer!(answer, Answer::Operated(view) => view, "undo");
    output.answer(&view, |view| show(view));
    Ok(0)
}

/// Carries out a command about operations.
pub async fn operations(
    layout: &Layout,
    command: OperationsCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    match command {
        OperationsCommand::List { limit, before } => {
            let answer = ask(layout, Request::ListOperations { limit, before_id: before }).await?;
            let lines =
                expect_answer!(answer, Answer::Operations(lines) => lines, "operations list");
            output.answer(&lines, |lines| list(lines));
        }
        OperationsCommand::Show { operation_id: id } => {
            let answer = ask(layout, Request::ShowOperation { id }).await?;
            let detail =
                expect_answer!(answer, Answer::Operation(detail) => detail, "operations show");
            output.answer(&detail, |detail| in_full(detail));
        }
    }
    Ok(0)
}

/// Finds the runs that are meant.
async fn named(layout: &Layout, which: &WhichRuns) -> Result<Vec<DagRunKey>, CliError> {
    let dag_id = which.dag_id.as_ref().or(which.dag.as_ref());
    if let Some(dag_id) = dag_id
        && !which.dag_run_ids.is_empty()
    {
        let key = |run: &String| DagRunKey {
            dag_id: dag_id.as_str().into(),
            dag_run_id: run.as_str().into(),
        };
        return Ok(which.dag_run_ids.iter().map(key).collect());
    }
    if which.in_state.is_none() && which.last.is_none() {
        let fault = Fault::invalid("no run is named");
        return Err(fault.hint("give DAG RUN..., or --dag DAG --state failed --last 10").into());
    }
    let request = Request::ListRuns {
        dag_id: dag_id.map(|id| id.as_str().into()),
        state: which.in_state,
        only: RunsOnly::default(),
        limit: which.last.unwrap_or(RUNS_MAX).min(RUNS_MAX),
        offset: 0,
    };
    let answer = ask(layout, request).await?;
    let (runs, total) =
        expect_answer!(answer, Answer::Runs { runs, total } => (runs, total), "runs list");
    let is_cut = which.last.is_none() && total > u64::from(RUNS_MAX);
    if runs.is_empty() || is_cut {
        let text = format!("{total} runs fit; 1 to {RUNS_MAX} are taken at once");
        return Err(Fault::invalid(text).hint("`dagdeck runs list` shows them; see --last").into());
    }
    Ok(runs.iter().map(crate::types::run::DagRun::key).collect())
}

fn choices(which: &WhichTasks) -> Result<Vec<TaskChoice>, Fault> {
    which.tasks.iter().map(|text| choice(text)).collect()
}

/// Takes `TASK` or `TASK[3]`.
pub(super) fn choice(text: &str) -> Result<TaskChoice, Fault> {
    let Some((task, rest)) = text.split_once('[') else {
        return Ok(TaskChoice { task_id: text.into(), map_indexes: Vec::new() });
    };
    let index = rest.strip_suffix(']').and_then(|index| index.parse().ok());
    let index = index.ok_or_else(|| {
        Fault::invalid(format!("`{text}` is no task"))
            .hint("write TASK, or TASK[3] of a mapped one")
    })?;
    Ok(TaskChoice { task_id: task.into(), map_indexes: vec![index] })
}

fn reach_of(args: &ReachArgs) -> Reach {
    Reach {
        include_upstream: args.upstream,
        include_downstream: args.downstream,
        include_past: args.past,
        include_future: args.future,
    }
}

/// Lists what happened to each task; where none was touched, to each run.
fn moves(tasks: &[TaskMove], runs: &[RunMove]) -> String {
    if tasks.is_empty() {
        let row = |run: &RunMove| {
            let to = run.to.map_or_else(|| "deleted".to_owned(), |state| state.to_string());
            vec![run.dag_id.to_string(), run.dag_run_id.to_string(), run.from.to_string(), to]
        };
        return table(&["DAG", "RUN", "FROM", "TO"], runs.iter().map(row), "nothing");
    }
    let row = |task: &TaskMove| {
        let name = match task.key.map_index {
            UNMAPPED => task.key.task_id.to_string(),
            index => format!("{}[{index}]", task.key.task_id),
        };
        let run = task.key.dag_run_id.to_string();
        vec![task.key.dag_id.to_string(), run, name, word(task.from), word(task.to)]
    };
    table(&["DAG", "RUN", "TASK", "FROM", "TO"], tasks.iter().map(row), "nothing")
}

fn in_full(detail: &OperationDetailView) -> String {
    let line = &detail.line;
    let mut text = fields(&[
        ("operation", line.id.to_string()),
        ("when", instant(Some(line.when))),
        ("by", or_dash(line.owner.clone())),
        ("what", line.kind.clone()),
        ("of", line.description.clone()),
        ("undo", undo_word(line)),
    ]);
    text.push_str("\n\n");
    let Some(did) = &detail.moves else {
        text.push_str("what it did to each run and task was not kept then");
        return text;
    };
    text.push_str(&moves(&did.tasks, &did.runs));
    for (more, what) in [(did.more_tasks, "tasks"), (did.more_runs, "runs")] {
        if more > 0 {
            text.push_str(&format!("\nand {more} more {what}, which were not kept"));
        }
    }
    text
}

fn show(view: &OperationView) -> String {
    let mut text = moves(&view.tasks, &view.runs);
    let last = match (view.id, &view.final_since) {
        (None, _) => "nothing was changed: this is what would be touched".to_owned(),
        (Some(id), Some(why)) => format!("operation {id}; it cannot be undone: {why}"),
        (Some(id), None) => format!("operation {id}; `dagdeck undo {id}` takes it back"),
    };
    text.push_str("\n\n");
    text.push_str(&last);
    text
}

fn word(state: Option<crate::types::TaskInstanceState>) -> String {
    state.map_or_else(|| "no status".to_owned(), |state| state.to_string())
}

fn undo_word(line: &OperationLine) -> String {
    match (line.undone_by, &line.final_since) {
        (Some(by), _) => format!("undone by {by}"),
        (None, Some(why)) => format!("no: {why}"),
        (None, None) => "may be undone".to_owned(),
    }
}

fn list(lines: &[OperationLine]) -> String {
    let row = |line: &OperationLine| {
        vec![
            line.id.to_string(),
            instant(Some(line.when)),
            or_dash(line.owner.clone()),
            line.kind.clone(),
            line.description.clone(),
            undo_word(line),
        ]
    };
    let header = ["ID", "WHEN", "BY", "WHAT", "OF", "UNDO"];
    table(&header, lines.iter().map(row), "nothing was done to runs yet")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_or_one_element_of_it_is_named() {
        assert_eq!(choice("a").unwrap().map_indexes, Vec::<i32>::new());
        let one = choice("a[3]").unwrap();
        assert_eq!((one.task_id.as_str(), one.map_indexes), ("a", vec![3]));
        for slip in ["a[", "a[x]", "a[1"] {
            assert!(choice(slip).is_err(), "{slip}");
        }
    }
}
