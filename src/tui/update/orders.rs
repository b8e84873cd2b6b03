//! Keeps the command log: every order that leaves the deck, with the command that does the same.

use serde_json::{Map, Value};

use crate::message::{Effect, Purpose};
use crate::state::State;
use crate::state::commands::Outcome;
use crate::text::shell;
use crate::types::Fault;
use crate::types::ask::{Answer, Request, Trigger};
use crate::types::backfill::BackfillSpec;
use crate::types::operation::{Operation, Reach, TaskChoice};
use crate::types::run::DagRunKey;

/// Notes the orders among what is to be done.
pub(crate) fn note(state: &mut State, effects: &[Effect]) {
    for effect in effects {
        if let Effect::Ask { purpose: Purpose::Act(_), generation, request } = effect
            && request.changes_state()
        {
            state.orders.given(*generation, state.now, command(request));
        }
    }
}

/// Notes how one ended.
pub(crate) fn ended(state: &mut State, generation: u64, result: &Result<Answer, Fault>) {
    let outcome = match result {
        Ok(_) => Outcome::Done,
        Err(fault) => Outcome::Refused(fault.to_string()),
    };
    state.orders.ended(generation, outcome);
}

/// Returns the command that does the same as a request.
pub(crate) fn command(request: &Request) -> String {
    let of_run = |dag_id: &str, run: &str| format!("{} {}", shell(dag_id), shell(run));
    match request {
        Request::Shutdown => "dagdeck down".to_owned(),
        Request::SetPaused { dag_id, is_paused } => {
            let verb = if *is_paused { "pause" } else { "unpause" };
            format!("dagdeck dags {verb} {}", shell(dag_id.as_str()))
        }
        Request::Trigger(trigger) => triggered(trigger),
        Request::CancelRun { dag_id, dag_run_id } => {
            format!("dagdeck runs cancel {}", of_run(dag_id.as_str(), dag_run_id.as_str()))
        }
        Request::Operate { operation, runs, .. } => operated(operation, runs),
        Request::Undo { id } => match id {
            Some(id) => format!("dagdeck undo {id}"),
            None => "dagdeck undo".to_owned(),
        },
        Request::CreateBackfill(spec) => backfill(spec),
        Request::SetBackfillPaused { backfill_id, is_paused } => {
            let verb = if *is_paused { "pause" } else { "unpause" };
            format!("dagdeck backfill {verb} {backfill_id}")
        }
        Request::CancelBackfill { backfill_id } => format!("dagdeck backfill cancel {backfill_id}"),
        Request::AnswerApproval(response) => {
            let key = &response.key;
            let mut line = format!(
                "dagdeck approvals answer {} {}",
                of_run(key.dag_id.as_str(), key.dag_run_id.as_str()),
                shell(key.task_id.as_str())
            );
            if key.map_index >= 0 {
                line.push_str(&format!(" --map-index {}", key.map_index));
            }
            for choice in &response.chosen_options {
                line.push_str(&format!(" --choose {}", shell(choice)));
            }
            line + &params(&response.params_input)
        }
        Request::EmitAsset { name, .. } => {
            format!("dagdeck assets emit {}", shell(name.as_str()))
        }
        Request::Promote { name, version, alias, .. } => {
            format!("dagdeck models promote {} {version} --alias {}", shell(name), shell(alias))
        }
        Request::Rollback { name, alias, .. } => {
            format!("dagdeck models rollback {} --alias {}", shell(name), shell(alias))
        }
        Request::SetVariables { variables } => {
            each(variables.iter().map(|one| {
                format!("dagdeck variables set {} {}", shell(&one.key), shell(&one.value))
            }))
        }
        Request::DeleteVariable { key } => format!("dagdeck variables delete {}", shell(key)),
        Request::SetConnections { connections } => each(connections.iter().map(|one| {
            format!("dagdeck connections set {} {}", shell(&one.conn_id), shell(&one.url))
        })),
        Request::DeleteConnection { conn_id } => {
            format!("dagdeck connections delete {}", shell(conn_id))
        }
        Request::SetPools { pools } => each(
            pools.iter().map(|one| format!("dagdeck pools set {} {}", shell(&one.pool), one.slots)),
        ),
        Request::DeletePool { pool } => format!("dagdeck pools delete {}", shell(pool)),
        Request::ReplaceWorker => "dagdeck executors restart local".to_owned(),
        Request::Prune(_) => "dagdeck prune".to_owned(),
        other => {
            // Named as the protocol does: there is no command of its own for it.
            let name = format!("{other:?}");
            name.split([' ', '(']).next().unwrap_or_default().to_owned()
        }
    }
}

fn each(commands: impl Iterator<Item = String>) -> String {
    commands.collect::<Vec<_>>().join("; ")
}

fn params(given: &Map<String, Value>) -> String {
    let one = |(name, value): (&String, &Value)| {
        let value = match value {
            // A text that reads as JSON would be taken as such: it keeps its quotes.
            Value::String(text) if serde_json::from_str::<Value>(text).is_err() => text.clone(),
            other => other.to_string(),
        };
        format!(" -p {}", shell(&format!("{name}={value}")))
    };
    given.iter().map(one).collect()
}

fn triggered(trigger: &Trigger) -> String {
    let mut line = format!("dagdeck trigger {}", shell(trigger.dag_id.as_str()));
    line.push_str(&params(&trigger.conf));
    if let Some(run) = &trigger.dag_run_id {
        line.push_str(&format!(" --run-id {}", shell(run.as_str())));
    }
    if let Some(date) = &trigger.logical_date {
        line.push_str(&format!(" --logical-date {date}"));
    }
    if let Some(note) = &trigger.note {
        line.push_str(&format!(" --note {}", shell(note)));
    }
    line
}

fn backfill(spec: &BackfillSpec) -> String {
    let backwards = if spec.run_backwards { " --run-backwards" } else { "" };
    format!(
        "dagdeck backfill create {} --from-date {} --to-date {} --reprocess {}{backwards} \
         --max-active-runs {}",
        shell(spec.dag_id.as_str()),
        spec.from_date,
        spec.to_date,
        spec.reprocess_behavior,
        spec.max_active_runs
    )
}

/// Runs of several DAGs take a command for each.
fn operated(operation: &Operation, runs: &[DagRunKey]) -> String {
    let mut left = runs.to_vec();
    left.sort();
    each(left.chunk_by(|one, other| one.dag_id == other.dag_id).map(|runs| {
        let ids = runs.iter().map(|key| format!(" {}", shell(key.dag_run_id.as_str())));
        let of = runs.first().map_or(String::new(), |key| shell(key.dag_id.as_str()));
        let of = of + &ids.collect::<String>();
        match operation {
            Operation::ClearTasks(clear) => {
                let failed = if clear.only_failed { " --only-failed" } else { "" };
                let latest =
                    if clear.run_on_latest_version { " --run-on-latest-version" } else { "" };
                let reach = reach(clear.reach);
                format!("dagdeck tasks clear {of}{}{reach}{failed}{latest}", tasks(&clear.tasks))
            }
            Operation::MarkTasks(mark) => {
                let (tasks, reach) = (tasks(&mark.tasks), reach(mark.reach));
                format!("dagdeck tasks mark {} {of}{tasks}{reach}", mark.state)
            }
            Operation::MarkRuns { state } => format!("dagdeck runs mark {state} {of}"),
            Operation::NoteRuns { note } => {
                let append = if note.append { " --append" } else { "" };
                format!("dagdeck runs note {of} --text {}{append}", shell(&note.text))
            }
            Operation::NoteTasks { tasks: chosen, note } => {
                let append = if note.append { " --append" } else { "" };
                let tasks = tasks(chosen);
                format!("dagdeck tasks note {of}{tasks} --text {}{append}", shell(&note.text))
            }
            Operation::DeleteRuns => format!("dagdeck runs delete {of} --yes"),
        }
    }))
}

fn tasks(chosen: &[TaskChoice]) -> String {
    let one = |choice: &TaskChoice| {
        let name = choice.task_id.as_str();
        match choice.map_indexes.as_slice() {
            [] => format!(" --task {}", shell(name)),
            indexes => indexes
                .iter()
                .map(|index| format!(" --task {}", shell(&format!("{name}[{index}]"))))
                .collect(),
        }
    };
    chosen.iter().map(one).collect()
}

fn reach(reach: Reach) -> String {
    let flag = |is_on: bool, flag: &str| if is_on { format!(" --{flag}") } else { String::new() };
    [
        flag(reach.include_upstream, "upstream"),
        flag(reach.include_downstream, "downstream"),
        flag(reach.include_past, "past"),
        flag(reach.include_future, "future"),
    ]
    .concat()
}
