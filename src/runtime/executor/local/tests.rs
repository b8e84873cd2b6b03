//! The local executor with a worker in this process, and scripts in the place of what the attempt's
//! own process is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::*;
use crate::runtime::attempt::{AttemptFolder, AttemptReport, Claim, Order};
use crate::runtime::executor::Handover;
use crate::runtime::executor::process_table::{self, Process};
use crate::runtime::handle::{Asked, Handle};
use crate::runtime::worker;
use crate::sched::{Input, Report};
use crate::types::time;

struct Bench {
    dir: TempDir,
    local: Local,
    held: Held,
    cancel: watch::Sender<bool>,
    inputs: mpsc::Receiver<Asked>,
    worker: JoinHandle<std::io::Result<()>>,
    door: Workers,
}

/// Makes an executor whose attempts run `script`; `$2` is the folder.
async fn bench(script: &str) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("attempt.sh");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    bench_of(dir, program).await
}

async fn bench_of(dir: TempDir, executable: PathBuf) -> Bench {
    let layout = Layout::new(dir.path());
    fs::create_dir(layout.state_dir()).unwrap();
    fs::write(dir.path().join("dags.toml"), "[deck]\nname = \"t\"\n").unwrap();
    let deck = crate::dag::load(dir.path(), &|_| None, &Default::default()).unwrap();
    let (_, deck) = watch::channel(Arc::new(deck));
    let build = link::build_of(&executable);
    let environment = vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())];
    let launcher = Launcher { executable, project: dir.path().to_owned(), environment };
    let (cancel, cancelled) = watch::channel(false);
    let (sender, inputs) = mpsc::channel(16);
    let folder = AttemptFolder::new(dir.path().join("attempt"));
    let order = crate::runtime::act::tests::order(folder.path());
    folder.begin(&order).unwrap();
    let (key, token) = (order.key, format!("t-{}", uuid::Uuid::new_v4()).into());
    let held = Held { key, token, folder, cancelled, handle: Handle { inputs: sender } };
    let (door, workers, _) = Workers::channel();
    let serving = layout.clone();
    let socket = layout.worker_socket(&build);
    let worker = tokio::spawn(async move { worker::serve(&serving, &build).await });
    while !socket.exists() {
        tokio::task::yield_now().await;
    }
    Bench {
        dir,
        local: Local::new(layout, launcher, deck, workers),
        held,
        cancel,
        inputs,
        worker,
        door,
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

impl Bench {
    /// An attempt in a process of its own.
    fn prepared(&self) -> Prepared {
        self.prepare("ml.train", json!({}))
    }

    /// An attempt that the worker runs itself.
    fn command(&self, line: &str) -> Prepared {
        self.prepare("command", json!({ "command": line }))
    }

    #[allow(clippy::needless_pass_by_value, reason = "`json!` reads best where it is called")]
    fn prepare(&self, operator: &str, args: serde_json::Value) -> Prepared {
        let order = crate::runtime::act::tests::order(self.held.folder.path());
        let mut order = Order {
            token: self.held.token.clone(),
            operator: operator.to_owned(),
            args: args.as_object().unwrap().clone(),
            project: self.dir.path().to_owned(),
            ..order
        };
        order.env.insert("MINE".into(), "yes".into());
        self.held.folder.begin(&order).unwrap();
        let mut handover = Handover::default();
        handover.private.mask.push("hidden".into());
        Prepared { order, handover, held: self.held.clone() }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.held.folder.path().join("task.log")).unwrap_or_default()
    }

    async fn launch(&self) -> Ended {
        self.local.launch(self.prepared()).await
    }

    fn claim(&self, process: Process) {
        let claim = Claim {
            token: self.held.token.clone(),
            pid: process.pid,
            start_time: process.start_time,
            boot_id: process_table::boot_id().unwrap(),
            worker: None,
            pipes: None,
        };
        assert!(self.held.folder.claim(&claim).unwrap());
    }

    fn report(&self) -> Outcome {
        let outcome = Outcome::output(json!(5));
        let report = AttemptReport {
            token: self.held.token.clone(),
            finished_at: time::now(),
            outcome: outcome.clone(),
        };
        self.held.folder.write_report(&report).unwrap();
        outcome
    }

    /// Waits for the report that it runs.
    async fn started(&mut self) -> Option<u32> {
        match self.inputs.recv().await.unwrap().input {
            Input::Report(Report::Started { pid, .. }) => pid,
            other => panic!("not started: {other:?}"),
        }
    }

    async fn file(&self, name: &str) -> String {
        loop {
            match fs::read_to_string(self.dir.path().join(name)) {
                Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
                _ => tokio::task::yield_now().await,
            }
        }
    }
}

fn failed_with(error: &str, code: Option<i32>) -> Ended {
    Ended::Finished(Outcome::Failed { error: error.into(), exit_code: code, retryable: true })
}

#[tokio::test]
async fn an_end_without_a_report_says_how_it_ended() {
    let ended = bench("exit 3").await.launch().await;
    let text = "the attempt's process ended without a report (exit code 3)";
    assert_eq!(ended, failed_with(text, Some(3)));
    let ended = bench("kill -9 $$").await.launch().await;
    let text = "the attempt's process ended without a report (signal 9)";
    assert_eq!(ended, failed_with(text, None));
    let ended = bench("echo 'claim the token: no space' >&2; exit 73").await.launch().await;
    let text = "the attempt's process ended without a report (exit code 73): \
                claim the token: no space";
    assert_eq!(ended, failed_with(text, Some(73)));
}

#[tokio::test]
async fn a_worker_is_known_with_what_it_holds_until_it_dies() {
    let mut bench = bench("").await;
    let line = "while [ ! -e go ]; do sleep 0.01; done";
    let launched = tokio::spawn(bench.local.launch(bench.command(line)));
    bench.started().await;
    let heard = bench.door.heard.clone();
    let held = || heard.borrow().workers.first().map(|one| (one.pid, one.attempts));
    assert_eq!(held(), Some((std::process::id(), 1)));
    assert!(heard.borrow().workers[0].is_current);
    fs::write(bench.dir.path().join("go"), "").unwrap();
    launched.await.unwrap();
    assert_eq!(held(), Some((std::process::id(), 0)));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let bench = bench_of(dir, "/nonexistent/dagdeck".into()).await;
    let Ended::Finished(Outcome::Failed { error, retryable: true, .. }) = bench.launch().await
    else {
        panic!("it ran")
    };
    assert!(error.starts_with("start the attempt's process `/nonexistent/dagdeck`: "), "{error}");
}

#[tokio::test]
async fn it_is_handed_its_secrets_on_standard_input_and_a_clean_environment() {
    let bench = bench("cat > handed; env > env; echo >> handed; echo complaint >&2").await;
    let _ = bench.launch().await;
    let handed = bench.file("handed").await;
    assert!(handed.contains("hidden"), "{handed}");
    let env = bench.file("env").await;
    let names: Vec<&str> = env.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert!(names.contains(&"PATH") && names.contains(&"MINE"), "{env}");
    assert!(!names.iter().any(|name| name.starts_with("CARGO")), "{env}");
    let log = fs::read_to_string(bench.held.folder.path().join("wrapper.log")).unwrap();
    assert_eq!(log, "complaint\n");
}

#[tokio::test]
async fn cancelling_ends_the_whole_tree() {
    let script = "setsid sleep 300 & sleep 300 & echo $$ $! > pids; wait";
    let mut bench = bench(script).await;
    let launched = tokio::spawn(bench.local.launch(bench.prepared()));
    let leader = process_table::find(bench.started().await.unwrap()).unwrap();
    let pids = bench.file("pids").await;
    assert!(process_table::tree(leader, bench.held.token.as_str()).len() >= 2, "{pids}");
    bench.cancel.send(true).unwrap();
    assert_eq!(launched.await.unwrap(), Ended::Cancelled);
    assert_eq!(process_table::tree(leader, bench.held.token.as_str()), []);
}

#[tokio::test]
async fn an_unclaimed_token_was_not_started() {
    let bench = bench("").await;
    assert_eq!(bench.local.adopt(bench.held.clone()).await, Adopted::Unstarted);
}

#[tokio::test]
async fn a_report_that_is_there_is_taken() {
    let bench = bench("").await;
    let outcome = bench.report();
    let adopted = bench.local.adopt(bench.held.clone()).await;
    assert_eq!(adopted, Adopted::Ended(Ended::Finished(outcome)));
}

#[tokio::test]
async fn a_process_that_lives_is_watched_until_it_ends() {
    let mut bench = bench("").await;
    let mut child = Command::new("sleep").arg("300").spawn().unwrap();
    bench.claim(process_table::find(child.id().unwrap()).unwrap());
    let adopted = tokio::spawn(bench.local.adopt(bench.held.clone()));
    assert_eq!(bench.started().await, child.id());
    let outcome = bench.report();
    child.kill().await.unwrap();
    assert_eq!(adopted.await.unwrap(), Adopted::Ended(Ended::Finished(outcome)));
}

#[tokio::test]
async fn a_process_that_is_gone_without_a_report_is_lost() {
    let bench = bench("").await;
    let mut child = Command::new("sleep").arg("300").spawn().unwrap();
    let process = process_table::find(child.id().unwrap()).unwrap();
    bench.claim(process);
    child.kill().await.unwrap();
    let reason = format!(
        "its process {} is gone and left no report: nobody knows how it ended",
        process.pid
    );
    let adopted = bench.local.adopt(bench.held.clone()).await;
    assert_eq!(adopted, Adopted::Ended(Ended::Lost(reason)));
}

#[tokio::test]
async fn an_adopted_process_can_be_ended() {
    let mut bench = bench("").await;
    let mut child = Command::new("sleep").arg("300").spawn().unwrap();
    bench.claim(process_table::find(child.id().unwrap()).unwrap());
    let adopted = tokio::spawn(bench.local.adopt(bench.held.clone()));
    bench.started().await;
    bench.cancel.send(true).unwrap();
    assert_eq!(child.wait().await.unwrap().signal(), Some(15));
    assert_eq!(adopted.await.unwrap(), Adopted::Ended(Ended::Cancelled));
}

#[tokio::test]
async fn a_claim_of_another_boot_is_lost_whoever_has_its_number_now() {
    let bench = bench("").await;
    let own = process_table::find(std::process::id()).unwrap();
    let claim = Claim {
        token: bench.held.token.clone(),
        pid: own.pid,
        start_time: own.start_time,
        boot_id: "another".into(),
        worker: None,
        pipes: None,
    };
    bench.held.folder.claim(&claim).unwrap();
    let adopted = bench.local.adopt(bench.held.clone()).await;
    let reason = "the machine was restarted, or the project restored, while it ran".to_owned();
    assert_eq!(adopted, Adopted::Ended(Ended::Lost(reason)));
}

#[tokio::test]
async fn an_exit_that_lost_the_claim_hands_over_to_who_holds_it() {
    let bench = bench("cat > /dev/null").await;
    let prepared = bench.prepared();
    let mut holder = Command::new("sleep").arg("300").spawn().unwrap();
    bench.claim(process_table::find(holder.id().unwrap()).unwrap());
    let launched = tokio::spawn(bench.local.launch(prepared));
    let outcome = Outcome::output(json!(5));
    bench.report();
    holder.kill().await.unwrap();
    assert_eq!(launched.await.unwrap(), Ended::Finished(outcome));
}

async fn bench_again() -> Bench {
    bench("").await
}

async fn run(line: &str) -> (Bench, Ended) {
    let bench = bench("").await;
    let ended = bench.local.launch(bench.command(line)).await;
    (bench, ended)
}

#[tokio::test]
async fn a_command_runs_directly_and_leaves_log_and_report() {
    let line = "echo to err hidden >&2; echo ::output rows=3; echo $MINE-$DAGDECK_LAUNCH_TOKEN";
    let (bench, ended) = run(line).await;
    let token = bench.held.token.as_str();
    let Ended::Finished(outcome) = ended else { panic!("{ended:?}") };
    let Outcome::Success { output, outputs, .. } = &outcome else { panic!("{outcome:?}") };
    assert_eq!((output, outputs.len()), (&json!(format!("yes-{token}")), 1));
    let log = bench.log();
    assert!(log.contains("err  to err ***\n") && log.contains("out  yes-"), "{log}");
    assert_eq!(bench.held.folder.report(&bench.held.token).unwrap().outcome, outcome);
    let claim = bench.held.folder.claimed(&bench.held.token).unwrap();
    assert_eq!(claim.worker.unwrap().pid, std::process::id());
    assert_ne!(claim.pid, std::process::id());
    assert!(claim.pipes.is_some());
}

#[tokio::test]
async fn a_command_that_fails_or_is_killed_or_is_not_there_says_so() {
    let (bench, ended) = run("echo oh no >&2; exit 3").await;
    assert_eq!(ended, failed_with("exit code 3", Some(3)));
    assert!(bench.log().ends_with("deck exit code 3\n"), "{}", bench.log());
    let Ended::Finished(Outcome::Failed { error, .. }) = run("kill -9 $$").await.1 else {
        panic!("it cannot succeed")
    };
    assert!(error.contains("signal 9"), "{error}");
    let bench = bench_again().await;
    let prepared = bench.prepare("command", json!({ "argv": ["/nonexistent/x"] }));
    let ended = bench.local.launch(prepared).await;
    let Ended::Finished(Outcome::Failed { error, .. }) = ended else { panic!("{ended:?}") };
    assert!(error.starts_with("start `/nonexistent/x`: "), "{error}");
}

#[tokio::test]
async fn what_a_command_leaves_in_the_background_is_not_waited_for_nor_ended() {
    let (bench, ended) = run("setsid sleep 300 & echo $! > left; echo 5").await;
    let Ended::Finished(Outcome::Success { .. }) = ended else { panic!("{ended:?}") };
    assert!(bench.log().contains("a background process still holds the output"));
    let left = process_table::find(bench.file("left").await.parse().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(left.pid as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_command_and_all_that_came_from_it_are_ended_by_force_where_they_do_not_listen() {
    let mut bench = bench("").await;
    let line = "trap '' TERM; setsid sh -c \"trap '' TERM; echo x > there; while :; do sleep 1; done\" & \
                while :; do sleep 1; done";
    let mut prepared = bench.command(line);
    prepared.order.limits.killed_task_cleanup_time = Some(Duration::from_millis(300));
    bench.held.folder.begin(&prepared.order).unwrap();
    let launched = tokio::spawn(bench.local.launch(prepared));
    let leader = process_table::find(bench.started().await.unwrap()).unwrap();
    bench.file("there").await;
    bench.cancel.send(true).unwrap();
    assert_eq!(launched.await.unwrap(), Ended::Cancelled);
    assert_eq!(process_table::tree(leader, bench.held.token.as_str()), []);
    assert_eq!(bench.held.folder.report(&bench.held.token), None);
}

#[tokio::test]
async fn a_command_that_takes_more_memory_than_it_may_is_ended_and_told() {
    let bench = bench("").await;
    // A shell that holds on to what it reads.
    let mut prepared = bench.command("x=$(head -c 40000000 /dev/zero | tr '\\0' x); sleep 300");
    prepared.order.limits.memory = Some(20 << 20);
    bench.held.folder.begin(&prepared.order).unwrap();
    let ended = bench.local.launch(prepared).await;
    let Ended::Finished(Outcome::Failed { error, .. }) = ended else { panic!("{ended:?}") };
    assert!(error.starts_with("out of memory: its processes used "), "{error}");
    assert!(error.ends_with("`limits.memory` is 20 MiB"), "{error}");
}

#[tokio::test]
async fn a_long_log_is_cut_and_a_long_line_too() {
    let bench = bench("").await;
    let line = "echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo; \
                yes line | head -n 200000; echo '\"last\"'";
    let mut prepared = bench.command(line);
    prepared.order.limits.log_size = Some(1 << 20);
    bench.held.folder.begin(&prepared.order).unwrap();
    let ended = bench.local.launch(prepared).await;
    assert_eq!(ended, Ended::Finished(Outcome::output(json!("last"))));
    let log = bench.log();
    assert!(log.len() < (1 << 20) + 100_000, "{}", log.len());
    assert!(log.contains("x … (line cut)\n") && log.contains("deck … the log is cut here"));
    assert!(log.ends_with("out  \"last\"\n"));
}

#[tokio::test]
async fn what_was_decided_in_another_boot_and_left_nothing_is_lost() {
    let mut bench = bench("").await;
    bench.held.token = "0badb007.0123456789ab-1".into();
    let adopted = bench.local.adopt(bench.held.clone()).await;
    let reason = "the machine was restarted, or the project restored, while it ran".to_owned();
    assert_eq!(adopted, Adopted::Ended(Ended::Lost(reason)));
    let outcome = bench.report();
    let adopted = bench.local.adopt(bench.held.clone()).await;
    assert_eq!(adopted, Adopted::Ended(Ended::Finished(outcome)), "a report is a report");
}
