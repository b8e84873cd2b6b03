//! What clients of MLflow log to a run beside figures: the data it learnt from, and the logged
//! models that it used or made, with the figures that are of one of them.

use rusqlite::{Connection, params};
use serde_json::{Map, Value, json};

use crate::store::{StoreError, row};
use crate::tracking::input;
use crate::tracking::run::MetricPoint;
use crate::types::TrackingRunId;
use crate::types::io::ColumnRef;
use crate::types::view::RunInput;

/// The tag of an input that says what it was for.
const CONTEXT: &str = "mlflow.data.context";

/// Data that a run learnt from, in MLflow's shape.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetInput {
    pub name: String,
    pub digest: String,
    /// `{"dataset": {…}, "tags": […]}`.
    pub input: Value,
}

/// A logged model that a run used or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunModel {
    pub model_id: String,
    pub step: i64,
}

/// Which way a logged model went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Input,
    Output,
}

impl Direction {
    const fn word(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }
}

/// A point that is of a logged model, and may say on which data.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelPoint {
    pub model_id: String,
    pub dataset_name: Option<String>,
    pub dataset_digest: Option<String>,
    pub point: MetricPoint,
}

/// Keeps data that a run learnt from; what is known already stays as it is.
pub(crate) fn put_dataset(
    conn: &Connection,
    run_id: &TrackingRunId,
    dataset: &DatasetInput,
) -> Result<(), StoreError> {
    let tags = dataset.input.get("tags").and_then(Value::as_array).map(Vec::as_slice);
    let context = tags.unwrap_or_default().iter().find(|tag| tag["key"] == CONTEXT);
    let context = context.and_then(|tag| tag["value"].as_str());
    let sql = "INSERT OR IGNORE INTO dataset_input (run_id, name, digest, context, input)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let text = row::json_text(&dataset.input, "input")?;
    let values = params![run_id.as_str(), dataset.name, dataset.digest, context, text];
    row::execute(conn, sql, values).map(drop)
}

/// Returns the data that a run learnt from, whoever told it.
pub(crate) fn datasets(
    conn: &Connection,
    run_id: &TrackingRunId,
) -> Result<Vec<Value>, StoreError> {
    let sql = "SELECT input FROM dataset_input WHERE run_id = ?1 ORDER BY name, digest";
    let mut found: Vec<Value> =
        row::all(conn, sql, [run_id.as_str()], |row| row::json(row, "input"))?;
    found.extend(input::of_run(conn, run_id)?.iter().map(of_pipeline));
    Ok(found)
}

/// Says in MLflow's shape what a pipeline learnt from.
fn of_pipeline(input: &RunInput) -> Value {
    let column = |column: &ColumnRef| json!({"name": column.name, "type": column_type(column)});
    let columns: Vec<Value> = input.columns.iter().map(column).collect();
    let schema = json!({"mlflow_colspec": columns});
    let profile = json!({"num_rows": input.rows, "num_elements": input.rows * columns_of(input)});
    let source = Map::from_iter([("uri".to_owned(), json!(input.source))]);
    json!({
        "tags": [{"key": CONTEXT, "value": "training"}],
        "dataset": {
            "name": input.name,
            "digest": input.digest,
            "source_type": "local",
            "source": Value::Object(source).to_string(),
            "schema": schema.to_string(),
            "profile": profile.to_string(),
        },
    })
}

/// What MLflow calls the type of a column.
fn column_type(column: &ColumnRef) -> &'static str {
    match column.column_type.as_str() {
        "numeric" | "number" | "double" | "float" => "double",
        "integer" | "int" | "long" => "long",
        "boolean" | "bool" => "boolean",
        _ => "string",
    }
}

fn columns_of(input: &RunInput) -> u64 {
    input.columns.len() as u64
}

/// Keeps that a run used or made a logged model.
pub(crate) fn put_model(
    conn: &Connection,
    run_id: &TrackingRunId,
    direction: Direction,
    model: &RunModel,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO run_model (run_id, direction, model_id, step)
        VALUES (?1, ?2, ?3, ?4)";
    let values = params![run_id.as_str(), direction.word(), model.model_id, model.step];
    row::execute(conn, sql, values).map(drop)
}

/// Returns the logged models that a run used or made.
pub(crate) fn models(
    conn: &Connection,
    run_id: &TrackingRunId,
    direction: Direction,
) -> Result<Vec<RunModel>, StoreError> {
    let sql = "SELECT model_id, step FROM run_model WHERE run_id = ?1 AND direction = ?2
        ORDER BY step, model_id";
    row::all(conn, sql, [run_id.as_str(), direction.word()], |row| {
        Ok(RunModel { model_id: row.get("model_id")?, step: row.get("step")? })
    })
}

/// Keeps a figure of a logged model.
pub(crate) fn put_point(
    conn: &Connection,
    run_id: &TrackingRunId,
    of: &ModelPoint,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO model_metrics
            (model_id, run_id, key, timestamp, step, value, dataset_name, dataset_digest)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let values = params![
        of.model_id,
        run_id.as_str(),
        of.point.key,
        row::micros(of.point.timestamp),
        of.point.step,
        row::real(of.point.value),
        of.dataset_name,
        of.dataset_digest,
    ];
    row::execute(conn, sql, values).map(drop)
}
