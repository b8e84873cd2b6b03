//! Which name was not there, and what there is instead.

use serde_json::Value;

use crate::dag::suggest;
use crate::dag::template::references_in;

/// Looks every name of the template up, and explains the first that is missing.
pub(super) fn explain(text: &str, context: &Value) -> Option<String> {
    references_in(text).ok()?.iter().find_map(|name| look_up(name, context))
}

fn look_up(name: &str, context: &Value) -> Option<String> {
    let mut found = context;
    let mut walked = String::new();
    for part in name.split('.') {
        match found.get(part) {
            Some(next) => found = next,
            None => return Some(describe(&walked, part, found)),
        }
        if !walked.is_empty() {
            walked.push('.');
        }
        walked.push_str(part);
    }
    None
}

fn describe(walked: &str, part: &str, found: &Value) -> String {
    if walked.is_empty() {
        return format!("`{part}` is undefined");
    }
    let Value::Object(table) = found else {
        return format!("`{walked}.{part}` is undefined: `{walked}` is {}", kind(found));
    };
    let keys: Vec<&str> = table.keys().map(String::as_str).collect();
    format!("`{walked}.{part}` is undefined; {}", suggest::hint(part, "it has", keys))
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}
