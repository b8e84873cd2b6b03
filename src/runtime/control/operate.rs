//! What people do to runs, one or many: the rows of those that have ended are read from the
//! store, and the engine does all of it in one step. One operation at a time, so that the rows
//! that were read are still the present ones when they are used.

use std::collections::BTreeSet;

use crate::runtime::control::{ControlParts, find, runs, user};
use crate::sched::input::{Operate, Undo};
use crate::sched::state::EndedRun;
use crate::sched::{Command, Input, Rejected, Reply};
use crate::store::{StoreError, dag_run, operation, recover};
use crate::types::ask::Answer;
use crate::types::operation::{ClearTasks, Operation, OperationView, Reach, TaskChoice};
use crate::types::run::{DagRun, DagRunKey};
use crate::types::{AttemptKey, DagId, DagRunId, DagRunState, Fault, FaultKind, TaskId};

/// How many runs one operation may touch: all of their rows are in memory for it.
const RUNS_MAX: usize = 1000;

/// Does something to runs, or says what it would touch.
pub(super) async fn operate(
    parts: &ControlParts,
    operation: Operation,
    runs: Vec<DagRunKey>,
    dry_run: bool,
) -> Result<OperationView, Fault> {
    if runs.is_empty() {
        return Err(Fault::invalid("no run is named").hint("name a DAG and its run"));
    }
    let _one_at_a_time = parts.operating.lock().await;
    let runs = all_meant(parts, runs, operation.reach()).await?;
    let wish = |ended| Operate {
        operation: operation.clone(),
        runs: runs.clone(),
        ended,
        user: Some(user::name()),
        dry_run,
    };
    let ended = read_ended(parts, &runs, operation.needs_tasks()).await?;
    let asked = ask(parts, Command::Operate(wish(ended))).await;
    match asked {
        // One of them has ended between the look and the wish: once more, with its rows.
        Err(fault) if fault.kind == FaultKind::NotFound => {
            let ended = read_ended(parts, &runs, operation.needs_tasks()).await?;
            ask(parts, Command::Operate(wish(ended))).await
        }
        answer => answer,
    }
}

/// Undoes an operation; without `id` the last one.
pub(super) async fn undo(parts: &ControlParts, id: Option<i64>) -> Result<OperationView, Fault> {
    let _one_at_a_time = parts.operating.lock().await;
    let found = parts.read(move |conn| operation::get(conn, id)).await?;
    let Some(found) = found else {
        let nothing = || {
            let fault = Fault::not_found("there is nothing to undo");
            fault.hint("`dagdeck operations list` shows what was done")
        };
        return Err(id.map_or_else(nothing, no_operation));
    };
    let line = found.line;
    let refuse = |why: String| {
        Err(Fault::conflict(format!(
            "operation {} ({}) cannot be undone: {why}",
            line.id, line.kind
        )))
    };
    if let Some(by) = line.undone_by {
        return refuse(format!("operation {by} has undone it"));
    }
    let Some(images) = found.images.filter(|_| line.final_since.is_none()) else {
        return refuse(line.final_since.clone().unwrap_or_else(|| "too little is known".into()));
    };
    let keys: Vec<DagRunKey> = images.runs_before.iter().map(DagRun::key).collect();
    let present = parts.read(move |conn| ended_rows(conn, &keys, true)).await?;
    let wish = Undo {
        id: line.id,
        is_note: line.kind.starts_with("note"),
        images: Box::new(images),
        ended: present,
        user: Some(user::name()),
    };
    ask(parts, Command::Undo(wish)).await
}

/// Returns the last operations, newest first.
pub(super) async fn list(
    parts: &ControlParts,
    limit: u32,
    before_id: Option<i64>,
) -> Result<Answer, Fault> {
    let limit = limit.min(find::PAGE_LEN_MAX);
    let lines = parts.read(move |conn| operation::list(conn, limit, before_id)).await?;
    Ok(Answer::Operations(lines))
}

/// Returns one with what it did to each run and task.
pub(super) async fn show(parts: &ControlParts, id: i64) -> Result<Answer, Fault> {
    let found = parts.read(move |conn| operation::detail(conn, id)).await?;
    let found = found.ok_or_else(|| no_operation(id))?;
    Ok(Answer::Operation(Box::new(found)))
}

fn no_operation(id: i64) -> Fault {
    let text = format!("there is no operation {id}");
    Fault::not_found(text).hint("`dagdeck operations list` shows what was done")
}

/// Clears tasks of one run.
pub(super) async fn clear(
    parts: &ControlParts,
    run: DagRunKey,
    task_ids: Vec<TaskId>,
    (only_failed, include_downstream): (bool, bool),
) -> Result<Answer, Fault> {
    let choice = |task_id| TaskChoice { task_id, map_indexes: Vec::new() };
    let wish = ClearTasks {
        tasks: task_ids.into_iter().map(choice).collect(),
        reach: Reach { include_downstream, ..Reach::default() },
        only_failed,
        ..ClearTasks::default()
    };
    let view = operate(parts, Operation::ClearTasks(wish), vec![run], false).await?;
    let cleared = view.tasks.into_iter();
    let cleared = cleared.map(|task| AttemptKey { task: task.key, try_number: task.try_number });
    Ok(Answer::Cleared(cleared.collect()))
}

/// Ends a run as failed.
pub(super) async fn cancel(
    parts: &ControlParts,
    dag_id: DagId,
    dag_run_id: DagRunId,
) -> Result<Answer, Fault> {
    let key = DagRunKey { dag_id, dag_run_id };
    let run = runs::get(parts, &key).await?;
    if run.state.is_finished() {
        let dag_run_id = key.dag_run_id;
        return Err(Rejected::RunEnded { dag_run_id, state: run.state.to_string() }.into());
    }
    let wish = Operation::MarkRuns { state: DagRunState::Failed };
    operate(parts, wish, vec![key.clone()], false).await?;
    runs::get(parts, &key).await.map(|run| Answer::Run(Box::new(run)))
}

async fn ask(parts: &ControlParts, command: Command) -> Result<OperationView, Fault> {
    match parts.handle.ask(Input::Command(command)).await? {
        Reply::Operated(view) => Ok(*view),
        _ => Err(Fault::new(FaultKind::Internal, "the engine's answer makes no sense")),
    }
}

/// Adds the runs of the past and the future that are meant too.
async fn all_meant(
    parts: &ControlParts,
    runs: Vec<DagRunKey>,
    reach: Reach,
) -> Result<Vec<DagRunKey>, Fault> {
    let mut seen = BTreeSet::new();
    let mut all: Vec<DagRunKey> = runs.into_iter().filter(|key| seen.insert(key.clone())).collect();
    if reach.include_past || reach.include_future {
        for key in all.clone() {
            let run = runs::get(parts, &key).await?;
            let directions = (reach.include_past, reach.include_future);
            let limit = u32::try_from(RUNS_MAX).unwrap_or(u32::MAX);
            let read =
                move |conn: &rusqlite::Connection| dag_run::around(conn, &run, directions, limit);
            let around = parts.read(read).await?;
            all.extend(around.into_iter().filter(|key| seen.insert(key.clone())));
        }
    }
    if all.len() >= RUNS_MAX {
        let text =
            format!("{} runs and perhaps more are meant; {} at once", all.len(), RUNS_MAX - 1);
        return Err(Fault::invalid(text).hint("name fewer runs, or less of the past and future"));
    }
    Ok(all)
}

/// Reads the rows of those that have ended; refuses one that there is not.
async fn read_ended(
    parts: &ControlParts,
    keys: &[DagRunKey],
    with_tasks: bool,
) -> Result<Vec<EndedRun>, Fault> {
    let wanted = keys.to_vec();
    let missing = parts.read(move |conn| first_missing(conn, &wanted)).await?;
    if let Some(key) = missing {
        return Err(find::no_run(&parts.live(), &key));
    }
    let wanted = keys.to_vec();
    parts.read(move |conn| ended_rows(conn, &wanted, with_tasks)).await
}

fn first_missing(
    conn: &rusqlite::Connection,
    keys: &[DagRunKey],
) -> Result<Option<DagRunKey>, StoreError> {
    for key in keys {
        if dag_run::get(conn, &key.dag_id, &key.dag_run_id)?.is_none() {
            return Ok(Some(key.clone()));
        }
    }
    Ok(None)
}

fn ended_rows(
    conn: &rusqlite::Connection,
    keys: &[DagRunKey],
    with_tasks: bool,
) -> Result<Vec<EndedRun>, StoreError> {
    let mut ended = Vec::new();
    for key in keys {
        let run = dag_run::get(conn, &key.dag_id, &key.dag_run_id)?;
        let Some(run) = run.filter(|run| run.state.is_finished()) else { continue };
        ended.push(match with_tasks {
            true => recover::run(conn, run)?,
            false => {
                let (tasks, triggering_asset_events, maps) = (Vec::new(), Vec::new(), Vec::new());
                EndedRun { run, dag: None, tasks, triggering_asset_events, maps }
            }
        });
    }
    Ok(ended)
}
