//! The form that asks a served model: a field for each of its columns, filled from its example.

use serde_json::{Map, Value, json};

use crate::state::form::Field;
use crate::state::sheet::{Sheet, choice, field};
use crate::text::{self, shell};
use crate::types::ask::{Predict, Request};
use crate::types::serving::{PredictionView, ServedVersion};

/// The field that says which version is to answer.
const VERSION: &str = "answered by";
/// Its first choice.
const BY_TRAFFIC: &str = "the traffic";

/// Lines of an answer that are shown.
const LINES_MAX: usize = 40;

/// What the form is about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TryIt {
    pub(crate) model: String,
    /// Where the model server listens.
    pub(crate) listen: Option<String>,
    /// The names of the columns, in the order of the model's signature.
    columns: Vec<String>,
    /// A row is a list in that order, not a record.
    is_list: bool,
}

/// A column of a signature: its name and its type, in MLflow's words.
type Column = (String, String);

impl TryIt {
    /// Makes the form's subject and its fields of a version's example and its signature.
    pub(crate) fn new(
        served: &ServedVersion,
        siblings: &[&ServedVersion],
        signature: Option<&Value>,
        listen: Option<String>,
    ) -> (Self, Vec<Field>) {
        let row = served.example.as_ref().and_then(|example| example.get(0));
        let columns = columns(signature, row);
        let mut versions = vec![BY_TRAFFIC.to_owned()];
        versions.extend(siblings.iter().map(|served| format!("v{}", served.version)));
        let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
        let mut fields = vec![choice(VERSION, &versions, "whose turn it is, or one version")];
        for (at, (name, kind)) in columns.iter().enumerate() {
            let value = row.and_then(|row| row.get(at).or_else(|| row.get(name)));
            fields.push(column_field(name, kind, value.cloned().unwrap_or(Value::Null)));
        }
        let subject = Self {
            model: served.model.clone(),
            listen,
            columns: columns.into_iter().map(|(name, _)| name).collect(),
            is_list: row.is_none_or(Value::is_array),
        };
        (subject, fields)
    }

    fn row(&self, sheet: &Sheet) -> Value {
        let value = |name: &String| sheet.value(name).unwrap_or(Value::Null);
        if self.is_list {
            return Value::Array(self.columns.iter().map(value).collect());
        }
        let record: Map<String, Value> =
            self.columns.iter().map(|name| (name.clone(), value(name))).collect();
        Value::Object(record)
    }

    fn version(sheet: &Sheet) -> Option<u32> {
        sheet.word(VERSION).strip_prefix('v')?.parse().ok()
    }

    /// Returns the question.
    pub(crate) fn request(&self, sheet: &Sheet) -> Request {
        Request::Predict(Predict {
            model: Some(self.model.clone()),
            version: Self::version(sheet),
            rows: json!([self.row(sheet)]),
        })
    }

    /// Returns the command that asks the same: with curl, where the server listens.
    pub(crate) fn command(&self, sheet: &Sheet) -> String {
        let body = json!([self.row(sheet)]).to_string();
        let version = Self::version(sheet);
        let Some(listen) = &self.listen else {
            let version = version.map(|v| format!(" --version {v}")).unwrap_or_default();
            let model = shell(&self.model);
            return format!("dagdeck serving predict --model {model}{version} {}", shell(&body));
        };
        let version = version.map(|v| format!("/versions/{v}")).unwrap_or_default();
        let url = shell(&format!("{listen}/models/{}{version}/predict", self.model));
        format!("curl -X POST {url} -d {}", shell(&body))
    }
}

fn column_field(name: &str, kind: &str, value: Value) -> Field {
    let kind = match kind {
        "double" | "float" => "number",
        "long" | "integer" => "integer",
        "boolean" => "boolean",
        _ => "string",
    };
    // A switch has no third place; of all else an empty text is null.
    let schema = match kind {
        "boolean" => json!({"type": "boolean"}),
        kind => json!({"type": [kind, "null"]}),
    };
    field(name, &schema, value)
}

/// Returns the columns by the signature, else as far as the example tells.
fn columns(signature: Option<&Value>, row: Option<&Value>) -> Vec<Column> {
    let inputs = signature.and_then(|signature| signature.get("inputs"));
    let parsed = inputs.and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
    let column = |column: &Value| {
        let name = column.get("name")?.as_str()?.to_owned();
        Some((name, column.get("type")?.as_str()?.to_owned()))
    };
    let read = |inputs: &Value| inputs.as_array()?.iter().map(column).collect();
    let known: Option<Vec<Column>> = parsed.as_ref().or(inputs).and_then(read);
    let kind = |value: &Value| {
        let name = match value {
            Value::Number(_) => "double",
            Value::Bool(_) => "boolean",
            _ => "string",
        };
        name.to_owned()
    };
    match (known, row) {
        (Some(known), Some(Value::Array(cells))) if known.len() != cells.len() => cells
            .iter()
            .enumerate()
            .map(|(at, cell)| (format!("column {at}"), kind(cell)))
            .collect(),
        (Some(known), _) => known,
        (None, Some(Value::Array(cells))) => cells
            .iter()
            .enumerate()
            .map(|(at, cell)| (format!("column {at}"), kind(cell)))
            .collect(),
        (None, Some(Value::Object(record))) => {
            record.iter().map(|(name, cell)| (name.clone(), kind(cell))).collect()
        }
        (None, _) => Vec::new(),
    }
}

/// Says what was answered: who, how fast, what.
pub(crate) fn told(answer: &PredictionView) -> Vec<String> {
    let by = match (&answer.model, answer.version) {
        (Some(model), Some(version)) => format!("{model} v{version}"),
        _ => "nobody".to_owned(),
    };
    let word = if answer.status < 400 { "answered" } else { "refused" };
    let mut lines = vec![format!("{} {word} by {by} in {:.2} ms", answer.status, answer.took_ms)];
    let mark = if answer.status < 400 { "" } else { "! " };
    let rows = answer.body.as_array().cloned().unwrap_or_else(|| vec![answer.body.clone()]);
    for row in rows {
        match row {
            Value::Object(parts) => {
                let part =
                    |(name, value): (&String, &Value)| format!("{mark}{name:<14} {}", plain(value));
                lines.extend(parts.iter().map(part));
            }
            other => lines.push(format!("{mark}{}", plain(&other))),
        }
    }
    lines.truncate(LINES_MAX);
    lines
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or(number.to_string(), text::figure),
        Value::Object(parts) => {
            let part = |(name, value): (&String, &Value)| format!("{name} {}", plain(value));
            parts.iter().map(part).collect::<Vec<_>>().join("  ")
        }
        other => other.to_string(),
    }
}
