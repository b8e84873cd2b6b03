//! Kill -9: nothing is lost, nothing is done twice.

use std::fs;

use crate::support::{Project, until};

/// A chain whose tasks each append a line: a line twice is a task that ran twice.
const CHAIN: &str = r#"
[deck]
name = "t"

[dag.chain.task.a]
operator = "command"
command = "sleep 0.3; echo a >> ran.txt"
retries = 0

[dag.chain.task.b]
operator = "command"
command = "sleep 0.3; echo b >> ran.txt"
depends_on = ["a"]

[dag.chain.task.c]
operator = "command"
command = "sleep 0.3; echo c >> ran.txt"
depends_on = ["b"]
"#;

#[test]
fn a_daemon_that_is_killed_loses_nothing_and_doubles_nothing() {
    // The whole daemon at a few moments; `engine::kill` tries every step.
    for delay_ms in [0u64, 200, 520] {
        let mut project = Project::with(CHAIN);
        project.up();
        project.run(&["trigger", "chain", "--run-id", "r1"]).ok();
        std::thread::sleep(std::time::Duration::from_millis(delay_ms));
        project.kill_daemon();
        project.up();
        let runs = project.wait_for_runs("chain", 1);
        assert_eq!(runs.len(), 1);
        assert_eq!(runs[0]["state"], "success", "killed after {delay_ms} ms");
        let ran = fs::read_to_string(project.path("ran.txt")).unwrap();
        assert_eq!(ran, "a\nb\nc\n", "killed after {delay_ms} ms");
        project.down();
    }
}

#[test]
fn attempts_outlive_the_daemon() {
    let mut project = Project::with(CHAIN);
    project.up();
    project.run(&["trigger", "chain"]).ok();
    project.down();
    // Whatever was under way goes on without the daemon; the next one goes on from there.
    project.up();
    let runs = project.wait_for_runs("chain", 1);
    assert_eq!(runs[0]["state"], "success");
    assert_eq!(fs::read_to_string(project.path("ran.txt")).unwrap(), "a\nb\nc\n");
    project.down();
}

#[test]
fn a_stale_socket_and_lock_are_no_obstacle() {
    let mut project = Project::with(CHAIN);
    project.up();
    project.kill_daemon();
    assert!(project.path(".dagdeck/daemon.sock").exists());
    assert_eq!(project.run(&["status"]).code, 3);
    project.up();
    project.down();
    assert!(!project.path(".dagdeck/daemon.sock").exists());
}

#[test]
fn what_the_daemon_keeps_is_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let mut project = Project::sample();
    project.up();
    project.run(&["run", "basic_dag_example"]).ok();
    let mode =
        |inside: &str| fs::metadata(project.path(inside)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(".dagdeck"), 0o700);
    for file in ["dagdeck.db", "daemon.sock", "daemon.lock"] {
        assert_eq!(mode(&format!(".dagdeck/{file}")), 0o600, "{file}");
    }
    project.down();
}

#[test]
fn a_worker_that_is_killed_counts_as_a_failed_try() {
    let mut project = Project::with(
        "[dag.d.task.t]\noperator = \"command\"\ncommand = \"test -e again && exit 0; touch again; sleep 600\"\nretries = 1\nretry_delay = \"10ms\"\n",
    );
    project.up();
    project.run(&["trigger", "d", "--run-id", "r1"]).ok();
    let pid = until(|| {
        let tasks = project.json(&["tasks", "d", "r1"]);
        let started = project.path("again").exists();
        tasks[0]["pid"].as_i64().filter(|_| started)
    });
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid.unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let runs = project.wait_for_runs("d", 1);
    assert_eq!(runs[0]["state"], "success");
    assert_eq!(project.json(&["tasks", "d", "r1"])[0]["try_number"], 2);
    project.down();
}
