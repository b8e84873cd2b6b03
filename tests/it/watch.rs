//! `watch`: what happens, a line at a time.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

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
struct Watch(Child, mpsc::Receiver<String>);

impl Watch {
    fn begin(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self(child, lines)
    }

    /// Reads until a line has the part, or none comes for so long.
    fn tells(&self, part: &str, patience: Duration) -> bool {
        while let Ok(line) = self.1.recv_timeout(patience) {
            if line.contains(part) {
                return true;
            }
        }
        false
    }

    fn wait_for(&self, part: &str) {
        assert!(self.tells(part, Duration::from_secs(60)), "it does not tell `{part}`");
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
    let watch = Watch::begin(project.command(&["watch", "good"]));
    // What ended before it looked for the first time is not told.
    let is_told = (0..20).any(|_| {
        let run = triggered(&project, "good");
        watch.tells(&format!("{run}  run success"), Duration::from_secs(3))
    });
    assert!(is_told, "it tells of no run");
    project.kill_daemon();
    watch.wait_for("the daemon has gone");
    project.up();
    watch.wait_for("the daemon is back");
    let run = triggered(&project, "good");
    watch.wait_for(&format!("{run}  run success"));
    project.down();
}
