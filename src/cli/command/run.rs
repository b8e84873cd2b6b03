//! `run`: one run in the foreground, with the same engine, for CI and cron. Where the project's
//! daemon runs it is asked; else one lives in this process for as long as the run takes.

use std::collections::HashMap;
use std::time::Duration;

use crate::cli::args::TriggerArgs;
use crate::cli::command::{daemon, expect_answer, runs};
use crate::cli::error::CliError;
use crate::cli::logging;
use crate::cli::output::{Output, duration};
use crate::client::{Client, Events};
use crate::daemon::Daemon;
use crate::runtime::Layout;
use crate::types::ask::{Answer, Request};
use crate::types::event::{Event, NumberedEvent};
use crate::types::ids::UNMAPPED;
use crate::types::run::{DagRun, TaskInstance};
use crate::types::view::RunDetailView;
use crate::types::{DagRunState, TaskInstanceKey, TaskInstanceState, time};

/// How often a run is looked at of which nothing is heard.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Within this, what happens is told together.
const TOGETHER: Duration = Duration::from_millis(100);

/// Runs a DAG and returns 0 where it succeeded, 1 where it failed.
pub async fn run(layout: &Layout, args: TriggerArgs, output: &mut Output) -> Result<u8, CliError> {
    if let Ok(client) = Client::connect(&layout.socket()).await {
        return foreground(&client, &args, output).await;
    }
    daemon::require_project(layout)?;
    let _guard = logging::start(layout, "daemon")?;
    // No listeners beside the socket: this daemon is gone when the run is over.
    let options = daemon::options(layout, None, Some("127.0.0.1:0".to_owned()))?;
    let daemon = Daemon::start(options).await?;
    let client = daemon.client();
    let (done, until) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(daemon.run_until(async move {
        let _ = until.await;
    }));
    let result = tokio::select! {
        result = foreground(&client, &args, output) => result,
        () = daemon::told_to_stop() => Ok(130),
    };
    let _ = done.send(());
    match serving.await {
        Ok(stopped) => stopped?,
        Err(error) => return Err(crate::types::Fault::internal(&error).into()),
    }
    result
}

async fn foreground(
    client: &Client,
    args: &TriggerArgs,
    output: &mut Output,
) -> Result<u8, CliError> {
    let mut events = client.events().await?;
    let answer = client.ask(Request::Trigger(Box::new(runs::wish(args)?))).await?;
    let run = expect_answer!(answer, Answer::Run(run) => run, "run");
    output.say(&format!("{} {}", run.dag_id, run.dag_run_id));
    let mut seen = Seen::default();
    loop {
        let request = Request::ShowRun {
            dag_id: run.dag_id.clone(),
            dag_run_id: run.dag_run_id.clone(),
            packed: false,
        };
        let detail =
            expect_answer!(client.ask(request).await?, Answer::RunDetail(detail) => detail, "run");
        for line in seen.news(&detail) {
            output.say(&line);
        }
        if detail.run.state.is_finished() {
            return Ok(finish(&detail, output));
        }
        until_worth_a_look(&mut events, &run).await;
    }
}

/// Waits for an event, and for those that come with it: of a run of a thousand tasks each look
/// costs as much as a task. The end of the run is told at once.
async fn until_worth_a_look(events: &mut Events, run: &DagRun) {
    let is_end = |told: Option<NumberedEvent>| match told.map(|told| told.event) {
        Some(Event::DagRunChanged { dag_id, dag_run_id, state }) => {
            state.is_finished() && dag_id == run.dag_id && dag_run_id == run.dag_run_id
        }
        Some(Event::Resync) | None => true,
        Some(_) => false,
    };
    // Makes good an event that was missed.
    let Ok(first) = tokio::time::timeout(LOOK_EVERY, events.next()).await else { return };
    if is_end(first) {
        return;
    }
    let end = async { while !is_end(events.next().await) {} };
    let _ = tokio::time::timeout(TOGETHER, end).await;
}

fn finish(detail: &RunDetailView, output: &mut Output) -> u8 {
    let run = &detail.run;
    let took = run.duration_secs(time::now()).map_or_else(|| "-".to_owned(), duration);
    if output.is_json() {
        output.answer(detail, |_| String::new());
    } else {
        output.say(&format!("{} {} in {took}", run.dag_id, run.state));
    }
    match run.state {
        DagRunState::Success => 0,
        DagRunState::Queued | DagRunState::Running | DagRunState::Failed => 1,
    }
}

/// What has been said already.
#[derive(Debug, Default)]
struct Seen(HashMap<TaskInstanceKey, (Option<TaskInstanceState>, u32)>);

impl Seen {
    /// Returns a line for each task whose state or try is new.
    fn news(&mut self, detail: &RunDetailView) -> Vec<String> {
        let mut lines = Vec::new();
        for task in &detail.tasks {
            let now = (task.state, task.try_number);
            let before = self.0.insert(task.key.clone(), now);
            if before != Some(now) {
                lines.extend(line(task));
            }
        }
        lines
    }
}

fn line(task: &TaskInstance) -> Option<String> {
    let state = task.state?;
    if matches!(state, TaskInstanceState::Scheduled | TaskInstanceState::Queued) {
        return None;
    }
    let mut name = task.key.task_id.to_string();
    if task.key.map_index != UNMAPPED {
        name.push_str(&format!("[{}]", task.key.map_index));
    }
    let took = match task.duration_secs(time::now()) {
        Some(secs) if state.is_finished() => format!("  {}", duration(secs)),
        _ => String::new(),
    };
    let note = task.note.as_deref().map(|note| format!("  {note}")).unwrap_or_default();
    Some(format!("  {name:<24} {state}{took}{note}"))
}
