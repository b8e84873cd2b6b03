//! `trigger`, `runs list|show`, those that do something to runs, and `tasks`.

use serde_json::{Map, Value};

use crate::cli::args::{RunsCommand, RunsOnlyArgs, TasksArgs, TriggerArgs, TriggerCommand};
use crate::cli::columns::{self, TaskColumn};
use crate::cli::command::operate::{self, clearing, edit, operate};
use crate::cli::command::tree;
use crate::cli::command::{ask, expect_answer};
use crate::cli::env;
use crate::cli::error::CliError;
use crate::cli::output::{Output, ago, duration, fields, instant, or_dash, table};
use crate::runtime::Layout;
use crate::types::ask::{Answer, Request, RunsOnly, Trigger};
use crate::types::callback::CallbackRequest;
use crate::types::deadline::Deadline;
use crate::types::operation::Operation;
use crate::types::progress::Progress;
use crate::types::run::{DagRun, TaskInstance};
use crate::types::state::TriggeredBy;
use crate::types::time;
use crate::types::view::{RunDetailView, TaskPlace, TriggerPlan};
use crate::types::{DagRunState, Fault, TaskInstanceKey};

/// Makes the wish for a run that the arguments stand for.
pub fn wish(args: &TriggerArgs) -> Result<Trigger, CliError> {
    let conf = args.conf.as_deref().map(conf).transpose()?.unwrap_or_default();
    Ok(Trigger {
        dag_id: args.dag_id.as_str().into(),
        conf: args.over(conf),
        dag_run_id: args.run_id.as_deref().map(Into::into),
        logical_date: args.logical_date,
        note: args.note.clone(),
        triggered_by: TriggeredBy::Cli,
        user: env::user(),
        partition_key: args.partition_key.clone(),
    })
}

/// Reads what `--conf` names.
fn conf(from: &str) -> Result<Map<String, Value>, CliError> {
    let read = |what: String, read: std::io::Result<String>| {
        read.map_err(|error| Fault::not_found(format!("read {what}")).caused_by(Some(&error)))
    };
    let (what, text) = match from {
        "-" => {
            let what = "standard input".to_owned();
            (what.clone(), read(what, std::io::read_to_string(std::io::stdin()))?)
        }
        json if json.trim_start().starts_with('{') => ("`--conf`".to_owned(), json.to_owned()),
        path => {
            let what = format!("`{path}`");
            (what.clone(), read(what, std::fs::read_to_string(path))?)
        }
    };
    serde_json::from_str(&text).map_err(|error| {
        Fault::invalid(format!("read {what} as a table of JSON"))
            .caused_by(Some(&error))
            .hint("such as --conf '{\"grid\": {\"a\": 1}}'")
            .into()
    })
}

/// Returns which runs the arguments mean.
fn meant(args: RunsOnlyArgs) -> RunsOnly {
    let RunsOnlyArgs { dag, run_type, since, words } = args;
    RunsOnly { dag, run_type, within_secs: since.map(|age| age.as_secs()), words }
}

/// Triggers a run and says which; or says what it would do.
pub async fn trigger(
    layout: &Layout,
    command: TriggerCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    let wish = wish(&command.args)?;
    if command.dry_run {
        return plan(layout, wish, output).await;
    }
    let answer = ask(layout, Request::Trigger(Box::new(wish))).await?;
    let run = expect_answer!(answer, Answer::Run(run) => run, "trigger");
    output.answer(&run, |run| format!("{} {} is {}", run.dag_id, run.dag_run_id, run.state));
    Ok(0)
}

/// Says what a trigger would do; refuses params that do not fit.
async fn plan(layout: &Layout, wish: Trigger, output: &mut Output) -> Result<u8, CliError> {
    let request = Request::PlanTrigger { dag_id: wish.dag_id, conf: wish.conf };
    let plan = expect_answer!(ask(layout, request).await?, Answer::Plan(plan) => plan, "trigger");
    let plan = plan.map_err(|problems| {
        let lines = problems.iter().map(|p| format!("`{}` {}", p.param, p.message));
        Fault::invalid(lines.collect::<Vec<_>>().join("; "))
    })?;
    output.answer(&plan, planned);
    Ok(0)
}

fn planned(plan: &TriggerPlan) -> String {
    let at_most = usize::try_from(plan.max_active_runs).unwrap_or(usize::MAX);
    let begins = if plan.active_runs >= at_most {
        format!("waits: {} of {at_most} runs are under way", plan.active_runs)
    } else {
        format!("at once: {} of {at_most} runs are under way", plan.active_runs)
    };
    let mapped = plan.mapped.iter().map(|(task, count)| match count {
        Some(count) => format!("{task} × {count}"),
        None => format!("{task} × ?"),
    });
    let pools =
        plan.pools.iter().map(|need| format!("{} {}/{} free", need.pool, need.free, need.slots));
    let list = |all: Vec<String>| if all.is_empty() { "-".to_owned() } else { all.join(", ") };
    fields(&[
        ("dag", plan.dag_id.to_string()),
        ("tasks", plan.task_count.to_string()),
        ("mapped", list(mapped.collect())),
        ("pools", list(pools.collect())),
        ("usually", plan.median_duration.map_or_else(|| "-".to_owned(), duration)),
        ("begins", begins),
        ("params", Value::Object(plan.params.clone()).to_string()),
    ])
}

/// Carries out a command about runs.
pub async fn dispatch(
    layout: &Layout,
    command: RunsCommand,
    output: &mut Output,
) -> Result<u8, CliError> {
    match command {
        RunsCommand::List { dag_id, state, only, limit, offset } => {
            let dag_id = dag_id.map(Into::into);
            let only = meant(only);
            let request = Request::ListRuns { dag_id, state, only, limit, offset };
            let answer = ask(layout, request).await?;
            let (runs, total) =
                expect_answer!(answer, Answer::Runs { runs, total } => (runs, total), "runs list");
            let body = serde_json::json!({ "dag_runs": runs, "total_entries": total });
            output.answer(&body, |_| list(&runs, total));
        }
        RunsCommand::Show { dag_id, dag_run_id } => {
            let detail = detail(layout, dag_id, dag_run_id).await?;
            output.answer(&detail, show);
        }
        RunsCommand::Cancel { runs, dry_run } => {
            let wish = Operation::MarkRuns { state: DagRunState::Failed };
            return operate(layout, wish, &runs, dry_run, output).await;
        }
        RunsCommand::Clear { runs, clear } => {
            let wish = clearing(Vec::new(), &clear);
            return operate(layout, wish, &runs, clear.reach.dry_run, output).await;
        }
        RunsCommand::Mark { state, runs, dry_run } => {
            return operate(layout, Operation::MarkRuns { state }, &runs, dry_run, output).await;
        }
        RunsCommand::Note { runs, note } => {
            let wish = Operation::NoteRuns { note: edit(note) };
            return operate(layout, wish, &runs, false, output).await;
        }
        RunsCommand::Delete { runs, dry_run, yes } => {
            if !dry_run && !yes {
                let fault = Fault::invalid("runs are deleted for good: nothing was done");
                return Err(fault.hint("--dry-run lists them, --yes deletes them").into());
            }
            return operate(layout, Operation::DeleteRuns, &runs, dry_run, output).await;
        }
        RunsCommand::Callbacks { dag_id, dag_run_id } => {
            let request =
                Request::ListCallbacks { dag_id: dag_id.into(), dag_run_id: dag_run_id.into() };
            let answer = ask(layout, request).await?;
            let found = expect_answer!(answer, Answer::Callbacks(found) => found, "runs callbacks");
            output.answer(&found, |found| callbacks(found));
        }
    }
    Ok(0)
}

/// Shows the tasks of a run, or carries out a command about tasks.
pub async fn tasks(layout: &Layout, args: TasksArgs, output: &mut Output) -> Result<u8, CliError> {
    if let Some(command) = args.command {
        return operate::on_tasks(layout, command, output).await;
    }
    let (dag_id, dag_run_id) =
        (args.dag_id.unwrap_or_default(), args.dag_run_id.unwrap_or_default());
    let detail = detail(layout, dag_id, dag_run_id).await?;
    let rows: Vec<TaskRow<'_>> = detail.tasks.iter().map(|task| row_of(&detail, task)).collect();
    output.answer(&rows, |_| task_table(&detail, &args.columns));
    Ok(0)
}

/// A task instance with how its task stands among the others.
#[derive(serde::Serialize)]
struct TaskRow<'a> {
    #[serde(flatten)]
    task: &'a TaskInstance,
    #[serde(flatten)]
    place: TaskPlace,
}

fn row_of<'a>(detail: &RunDetailView, task: &'a TaskInstance) -> TaskRow<'a> {
    let place = detail.places.get(&task.key.task_id).cloned().unwrap_or_default();
    TaskRow { task, place }
}

pub(super) async fn detail(
    layout: &Layout,
    dag_id: String,
    dag_run_id: String,
) -> Result<RunDetailView, CliError> {
    let request =
        Request::ShowRun { dag_id: dag_id.into(), dag_run_id: dag_run_id.into(), packed: false };
    let answer = ask(layout, request).await?;
    Ok(*expect_answer!(answer, Answer::RunDetail(detail) => detail, "runs show"))
}

fn list(runs: &[DagRun], total: u64) -> String {
    let now = time::now();
    let row = |run: &DagRun| {
        vec![
            run.dag_id.to_string(),
            run.dag_run_id.to_string(),
            run.state.to_string(),
            match &run.partition_key {
                Some(key) => format!("{} {key}", run.run_type),
                None => run.run_type.to_string(),
            },
            ago(run.start_date),
            run.duration_secs(now).map_or_else(|| "-".to_owned(), duration),
        ]
    };
    let header = ["DAG", "RUN", "STATE", "TYPE", "STARTED", "DURATION"];
    let mut text = table(&header, runs.iter().map(row), "no runs: `dagdeck trigger DAG` makes one");
    if total > runs.len() as u64 {
        text.push_str(&format!("\n{} of {total}; more with --limit and --offset", runs.len()));
    }
    text
}

/// Draws a run with its tasks.
pub fn show(detail: &RunDetailView) -> String {
    let run = &detail.run;
    let conf = serde_json::Value::Object(run.params.clone()).to_string();
    let mut text = fields(&[
        ("dag", run.dag_id.to_string()),
        ("run", run.dag_run_id.to_string()),
        ("state", run.state.to_string()),
        ("type", run.run_type.to_string()),
        ("partition", or_dash(run.partition_key.clone())),
        ("version", run.dag_version_number.to_string()),
        ("logical date", instant(run.logical_date)),
        ("started", instant(run.start_date)),
        ("ended", instant(run.end_date)),
        ("params", conf),
        ("note", or_dash(run.note.clone())),
    ]);
    text.push_str(&deadlines(&detail.deadlines));
    text.push_str("\n\n");
    text.push_str(&tree::draw(detail));
    text
}

/// What the scheduler says of it, and what people wrote on it.
fn notes(task: &TaskInstance) -> String {
    let user_note = task.user_note.as_ref().map(|note| format!("“{note}”"));
    let both: Vec<String> = task.note.clone().into_iter().chain(user_note).collect();
    both.join(" ")
}

fn deadlines(deadlines: &[Deadline]) -> String {
    let line = |deadline: &Deadline| {
        let state = match (deadline.missed, deadline.met_at) {
            (true, _) => "missed",
            (false, Some(_)) => "met",
            (false, None) => "open",
        };
        let due = instant(Some(deadline.deadline_time));
        format!("\ndeadline      {due} ({}): {state}", deadline.reference)
    };
    deadlines.iter().map(line).collect()
}

fn callbacks(callbacks: &[CallbackRequest]) -> String {
    let row = |one: &CallbackRequest| {
        vec![
            one.id.clone(),
            or_dash(one.task_id.as_ref()),
            one.event.as_str().to_owned(),
            one.spec.action.name().to_owned(),
            one.state.as_str().to_owned(),
            format!("{}/{}", one.tries, one.spec.retries + 1),
            ago(Some(one.created_at)),
            one.error.clone().or_else(|| one.output.clone()).unwrap_or_default(),
        ]
    };
    let header = ["ID", "TASK", "EVENT", "ACTION", "STATE", "TRIES", "CREATED", "SAID"];
    table(&header, callbacks.iter().map(row), "no callbacks")
}

fn task_table(detail: &RunDetailView, further: &[TaskColumn]) -> String {
    let now = time::now();
    let has_groups = detail.places.values().any(|place| place.group_id.is_some());
    let row = |task: &TaskInstance| {
        let place = detail.places.get(&task.key.task_id);
        let name = match task.key.map_index {
            crate::types::ids::UNMAPPED => task.key.task_id.to_string(),
            index => format!("{}[{index}]", task.key.task_id),
        };
        let mark = match place {
            Some(place) if place.is_setup => " (setup)",
            Some(place) if place.is_teardown => " (teardown)",
            _ => "",
        };
        let mut row = vec![
            format!("{name}{mark}"),
            or_dash(task.state),
            format!("{}/{}", task.try_number, task.max_tries),
            task.duration_secs(now).map_or_else(|| "-".to_owned(), duration),
            task.operator.clone(),
            how_far(task, &detail.progress).unwrap_or_else(|| notes(task)),
        ];
        if has_groups {
            row.insert(1, or_dash(place.and_then(|place| place.group_id.clone())));
        }
        columns::insert(&mut row, further.iter().map(|column| column.cell(task)));
        row
    };
    let mut header = vec!["TASK", "STATE", "TRY", "DURATION", "OPERATOR", "NOTE"];
    if has_groups {
        header.insert(1, "GROUP");
    }
    columns::insert(&mut header, further.iter().map(|column| column.head()));
    table(&header, detail.tasks.iter().map(row), "no tasks")
}

/// What a running task said last: `40% third file`.
fn how_far(task: &TaskInstance, progress: &[(TaskInstanceKey, Progress)]) -> Option<String> {
    let (_, said) = progress.iter().find(|(key, _)| *key == task.key)?;
    let percent = said.fraction.map(|fraction| format!("{:.0}% ", fraction * 100.0));
    Some(format!("{}{}", percent.unwrap_or_default(), said.text).trim_end().to_owned())
}
