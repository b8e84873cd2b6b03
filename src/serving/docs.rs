//! What is served, for machines: the list of models and the OpenAPI document.

mod outcomes;
mod protocols;

use serde_json::{Map, Value, json};

use crate::ml::Predictor;
use crate::ml::model::{ColumnSpec, DataType, Signature};
use crate::serving::shared::Shared;
use crate::serving::table::{Loaded, Table};

/// A page that shows the OpenAPI document and sends its examples; it needs nothing from elsewhere.
pub(crate) const PAGE: &str = include_str!("docs/page.html");

/// Lists models with their versions in memory.
pub(crate) fn models(shared: &Shared, table: &Table) -> Value {
    let mut models = Map::new();
    for (loaded, weight) in table.all() {
        let aliases: Vec<&str> = table
            .aliases
            .iter()
            .filter(|(_, at)| at.model == loaded.model && at.version == loaded.version)
            .map(|((_, alias), _)| alias.as_str())
            .collect();
        let version = json!({
            "version": loaded.version,
            "weight": weight,
            "kind": loaded.predictor.kind(),
            "loaded_at": loaded.loaded_at,
            "aliases": aliases,
            "signature": loaded.predictor.signature(),
        });
        let versions = models.entry(loaded.model.clone()).or_insert_with(|| json!([]));
        if let Value::Array(versions) = versions {
            versions.push(version);
        }
    }
    let models: Vec<Value> = models
        .into_iter()
        .map(|(name, versions)| json!({"name": name, "versions": versions}))
        .collect();
    json!({"default_model": shared.default_model(table), "models": models})
}

/// Writes OpenAPI 3.1: a path for each model that takes requests, with examples that work.
pub(crate) fn openapi(shared: &Shared, table: &Table) -> Value {
    let mut paths = Map::new();
    if let Some(model) = shared.default_model(table)
        && let Some(loaded) = table.main_version(model)
    {
        let summary = format!("Predicts with the default model, `{model}`");
        paths.insert("/predict".into(), predict_path(&summary, "predict", &loaded, &[]));
    }
    for model in table.models.keys() {
        let Some(loaded) = table.main_version(model) else { continue };
        let name = encode(model);
        let summary = format!("Predicts with `{model}`, by the traffic among its versions");
        let operation = format!("predict_{name}");
        paths.insert(
            format!("/models/{name}/predict"),
            predict_path(&summary, &operation, &loaded, &[]),
        );
        let summary = format!("Predicts with one version of `{model}`");
        let operation = format!("predict_{name}_version");
        let version = json!({
            "name": "version", "in": "path", "required": true,
            "schema": {"type": "integer", "minimum": 1}, "example": loaded.version,
        });
        paths.insert(
            format!("/models/{name}/versions/{{version}}/predict"),
            predict_path(&summary, &operation, &loaded, &[version]),
        );
        let is_default = shared.default_model(table) == Some(model.as_str());
        protocols::add(&mut paths, &loaded, is_default);
    }
    if shared.log.is_some() {
        paths.insert("/outcomes".into(), outcomes::path());
    }
    for (path, summary) in [
        ("/models", "Lists what is served"),
        ("/healthz", "Tells that the server answers"),
        ("/livez", "Tells that the server is alive"),
        ("/v2", "Names the server and its extensions"),
        ("/schema.json", "Names the routes, as BentoML does"),
    ] {
        paths.insert(path.into(), get_path(path, summary, &json!({"200": ok("Yes")})));
    }
    let ready = json!({"200": ok("Ready"), "503": refused("No model is loaded yet")});
    paths.insert("/readyz".into(), get_path("/readyz", "Tells whether a model is loaded", &ready));
    let metrics = json!({"200": {
        "description": "Prometheus's text format",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }});
    paths.insert("/metrics".into(), get_path("/metrics", "Gives figures", &metrics));
    let mut schemas = Map::from_iter([("Refusal".to_owned(), refusal_schema())]);
    schemas.extend(protocols::refusals().map(|(name, schema)| (name.to_owned(), schema)));
    json!({
        "openapi": "3.1.0",
        "info": {"title": "dagdeck model server", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

fn predict_path(summary: &str, operation: &str, loaded: &Loaded, parameters: &[Value]) -> Value {
    let schema = rows_schema(&*loaded.predictor);
    let examples = examples(&*loaded.predictor);
    let answers: Vec<&Value> =
        loaded.predictor.examples().iter().map(|(_, answer)| answer).collect();
    json!({"post": {
        "summary": summary,
        "operationId": operation,
        "parameters": parameters,
        "requestBody": {
            "required": true,
            "content": {"application/json": {"schema": schema, "examples": examples}},
        },
        "responses": {
            "200": {
                "description": "One answer a row",
                "headers": {
                    "X-Model-Name": {"schema": {"type": "string"}},
                    "X-Model-Version": {"schema": {"type": "string"}},
                    "X-Request-Id": {"schema": {"type": "string"}},
                },
                "content": {"application/json": {
                    "schema": {"type": "array", "items": answer_schema()},
                    "example": answers,
                }},
            },
            "400": refused("The body or a row of it is wrong"),
            "404": refused("There is no such model or version"),
            "408": refused("The body came in too slowly"),
            "413": refused("The body is too large"),
            "415": refused("The body is compressed by neither gzip nor deflate"),
            "429": refused("The key has asked too often"),
            "503": refused("No version takes requests yet, or too many requests wait"),
        },
    }})
}

fn examples(predictor: &dyn Predictor) -> Value {
    let records: Vec<&Map<String, Value>> =
        predictor.examples().iter().map(|(record, _)| record).collect();
    let rows: Vec<Vec<Value>> = records
        .iter()
        .map(|record| {
            let columns = predictor.signature().inputs.iter();
            columns.map(|c| record.get(&c.name).cloned().unwrap_or(Value::Null)).collect()
        })
        .collect();
    let columns: Map<String, Value> = predictor
        .signature()
        .inputs
        .iter()
        .map(|column| {
            let cell = |record: &&Map<String, Value>| record.get(&column.name).cloned();
            let cells = records.iter().map(|record| cell(record).unwrap_or(Value::Null));
            (column.name.clone(), Value::Array(cells.collect()))
        })
        .collect();
    json!({
        "records": {"summary": "Records by name", "value": records},
        "columns": {"summary": "Columns by name", "value": columns},
        "rows": {"summary": "Lists in the order of the signature", "value": rows},
    })
}

/// Describes rows, in every shape that is taken.
pub(crate) fn rows_schema(predictor: &dyn Predictor) -> Value {
    let signature = predictor.signature();
    let records = json!({"type": "array", "minItems": 1, "items": record_schema(signature)});
    let lists = json!({"type": "array", "minItems": 1, "items": list_schema(signature)});
    json!({"anyOf": [
        records, lists, record_schema(signature), list_schema(signature), columns_schema(signature),
    ]})
}

fn columns_schema(signature: &Signature) -> Value {
    by_name(
        signature,
        |column| json!({"type": "array", "minItems": 1, "items": column_schema(column)}),
    )
}

fn record_schema(signature: &Signature) -> Value {
    by_name(signature, column_schema)
}

/// An object with a value for each column.
fn by_name(signature: &Signature, value: impl Fn(&ColumnSpec) -> Value) -> Value {
    let properties: Map<String, Value> =
        signature.inputs.iter().map(|c| (c.name.clone(), value(c))).collect();
    let required: Vec<&str> =
        signature.inputs.iter().filter(|c| c.required).map(|c| c.name.as_str()).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn list_schema(signature: &Signature) -> Value {
    let columns: Vec<Value> = signature.inputs.iter().map(column_schema).collect();
    let width = columns.len();
    json!({"type": "array", "prefixItems": columns, "minItems": width, "maxItems": width})
}

fn column_schema(column: &ColumnSpec) -> Value {
    let name = match column.data_type {
        DataType::Double => "number",
        DataType::Long => "integer",
        DataType::Boolean => "boolean",
        DataType::String | DataType::Datetime => "string",
    };
    let mut schema = Map::new();
    let data_type = if column.required { json!(name) } else { json!([name, "null"]) };
    schema.insert("type".into(), data_type);
    schema.insert("title".into(), json!(column.name));
    if let Some(categories) = &column.categories {
        let text = format!("Seen in training: {}. Any other is taken too.", categories.join(", "));
        schema.insert("description".into(), json!(text));
    }
    Value::Object(schema)
}

/// Describes an answer.
pub(crate) fn answer_schema() -> Value {
    json!({"oneOf": [
        {
            "type": "object",
            "properties": {
                "label": {"type": "string"},
                "probabilities": {"type": "object", "additionalProperties": {"type": "number"}},
            },
            "required": ["label", "probabilities"],
        },
        {"type": "object", "properties": {"value": {"type": "number"}}, "required": ["value"]},
    ]})
}

fn refusal_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "error": {"type": "string"},
            "detail": {"type": "array", "items": {
                "type": "object",
                "properties": {
                    "row": {"type": "integer", "description": "From 0"},
                    "column": {"type": "string"},
                    "message": {"type": "string"},
                },
                "required": ["message"],
            }},
        },
        "required": ["error", "detail"],
    })
}

fn refused(description: &str) -> Value {
    refused_with("Refusal", description)
}

fn refused_with(schema: &str, description: &str) -> Value {
    let schema = format!("#/components/schemas/{schema}");
    json!({
        "description": description,
        "content": {"application/json": {"schema": {"$ref": schema}}},
    })
}

fn ok(description: &str) -> Value {
    json!({
        "description": description,
        "content": {"application/json": {"schema": {"type": "object"}}},
    })
}

fn get_path(path: &str, summary: &str, responses: &Value) -> Value {
    let operation = path.trim_start_matches('/').replace('.', "_");
    json!({"get": {"summary": summary, "operationId": operation, "responses": responses}})
}

/// Percent-encodes a name as one part of a path.
pub(crate) fn encode(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
