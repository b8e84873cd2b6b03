//! The model server, asked by the real clients of each protocol that it speaks.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::mlflow::{sample_deck, script};
use crate::support::{Project, http, peer};

/// Runs a script of `tests/serving` and returns what it says.
fn run(
    python: &Path,
    name: &str,
    args: &[&str],
    input: &str,
    variables: &[(&str, &str)],
) -> String {
    let folder = tempfile::tempdir().unwrap();
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/serving").join(name);
    let mut asking = Command::new(python)
        .arg(script)
        .args(args)
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .env("BENTOML_DO_NOT_TRACK", "True")
        .env("MLFLOW_DISABLE_TELEMETRY", "true")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    asking.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = asking.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// Trains iris, whose columns are numbers, and titanic, whose columns are texts; both are served.
fn train(project: &Project) {
    project.run(&["run", "mlops_pipeline"]).ok();
    project.run(&["run", "mlops_pipeline", "-p", "dataset=titanic"]).ok();
    project.wait_for_runs("model_serving_pipeline", 2);
}

fn passengers() -> Value {
    json!([
        {"class": "first", "age": "adult", "sex": "female"},
        {"class": "third", "age": "child", "sex": "male"},
    ])
}

#[test]
fn mlflows_scoring_client_is_answered_as_by_mlflows_own_server() {
    let test = "mlflows_scoring_client_is_answered_as_by_mlflows_own_server";
    let Some(python) = peer("DAGDECK_TEST_MLFLOW", test) else { return };
    let (mut project, address, token) = sample_deck();
    train(&project);
    let said = script(&python, "foreign.py", &address, &token);
    let serving = project.serving();
    let mut names = vec!["iris".to_owned(), "titanic".to_owned()];
    let models = http(&serving, "GET", "/models", None).json();
    let mut all = models["models"].as_array().unwrap().iter();
    let flower = all.find(|model| model["name"] == "iris").unwrap();
    let columns = flower["versions"][0]["signature"]["inputs"].clone();
    let values = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]];
    let record = |row: &[f64; 4]| {
        let named = columns.as_array().unwrap().iter().zip(row);
        named
            .map(|(column, value)| (column["name"].as_str().unwrap().to_owned(), json!(value)))
            .collect::<serde_json::Map<_, _>>()
    };
    let mut frames = vec![values.iter().map(record).map(Value::from).collect(), passengers()];
    for logged in said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        // MLflow itself cannot answer with what an ONNX classifier gives without its maps.
        if logged["name"] == "flowers-onnx" {
            continue;
        }
        names.push(logged["name"].as_str().unwrap().to_owned());
        let columns = logged["columns"].as_array().unwrap();
        let rows = logged["rows"].as_array().unwrap().iter().map(|row| {
            let cells = columns.iter().zip(row.as_array().unwrap());
            let cells = cells.map(|(name, cell)| (name.as_str().unwrap().to_owned(), cell.clone()));
            Value::from(cells.collect::<serde_json::Map<_, _>>())
        });
        frames.push(rows.collect());
    }
    let input: String = frames.iter().map(|frame: &Value| format!("{frame}\n")).collect();
    let args: Vec<&str> =
        [serving.as_str()].into_iter().chain(names.iter().map(String::as_str)).collect();
    let uri = format!("http://{address}");
    let variables = [("MLFLOW_TRACKING_URI", uri.as_str()), ("MLFLOW_TRACKING_TOKEN", &token)];
    let compared = run(&python, "scoring.py", &args, &input, &variables);
    assert_eq!(compared.trim(), (names.len() * 15).to_string());
    project.down();
}

#[test]
fn tritons_client_is_answered() {
    let Some(python) = peer("DAGDECK_TEST_SERVING", "tritons_client_is_answered") else { return };
    let (mut project, _, token) = sample_deck();
    train(&project);
    let said = run(&python, "triton.py", &[&project.serving(), &token], "", &[]);
    assert_eq!(said.trim(), "asked 24");
    project.down();
}

#[test]
fn bentomls_client_is_answered() {
    let Some(python) = peer("DAGDECK_TEST_SERVING", "bentomls_client_is_answered") else { return };
    let (mut project, _, _) = sample_deck();
    train(&project);
    assert_eq!(run(&python, "bento.py", &[&project.serving()], "", &[]).trim(), "asked");
    project.down();
}
