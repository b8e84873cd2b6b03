//! The type of a column, inferred from all its fields.

use serde_json::Value;

use super::{Column, ColumnValues};
use crate::model::DataType;

/// Whole numbers beyond this are not exact as `f64`; such a column counts as one of fractions.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Returns the column of the narrowest type that holds every field; empty fields are missing.
pub(super) fn infer<'a>(fields: impl Iterator<Item = &'a str>) -> ColumnValues {
    let fields: Vec<Option<&str>> =
        fields.map(|field| (!field.is_empty()).then_some(field)).collect();
    if fields.iter().all(Option::is_none) {
        return ColumnValues::Text(vec![None; fields.len()]);
    }
    if let Some(values) = parse_all(&fields, boolean) {
        return ColumnValues::Boolean(values);
    }
    if let Some(values) = parse_all(&fields, number) {
        let written_whole = fields.iter().flatten().all(|field| whole(field));
        let exact = values.iter().flatten().all(|value| value.abs() <= EXACT_MAX);
        return ColumnValues::Number { values, integral: written_whole && exact };
    }
    ColumnValues::Text(fields.into_iter().map(|field| field.map(str::to_owned)).collect())
}

fn parse_all<T>(fields: &[Option<&str>], parse: fn(&str) -> Option<T>) -> Option<Vec<Option<T>>> {
    fields
        .iter()
        .map(|field| match field {
            None => Some(None),
            Some(field) => parse(field).map(Some),
        })
        .collect()
}

fn boolean(field: &str) -> Option<bool> {
    match field {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// Reads a number; `nan` and `inf`, which Rust would read too, are words.
pub(super) fn number(field: &str) -> Option<f64> {
    field.parse::<f64>().ok().filter(|value| value.is_finite())
}

fn whole(field: &str) -> bool {
    field.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+'))
}

impl Column {
    /// Returns how many values there are, missing ones included.
    pub fn len(&self) -> usize {
        match &self.values {
            ColumnValues::Number { values, .. } => values.len(),
            ColumnValues::Boolean(values) => values.len(),
            ColumnValues::Text(values) => values.len(),
        }
    }

    /// Returns whether there are no values at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many values are missing.
    pub fn missing(&self) -> usize {
        match &self.values {
            ColumnValues::Number { values, .. } => values.iter().filter(|v| v.is_none()).count(),
            ColumnValues::Boolean(values) => values.iter().filter(|v| v.is_none()).count(),
            ColumnValues::Text(values) => values.iter().filter(|v| v.is_none()).count(),
        }
    }

    /// Returns its type in MLflow's words.
    pub fn data_type(&self) -> DataType {
        match &self.values {
            ColumnValues::Number { integral: true, .. } => DataType::Long,
            ColumnValues::Number { integral: false, .. } => DataType::Double,
            ColumnValues::Boolean(_) => DataType::Boolean,
            ColumnValues::Text(_) => DataType::String,
        }
    }

    /// Returns a value as JSON, as a caller would send it.
    pub(crate) fn json(&self, row: usize) -> Value {
        match &self.values {
            ColumnValues::Number { values, integral: true } => {
                // Within EXACT_MAX by inference, so the cast is exact.
                values[row].map_or(Value::Null, |value| Value::from(value as i64))
            }
            ColumnValues::Number { values, .. } => values[row].map_or(Value::Null, Value::from),
            ColumnValues::Boolean(values) => values[row].map_or(Value::Null, Value::from),
            ColumnValues::Text(values) => values[row].as_deref().map_or(Value::Null, Value::from),
        }
    }
}
