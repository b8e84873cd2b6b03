//! The worker as it really is: killed, replaced, upgraded, flooded, while tasks run.
//!
//! Every task appends a line to `ran`: a line twice is a task that ran twice.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use dagdeck::runtime::Layout;
use dagdeck::types::ids::UNMAPPED;
use dagdeck::types::{AttemptKey, TaskInstanceKey, TaskInstanceState};
use serde_json::Value;

use super::bench::{Bench, lives};
use crate::support::{Project, binary, until};

/// The messages of the feed's lines of one kind, the oldest first.
fn told(project: &Project, event: &str) -> Vec<String> {
    let lines = project.json(&["events", "--limit", "500"]);
    let lines = lines.as_array().unwrap().iter().filter(|line| line["event"] == event);
    lines.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
}

/// The workers, the one that takes new attempts first: which process, how many attempts.
fn workers(project: &Project) -> Vec<(String, u64)> {
    let executors = project.json(&["executors"]);
    let workers = executors["workers"]["workers"].as_array().unwrap().iter();
    workers.map(|one| (one["pid"].to_string(), one["attempts"].as_u64().unwrap())).collect()
}

fn until_workers(project: &Project, expected: &[(&str, u64)]) {
    let is_so = || {
        let found = workers(project);
        let found: Vec<_> = found.iter().map(|(pid, held)| (pid.as_str(), *held)).collect();
        (found == expected).then_some(())
    };
    until(is_so).unwrap_or_else(|| panic!("{:?}, not {expected:?}", workers(project)));
}

/// As many tasks that each say that they run, and wait for the file `go`.
fn waiting(dag_id: &str, count: usize, keys: &str) -> String {
    let task = |n: usize| {
        format!(
            "[dag.{dag_id}.task.t{n}]\noperator = \"command\"\n{keys}\ncommand = \"echo {dag_id}{n} \
             >> ran; while [ ! -e go ]; do sleep 0.1; done; echo said {n}\"\n"
        )
    };
    let tasks: String = (0..count).map(task).collect();
    format!("[dag.{dag_id}]\nmax_active_tasks = 100\n{tasks}")
}

fn project(dags: &str) -> Project {
    Project::with(&format!("[deck]\nname = \"t\"\nmax_active_tasks = 100\n{dags}"))
}

fn ran(project: &Project) -> Vec<String> {
    let text = fs::read_to_string(project.path("ran")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn until_ran(project: &Project, count: usize) {
    until(|| (ran(project).len() >= count).then_some(()))
        .unwrap_or_else(|| panic!("only {:?} ran", ran(project)));
}

fn folder(project: &Project, dag_id: &str, n: usize, try_number: u32) -> PathBuf {
    let task = TaskInstanceKey {
        dag_id: dag_id.into(),
        dag_run_id: "r1".into(),
        task_id: format!("t{n}").into(),
        map_index: UNMAPPED,
    };
    Layout::new(project.dir()).attempt_dir(&AttemptKey { task, try_number })
}

/// The claim of a task whose process was started.
fn claim(project: &Project, dag_id: &str, n: usize) -> Value {
    let path = folder(project, dag_id, n, 1).join("attempt.pid");
    let read = || serde_json::from_slice::<Value>(&fs::read(&path).ok()?).ok();
    let claim = until(|| read().filter(|claim| claim["pid"] != claim["worker"]["pid"]));
    claim.unwrap_or_else(|| panic!("no claim at {}", path.display()))
}

fn worker_of(claim: &Value) -> String {
    claim["worker"]["pid"].to_string()
}

fn kill(pid: &str) {
    let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

fn go(project: &Project) {
    fs::write(project.path("go"), "").unwrap();
}

fn tries(project: &Project, dag_id: &str) -> Vec<u64> {
    let tasks = project.json(&["tasks", dag_id, "r1"]);
    let tasks = tasks.as_array().unwrap().iter();
    tasks.map(|task| task["try_number"].as_u64().unwrap()).collect()
}

fn log(project: &Project, n: usize, try_number: u32) -> String {
    fs::read_to_string(folder(project, "d", n, try_number).join("task.log")).unwrap_or_default()
}

#[test]
fn fifty_tasks_outlive_a_daemon_that_is_killed_and_none_runs_twice() {
    let mut project = project(&waiting("d", 50, ""));
    project.up();
    project.run(&["trigger", "d", "--run-id", "r1"]).ok();
    until_ran(&project, 50);
    project.kill_daemon();
    // Some end while there is no daemon, none is lost.
    go(&project);
    project.up();
    assert_eq!(project.wait_for_runs("d", 1)[0]["state"], "success");
    let ran = ran(&project);
    assert_eq!((ran.len(), ran.iter().collect::<BTreeSet<_>>().len()), (50, 50));
    assert_eq!(tries(&project, "d"), [1; 50]);
    let xcom = project.json(&["xcom", "list", "d", "r1"]);
    assert_eq!(xcom["total_entries"], 50, "each result is counted");
    project.down();
}

#[test]
fn fifty_tasks_are_adopted_by_the_next_daemon_while_they_run() {
    let mut project = project(&waiting("d", 50, ""));
    project.up();
    project.run(&["trigger", "d", "--run-id", "r1"]).ok();
    until_ran(&project, 50);
    let worker = worker_of(&claim(&project, "d", 0));
    project.kill_daemon();
    project.up();
    let running = || {
        let tasks = project.json(&["tasks", "d", "r1"]);
        tasks.as_array().unwrap().iter().filter(|task| task["state"] == "running").count()
    };
    until(|| (running() == 50).then_some(())).expect("all run");
    assert!(lives(&worker), "the same worker goes on");
    let split = " attempts were adopted, the first: try 1 of `t";
    let count = |line: &String| match line.split_once(split) {
        Some((count, _)) => count.parse::<usize>().unwrap(),
        None => 1,
    };
    let all = || {
        let lines = told(&project, "task_instance.adopted");
        (lines.iter().map(count).sum::<usize>() == 50).then_some(lines)
    };
    let adopted = until(all).expect("each is told of");
    assert!(adopted.len() < 50, "many are one line: {adopted:?}");
    assert!(adopted[0].contains(": adopted after a restart of the daemon"), "{adopted:?}");
    go(&project);
    assert_eq!(project.wait_for_runs("d", 1)[0]["state"], "success");
    assert_eq!((ran(&project).len(), tries(&project, "d")), (50, vec![1; 50]));
    project.down();
}

#[test]
fn tasks_of_a_worker_that_is_killed_go_on_and_are_lost_only_when_they_have_ended() {
    let mut project = project(&waiting("d", 5, "retries = 1\nretry_delay = \"10ms\""));
    project.up();
    project.run(&["trigger", "d", "--run-id", "r1"]).ok();
    until_ran(&project, 5);
    let claims: Vec<Value> = (0..5).map(|n| claim(&project, "d", n)).collect();
    kill(&worker_of(&claims[0]));
    // The next one reads on what they say.
    until(|| log(&project, 0, 1).contains("the worker was replaced").then_some(()))
        .expect("another worker follows");
    assert!(claims.iter().all(|claim| lives(&claim["pid"].to_string())), "they still run");
    go(&project);
    assert_eq!(project.wait_for_runs("d", 1)[0]["state"], "success");
    assert_eq!(tries(&project, "d"), [2; 5], "nobody knows how the first try ended");
    assert_eq!(ran(&project).len(), 10);
    let first = log(&project, 0, 1);
    assert!(
        first.contains("out  said 0\n") && first.contains("nobody knows how it ended"),
        "{first}"
    );
    project.down();
}

#[test]
fn a_worker_that_is_killed_is_told_needs_attention_and_its_tasks_say_who_adopted_them() {
    let mut project = project(&waiting("d", 2, "retries = 1\nretry_delay = \"10ms\""));
    project.up();
    project.run(&["trigger", "d", "--run-id", "r1"]).ok();
    until_ran(&project, 2);
    let worker = worker_of(&claim(&project, "d", 0));
    until_workers(&project, &[(&worker, 2)]);
    kill(&worker);
    let why = format!("adopted after the death of worker {worker}");
    let adopted = || told(&project, "task_instance.adopted");
    until(|| (adopted().len() == 2).then_some(())).expect("both are adopted");
    assert!(adopted().iter().all(|line| line.ends_with(&why)), "{:?}", adopted());
    until(|| told(&project, "worker.died").first().cloned())
        .filter(|line| line.starts_with(&format!("worker {worker} of this machine died; the 2 ")))
        .expect("the death is told");
    let attention = project.run(&["attention"]);
    assert_eq!(attention.code, 1);
    assert!(attention.stdout.contains(&format!("worker {worker} died;")), "{}", attention.stdout);
    let next = workers(&project);
    assert_eq!(next.iter().map(|(_, held)| *held).collect::<Vec<_>>(), [2], "{next:?}");
    let shown =
        project.run(&["tasks", "d", "r1", "--columns", "executor,hostname,pid,adopted"]).ok();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let line = shown.stdout.lines().find(|line| line.starts_with("t0")).unwrap();
    assert!(line.contains("local") && line.contains(host.trim()), "{line}");
    assert!(line.contains(&format!("after the death of worker {worker}")), "{line}");
    go(&project);
    assert_eq!(project.wait_for_runs("d", 1)[0]["state"], "success");
    let lost = told(&project, "task_instance.lost");
    assert_eq!(lost.len(), 2, "{lost:?}");
    assert!(lost[0].starts_with("try 1 of `t") && lost[0].contains(" was lost: its process "));
    project.down();
}

#[test]
fn a_worker_that_is_replaced_finishes_what_it_has_and_nothing_is_lost() {
    let mut project = project(&(waiting("d", 2, "") + &waiting("e", 1, "")));
    project.up();
    project.run(&["trigger", "d", "--run-id", "r1"]).ok();
    until_ran(&project, 2);
    let old = worker_of(&claim(&project, "d", 0));
    until_workers(&project, &[(&old, 2)]);
    let said = project.run(&["executors", "restart", "local"]).ok().stdout;
    assert!(said.contains("takes new attempts") && said.contains("finishes what it has"), "{said}");
    project.run(&["trigger", "e", "--run-id", "r1"]).ok();
    until_ran(&project, 3);
    let new = worker_of(&claim(&project, "e", 0));
    assert_ne!(old, new);
    until_workers(&project, &[(&new, 1), (&old, 2)]);
    // A daemon that starts finds both, whoever it has for its own.
    project.kill_daemon();
    project.up();
    until(|| {
        let mut found = workers(&project);
        found.sort();
        let mut expected = vec![(old.clone(), 2), (new.clone(), 1)];
        expected.sort();
        (found == expected).then_some(())
    })
    .unwrap_or_else(|| panic!("{:?}", workers(&project)));
    go(&project);
    for (dag_id, count) in [("d", 2), ("e", 1)] {
        assert_eq!(project.wait_for_runs(dag_id, 1)[0]["state"], "success");
        assert_eq!(tries(&project, dag_id), vec![1; count]);
    }
    assert_eq!(ran(&project).len(), 3);
    until(|| (!lives(&new)).then_some(())).expect("what is not needed ends by itself");
    assert!(told(&project, "worker.died").is_empty());
    project.down();
}

#[test]
fn tasks_of_a_daemon_and_a_worker_that_are_both_killed_are_found_by_their_processes() {
    let mut project = project(&waiting("d", 5, "retries = 1\nretry_delay = \"10ms\""));
    project.up();
    project.run(&["trigger", "d", "--run-id", "r1"]).ok();
    until_ran(&project, 5);
    let claim = claim(&project, "d", 0);
    project.kill_daemon();
    kill(&worker_of(&claim));
    project.up();
    until(|| log(&project, 0, 1).contains("the worker was replaced").then_some(()))
        .expect("another worker follows");
    assert!(lives(&claim["pid"].to_string()));
    assert_eq!(ran(&project).len(), 5, "none is run again while it runs");
    go(&project);
    assert_eq!(project.wait_for_runs("d", 1)[0]["state"], "success");
    assert_eq!((tries(&project, "d"), ran(&project).len()), (vec![2; 5], 10));
    project.down();
}

#[test]
fn after_an_upgrade_the_old_worker_ends_what_it_holds_and_a_new_one_takes_what_is_new() {
    let dags = waiting("d", 5, "") + &waiting("e", 1, "");
    let project = project(&dags);
    let program = project.path("dagdeck");
    fs::copy(binary(), &program).unwrap();
    let daemon = start(&project, &program);
    project.run(&["trigger", "d", "--run-id", "r1"]).ok();
    until_ran(&project, 5);
    let old = worker_of(&claim(&project, "d", 0));
    // As an installation does it: another file in the place of the first.
    fs::copy(binary(), project.path("new")).unwrap();
    fs::rename(project.path("new"), &program).unwrap();
    end(daemon);
    let daemon = start(&project, &program);
    project.run(&["trigger", "e", "--run-id", "r1"]).ok();
    until_ran(&project, 6);
    let new = worker_of(&claim(&project, "e", 0));
    assert_ne!(old, new);
    assert!(lives(&old));
    until_workers(&project, &[(&new, 1), (&old, 5)]);
    go(&project);
    for (dag_id, count) in [("d", 5), ("e", 1)] {
        assert_eq!(project.wait_for_runs(dag_id, 1)[0]["state"], "success");
        assert_eq!(tries(&project, dag_id), vec![1; count]);
    }
    assert_eq!(ran(&project).len(), 6);
    until(|| (!lives(&old)).then_some(())).expect("the old worker ends by itself");
    assert!(lives(&new));
    end(daemon);
}

fn start(project: &Project, program: &Path) -> Child {
    let mut command = Command::new(program);
    command.arg("--project").arg(project.dir()).args(["up", "--serving", "127.0.0.1:0"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    until(|| (project.run(&["status"]).code == 0).then_some(())).expect("the daemon answers");
    child
}

fn end(mut daemon: Child) {
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

#[test]
fn a_gigabyte_and_a_line_of_100_megabytes_hurt_nobody() {
    let mut project = project(
        "[dag.d.task.t0]\noperator = \"command\"\nlimits = { log_size = \"2MiB\" }\n\
         command = \"head -c 100000000 /dev/zero; echo; yes $(printf '%01000d' 0) | \
         head -c 1000000000; echo; echo over >> ran; echo 5; while [ ! -e go ]; do sleep 0.1; done\"\n",
    );
    project.up();
    project.run(&["trigger", "d", "--run-id", "r1"]).ok();
    until_ran(&project, 1);
    let worker = worker_of(&claim(&project, "d", 0));
    let status = fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 200_000, "the worker took {peak} KiB");
    go(&project);
    assert_eq!(project.wait_for_runs("d", 1)[0]["state"], "success");
    let log = fs::read(folder(&project, "d", 0, 1).join("task.log")).unwrap();
    assert!(log.len() < (2 << 20) + 500_000, "{}", log.len());
    assert!(String::from_utf8_lossy(&log).contains("… the log is cut here"));
    project.down();
}

#[tokio::test]
async fn what_ran_when_the_machine_was_restarted_is_lost_and_says_so() {
    let task = format!("[dag.d.task.t]\n{}", super::bench::waiting("true"));
    let mut bench = Bench::start(&task).await;
    bench.trigger().await.unwrap();
    let command = bench.file("pid").await;
    bench.task_is("t", TaskInstanceState::Running).await;
    let folder = bench.attempt_dir("t", 1);
    let claim: Value =
        serde_json::from_slice(&fs::read(folder.join("attempt.pid")).unwrap()).unwrap();
    bench.stop().await;
    // As a loss of power leaves it: the store has all, of what nobody waited for nothing is left.
    for pid in [worker_of(&claim), command.clone()] {
        kill(&pid);
        bench.until("it is gone", |_| !lives(&pid)).await;
    }
    fs::remove_dir_all(&folder).unwrap();
    let conn = rusqlite::Connection::open(bench.layout().database()).unwrap();
    conn.execute("UPDATE task_instance SET token = '00000000.' || substr(token, 10)", []).unwrap();
    bench.start_again().await.unwrap();
    bench.task_is("t", TaskInstanceState::Failed).await;
    let note = bench.task("t").note.unwrap();
    assert!(note.contains("the machine was restarted"), "{note}");
    assert_eq!(bench.file("ran").await, "x", "it is not run again under its token");
}
