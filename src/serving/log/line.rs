//! One row of the log, written and read.

use std::io::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ml::batch::most_probable;
use crate::serving::tap::Seen;
use crate::types::Timestamp;

/// What stands before the name of a column.
const INPUT: &str = "input_";

/// What is read again of a row.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Answered {
    pub(crate) id: String,
    pub(crate) row: u32,
    pub(crate) at: Timestamp,
    pub(crate) model: String,
    pub(crate) version: u32,
    pub(crate) label: Option<String>,
    pub(crate) value: Option<f64>,
}

/// A row as it is written, but for its columns.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    row: usize,
    at: Timestamp,
    model: &'a str,
    version: u32,
    took_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
}

/// Writes a row of a prediction as a line; `redact` names columns whose values are left out.
pub(super) fn write(seen: &Seen, row: usize, redact: &[String], out: &mut Vec<u8>) {
    let predictor = &seen.loaded.predictor;
    let classes = predictor.classes();
    let numbers = seen.answers.iter().nth(row).unwrap_or_default();
    let best = (!classes.is_empty()).then(|| most_probable(numbers));
    let line = Line {
        id: seen.id.to_str().unwrap_or_default(),
        row,
        at: seen.at,
        model: &seen.loaded.model,
        version: seen.loaded.version,
        took_ms: seen.took.as_secs_f64() * 1000.0,
        label: best.map(|best| classes[best].as_str()),
        probability: best.map(|best| numbers[best]),
        value: if best.is_none() { numbers.first().copied() } else { None },
    };
    let start = out.len();
    if serde_json::to_writer(&mut *out, &line).is_err() {
        out.truncate(start);
        return;
    }
    let mut inputs = Map::new();
    if !redact.iter().any(|column| column == "*") {
        for (name, value) in seen.batch.record(predictor.signature(), row) {
            let value = if redact.contains(&name) { Value::Null } else { value };
            inputs.insert(format!("{INPUT}{name}"), value);
        }
    }
    // The columns go into the same object.
    out.pop();
    for (name, value) in &inputs {
        // Writing to memory does not fail.
        let _ = write!(out, ",{}:{value}", Value::from(name.as_str()));
    }
    out.extend_from_slice(b"}\n");
}
