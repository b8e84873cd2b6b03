//! Reads single values of the command line.

use serde_json::{Map, Value};

use crate::types::log::LogLevel;
use crate::types::{TaskInstanceState, duration};

/// A JSON object given as one argument.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonObject(pub Map<String, Value>);

pub(super) fn json_value(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("`{text}` is no JSON: {error}"))
}

pub(super) fn json_object(text: &str) -> Result<JsonObject, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(JsonObject(object)),
        Ok(_) => Err(format!("`{text}` is no JSON object")),
        Err(error) => Err(format!("`{text}` is no JSON: {error}")),
    }
}

pub(super) fn age(text: &str) -> Result<std::time::Duration, String> {
    duration::parse(text).ok_or_else(|| format!("`{text}` is no age: write 90d, 12h or 30m"))
}

pub(super) fn log_level(text: &str) -> Result<LogLevel, String> {
    LogLevel::named(text)
        .ok_or_else(|| format!("`{text}` is no level: write debug, info, warn or error"))
}

pub(super) fn task_state(text: &str) -> Result<TaskInstanceState, String> {
    serde_json::from_value(Value::String(text.to_owned()))
        .map_err(|_| format!("`{text}` is no state of a task, such as failed or up_for_retry"))
}

pub(super) fn text_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not of the form KEY=VALUE")),
    }
}

pub(super) fn param(text: &str) -> Result<(String, Value), String> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(format!("`{text}` has no `=`: write KEY=VALUE"));
    };
    if key.is_empty() {
        return Err(format!("`{text}` has no key: write KEY=VALUE"));
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((key.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn param_values_are_json_where_they_parse_else_text() {
        assert_eq!(param("n=3"), Ok(("n".into(), json!(3))));
        assert_eq!(param("d=iris"), Ok(("d".into(), json!("iris"))));
        assert_eq!(param("h={\"a\":1}"), Ok(("h".into(), json!({"a": 1}))));
        assert_eq!(param("e=a=b"), Ok(("e".into(), json!("a=b"))));
        assert!(param("novalue").unwrap_err().contains("KEY=VALUE"));
        assert!(param("=x").unwrap_err().contains("no key"));
    }
}
