//! Rows as callers send them, checked against the signature.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{ColumnSpec, DataType, InputError};
use crate::dataset::date;
use crate::estimator::nearest;
use crate::preprocess::Cell;

/// Whole numbers up to this are exact as `f64`.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
/// Longer text is cut in messages.
const SHOWN_MAX: usize = 40;

/// Returns the cells of a row in the signature's order.
pub(crate) fn cells<'a>(
    number: usize,
    row: &'a Value,
    columns: &[ColumnSpec],
    places: &HashMap<String, usize>,
) -> Result<Vec<Cell<'a>>, InputError> {
    match row {
        Value::Array(values) => {
            if values.len() != columns.len() {
                return Err(InputError::Width {
                    row: number,
                    found: values.len(),
                    expected: columns.len(),
                    columns: columns.iter().map(|column| column.name.clone()).collect(),
                });
            }
            values.iter().zip(columns).map(|(value, column)| cell(number, value, column)).collect()
        }
        Value::Object(record) => {
            known(number, record, columns, places)?;
            columns
                .iter()
                .map(|column| match record.get(&column.name) {
                    Some(value) => cell(number, value, column),
                    None => {
                        Err(InputError::MissingColumn { row: number, column: column.name.clone() })
                    }
                })
                .collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err(InputError::NotARow { row: number })
        }
    }
}

/// Checks that every name is a column. A wrong name comes before a missing column, which it most
/// often means.
fn known(
    number: usize,
    record: &Map<String, Value>,
    columns: &[ColumnSpec],
    places: &HashMap<String, usize>,
) -> Result<(), InputError> {
    match record.keys().find(|name| !places.contains_key(*name)) {
        None => Ok(()),
        Some(name) => Err(InputError::UnknownColumn {
            row: number,
            column: name.clone(),
            meant: nearest(name, columns.iter().map(|column| column.name.as_str())),
        }),
    }
}

fn cell<'a>(number: usize, value: &'a Value, column: &ColumnSpec) -> Result<Cell<'a>, InputError> {
    let (cell, expected) = match (column.data_type, value) {
        (_, Value::Null) if column.required => {
            return Err(InputError::Null { row: number, column: column.name.clone() });
        }
        (_, Value::Null) => return Ok(Cell::Missing),
        (DataType::Double, _) => {
            (value.as_f64().filter(|v| v.is_finite()).map(Cell::Number), "number")
        }
        (DataType::Long, _) => {
            let whole = value.as_f64().filter(|v| v.fract() == 0.0 && v.abs() <= EXACT_MAX);
            (whole.map(Cell::Number), "whole number")
        }
        (DataType::Boolean, _) => (value.as_bool().map(Cell::Boolean), "boolean"),
        (DataType::String, _) => (value.as_str().map(Cell::Text), "string"),
        (DataType::Datetime, _) => {
            (value.as_str().and_then(date::parse).map(Cell::Date), "date such as 2024-01-31")
        }
    };
    cell.ok_or_else(|| InputError::Type {
        row: number,
        column: column.name.clone(),
        found: describe(value),
        expected,
    })
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("the boolean {value}"),
        Value::Number(value) => format!("the number {value}"),
        Value::String(text) => {
            let shown: String = text.chars().take(SHOWN_MAX).collect();
            let cut = if shown.len() < text.len() { "…" } else { "" };
            format!("the string `{shown}{cut}`")
        }
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a record".to_owned(),
    }
}
