//! A line of JSON, spread out with its keys coloured.

use ratatui::style::Style;
use serde_json::Value;

use crate::theme;

/// A row of pieces of one style.
pub(super) type Pieces = Vec<(String, Style)>;

/// Returns the rows of a line that is an object or a list; `None` where it is neither.
pub(super) fn rows(text: &str) -> Option<Vec<Pieces>> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let value: Value = serde_json::from_str(text).ok()?;
    let mut rows = vec![Vec::new()];
    put(&value, 0, &mut rows);
    Some(rows)
}

fn add(rows: &mut [Pieces], text: impl Into<String>, style: Style) {
    if let Some(row) = rows.last_mut() {
        row.push((text.into(), style));
    }
}

fn put(value: &Value, depth: usize, rows: &mut Vec<Pieces>) {
    let (open, close, items): (_, _, Vec<(Option<&String>, &Value)>) = match value {
        Value::Object(map) if !map.is_empty() => {
            ("{", "}", map.iter().map(|(key, value)| (Some(key), value)).collect())
        }
        // A list of plain values stays in its row.
        Value::Array(list) if list.iter().any(|one| one.is_object() || one.is_array()) => {
            ("[", "]", list.iter().map(|value| (None, value)).collect())
        }
        plain => return add(rows, plain.to_string(), style_of(plain)),
    };
    add(rows, open, theme::DIM);
    let last = items.len() - 1;
    for (at, (key, value)) in items.into_iter().enumerate() {
        rows.push(vec![("  ".repeat(depth + 1), theme::PLAIN)]);
        if let Some(key) = key {
            add(rows, Value::String(key.clone()).to_string(), theme::ACCENT);
            add(rows, ": ", theme::DIM);
        }
        put(value, depth + 1, rows);
        if at < last {
            add(rows, ",", theme::DIM);
        }
    }
    rows.push(vec![("  ".repeat(depth), theme::PLAIN)]);
    add(rows, close, theme::DIM);
}

fn style_of(value: &Value) -> Style {
    match value {
        Value::String(_) => theme::GOOD,
        Value::Null => theme::DIM,
        Value::Bool(_) | Value::Number(_) => theme::WARN,
        Value::Array(_) | Value::Object(_) => theme::PLAIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_spread_over_rows_and_what_is_none_is_not() {
        let rows = rows(r#" {"level":"info","n":[1,2],"at":{"file":"x\n"},"e":{}} "#).unwrap();
        let texts: Vec<String> =
            rows.iter().map(|row| row.iter().map(|(text, _)| text.as_str()).collect()).collect();
        assert_eq!(
            texts,
            [
                "{",
                "  \"level\": \"info\",",
                "  \"n\": [1,2],",
                "  \"at\": {",
                "    \"file\": \"x\\n\"",
                "  },",
                "  \"e\": {}",
                "}"
            ]
        );
        for text in ["no", "{broken", "", "12"] {
            assert!(super::rows(text).is_none());
        }
    }
}
