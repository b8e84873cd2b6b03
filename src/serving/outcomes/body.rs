//! The body: `{"outcomes": [{"id": "…", "row": 0, "truth": "setosa"}]}`, the list alone, or one
//! record. All of it is read or none.

use std::fmt;

use serde_json::{Map, Number, Value};

use crate::serving::outcomes::OUTCOMES_MAX;
use crate::serving::refusal::{Problem, Refusal};

/// Problems that are told at once.
const PROBLEMS_MAX: usize = 10;
/// Characters of an id, as of those that clients bring along.
const ID_LEN_MAX: usize = 128;

/// What is told of one row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) id: String,
    pub(super) row: u32,
    pub(super) truth: Option<Truth>,
    pub(super) reward: Option<f64>,
}

/// What was right.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Truth {
    Text(String),
    Number(Number),
    Boolean(bool),
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Boolean(flag) => flag.fmt(f),
        }
    }
}

/// Reads a body.
pub(super) fn read(body: &[u8]) -> Result<Vec<Told>, Refusal> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::bad_request(format!("the body is no JSON: {error}")))?;
    let list = match body {
        Value::Array(list) => list,
        Value::Object(mut record) => match record.remove("outcomes") {
            Some(Value::Array(list)) if record.is_empty() => list,
            None => vec![Value::Object(record)],
            Some(_) => {
                let error = "`outcomes` is a list of records, and nothing stands beside it";
                return Err(Refusal::bad_request(error));
            }
        },
        _ => return Err(Refusal::bad_request("outcomes are a list of records, or one record")),
    };
    if list.len() > OUTCOMES_MAX {
        let error = format!("{} outcomes; {OUTCOMES_MAX} at once are taken", list.len());
        return Err(Refusal::too_large(error));
    }
    let (mut told, mut detail) = (Vec::with_capacity(list.len()), Vec::new());
    for (at, value) in list.iter().enumerate() {
        match value.as_object().ok_or_else(|| "it is no record".to_owned()).and_then(one) {
            Ok(one) => told.push(one),
            Err(message) if detail.len() < PROBLEMS_MAX => {
                detail.push(Problem { row: Some(at), column: None, message });
            }
            Err(_) => {}
        }
    }
    match detail.first() {
        None => Ok(told),
        Some(first) => {
            let at = first.row.unwrap_or_default();
            let error = format!("outcome {at}: {}", first.message);
            Err(Refusal { detail, ..Refusal::bad_request(error) })
        }
    }
}

fn one(record: &Map<String, Value>) -> Result<Told, String> {
    const KNOWN: [&str; 4] = ["id", "row", "truth", "reward"];
    if let Some(name) = record.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        let shown: String = name.chars().take(40).collect();
        return Err(format!("`{shown}` is unknown; there are {}", KNOWN.join(", ")));
    }
    let id = record.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
    let id = id.ok_or("`id` is missing: the `X-Request-Id` of the answer, as text")?;
    if id.len() > ID_LEN_MAX {
        return Err(format!("`id` is longer than {ID_LEN_MAX} characters"));
    }
    let row = match record.get("row") {
        None => 0,
        Some(row) => row
            .as_u64()
            .and_then(|row| u32::try_from(row).ok())
            .ok_or("`row` is the number of a row of the request, from 0")?,
    };
    let truth = match record.get("truth") {
        None => None,
        Some(Value::String(text)) => Some(Truth::Text(text.clone())),
        Some(Value::Number(number)) => Some(Truth::Number(number.clone())),
        Some(Value::Bool(flag)) => Some(Truth::Boolean(*flag)),
        Some(_) => return Err("`truth` is a label or a number".to_owned()),
    };
    let reward = match record.get("reward") {
        None => None,
        Some(reward) => {
            let finite = reward.as_f64().filter(|reward| reward.is_finite());
            Some(finite.ok_or("`reward` is a number")?)
        }
    };
    if truth.is_none() && reward.is_none() {
        return Err("neither `truth` nor `reward` is told".to_owned());
    }
    Ok(Told { id: id.to_owned(), row, truth, reward })
}
