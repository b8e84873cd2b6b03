//! The local executor with scripts in the place of the attempt's process.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

use super::*;
use crate::runtime::attempt::{AttemptFolder, AttemptReport};
use crate::runtime::executor::Handover;
use crate::runtime::handle::{Asked, Handle};
use crate::sched::{Input, Report};
use crate::types::time;

struct Bench {
    dir: TempDir,
    local: Local,
    held: Held,
    cancel: watch::Sender<bool>,
    inputs: mpsc::Receiver<Asked>,
}

/// Makes an executor whose attempts run `script`; `$2` is the folder.
fn bench(script: &str) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("attempt.sh");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let environment = vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())];
    let launcher = Launcher { executable: program, project: dir.path().to_owned(), environment };
    let (cancel, cancelled) = watch::channel(false);
    let (sender, inputs) = mpsc::channel(16);
    let folder = AttemptFolder::new(dir.path().join("attempt"));
    let order = crate::runtime::act::tests::order(folder.path());
    folder.begin(&order).unwrap();
    let (key, token) = (order.key, format!("t-{}", uuid::Uuid::new_v4()).into());
    let held = Held { key, token, folder, cancelled, handle: Handle { inputs: sender } };
    Bench { dir, local: Local::new(launcher), held, cancel, inputs }
}

impl Bench {
    fn prepared(&self) -> Prepared {
        let mut order = crate::runtime::act::tests::order(self.held.folder.path());
        order.token = self.held.token.clone();
        order.env.insert("MINE".into(), "yes".into());
        self.held.folder.begin(&order).unwrap();
        let mut handover = Handover::default();
        handover.private.mask.push("hidden".into());
        Prepared { order, handover, held: self.held.clone() }
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
    let ended = bench("exit 3").launch().await;
    let text = "the attempt's process ended without a report (exit code 3)";
    assert_eq!(ended, failed_with(text, Some(3)));
    let ended = bench("kill -9 $$").launch().await;
    let text = "the attempt's process ended without a report (signal 9)";
    assert_eq!(ended, failed_with(text, None));
    let ended = bench("echo 'claim the token: no space' >&2; exit 73").launch().await;
    let text = "the attempt's process ended without a report (exit code 73): \
                claim the token: no space";
    assert_eq!(ended, failed_with(text, Some(73)));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let mut bench = bench("");
    bench.local.launcher.executable = "/nonexistent/dagdeck".into();
    let Ended::Finished(Outcome::Failed { error, retryable: true, .. }) = bench.launch().await
    else {
        panic!("it ran")
    };
    assert!(error.starts_with("start the attempt's process `/nonexistent/dagdeck`: "), "{error}");
}

#[tokio::test]
async fn it_is_handed_its_secrets_on_standard_input_and_a_clean_environment() {
    let bench = bench("cat > handed; env > env; echo >> handed; echo complaint >&2");
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
    let mut bench = bench(script);
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
    let bench = bench("");
    assert_eq!(bench.local.adopt(bench.held.clone()).await, Adopted::Unstarted);
}

#[tokio::test]
async fn a_report_that_is_there_is_taken() {
    let bench = bench("");
    let outcome = bench.report();
    let adopted = bench.local.adopt(bench.held.clone()).await;
    assert_eq!(adopted, Adopted::Ended(Ended::Finished(outcome)));
}

#[tokio::test]
async fn a_process_that_lives_is_watched_until_it_ends() {
    let mut bench = bench("");
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
    let bench = bench("");
    let mut child = Command::new("sleep").arg("300").spawn().unwrap();
    let process = process_table::find(child.id().unwrap()).unwrap();
    bench.claim(process);
    child.kill().await.unwrap();
    let reason = format!("its process {} is gone and left no report", process.pid);
    let adopted = bench.local.adopt(bench.held.clone()).await;
    assert_eq!(adopted, Adopted::Ended(Ended::Lost(reason)));
}

#[tokio::test]
async fn an_adopted_process_can_be_ended() {
    let mut bench = bench("");
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
    let bench = bench("");
    let own = process_table::find(std::process::id()).unwrap();
    let claim = Claim {
        token: bench.held.token.clone(),
        pid: own.pid,
        start_time: own.start_time,
        boot_id: "another".into(),
    };
    bench.held.folder.claim(&claim).unwrap();
    let adopted = bench.local.adopt(bench.held.clone()).await;
    let reason = "the machine was restarted, or the project restored, while it ran".to_owned();
    assert_eq!(adopted, Adopted::Ended(Ended::Lost(reason)));
}

#[tokio::test]
async fn an_exit_that_lost_the_claim_hands_over_to_who_holds_it() {
    let bench = bench("cat > /dev/null");
    let prepared = bench.prepared();
    let mut holder = Command::new("sleep").arg("300").spawn().unwrap();
    bench.claim(process_table::find(holder.id().unwrap()).unwrap());
    let launched = tokio::spawn(bench.local.launch(prepared));
    let outcome = Outcome::output(json!(5));
    bench.report();
    holder.kill().await.unwrap();
    assert_eq!(launched.await.unwrap(), Ended::Finished(outcome));
}
