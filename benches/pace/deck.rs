//! A scratch project with a daemon, and a client of it.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use dagdeck::client::Client;
use dagdeck::types::DagRunState;
use dagdeck::types::ask::{Answer, Request, RunsOnly, Trigger};
use dagdeck::types::event::Event;
use dagdeck::types::run::DagRun;
use dagdeck::types::state::TriggeredBy;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Map;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{CHAIN_LEN, DECIDED, FAN_LEN};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Opened by the task whose beginning is waited for.
const FIFO: &str = "begun";

pub(crate) struct Deck {
    folder: TempDir,
    daemon: Child,
    client: Client,
    runtime: Runtime,
}

impl Deck {
    /// Starts a daemon and waits until it answers.
    pub(crate) fn up(binary: &Path) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::write(folder.path().join("dags.toml"), definitions()).unwrap();
        let fifo = folder.path().join(FIFO);
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let daemon = Command::new(binary)
            .arg("--project")
            .arg(folder.path())
            .args(["up", "--serving", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let socket = folder.path().join(".dagdeck/daemon.sock");
        let client = runtime.block_on(connect(&socket));
        Self { folder, daemon, client, runtime }
    }

    pub(crate) fn down(mut self) {
        self.runtime.block_on(self.client.ask(Request::Shutdown)).unwrap();
        assert!(self.daemon.wait().unwrap().success());
    }

    /// Runs a DAG to its end, as a client sees it: from the wish for it to the news of its end,
    /// which is durable then.
    pub(crate) fn run(&self, dag_id: &str) -> Duration {
        self.runtime.block_on(async {
            let mut events = self.client.events().await.unwrap();
            let start = Instant::now();
            let run = self.trigger(dag_id).await;
            let ended = async {
                loop {
                    match events.next().await.unwrap().event {
                        Event::DagRunChanged { dag_run_id, state, .. }
                            if dag_run_id == run.dag_run_id && state.is_finished() =>
                        {
                            return state;
                        }
                        Event::Resync => {
                            let state = self.state(&run).await;
                            if state.is_finished() {
                                return state;
                            }
                        }
                        _ => {}
                    }
                }
            };
            let state = tokio::time::timeout(PATIENCE, ended).await.unwrap();
            let took = start.elapsed();
            assert_eq!(state, DagRunState::Success, "a run of {dag_id}");
            took
        })
    }

    /// Triggers a run; measures from the wish until its task's program runs.
    pub(crate) fn until_first_task(&self) -> Duration {
        let fifo: PathBuf = self.folder.path().join(FIFO);
        let (told, begun) = mpsc::channel();
        std::thread::spawn(move || {
            // Blocks until the task opens the other end.
            let opened = fs::File::open(fifo);
            let _ = told.send((Instant::now(), opened));
        });
        self.runtime.block_on(async {
            let start = Instant::now();
            let run = self.trigger("first").await;
            let (at, opened) =
                tokio::task::block_in_place(|| begun.recv_timeout(PATIENCE)).unwrap();
            drop(opened.unwrap());
            while !self.state(&run).await.is_finished() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            at - start
        })
    }

    async fn trigger(&self, dag_id: &str) -> DagRun {
        let trigger = Trigger {
            dag_id: dag_id.into(),
            conf: Map::new(),
            dag_run_id: None,
            logical_date: None,
            note: None,
            triggered_by: TriggeredBy::Test,
            user: None,
            partition_key: None,
        };
        match self.client.ask(Request::Trigger(Box::new(trigger))).await.unwrap() {
            Answer::Run(run) => *run,
            other => panic!("triggering {dag_id}: {other:?}"),
        }
    }

    async fn state(&self, run: &DagRun) -> DagRunState {
        let request = Request::ListRuns {
            dag_id: Some(run.dag_id.clone()),
            state: None,
            only: RunsOnly::default(),
            limit: 1,
            offset: 0,
        };
        match self.client.ask(request).await.unwrap() {
            Answer::Runs { runs, .. } if runs[0].key() == run.key() => runs[0].state,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Deck {
    fn drop(&mut self) {
        // An error says that it has ended.
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

async fn connect(socket: &Path) -> Client {
    let start = Instant::now();
    loop {
        match Client::connect(socket).await {
            Ok(client) => return client,
            Err(fault) if start.elapsed() > PATIENCE => panic!("no daemon: {fault}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Room for everything at once; a chain, a fan, two DAGs of what runs in the daemon, and one whose
/// task says that it has begun.
fn definitions() -> String {
    let mut text = String::from(
        "[deck]\nname = \"pace\"\nmax_active_tasks = 100000\n[pool.default_pool]\nslots = 100000\n",
    );
    for dag_id in ["chain", "fan", "empties", "branches", "first"] {
        writeln!(text, "[dag.{dag_id}]\nmax_active_tasks = 100000").unwrap();
    }
    for (dag_id, count) in [("chain", CHAIN_LEN), ("fan", FAN_LEN)] {
        for i in 0..count {
            let task =
                format!("[dag.{dag_id}.task.t{i}]\noperator = \"command\"\ncommand = \"true\"");
            writeln!(text, "{task}").unwrap();
            if dag_id == "chain" && i > 0 {
                writeln!(text, "depends_on = [\"t{}\"]", i - 1).unwrap();
            }
        }
    }
    for i in 0..DECIDED {
        writeln!(text, "[dag.empties.task.t{i}]\noperator = \"empty\"").unwrap();
        let task = format!("[dag.branches.task.t{i}]\noperator = \"branch\"\nchoose = \"end\"");
        writeln!(text, "{task}").unwrap();
    }
    let all: Vec<String> = (0..DECIDED).map(|i| format!("\"t{i}\"")).collect();
    let end = format!("operator = \"empty\"\ndepends_on = [{}]", all.join(", "));
    writeln!(text, "[dag.branches.task.end]\n{end}").unwrap();
    text + "[dag.first.task.t]\noperator = \"command\"\ncommand = \"echo > begun\"\n"
}
