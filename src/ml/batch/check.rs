//! One value against one column.

use serde_json::Value;

use super::Held;
use crate::dataset::date;
use crate::model::{ColumnSpec, DataType, InputError};

/// Whole numbers up to this are exact as `f64`.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
/// Longer text is cut in messages.
const SHOWN_MAX: usize = 40;

/// What pandas takes for a missing value.
const MISSING: [&str; 19] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
];

/// A value as somebody sent it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Given<'a> {
    Null,
    Boolean(bool),
    Whole(i64),
    Number(f64),
    Text(&'a str),
    List,
    Record,
}

impl<'a> Given<'a> {
    /// Takes the text of a file that knows no types.
    pub fn of_text(text: &'a str, data_type: Option<DataType>) -> Self {
        if MISSING.contains(&text) {
            return Self::Null;
        }
        let read = match data_type {
            Some(DataType::Double | DataType::Long) => {
                text.trim().parse().ok().filter(|number: &f64| number.is_finite()).map(Self::Number)
            }
            Some(DataType::Boolean) => match text {
                "True" | "TRUE" | "true" => Some(Self::Boolean(true)),
                "False" | "FALSE" | "false" => Some(Self::Boolean(false)),
                _ => None,
            },
            Some(DataType::String | DataType::Datetime) | None => None,
        };
        read.unwrap_or(Self::Text(text))
    }

    /// Takes a value of JSON.
    pub fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Boolean(*value),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Self::Whole(whole),
                (None, number) => Self::Number(number.unwrap_or(f64::NAN)),
            },
            Value::String(text) => Self::Text(text),
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Record,
        }
    }

    fn number(self) -> Option<f64> {
        match self {
            Self::Whole(whole) => Some(whole as f64),
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    fn describe(self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Boolean(value) => format!("the boolean {value}"),
            Self::Whole(value) => format!("the number {value}"),
            Self::Number(value) => match value.is_finite() {
                true => format!("the number {}", Value::from(value)),
                false => format!("the number {value}"),
            },
            Self::Text(text) => {
                let shown: String = text.chars().take(SHOWN_MAX).collect();
                let cut = if shown.len() < text.len() { "…" } else { "" };
                format!("the string `{shown}{cut}`")
            }
            Self::List => "a list".to_owned(),
            Self::Record => "a record".to_owned(),
        }
    }
}

/// Returns the cell that a value is in a column; its text is added to `texts`.
pub(super) fn cell(
    row: usize,
    given: Given<'_>,
    column: &ColumnSpec,
    texts: &mut String,
) -> Result<Held, InputError> {
    let (cell, expected) = match (column.data_type, given) {
        (_, Given::Null) if column.required => {
            return Err(InputError::Null { row, column: column.name.clone() });
        }
        (_, Given::Null) => return Ok(Held::Missing),
        (DataType::Double, _) => {
            (given.number().filter(|v| v.is_finite()).map(Held::Number), "number")
        }
        (DataType::Long, _) => {
            let whole = given.number().filter(|v| v.fract() == 0.0 && v.abs() <= EXACT_MAX);
            (whole.map(Held::Number), "whole number")
        }
        (DataType::Boolean, Given::Boolean(value)) => (Some(Held::Boolean(value)), "boolean"),
        (DataType::Boolean, _) => (None, "boolean"),
        (DataType::String, Given::Text(text)) => (held(text, texts), "string of less than 4 GiB"),
        (DataType::String, _) => (None, "string"),
        (DataType::Datetime, Given::Text(text)) => {
            (date::parse(text).map(Held::Date), "date such as 2024-01-31")
        }
        (DataType::Datetime, _) => (None, "date such as 2024-01-31"),
    };
    cell.ok_or_else(|| InputError::Type {
        row,
        column: column.name.clone(),
        found: given.describe(),
        expected,
    })
}

fn held(text: &str, texts: &mut String) -> Option<Held> {
    let start = u32::try_from(texts.len()).ok()?;
    let len = u32::try_from(text.len()).ok()?;
    texts.push_str(text);
    Some(Held::Text { start, len })
}
