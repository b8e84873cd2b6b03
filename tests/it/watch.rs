//! `watch`: what happens, a line at a time.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;

use crate::support::Project;

fn triggered(project: &Project, dag: &str) -> String {
    let run = project.json(&["trigger", dag]);
    run["dag_run_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_run_is_told_to_its_end_and_gives_the_exit_code() {
    let mut project = Project::with(
        "[dag.good.task.a]\noperator = \"command\"\ncommand = \"true\"\n\
         [dag.bad.task.a]\noperator = \"command\"\ncommand = \"false\"\nretries = 0\n",
    );
    project.up();
    let run = triggered(&project, "good");
    let watched = project.run(&["watch", "good", &run]);
    assert_eq!(watched.code, 0, "{}", watched.stderr);
    let lines: Vec<&str> = watched.stdout.lines().collect();
    assert!(lines.last().unwrap().contains("run success in "), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("a success in ")), "{lines:?}");
    let run = triggered(&project, "bad");
    let watched = project.run(&["watch", "bad", &run, "-o", "json"]);
    assert_eq!(watched.code, 1);
    let lines: Vec<Value> =
        watched.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.last().unwrap();
    assert_eq!((&last["event"], &last["state"]), (&Value::from("run"), &Value::from("failed")));
    assert!(lines.iter().any(|line| line["task_id"] == "a" && line["state"] == "failed"));
    assert_eq!(project.run(&["watch", "good", "nothing"]).code, 2);
    assert_eq!(project.run(&["watch", "nothing"]).code, 2);
    project.down();
    assert_eq!(project.run(&["watch", "good"]).code, 3);
}

/// A `watch` of all runs, which is ended with this.
struct Watch(Child, BufReader<ChildStdout>);

impl Watch {
    fn wait_for(&mut self, part: &str) {
        let mut line = String::new();
        while !line.contains(part) {
            line.clear();
            assert!(self.1.read_line(&mut line).unwrap() > 0, "it ended before `{part}`");
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn all_runs_of_a_dag_are_told_also_after_the_daemon_was_away() {
    let mut project =
        Project::with("[dag.good.task.a]\noperator = \"command\"\ncommand = \"true\"\n");
    project.up();
    let mut child = project.command(&["watch", "good"]).stdout(Stdio::piped()).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    let mut watch = Watch(child, BufReader::new(out));
    let run = triggered(&project, "good");
    watch.wait_for(&format!("{run}  run success"));
    project.kill_daemon();
    watch.wait_for("the daemon has gone");
    project.up();
    watch.wait_for("the daemon is back");
    let run = triggered(&project, "good");
    watch.wait_for(&format!("{run}  run success"));
    project.down();
}
