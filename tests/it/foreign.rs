//! Models of other tools: made by the real libraries, read and answered by here.

use std::fs;
use std::path::Path;
use std::process::Command;

use dagdeck::ml::{Foreign, Prediction};
use serde::Deserialize;
use serde_json::Value;

use crate::support::peer;

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
