//! `watch`: a line for each change of state, for pipes, logs and screen readers.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;

use crate::cli::args::WatchArgs;
use crate::cli::command::connect;
use crate::cli::error::CliError;
use crate::cli::output::{Output, duration};
use crate::client::{Client, Events};
use crate::runtime::Layout;
use crate::types::ask::{Answer, Request, RunsOnly};
use crate::types::ids::UNMAPPED;
use crate::types::run::{DagRun, TaskInstance};
use crate::types::view::RunDetailView;
use crate::types::{
    DagId, DagRunId, DagRunState, Fault, FaultKind, TaskInstanceKey, TaskInstanceState, time,
};

/// An event that was missed is made good by a look after this time.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Between two attempts to find a daemon that has gone.
const RETRY_EVERY: Duration = Duration::from_millis(500);
/// Runs of a DAG that are looked at.
const RUNS_MAX: u32 = 50;

/// Watches a run until it ends, or all runs of a DAG until the program is ended.
pub async fn watch(layout: &Layout, args: WatchArgs, output: &mut Output) -> Result<u8, CliError> {
    let mut watcher = Watcher {
        layout,
        dag_id: args.dag_id.into(),
        dag_run_id: args.dag_run_id.map(Into::into),
        seen: Seen::default(),
        output,
    };
    let client = connect(layout).await?;
    watcher.begin(&client).await?;
    let mut connected = Some(client);
    loop {
        let client = match connected.take() {
            Some(client) => client,
            None => watcher.found_again().await,
        };
        match watcher.follow(&client).await {
            Ok(code) => return Ok(code),
            Err(fault) if fault.kind == FaultKind::Unavailable => {
                watcher.notice("daemon_gone", "the daemon has gone; waiting for it");
            }
            Err(fault) => return Err(fault.into()),
        }
    }
}

struct Watcher<'a> {
    layout: &'a Layout,
    dag_id: DagId,
    dag_run_id: Option<DagRunId>,
    seen: Seen,
    output: &'a mut Output,
}

impl Watcher<'_> {
    /// Checks that there is what is to be watched; of all runs only what happens from now on is
    /// told.
    async fn begin(&mut self, client: &Client) -> Result<(), CliError> {
        if self.dag_run_id.is_some() {
            return Ok(());
        }
        client.ask(Request::ShowDag { dag_id: self.dag_id.clone() }).await?;
        for run in self.runs(client).await? {
            let is_over = run.state.is_finished();
            self.seen.run(&run);
            if !is_over {
                let detail = self.detail(client, &run.dag_run_id).await?;
                self.seen.tasks(&detail);
            }
        }
        Ok(())
    }

    /// Tells what happens until the run has ended, or the daemon has gone.
    async fn follow(&mut self, client: &Client) -> Result<u8, Fault> {
        let mut events = client.events().await?;
        loop {
            let ended = match self.dag_run_id.clone() {
                Some(run) => self.look(client, &run).await?,
                None => {
                    for run in self.runs(client).await? {
                        if self.seen.is_open(&run) {
                            self.look(client, &run.dag_run_id).await?;
                        }
                    }
                    None
                }
            };
            match ended {
                Some(DagRunState::Success) => return Ok(0),
                Some(_) => return Ok(1),
                None => self.wait(&mut events).await?,
            }
        }
    }

    /// Waits for an event that has to do with what is watched.
    async fn wait(&self, events: &mut Events) -> Result<(), Fault> {
        let next = tokio::time::timeout(LOOK_EVERY, events.next());
        match next.await {
            Ok(None) => Err(Fault::unavailable("the daemon has gone")),
            Ok(Some(_)) | Err(_) => Ok(()),
        }
    }

    /// Tells what is new of a run; says how it ended, where it has.
    async fn look(
        &mut self,
        client: &Client,
        dag_run_id: &DagRunId,
    ) -> Result<Option<DagRunState>, Fault> {
        let detail = self.detail(client, dag_run_id).await?;
        let run = &detail.run;
        let (began, ended) = (self.seen.run(run), run.state.is_finished());
        // That a run begins comes before its tasks, that it ends after them.
        if began && !ended {
            self.tell_run(run);
        }
        for task in self.seen.tasks(&detail) {
            self.tell_task(&task);
        }
        if began && ended {
            self.tell_run(run);
        }
        Ok(ended.then_some(run.state))
    }

    async fn runs(&self, client: &Client) -> Result<Vec<DagRun>, Fault> {
        let dag_id = Some(self.dag_id.clone());
        let request = Request::ListRuns {
            dag_id,
            state: None,
            only: RunsOnly::default(),
            limit: RUNS_MAX,
            offset: 0,
        };
        match client.ask(request).await? {
            // The oldest first: lines come in the order in which things happened.
            Answer::Runs { runs, .. } => Ok(runs.into_iter().rev().collect()),
            _ => Err(super::unexpected("watch")),
        }
    }

    async fn detail(&self, client: &Client, run: &DagRunId) -> Result<RunDetailView, Fault> {
        let (dag_id, dag_run_id) = (self.dag_id.clone(), run.clone());
        match client.ask(Request::ShowRun { dag_id, dag_run_id, packed: false }).await? {
            Answer::RunDetail(detail) => Ok(*detail),
            _ => Err(super::unexpected("watch")),
        }
    }

    async fn found_again(&mut self) -> Client {
        loop {
            if let Ok(client) = Client::connect(&self.layout.socket()).await {
                self.notice("daemon_back", "the daemon is back");
                return client;
            }
            tokio::time::sleep(RETRY_EVERY).await;
        }
    }

    fn tell_run(&mut self, run: &DagRun) {
        let took = run.duration_secs(time::now()).filter(|_| run.state.is_finished());
        if self.output.is_json() {
            self.output.line(
                &json!({
                    "at": time::now(), "event": "run", "dag_id": run.dag_id,
                    "dag_run_id": run.dag_run_id, "state": run.state, "duration": took,
                })
                .to_string(),
            );
            return;
        }
        let took = took.map(|secs| format!(" in {}", duration(secs))).unwrap_or_default();
        let line = format!("{}  {}  run {}{took}", now(), run.dag_run_id, run.state);
        self.output.line(&printable(&line));
    }

    fn tell_task(&mut self, task: &TaskInstance) {
        let is_over = task.state.is_some_and(TaskInstanceState::is_finished);
        let took = task.duration_secs(time::now()).filter(|_| is_over);
        if self.output.is_json() {
            self.output.line(
                &json!({
                    "at": time::now(), "event": "task", "dag_id": task.key.dag_id,
                    "dag_run_id": task.key.dag_run_id, "task_id": task.key.task_id,
                    "map_index": task.key.map_index, "state": task.state,
                    "try_number": task.try_number, "duration": took, "note": task.note,
                })
                .to_string(),
            );
            return;
        }
        let mut name = task.key.task_id.to_string();
        if task.key.map_index != UNMAPPED {
            name.push_str(&format!("[{}]", task.key.map_index));
        }
        let state = task.state.map_or_else(|| "none".to_owned(), |state| state.to_string());
        let tried =
            if task.try_number > 1 { format!(" try {}", task.try_number) } else { String::new() };
        let took = took.map(|secs| format!(" in {}", duration(secs))).unwrap_or_default();
        let note = task.note.as_deref().map(|note| format!(" ({note})")).unwrap_or_default();
        let line = format!("{}  {}  {name} {state}{tried}{took}{note}", now(), task.key.dag_run_id);
        self.output.line(&printable(&line));
    }

    fn notice(&mut self, event: &str, text: &str) {
        if self.output.is_json() {
            self.output.line(&json!({ "at": time::now(), "event": event }).to_string());
        } else {
            self.output.line(&format!("{}  {text}", now()));
        }
    }
}

fn now() -> String {
    time::now().strftime("%H:%M:%SZ").to_string()
}

/// Takes out what would move the cursor of a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What was told already.
#[derive(Debug, Default)]
struct Seen {
    runs: HashMap<DagRunId, DagRunState>,
    tasks: HashMap<TaskInstanceKey, (Option<TaskInstanceState>, u32)>,
}

impl Seen {
    /// Notes a run's state; says whether it is new.
    fn run(&mut self, run: &DagRun) -> bool {
        self.runs.insert(run.dag_run_id.clone(), run.state) != Some(run.state)
    }

    /// Says whether something of a run may not have been told.
    fn is_open(&self, run: &DagRun) -> bool {
        !run.state.is_finished() || self.runs.get(&run.dag_run_id) != Some(&run.state)
    }

    /// Notes the states of a run's tasks and returns those that are new, in the order in which
    /// they began.
    fn tasks(&mut self, detail: &RunDetailView) -> Vec<TaskInstance> {
        let mut news: Vec<TaskInstance> = detail
            .tasks
            .iter()
            .filter(|task| {
                let now = (task.state, task.try_number);
                let before = self.tasks.insert(task.key.clone(), now);
                before != Some(now) && (before.is_some() || task.state.is_some())
            })
            .cloned()
            .collect();
        // What has not begun comes after what made way for it.
        news.sort_by_key(|task| {
            let at = task.end_date.or(task.start_date);
            (at.is_none(), at)
        });
        news
    }
}
