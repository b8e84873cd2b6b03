//! The paths of the protocols of others, as OpenAPI: bodies as those protocols have them, with
//! examples of the model at hand.

use serde_json::{Map, Value, json};

use super::{encode, ok, record_schema, refused_with};
use crate::ml::Predictor;
use crate::ml::model::ColumnSpec;
use crate::serving::protocol::infer;
use crate::serving::table::Loaded;

/// Adds the paths of one model; of the default one also those without a name.
pub(super) fn add(paths: &mut Map<String, Value>, loaded: &Loaded, is_default: bool) {
    let name = encode(&loaded.model);
    if is_default {
        let summary = "Scores as MLflow's server does, with the default model";
        paths.insert("/invocations".into(), invocations(loaded, summary, "invocations"));
    }
    let summary = format!("Scores as MLflow's server does, with `{}`", loaded.model);
    let operation = format!("invocations_{name}");
    paths.insert(format!("/models/{name}/invocations"), invocations(loaded, &summary, &operation));
    paths.insert(format!("/v2/models/{name}/infer"), infer(loaded, &name));
    let described =
        json!({"200": ok("Its tensors"), "404": refused_with("OipRefusal", "It is not served")});
    paths.insert(
        format!("/v2/models/{name}"),
        json!({"get": {
            "summary": format!("Describes `{}` in the Open Inference Protocol", loaded.model),
            "operationId": format!("v2_{name}"),
            "responses": described,
        }}),
    );
}

fn invocations(loaded: &Loaded, summary: &str, operation: &str) -> Value {
    let predictor = &*loaded.predictor;
    let signature = predictor.signature();
    let records: Vec<&Map<String, Value>> = predictor.examples().iter().map(|(r, _)| r).collect();
    let names: Vec<&str> = signature.inputs.iter().map(|column| column.name.as_str()).collect();
    let cell = |record: &&Map<String, Value>, name: &&str| {
        record.get(*name).cloned().unwrap_or(Value::Null)
    };
    let rows: Vec<Vec<Value>> = records
        .iter()
        .map(|record| names.iter().map(|name| cell(record, name)).collect())
        .collect();
    let row = json!({"type": "array"});
    // A record may have columns beside those of the model.
    let mut record = record_schema(signature);
    record["additionalProperties"] = json!(true);
    json!({"post": {
        "summary": summary,
        "operationId": operation,
        "requestBody": {"required": true, "content": {
            "application/json": {
                "schema": {"oneOf": [
                    {"type": "object", "required": ["dataframe_split"], "properties": {
                        "dataframe_split": {"type": "object", "required": ["data"], "properties": {
                            "columns": {"type": "array"},
                            "data": {"type": "array", "items": row},
                        }},
                        "params": {"type": "object"},
                    }},
                    {"type": "object", "required": ["dataframe_records"], "properties": {
                        "dataframe_records": {"type": "array", "items": record},
                        "params": {"type": "object"},
                    }},
                    {"type": "object", "required": ["instances"]},
                    {"type": "object", "required": ["inputs"]},
                ]},
                "examples": {
                    "dataframe_split": {"value": {
                        "dataframe_split": {"columns": names, "data": rows},
                    }},
                    "dataframe_records": {"value": {"dataframe_records": records}},
                    "inputs": {"value": {"inputs": rows}},
                },
            },
        }},
        "responses": {
            "200": {
                "description": "What Python's `predict` gives",
                "content": {"application/json": {"schema": {
                    "type": "object",
                    "properties": {"predictions": {"type": "array"}},
                    "required": ["predictions"],
                }}},
            },
            "400": refused_with("MlflowRefusal", "The body or a row of it is wrong"),
            "413": refused_with("MlflowRefusal", "The body is too large"),
            "415": refused_with("MlflowRefusal", "The content type is not read"),
            "503": refused_with("MlflowRefusal", "Too much is asked at once, or nothing is ready"),
        },
    }})
}

fn infer(loaded: &Loaded, name: &str) -> Value {
    json!({"post": {
        "summary": format!("Predicts with `{}` in the Open Inference Protocol", loaded.model),
        "operationId": format!("infer_{name}"),
        "requestBody": {"required": true, "content": {"application/json": {
            "schema": {
                "type": "object",
                "required": ["inputs"],
                "properties": {
                    "id": {"type": "string"},
                    "parameters": {"type": "object"},
                    "inputs": {"type": "array", "minItems": 1, "items": {
                        "type": "object",
                        "required": ["name", "shape", "datatype", "data"],
                        "properties": {
                            "name": {"type": "string"},
                            "shape": {"type": "array", "items": {"type": "integer", "minimum": 1}},
                            "datatype": {"type": "string"},
                            "data": {"type": "array"},
                        },
                    }},
                    "outputs": {"type": "array", "items": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {"name": {"type": "string"}},
                    }},
                },
            },
            "examples": {"tensors": {"value": {"inputs": tensors(&*loaded.predictor)}}},
        }}},
        "responses": {
            "200": ok("The tensors of the answer"),
            "400": refused_with("OipRefusal", "The tensors do not fit"),
            "413": refused_with("OipRefusal", "The body is too large"),
            "503": refused_with("OipRefusal", "Too much is asked at once, or nothing is ready"),
        },
    }})
}

/// The examples as a tensor for each column.
fn tensors(predictor: &dyn Predictor) -> Value {
    let examples = predictor.examples();
    let tensor = |column: &ColumnSpec| {
        let cell = |(record, _): &(Map<String, Value>, Value)| {
            record.get(&column.name).cloned().unwrap_or(Value::Null)
        };
        let data: Vec<Value> = examples.iter().map(cell).collect();
        let datatype = infer::datatype(column.data_type);
        json!({"name": column.name, "shape": [data.len()], "datatype": datatype, "data": data})
    };
    predictor.signature().inputs.iter().map(tensor).collect()
}

/// The bodies of refusals in the words of others.
pub(super) fn refusals() -> [(&'static str, Value); 2] {
    let text = json!({"type": "string"});
    [
        (
            "MlflowRefusal",
            json!({
                "type": "object",
                "properties": {"error_code": text, "message": text},
                "required": ["error_code", "message"],
            }),
        ),
        (
            "OipRefusal",
            json!({
                "type": "object", "properties": {"error": text}, "required": ["error"],
            }),
        ),
    ]
}
