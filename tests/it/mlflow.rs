//! MLflow's own client, unchanged, against the real binary: the same scripts run against a deck and
//! against `mlflow server`, and the answers are the same.

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::support::{Project, http, peer, until};

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A deck whose control listener is on, with its address and token.
pub(crate) fn deck(more: &str) -> (Project, String, String) {
    opened(Project::empty(), more)
}

/// The sample project likewise.
pub(crate) fn sample_deck() -> (Project, String, String) {
    let project = Project::sample();
    let dags_toml = fs::read_to_string(project.path("dags.toml")).unwrap();
    opened(project, &dags_toml)
}

fn opened(mut project: Project, dags_toml: &str) -> (Project, String, String) {
    let address = format!("127.0.0.1:{}", free_port());
    project.write("dags.toml", format!("[api]\nlisten = \"{address}\"\n{dags_toml}"));
    project.keep_if_it_fails();
    project.up();
    let token = fs::read_to_string(project.path(".dagdeck/token")).unwrap().trim().to_owned();
    (project, address, token)
}

/// MLflow's own server, ended when it is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
    folder: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start(python: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let process = Self::process(python, folder.path(), &address);
        Self { process, address, folder }
    }

    /// Starts it again where it was.
    pub(crate) fn start_again(&mut self, python: &Path) {
        self.process = Self::process(python, self.folder.path(), &self.address);
    }

    /// Kills it with all that it has started.
    pub(crate) fn kill(&mut self) {
        let group = format!("-{}", self.process.id());
        Command::new("kill").args(["-9", "--", &group]).status().unwrap();
        self.process.wait().unwrap();
    }

    fn process(python: &Path, folder: &Path, address: &str) -> Child {
        let (_, port) = address.split_once(':').unwrap();
        let store = format!("sqlite:///{}", folder.join("mlflow.db").display());
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("server.log"))
            .unwrap();
        Command::new(python)
            .args(["-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"])
            .args(["--port", port, "--backend-store-uri", &store, "--artifacts-destination"])
            .arg(folder.join("artifacts"))
            .current_dir(folder)
            .env("PATH", with_its_programs(python))
            .env("MLFLOW_DISABLE_TELEMETRY", "true")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            // Its own listeners are on this machine.
            .env("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "http,https")
            .env("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", "true")
            .process_group(0)
            .spawn()
            .unwrap()
    }

    pub(crate) fn wait(&mut self) {
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
pub(crate) fn script(python: &Path, name: &str, address: &str, token: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    script_in(folder.path(), python, &[name], &format!("http://{address}"), token)
}

/// Runs a script with its arguments in a folder, against whatever a URI names.
pub(crate) fn script_in(
    folder: &Path,
    python: &Path,
    args: &[&str],
    uri: &str,
    token: &str,
) -> String {
    let name = args[0];
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/mlflow").join(name);
    let mut command = Command::new(python);
    command
        .arg(script)
        .args(&args[1..])
        .current_dir(folder)
        .env("HOME", folder)
        .env("MLFLOW_TRACKING_URI", uri)
        .env("MLFLOW_ALLOW_FILE_STORE", "true")
        .env("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        // It would tell its makers of each call.
        .env("MLFLOW_DISABLE_TELEMETRY", "true")
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
    assert!(output.status.success(), "{name} against {uri}: {said}");
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

#[test]
fn webhooks_are_made_tried_and_told_as_mlflow_does() {
    let test = "webhooks_are_made_tried_and_told_as_mlflow_does";
    let Some(python) = peer("DAGDECK_TEST_MLFLOW", test) else { return };
    agree(&python, "webhooks.py");
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
import os, sys
print(os.environ["MLFLOW_TRACKING_TOKEN"])
print(run.info.run_id)
sys.exit(0 if os.environ["DAGDECK_TRY_NUMBER"] == "2" else 3)
"#;

/// What the one attempt below a folder said.
fn log_of(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.map(|path| match path.is_dir() {
        true => log_of(&path),
        false if path.ends_with("task.log") => fs::read_to_string(&path).unwrap(),
        false => String::new(),
    });
    found.collect()
}

#[test]
fn a_script_of_a_task_logs_without_a_change_and_hangs_under_its_task() {
    let test = "a_script_of_a_task_logs_without_a_change_and_hangs_under_its_task";
    let Some(python) = peer("DAGDECK_TEST_MLFLOW", test) else { return };
    let command = format!("{} fit.py", python.display());
    let dag = format!(
        "[dag.train]\n[dag.train.task.fit]\noperator = \"command\"\ncommand = {command:?}\n\
         retries = 1\nretry_delay = \"10ms\"\nenv = {{ GIT_PYTHON_REFRESH = \"quiet\", MLFLOW_DISABLE_TELEMETRY = \"true\", MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT = \"true\" }}\n"
    );
    let (mut project, address, _) = deck(&dag);
    project.write("fit.py", FIT);
    project.run(&["run", "train"]);
    project.wait_for_runs("train", 1);
    let runs = project.run(&["experiments", "runs", "train", "-o", "json"]).ok().json();
    let runs = runs["runs"].as_array().or(runs.as_array()).expect("a list of runs").clone();
    assert_eq!(runs.len(), 7, "three of each try, and the one that they hang under: {runs:#?}");
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
    let named = |name: &str| -> Vec<&serde_json::Value> {
        runs.iter().filter(|run| run["run_name"] == name).collect()
    };
    let (tasks, searches, trials) = (named("fit"), named("search"), named("trial"));
    assert_eq!((tasks.len(), searches.len(), trials.len()), (1, 2, 2), "{runs:#?}");
    let under = |run| tag(run, "mlflow.parentRunId");
    assert_eq!((under(tasks[0]), tag(tasks[0], "dagdeck.try_number")), (None, Some("2".into())));
    for run in runs.iter().filter(|run| run["run_name"] != "fit" && run["run_name"] != "trial") {
        assert_eq!(under(run).as_ref(), Some(&tasks[0]["run_id"]), "{run:#}");
    }
    assert!(
        trials.iter().all(|run| searches.iter().any(|by| under(run) == Some(by["run_id"].clone())))
    );
    let log = log_of(&project.path(".dagdeck/runs"));
    assert!(log.contains("***") && !log.contains("attempt."), "the pass is masked: {log}");
    // What the task wrote names the runs, and a pass is worth nothing once its attempt is over.
    let database = rusqlite::Connection::open(project.path(".dagdeck/dagdeck.db")).unwrap();
    let sql = "SELECT count(*) FROM task_dataset WHERE namespace = 'tracked' AND task_id = 'fit'
        AND try_number = 2";
    assert_eq!(database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 3);
    let answer = http(&address, "GET", "/api/2.0/mlflow/experiments/get?experiment_id=0", None);
    assert_eq!(answer.status, 401);
    project.down();
}

/// What MLflow kept in a folder or a database is told the same by the deck that took it over, also
/// where the taking over was killed on its way, and by the folder that it is given back as.
/// The folder of the artifacts of the run that keeps notes.
fn run_folder(project: &Project) -> PathBuf {
    let experiments = fs::read_dir(project.path(".dagdeck/artifacts")).unwrap().flatten();
    let runs = experiments.flat_map(|entry| fs::read_dir(entry.path()).unwrap().flatten());
    let mut folders = runs.map(|entry| entry.path().join("artifacts"));
    folders.find(|folder| folder.join("notes").is_dir()).expect("a run with notes")
}

fn taken_over(python: &Path, kept: &str, uri: impl Fn(&Path) -> String) {
    let outside = tempfile::tempdir().unwrap();
    let theirs = uri(outside.path());
    let keep = |what: &str, uri: &str, token: &str| {
        script_in(outside.path(), python, &["keep.py", what], uri, token)
    };
    keep("make", &theirs, "");
    let before = keep("tell", &theirs, "");
    assert!(before.lines().count() > 30, "{before}");
    let mut project = Project::with("[deck]\nname = \"taken over\"\n");
    project.keep_if_it_fails();
    let path = outside.path().join(kept);
    let import = ["import", "mlflow", path.to_str().unwrap()];
    let dry = project.json(&[&import[..], &["--dry-run"]].concat());
    assert_eq!((dry["runs"].as_u64(), dry["registered_models"].as_u64()), (Some(5), Some(1)));
    // Killed when the first run is there, and taken up again.
    let mut child = project.command(&import).stdout(Stdio::null()).spawn().unwrap();
    let database = project.path(".dagdeck/dagdeck.db");
    let has_begun = || {
        let is_over = child.try_wait().unwrap().is_some();
        let count = rusqlite::Connection::open(&database)
            .and_then(|conn| conn.query_row("SELECT count(*) FROM runs", [], |row| row.get(0)));
        (is_over || count.is_ok_and(|count: i64| count > 0)).then_some(())
    };
    until(has_begun).expect("it begins");
    // It may have ended meanwhile, which is as good.
    let _ = child.kill();
    child.wait().unwrap();
    let taken = project.json(&import);
    assert_eq!(taken, dry, "{taken:#}");
    assert_eq!(project.json(&import), taken, "again it is the same");
    // What a kill in the middle of a file leaves, for certain.
    fs::write(run_folder(&project).join("notes/.left.tmp"), "half").unwrap();
    // Not before: a port that is not taken for minutes may be somebody else's by then.
    let address = format!("127.0.0.1:{}", free_port());
    project.write("dags.toml", format!("[api]\nlisten = \"{address}\"\n"));
    project.up();
    let token = fs::read_to_string(project.path(".dagdeck/token")).unwrap().trim().to_owned();
    assert_eq!(keep("tell", &format!("http://{address}"), &token), before);
    let back = outside.path().join("back/mlruns");
    project.run(&["export", "mlflow", back.to_str().unwrap()]).ok();
    assert_eq!(keep("tell", &format!("file://{}", back.display()), ""), before);
    project.down();
}

#[test]
fn a_database_of_mlflow_is_taken_over_and_given_back() {
    let test = "a_database_of_mlflow_is_taken_over_and_given_back";
    let Some(python) = peer("DAGDECK_TEST_MLFLOW", test) else { return };
    let uri = |folder: &Path| format!("sqlite:///{}", folder.join("mlflow.db").display());
    taken_over(&python, "mlflow.db", uri);
}

#[test]
fn a_folder_of_mlflow_is_taken_over_and_given_back() {
    let test = "a_folder_of_mlflow_is_taken_over_and_given_back";
    let Some(python) = peer("DAGDECK_TEST_MLFLOW", test) else { return };
    taken_over(&python, "mlruns", |folder| format!("file://{}", folder.join("mlruns").display()));
}

#[test]
fn models_that_pipelines_trained_are_loaded_by_python_and_answer_the_same() {
    let test = "models_that_pipelines_trained_are_loaded_by_python_and_answer_the_same";
    let Some(python) = peer("DAGDECK_TEST_MLFLOW", test) else { return };
    let mut dags = String::new();
    let mut names = Vec::new();
    for (dataset, task, target, models) in [
        (
            "iris",
            "classification",
            "species",
            ["xgboost", "lightgbm", "random_forest", "logistic_regression"],
        ),
        (
            "titanic",
            "classification",
            "survived",
            ["xgboost", "lightgbm", "random_forest", "logistic_regression"],
        ),
        (
            "housing",
            "regression",
            "medv",
            ["xgboost", "lightgbm", "random_forest", "linear_regression"],
        ),
    ] {
        dags.push_str(&format!(
            "[dataset.{dataset}]\nuri = \"file:data/{dataset}.csv\"\ntask = \"{task}\"\n\
             target = \"{target}\"\n"
        ));
        for model in models {
            let name = format!("{dataset}_{model}");
            dags.push_str(&format!(
                "[dag.learn.task.{name}]\noperator = \"ml.train\"\ndataset = \"{dataset}\"\n\
                 model = \"{model}\"\n[dag.learn.task.register_{name}]\n\
                 operator = \"model.register\"\nrun = \"{{{{ output.{name}.run_id }}}}\"\n\
                 name = \"{name}\"\n"
            ));
            names.push(name);
        }
    }
    let (mut project, address, token) = deck(&format!("[dag.learn]\n{dags}"));
    for table in ["iris", "titanic", "housing"] {
        let from =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data").join(format!("{table}.csv"));
        project.write(&format!("data/{table}.csv"), fs::read(from).unwrap());
    }
    project.run(&["run", "learn"]).ok();
    let folder = project.path("onnx");
    fs::create_dir(&folder).unwrap();
    for name in &names {
        let file = folder.join(format!("{name}.onnx"));
        project.run(&["export", "onnx", &format!("{name}/1"), file.to_str().unwrap()]).ok();
    }
    let args = ["own.py", folder.to_str().unwrap()];
    let said = script_in(project.dir(), &python, &args, &format!("http://{address}"), &token);
    let lines: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    names.sort();
    assert_eq!(lines.iter().map(|line| line[0].as_str().unwrap()).collect::<Vec<_>>(), names);
    for line in &lines {
        assert_eq!((&line[2], &line[3]), (&true.into(), &true.into()), "{line}");
        let is_boosted = line[0].as_str().unwrap().ends_with("boost")
            || line[0].as_str().unwrap().ends_with("gbm");
        let has_flavor = line[4].as_array().unwrap().contains(&"xgboost".into());
        assert_eq!(has_flavor, is_boosted, "{line}");
    }
    project.down();
}
