//! From a body to rows, and from rows to answers.

use serde_json::{Value, error::Category};

use crate::ml::Prediction;
use crate::ml::Predictor;
use crate::serving::refusal::{Problem, Refusal};

/// Rows of one request, at most; more belong in a `predict` task.
pub(crate) const ROWS_MAX: usize = 100_000;

/// Problems that are told at once, at most.
const PROBLEMS_MAX: usize = 10;

/// Reads rows: a list of rows, or one row; a row is a list of values or a record.
pub(crate) fn rows(body: &[u8]) -> Result<Vec<Value>, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Refusal::bad_request(
            "the body is empty; send rows, such as [[5.1, 3.5, 1.4, 0.2]]",
        ));
    }
    let value = serde_json::from_slice(body).map_err(|error| broken(&error))?;
    let rows = match value {
        Value::Array(items) if items.is_empty() => {
            return Err(Refusal::bad_request("the body holds no rows"));
        }
        Value::Array(items) if items.iter().any(|item| item.is_array() || item.is_object()) => {
            items
        }
        row @ (Value::Array(_) | Value::Object(_)) => vec![row],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(Refusal::bad_request(
                "the body is neither a list of rows, nor one row (a list of values or a record)",
            ));
        }
    };
    if rows.len() > ROWS_MAX {
        return Err(Refusal::too_large(format!(
            "{} rows in one request; at most {ROWS_MAX} are taken",
            rows.len()
        )));
    }
    Ok(rows)
}

fn broken(error: &serde_json::Error) -> Refusal {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or(&text);
    let what = match error.classify() {
        Category::Eof => format!("the JSON ends too early ({text})"),
        Category::Syntax | Category::Data | Category::Io => format!("the JSON is broken ({text})"),
    };
    Refusal::bad_request(format!("{what} at line {line}, column {column}"))
}

/// Answers rows, all or none; says of up to ten rows what is wrong with them.
pub(crate) fn answer(
    predictor: &dyn Predictor,
    rows: &[Value],
) -> Result<Vec<Prediction>, Refusal> {
    predictor.predict(rows).map_err(|first| {
        let problems: Vec<Problem> = rows
            .iter()
            .enumerate()
            .filter_map(|(i, row)| {
                let error = predictor.predict(std::slice::from_ref(row)).err()?;
                Some(Problem::of(i, &error))
            })
            .take(PROBLEMS_MAX)
            .collect();
        if problems.is_empty() {
            return Refusal::bad_request(first.to_string());
        }
        Refusal::of_rows(problems)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &str) -> Vec<Value> {
        rows(body.as_bytes()).unwrap()
    }

    #[test]
    fn one_row_and_many_are_told_apart() {
        assert_eq!(read("[[1,2],[3,4]]"), [json!([1, 2]), json!([3, 4])]);
        assert_eq!(read("[1,2]"), [json!([1, 2])]);
        assert_eq!(read(r#"{"a":1}"#), [json!({"a": 1})]);
        assert_eq!(read(r#"[{"a":1},[2]]"#), [json!({"a": 1}), json!([2])]);
    }

    #[test]
    fn broken_json_is_refused_with_its_place() {
        let error = rows(b"[[1,2],\n [3,}]").unwrap_err();
        assert_eq!(error.status.as_u16(), 400);
        assert!(error.error.contains("line 2, column 5"), "{}", error.error);
        let error = rows(b"[[1,2").unwrap_err();
        assert!(error.error.contains("ends too early"), "{}", error.error);
    }
}
