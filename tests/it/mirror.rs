//! `[tracking] uri`: what pipelines track goes over to another MLflow server, whole and once, however
//! often the deck, the server or the line between them dies.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use crate::mlflow::{Server, deck, script_in};
use crate::support::{Project, peer, until};

/// A pipeline that learns, registers and promotes.
const LEARNS: &str = r#"
[dataset.iris]
uri = "file:data/iris.csv"
task = "classification"
target = "species"
[dag.learn.task.fit]
operator = "ml.train"
dataset = "iris"
model = "logistic_regression"
trials = 3
[dag.learn.task.register]
operator = "model.register"
run = "{{ output.fit.run_id }}"
name = "iris"
[dag.learn.task.promote]
operator = "model.promote"
name = "iris"
version = "{{ output.register.version }}"
"#;

fn with_iris(project: &Project) -> PathBuf {
    let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/iris.csv");
    project.write("data/iris.csv", fs::read(&from).unwrap());
    from
}

/// Waits until all has been told.
fn all_told(project: &Project) {
    let told = || {
        let status = project.json(&["status"]);
        let mirror = &status["mirror"];
        (mirror["waiting"] == 0 && mirror["refused"] == 0 && mirror["problem"].is_null())
            .then_some(())
    };
    // A server of Python's takes its time to come up.
    let done = until(told).or_else(|| until(told));
    done.unwrap_or_else(|| panic!("all is told: {}", project.run(&["status"]).stdout));
}

fn runs(project: &Project) -> Vec<Value> {
    let runs = project.json(&["experiments", "runs", "iris", "--limit", "100"]);
    runs["runs"].as_array().or(runs.as_array()).expect("a list of runs").clone()
}

fn tag(run: &Value, key: &str) -> Option<String> {
    let tags = run["tags"].as_array().unwrap();
    let found = tags.iter().find(|tag| tag[0] == key)?;
    found[1].as_str().map(str::to_owned)
}

/// Hands requests on, and says of each that it was answered before the answer goes back.
fn line_to(server: &str, answered: Arc<dyn Fn() + Send + Sync>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = server.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (server, answered) = (server.clone(), Arc::clone(&answered));
            // Whoever asked may be dead before he hears the answer.
            thread::spawn(move || hand_on(stream, &server, &*answered));
        }
    });
    address
}

fn hand_on(asker: TcpStream, server: &str, answered: &(dyn Fn() + Send + Sync)) -> Option<()> {
    let mut reader = BufReader::new(asker.try_clone().ok()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut other = TcpStream::connect(server).ok()?;
    other.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).ok()?;
    other.write_all(&body).ok()?;
    let mut answer = Vec::new();
    other.read_to_end(&mut answer).ok()?;
    answered();
    let mut asker = asker;
    asker.write_all(&answer).ok()
}

#[test]
fn whatever_dies_nothing_is_lost_and_nothing_is_told_twice() {
    let (mut there, address, token) = deck("");
    // The deck that tells is killed when the n-th of its requests has done its work and before the
    // answer is heard, for n = 1, 2, 3 …
    let pid = Arc::new(AtomicUsize::new(0));
    let left = Arc::new(AtomicUsize::new(usize::MAX));
    let line = line_to(&address, {
        let (pid, left) = (Arc::clone(&pid), Arc::clone(&left));
        Arc::new(move || {
            if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                let pid = pid.load(Ordering::SeqCst).to_string();
                std::process::Command::new("kill").args(["-9", &pid]).status().unwrap();
            }
        })
    });
    let mut here = Project::with(&format!(
        "[tracking]\nuri = \"http://{line}\"\ntoken = \"${{file:key}}\"\n{LEARNS}"
    ));
    here.keep_if_it_fails();
    here.write("key", "not yet known");
    with_iris(&here);
    here.up();
    here.run(&["run", "learn"]).ok();
    let why = || {
        let problems = here.json(&["status"])["problems"].to_string();
        (problems.contains("is not told") && problems.contains("token")).then_some(())
    };
    until(why).expect("the status says which server is not told and why");
    here.kill_daemon();
    here.write("key", &token);
    let mut kills = 0;
    loop {
        kills += 1;
        left.store(usize::MAX, Ordering::SeqCst);
        here.up();
        pid.store(here.daemon_pid() as usize, Ordering::SeqCst);
        // Once more for what was asked before it is known whom to kill.
        left.store(kills, Ordering::SeqCst);
        let over = until(|| {
            if here.has_died() {
                return Some(false);
            }
            let told = here.run(&["status", "-o", "json"]);
            let status: Value = serde_json::from_str(&told.stdout).ok()?;
            let mirror = &status["mirror"];
            (mirror["waiting"] == 0 && mirror["problem"].is_null()).then_some(true)
        });
        if over.expect("it is told, or it dies") {
            break;
        }
    }
    left.store(usize::MAX, Ordering::SeqCst);
    assert!(kills > 5, "{kills} kills");
    let (ours, theirs) = (runs(&here), runs(&there));
    let own = |run: &Value| run["run_id"].as_str().unwrap().to_owned();
    let ours_by: BTreeSet<String> = ours.iter().map(own).collect();
    let theirs_by: BTreeSet<String> =
        theirs.iter().map(|run| tag(run, "dagdeck.run_id").unwrap()).collect();
    assert_eq!((theirs.len(), &theirs_by), (ours.len(), &ours_by));
    for run in &theirs {
        let id = tag(run, "dagdeck.run_id").unwrap();
        let ours = ours.iter().find(|ours| own(ours) == id).unwrap();
        for same in ["status", "run_name", "params", "metrics", "artifacts"] {
            assert_eq!(run[same], ours[same], "{same} of {id}");
        }
    }
    let model = there.json(&["models", "show", "iris"]);
    assert_eq!(model["versions"].as_array().unwrap().len(), 1, "{model:#}");
    assert_eq!(model["versions"][0]["aliases"][0], "production", "{model:#}");

    // What changes later follows, and what is taken away goes.
    here.run(&["models", "describe", "iris", "flowers"]).ok();
    here.run(&["models", "tag", "iris", "team", "botany", "--version", "1"]).ok();
    here.run(&["models", "rename", "iris", "flowers"]).ok();
    all_told(&here);
    let model = there.json(&["models", "show", "flowers"]);
    assert_eq!(model["model"]["description"], "flowers", "{model:#}");
    assert_eq!(model["versions"][0]["version_tags"][2][0], "team", "{model:#}");
    here.run(&["models", "unalias", "flowers", "production"]).ok();
    here.run(&["models", "delete", "flowers", "--yes"]).ok();
    all_told(&here);
    let gone = until(|| (there.run(&["models", "show", "flowers"]).code != 0).then_some(()));
    gone.expect("the model goes there, too");
    here.down();
    there.down();
}

/// A script of a task knows nothing of a deck, and logs to the server that the deck names.
const LOGS: &str = r#"
import mlflow, os
with mlflow.start_run(run_name="scripted"):
    mlflow.log_metric("auc", 0.9)
print(os.environ["MLFLOW_TRACKING_URI"])
"#;

#[test]
fn mlflows_own_server_has_what_the_deck_has_though_it_dies_on_the_way() {
    let test = "mlflows_own_server_has_what_the_deck_has_though_it_dies_on_the_way";
    let Some(python) = peer("DAGDECK_TEST_MLFLOW", test) else { return };
    let mut server = Server::start(&python);
    let command = format!("{} logs.py", python.display());
    let (mut here, address, token) = deck(&format!(
        "[tracking]\nuri = \"http://{}\"\n{LEARNS}\n[dag.script.task.log]\n\
         operator = \"command\"\ncommand = {command:?}\nenv = {{ GIT_PYTHON_REFRESH = \"quiet\", \
         MLFLOW_DISABLE_TELEMETRY = \"true\" }}\n",
        server.address
    ));
    let iris = with_iris(&here);
    here.write("logs.py", LOGS);
    // Nothing waits for the server: it may well not be up yet.
    here.run(&["run", "learn"]).ok();
    server.wait();
    let begun = || (here.json(&["status"])["mirror"]["sent"].as_u64()? > 0).then_some(());
    until(begun).or_else(|| until(begun)).expect("something is told");
    server.kill();
    here.run(&["run", "learn"]).ok();
    here.kill_daemon();
    server.start_again(&python);
    here.up();
    server.wait();
    all_told(&here);
    let outside = tempfile::tempdir().unwrap();
    let tell = |uri: &str, token: &str| {
        script_in(outside.path(), &python, &["mirrored.py", iris.to_str().unwrap()], uri, token)
    };
    let there = tell(&format!("http://{}", server.address), "");
    let ours = tell(&format!("http://{address}"), &token);
    for (there, ours) in there.lines().zip(ours.lines()) {
        assert_eq!(there, ours);
    }
    assert_eq!(there.lines().count(), ours.lines().count());
    assert!(there.lines().count() > 60, "{there}");
    here.run(&["run", "script"]).ok();
    let said = here.wait_for_runs("script", 1);
    assert_eq!(said[0]["state"], "success", "{}", here.run(&["logs", "script"]).stdout);
    let find = "import mlflow\n\
        run, = mlflow.search_runs(experiment_names=['script'], output_format='list')\n\
        print(run.data.tags['dagdeck.task_id'], run.info.run_name, run.data.metrics)";
    let found = std::process::Command::new(&python)
        .args(["-c", find])
        .env("MLFLOW_TRACKING_URI", format!("http://{}", server.address))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout).trim(), "log scripted {'auc': 0.9}");
    here.down();
}
