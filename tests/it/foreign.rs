//! Models of other tools: made by the real libraries, read and answered by here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dagdeck::ml::{Foreign, Prediction, Predictor};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::mlflow::{deck, script};
use crate::support::{Project, http, peer, until};

/// How far an answer may be from Python's, in relation to its size where that is above 1.
const NEAR: f64 = 1e-6;

#[derive(Deserialize)]
struct Case {
    file: String,
    rows: Vec<Value>,
    expected: Vec<Value>,
}

fn numbers(prediction: &Prediction) -> Vec<f64> {
    match prediction {
        Prediction::Class { probabilities, .. } => probabilities.values().copied().collect(),
        Prediction::Value { value } => vec![*value],
    }
}

fn expected(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(all) => all.iter().map(|v| v.as_f64().unwrap()).collect(),
        one => vec![one.as_f64().unwrap()],
    }
}

fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    let apart = |(a, b): (&f64, &f64)| (a - b).abs() / a.abs().max(b.abs()).max(1.0);
    found.iter().zip(expected).map(apart).fold(0.0, f64::max)
}

/// Reads a model's file and answers; returns how far that is from Python's answers.
fn far(folder: &Path, case: &Case) -> Result<f64, String> {
    let bytes = fs::read(folder.join(&case.file)).unwrap();
    let model = Foreign::read_bare(&bytes, None).map_err(|error| error.to_string())?;
    let answers = model.predict(&case.rows).map_err(|error| error.to_string())?;
    assert_eq!(answers.len(), case.expected.len());
    let pairs = answers.iter().zip(&case.expected);
    Ok(pairs.map(|(a, b)| distance(&numbers(a), &expected(b))).fold(0.0, f64::max))
}

#[test]
fn models_of_the_real_libraries_answer_as_python_does() {
    let test = "models_of_the_real_libraries_answer_as_python_does";
    let Some(python) = peer("DAGDECK_TEST_MLFLOW", test) else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/make_foreign.py");
    let made = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let cases = fs::read(folder.path().join("cases.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_slice(&cases).unwrap();
    assert!(cases.len() > 30, "{} models", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| match far(folder.path(), case) {
            Ok(far) if far <= NEAR => None,
            Ok(far) => Some(format!("{}: {far:e} away", case.file)),
            Err(error) => Some(format!("{}: {error}", case.file)),
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn models_that_python_logged_and_promoted_are_served() {
    let test = "models_that_python_logged_and_promoted_are_served";
    let Some(python) = peer("DAGDECK_TEST_MLFLOW", test) else { return };
    let (mut project, address, token) = deck("");
    let said = script(&python, "foreign.py", &address, &token);
    let serving = project.serving();
    let answers = |name: &str, rows: &Value| {
        let path = format!("/models/{name}@production/predict");
        http(&serving, "POST", &path, Some(&rows.to_string()))
    };
    let logged: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(logged.len(), 4, "{said}");
    for model in &logged {
        let name = model["name"].as_str().unwrap();
        let answer = answers(name, &model["rows"]);
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        let found = answer.json();
        for (found, wanted) in
            found.as_array().unwrap().iter().zip(model["expected"].as_array().unwrap())
        {
            let numbers: Vec<f64> = match found.get("probabilities") {
                Some(classes) => {
                    classes.as_object().unwrap().values().filter_map(Value::as_f64).collect()
                }
                None => vec![found["value"].as_f64().unwrap()],
            };
            let far = distance(&numbers, &expected(wanted));
            assert!(far <= NEAR, "{name}: {far:e} away");
        }
    }
    let flower = answers("flowers-xgboost", &logged[0]["rows"]);
    assert_eq!(flower.json()[0]["label"], "setosa", "{}", flower.body);
    let row = json!([{"sepal length (cm)": 5.1, "petal width (cm)": 0.2}]);
    let missing = answers("flowers-xgboost", &row);
    assert_eq!(missing.status, 400, "{}", missing.body);
    assert!(missing.body.contains("sepal width (cm)"), "{}", missing.body);
    let pickle = answers("flowers-pickle", &logged[0]["rows"]);
    assert_eq!(pickle.status, 503, "{}", pickle.body);
    assert!(pickle.body.contains("mlflow.onnx.log_model"), "{}", pickle.body);
    project.down();
}

#[test]
fn a_model_in_a_file_is_registered_promoted_and_served() {
    let mut project = Project::sample();
    project.up();
    project.run(&["run", "mlops_pipeline"]).ok();
    // What XGBoost itself reads, beside the model that was trained.
    let mut files = Vec::new();
    find(&project.path(".dagdeck/artifacts"), "model.xgb.json", &mut files);
    let file = files.first().expect("boosted trees are kept as XGBoost's JSON, too");
    let register = |name: &str, path: &str| project.run(&["models", "register", name, path]);
    let said = register("flowers", file.to_str().unwrap()).ok().stdout;
    assert!(said.contains("`flowers` version 1"), "{said}");
    project.run(&["models", "promote", "flowers", "1"]).ok();
    let serving = project.serving();
    let ask = |name: &str| {
        let path = format!("/models/{name}@production/predict");
        http(&serving, "POST", &path, Some("[[5.1, 3.5, 1.4, 0.2]]")).json()[0].clone()
    };
    let (ours, theirs) = (ask("iris"), ask("flowers"));
    let of = |answer: &Value, class: &str| answer["probabilities"][class].as_f64().unwrap();
    assert!((of(&ours, "setosa") - of(&theirs, "0")).abs() < NEAR, "{ours} {theirs}");
    let shown = project.json(&["models", "show", "flowers"]);
    assert_eq!(shown["versions"][0]["signature"]["inputs"].as_array().unwrap().len(), 4, "{shown}");
    // A folder of MLflow's is taken as it is: here that of the pipeline's own model.
    let folder = file.parent().unwrap().to_str().unwrap();
    register("flowers", folder).ok();
    project.run(&["models", "promote", "flowers", "2"]).ok();
    // The model server follows the alias a moment later.
    until(|| (ask("flowers")["label"] == "setosa").then_some(())).expect("version 2 answers");
    project.write("broken.json", "{\"learner\": {}}");
    let broken = register("flowers", project.path("broken.json").to_str().unwrap());
    assert_ne!(broken.code, 0, "{}", broken.stdout);
    assert!(broken.stderr.contains("XGBoost's JSON"), "{}", broken.stderr);
    let missing = register("flowers", "nowhere.onnx");
    assert!(missing.stderr.contains("nowhere.onnx"), "{}", missing.stderr);
    assert_eq!(
        project.json(&["models", "show", "flowers"])["versions"].as_array().unwrap().len(),
        2
    );
    project.down();
}

fn find(folder: &Path, name: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.path().is_dir() {
            true => find(&entry.path(), name, found),
            false if entry.file_name() == name => found.push(entry.path()),
            false => {}
        }
    }
}
