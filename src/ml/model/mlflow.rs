//! A model's folder as MLflow knows it: `MLmodel` names the flavours by which Python loads it.
//!
//! `python_function` takes raw columns: its code lies in the folder and walks `model.json`. Boosted
//! trees have the flavour `xgboost` beside it, which takes the numbers that preprocessing makes.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::{ColumnSpec, DataType, Fitted, file};
use crate::dag::spec::LearningTask;

/// Whose layout of folders this is.
const MLFLOW_VERSION: &str = "3.17.2";

/// What Python needs beside MLflow, which brings both.
const REQUIREMENTS: &str = "mlflow>=3\nnumpy\npandas\n";

/// The environment that MLflow's own server would make.
const ENVIRONMENT: &str = "python: \"3.11\"\nbuild_dependencies:\n- pip\ndependencies:\n\
    - -r requirements.txt\n";

const CODE: &str = include_str!("mlflow/dagdeck_model.py");

/// Returns the files of the folder by their paths in it.
pub(super) fn files(fitted: &Fitted, run_id: &str, made_at: &str) -> IndexMap<String, Vec<u8>> {
    let mut files = IndexMap::new();
    files.insert("model.json".to_owned(), file::write(fitted));
    files.insert("code/dagdeck_model.py".to_owned(), CODE.as_bytes().to_vec());
    files.insert("requirements.txt".to_owned(), REQUIREMENTS.as_bytes().to_vec());
    files.insert("python_env.yaml".to_owned(), ENVIRONMENT.as_bytes().to_vec());
    let xgboost = fitted.estimator.to_json();
    let is_boosted = xgboost.get("learner").is_some();
    if is_boosted {
        files.insert("model.xgb.json".to_owned(), bytes(&xgboost));
    }
    if let Some((record, _)) = fitted.examples.first() {
        let (columns, row): (Vec<&String>, Vec<&Value>) = record.iter().unzip();
        let example = json!({"columns": columns, "data": [row]});
        files.insert("input_example.json".to_owned(), bytes(&example));
    }
    let text = described(fitted, is_boosted, run_id, made_at);
    files.insert("MLmodel".to_owned(), text.into_bytes());
    files
}

/// Writes `MLmodel`. It is YAML, of which JSON is a part.
fn described(fitted: &Fitted, is_boosted: bool, run_id: &str, made_at: &str) -> String {
    let (engine, engine_version) = fitted.family.engine;
    let mut flavors = Map::new();
    flavors.insert(
        "python_function".to_owned(),
        json!({
            "loader_module": "dagdeck_model",
            "code": "code",
            "data": "model.json",
            "env": {"virtualenv": "python_env.yaml"},
        }),
    );
    flavors.insert(
        "dagdeck".to_owned(),
        json!({
            "data": "model.json",
            "model": fitted.family.name,
            "engine": engine,
            "engine_version": engine_version,
        }),
    );
    if is_boosted {
        flavors.insert(
            "xgboost".to_owned(),
            json!({
                "data": "model.xgb.json",
                "model_class": "xgboost.core.Booster",
                "model_format": "json",
                "xgb_version": "3.0.0",
                "code": "code",
            }),
        );
    }
    let mut described = json!({
        "artifact_path": "model",
        "flavors": flavors,
        "mlflow_version": MLFLOW_VERSION,
        "run_id": run_id,
        "signature": signature(fitted),
        "utc_time_created": made_at,
    });
    if !fitted.examples.is_empty() {
        described["saved_input_example_info"] = json!({
            "artifact_path": "input_example.json",
            "type": "dataframe",
            "pandas_orient": "split",
        });
    }
    let mut text = serde_json::to_string_pretty(&described).expect("a JSON value is JSON");
    text.push('\n');
    text
}

/// Writes the signature in MLflow's own words: lists as JSON within JSON.
fn signature(fitted: &Fitted) -> Value {
    let columns = |columns: &[ColumnSpec]| {
        let columns: Vec<Value> = columns.iter().map(column).collect();
        Value::Array(columns).to_string()
    };
    let probabilities = json!([{
        "name": "probabilities", "type": "boolean", "default": false, "shape": null,
    }]);
    json!({
        "inputs": columns(&fitted.signature.inputs),
        "outputs": columns(&fitted.signature.outputs),
        "params": match fitted.task {
            LearningTask::Classification => Value::String(probabilities.to_string()),
            LearningTask::Regression => Value::Null,
        },
    })
}

fn column(column: &ColumnSpec) -> Value {
    let name = match column.data_type {
        DataType::Double => "double",
        // pandas has whole numbers with gaps as `double`, and MLflow takes them as nothing else.
        DataType::Long if column.required => "long",
        DataType::Long => "double",
        DataType::Boolean => "boolean",
        DataType::String => "string",
        DataType::Datetime => "datetime",
    };
    json!({"type": name, "name": column.name, "required": column.required})
}

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("a JSON value is JSON")
}
