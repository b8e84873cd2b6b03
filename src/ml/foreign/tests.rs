//! Manifests, signatures, and files that are wrong. What models of the real libraries answer is
//! compared with Python's answers in the tests of the whole program.

use serde_json::json;

use super::*;
use crate::dag::spec::LearningTask;
use crate::sample::{holes, iris, quick};
use crate::{Dataset, Model, Prediction, train};

fn numbers(prediction: &Prediction) -> Vec<f64> {
    match prediction {
        Prediction::Class { probabilities, .. } => probabilities.values().copied().collect(),
        Prediction::Value { value } => vec![*value],
    }
}

/// The greatest difference between two answers, in relation to their size where it is above 1.
fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    let apart = |(a, b): (&f64, &f64)| (a - b).abs() / a.abs().max(b.abs()).max(1.0);
    found.iter().zip(expected).map(apart).fold(0.0, f64::max)
}

/// XGBoost's JSON, as the boosted trees of the sample are kept, with the model's own answers.
fn xgboost(dataset: &Dataset) -> (Vec<u8>, Model) {
    let model = train(dataset, &quick("xgboost"), &mut |_| {}).unwrap().model;
    let file: Value = serde_json::from_slice(&model.to_bytes()).unwrap();
    (file["estimator"].to_string().into_bytes(), model)
}

fn mlmodel(flavor: &str, data: &str, rest: &str) -> Manifest {
    let text = format!(
        "flavors:\n  python_function:\n    loader_module: x\n  {flavor}:\n    data: {data}\n\
         model_uuid: m-1\n{rest}"
    );
    Manifest::read(&text).unwrap()
}

const NAMED: &str = r#"signature:
  inputs: '[{"type": "double", "name": "sepal length", "required": true}, {"type": "float", "name": "b", "required": false}, {"type": "double", "name": "c"}, {"type": "double", "name": "d"}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3]}}]'
metadata:
  classes: [setosa, versicolor, virginica]
"#;

#[test]
fn a_folder_of_mlflow_says_the_columns_and_the_classes() {
    let (bytes, own) = xgboost(&iris());
    let manifest = mlmodel("xgboost", "model.json", NAMED);
    assert_eq!(
        (manifest.flavor().unwrap(), manifest.file().unwrap()),
        (Flavor::Xgboost, "model.json")
    );
    let model = Foreign::read(&manifest, &bytes).unwrap();
    assert_eq!(model.kind(), "xgboost");
    let names: Vec<_> =
        model.signature().inputs.iter().map(|c| (c.name.as_str(), c.required)).collect();
    assert_eq!(names, [("sepal length", true), ("b", false), ("c", true), ("d", true)]);
    let row = [json!([5.1, 3.5, 1.4, 0.2])];
    let (found, wanted) = (model.predict(&row).unwrap(), own.predict(&row).unwrap());
    assert!(distance(&numbers(&found[0]), &numbers(&wanted[0])) < 1e-6);
    let Prediction::Class { label, .. } = &found[0] else { panic!("{found:?}") };
    assert_eq!(label, "setosa");
    assert!(model.predict(&[json!({"sepal length": 5.1, "b": null, "c": 1.4, "d": 0.2})]).is_ok());
    let fault = model.predict(&[json!([null, 3.5, 1.4, 0.2])]).unwrap_err().to_string();
    assert!(fault.contains("column `sepal length`: a value is required"), "{fault}");
    assert_eq!(model.examples().len(), 1);
}

#[test]
fn a_matrix_has_the_columns_of_the_file() {
    let (bytes, _) = xgboost(&iris());
    let matrix = r#"signature:
  inputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 4]}}]'
"#;
    let model = Foreign::read(&mlmodel("xgboost", "model.json", matrix), &bytes).unwrap();
    let names: Vec<_> =
        model.signature().inputs.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["f0", "f1", "f2", "f3"]);
    assert!(model.predict(&[json!([5.1, null, 1.4, 0.2])]).is_ok());
}

#[test]
fn a_value_is_answered_where_the_objective_gives_one() {
    let (bytes, own) = xgboost(&holes(LearningTask::Regression));
    let width = Foreign::read_bare(&bytes, None).unwrap().signature().inputs.len();
    let row = vec![Value::from(1.5); width];
    let found = Foreign::read_bare(&bytes, None).unwrap().predict(&[Value::from(row)]).unwrap();
    assert!(matches!(found[0], Prediction::Value { .. }), "{found:?} {}", own.kind());
}

#[test]
fn a_signature_and_classes_that_do_not_fit_are_refused() {
    let (bytes, _) = xgboost(&iris());
    let refusal = |rest: &str| {
        Foreign::read(&mlmodel("xgboost", "model.json", rest), &bytes).unwrap_err().to_string()
    };
    let two =
        NAMED.replace(r#", {"type": "double", "name": "c"}, {"type": "double", "name": "d"}"#, "");
    assert!(refusal(&two).contains("2 columns where the model takes 4"), "{}", refusal(&two));
    let named = NAMED.replace("setosa, ", "");
    assert!(refusal(&named).contains("2 classes are named where the model knows 3"));
    let date = NAMED.replace("float\"", "datetime\"");
    assert!(
        refusal(&date).contains("columns of type `datetime` are not served"),
        "{}",
        refusal(&date)
    );
    let cube = r#"signature: {inputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 4, 4]}}]'}"#;
    assert!(refusal(cube).contains("only tensors of rows and columns"), "{}", refusal(cube));
    let broken = "signature: {inputs: '[{'}";
    assert!(refusal(broken).contains("`signature.inputs`"), "{}", refusal(broken));
}

#[test]
fn what_is_no_model_is_refused_with_what_could_be_done() {
    let of = |text: &str| Manifest::read(text).map(|_| ()).unwrap_err().to_string();
    assert!(of("a: [").contains("read `MLmodel`"), "{}", of("a: ["));
    assert!(of("- 1").contains("no table of YAML"));
    let sklearn = mlmodel("sklearn", "model.pkl", "").flavor().unwrap_err().to_string();
    assert!(sklearn.contains("mlflow.onnx.log_model"), "{sklearn}");
    let pickle = mlmodel("lightgbm", "model.pkl", "").file().unwrap_err().to_string();
    assert!(pickle.contains("is a pickle"), "{pickle}");
    let bare = |bytes: &[u8]| Foreign::read_bare(bytes, None).unwrap_err().to_string();
    assert!(bare(b"").contains("ONNX"), "{}", bare(b""));
    assert!(bare(b"{\"learner\": {}}").contains("XGBoost's JSON"));
    assert!(bare(b"tree\nversion=v9\n").contains("LightGBM's text"), "{}", bare(b"tree\n"));
}

#[test]
fn a_file_that_is_cut_is_refused_wherever_it_is_cut() {
    let (bytes, _) = xgboost(&iris());
    for length in (0..bytes.len()).step_by(97) {
        assert!(Foreign::read_bare(&bytes[..length], None).is_err(), "cut at {length}");
    }
}
