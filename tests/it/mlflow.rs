//! MLflow's own client, unchanged, against the real binary: the same scripts run against a deck and
//! against `mlflow server`, and the answers are the same.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::support::{Project, http, peer, until};

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A deck whose control listener is on, with its address and token.
fn deck(more: &str) -> (Project, String, String) {
    let address = format!("127.0.0.1:{}", free_port());
    let mut project = Project::with(&format!("[api]\nlisten = \"{address}\"\n{more}"));
    project.keep_if_it_fails();
    project.up();
    let token = fs::read_to_string(project.path(".dagdeck/token")).unwrap().trim().to_owned();
    (project, address, token)
}

/// MLflow's own server, ended when it is dropped.
struct Server {
    process: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start(python: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let (_, port) = address.split_once(':').unwrap();
        let store = format!("sqlite:///{}", folder.path().join("mlflow.db").display());
        let log = fs::File::create(folder.path().join("server.log")).unwrap();
        let process = Command::new(python)
            .args(["-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"])
            .args(["--port", port, "--backend-store-uri", &store, "--artifacts-destination"])
            .arg(folder.path().join("artifacts"))
            .current_dir(folder.path())
            .env("PATH", with_its_programs(python))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { process, address, _folder: folder }
    }

    fn wait(&mut self) {
        let address = self.address.clone();
        let answers = || std::net::TcpStream::connect(&address).is_ok();
        let is_up =
            || (answers() && http(&address, "GET", "/health", None).status == 200).then_some(());
        // It reads half of PyPI first: on a busy machine that takes its time.
        until(is_up).or_else(|| until(is_up)).expect("mlflow server comes up");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its workers end with it; that it is gone already is as good.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

/// The server starts `uvicorn` by its name.
fn with_its_programs(python: &Path) -> String {
    let programs = python.parent().unwrap().display();
    format!("{programs}:{}", std::env::var("PATH").unwrap_or_default())
}

/// Runs a script of `tests/mlflow` against a server and returns what it says.
fn script(python: &Path, name: &str, address: &str, token: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/mlflow").join(name);
    let mut command = Command::new(python);
    command
        .arg(script)
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .env("MLFLOW_TRACKING_URI", format!("http://{address}"))
        .env("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        .env("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
        .env("GIT_PYTHON_REFRESH", "quiet")
        .env("MPLBACKEND", "agg")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("MLFLOW_TRACKING_TOKEN");
    if !token.is_empty() {
        command.env("MLFLOW_TRACKING_TOKEN", token);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} against {address}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a script against both and compares line by line.
fn agree(python: &Path, name: &str) {
    let mut server = Server::start(python);
    let (mut project, address, token) = deck("");
    let ours = thread::spawn({
        let (python, name) = (python.to_owned(), name.to_owned());
        move || script(&python, &name, &address, &token)
    });
    server.wait();
    let theirs = script(python, name, &server.address, "");
    let ours = ours.join().unwrap();
    let differ: Vec<String> = theirs
        .lines()
        .zip(ours.lines())
        .filter(|(theirs, ours)| theirs != ours)
        .map(|(theirs, ours)| format!("mlflow  {theirs}\ndagdeck {ours}"))
        .collect();
    assert!(differ.is_empty(), "{} answers differ:\n{}", differ.len(), differ.join("\n\n"));
    assert_eq!(theirs.lines().count(), ours.lines().count());
    assert!(theirs.lines().count() > 10, "{theirs}");
    project.down();
}

#[test]
fn experiments_runs_and_artifacts_are_answered_as_mlflow_does() {
    let test = "experiments_runs_and_artifacts_are_answered_as_mlflow_does";
    let Some(python) = peer("DAGDECK_TEST_MLFLOW", test) else { return };
    agree(&python, "tracking.py");
}

#[test]
fn models_versions_aliases_and_logged_models_are_answered_as_mlflow_does() {
    let test = "models_versions_aliases_and_logged_models_are_answered_as_mlflow_does";
    let Some(python) = peer("DAGDECK_TEST_MLFLOW", test) else { return };
    agree(&python, "registry.py");
}

/// A script as people write them: it knows nothing of a deck.
const FIT: &str = r#"
import mlflow
mlflow.log_metric("auc", 0.93)
mlflow.end_run()
with mlflow.start_run(run_name="search") as run:
    mlflow.log_param("depth", 3)
    mlflow.log_text("hello", "notes.txt")
    with mlflow.start_run(run_name="trial", nested=True):
        mlflow.log_metric("auc", 0.9)
import os
print(os.environ["MLFLOW_TRACKING_TOKEN"])
print(run.info.run_id)
"#;

#[test]
fn a_script_of_a_task_logs_without_a_change_and_hangs_under_its_task() {
    let test = "a_script_of_a_task_logs_without_a_change_and_hangs_under_its_task";
    let Some(python) = peer("DAGDECK_TEST_MLFLOW", test) else { return };
    let command = format!("{} fit.py", python.display());
    let dag = format!(
        "[dag.train]\n[dag.train.task.fit]\noperator = \"command\"\ncommand = {command:?}\n\
         env = {{ GIT_PYTHON_REFRESH = \"quiet\", MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT = \"true\" }}\n"
    );
    let (mut project, address, _) = deck(&dag);
    project.write("fit.py", FIT);
    project.run(&["run", "train"]);
    project.wait_for_runs("train", 1);
    let runs = project.run(&["experiments", "runs", "train", "-o", "json"]).ok().json();
    let runs = runs["runs"].as_array().or(runs.as_array()).expect("a list of runs").clone();
    assert_eq!(runs.len(), 3, "{runs:#?}");
    let tag = |run: &serde_json::Value, key: &str| {
        let tags = run["tags"].as_array().unwrap().clone();
        let found = tags.iter().find(|tag| tag[0] == key || tag["key"] == key);
        found.map(|tag| if tag[1].is_null() { tag["value"].clone() } else { tag[1].clone() })
    };
    for run in &runs {
        assert_eq!(tag(run, "dagdeck.dag_id"), Some("train".into()), "{run:#}");
        assert_eq!(tag(run, "dagdeck.task_id"), Some("fit".into()), "{run:#}");
        assert_eq!(run["status"], "FINISHED", "{run:#}");
    }
    let log = project.run(&["logs", "train", "fit"]).stdout;
    assert!(log.contains("***") && !log.contains("attempt."), "the pass is masked: {log}");
    // What the task wrote names the runs, and a pass is worth nothing once its attempt is over.
    let database = rusqlite::Connection::open(project.path(".dagdeck/dagdeck.db")).unwrap();
    let sql = "SELECT count(*) FROM task_dataset WHERE namespace = 'tracked' AND task_id = 'fit'";
    assert_eq!(database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 3);
    let answer = http(&address, "GET", "/api/2.0/mlflow/experiments/get?experiment_id=0", None);
    assert_eq!(answer.status, 401);
    project.down();
}
