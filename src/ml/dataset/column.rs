//! The type of a column, inferred from all its fields.

use serde_json::Value;

use super::{Column, ColumnValues, date};
use crate::dag::spec::ColumnKind;
use crate::model::DataType;
use crate::preprocess::words;

/// Whole numbers beyond this are not exact as `f64`; such a column counts as one of fractions.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// A field that is not of the type that its column was said to have.
#[derive(Debug)]
pub(super) struct Misfit {
    pub(super) row: usize,
    pub(super) value: String,
    pub(super) expected: &'static str,
}

/// Reads a column of a type that is known.
pub(super) fn read<'a>(
    fields: impl Iterator<Item = &'a str>,
    kind: ColumnKind,
) -> Result<ColumnValues, Misfit> {
    let fields: Vec<Option<&str>> = present(fields);
    let texts = || fields.iter().map(|field| field.map(str::to_owned)).collect();
    match kind {
        ColumnKind::Category => Ok(ColumnValues::Text(texts())),
        ColumnKind::Text => Ok(ColumnValues::Words(texts())),
        ColumnKind::Boolean => Ok(ColumnValues::Boolean(all(&fields, boolean, "true or false")?)),
        ColumnKind::Date => Ok(ColumnValues::Date(all(&fields, date::parse, "a date")?)),
        ColumnKind::Number => {
            let values = all(&fields, number, "a finite number")?;
            let integral = is_integral(&fields, &values);
            Ok(ColumnValues::Number { values, integral })
        }
    }
}

/// Returns the column of the narrowest type that holds every field; empty fields are missing.
pub(super) fn infer<'a>(fields: impl Iterator<Item = &'a str>) -> ColumnValues {
    let fields = present(fields);
    if fields.iter().all(Option::is_none) {
        return ColumnValues::Text(vec![None; fields.len()]);
    }
    if let Some(values) = parse_all(&fields, boolean) {
        return ColumnValues::Boolean(values);
    }
    if let Some(values) = parse_all(&fields, number) {
        let integral = is_integral(&fields, &values);
        return ColumnValues::Number { values, integral };
    }
    if let Some(values) = parse_all(&fields, date::parse) {
        return ColumnValues::Date(values);
    }
    let is_free = words::is_free(fields.iter().flatten().copied());
    let texts = fields.into_iter().map(|field| field.map(str::to_owned)).collect();
    if is_free { ColumnValues::Words(texts) } else { ColumnValues::Text(texts) }
}

/// Tells empty fields, which are missing, from the others.
fn present<'a>(fields: impl Iterator<Item = &'a str>) -> Vec<Option<&'a str>> {
    fields.map(|field| (!field.is_empty()).then_some(field)).collect()
}

fn all<T>(
    fields: &[Option<&str>],
    parse: fn(&str) -> Option<T>,
    expected: &'static str,
) -> Result<Vec<Option<T>>, Misfit> {
    let one = |(row, field): (usize, &Option<&str>)| match field {
        None => Ok(None),
        Some(field) => match parse(field) {
            Some(value) => Ok(Some(value)),
            None => Err(Misfit { row, value: (*field).to_owned(), expected }),
        },
    };
    fields.iter().enumerate().map(one).collect()
}

fn is_integral(fields: &[Option<&str>], values: &[Option<f64>]) -> bool {
    let written_whole = fields.iter().flatten().all(|field| whole(field));
    written_whole && values.iter().flatten().all(|value| value.abs() <= EXACT_MAX)
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
            ColumnValues::Text(values) | ColumnValues::Words(values) => values.len(),
            ColumnValues::Date(values) => values.len(),
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
            ColumnValues::Text(values) | ColumnValues::Words(values) => {
                values.iter().filter(|v| v.is_none()).count()
            }
            ColumnValues::Date(values) => values.iter().filter(|v| v.is_none()).count(),
        }
    }

    /// Returns its type in MLflow's words.
    pub fn data_type(&self) -> DataType {
        match &self.values {
            ColumnValues::Number { integral: true, .. } => DataType::Long,
            ColumnValues::Number { integral: false, .. } => DataType::Double,
            ColumnValues::Boolean(_) => DataType::Boolean,
            ColumnValues::Text(_) | ColumnValues::Words(_) => DataType::String,
            ColumnValues::Date(_) => DataType::Datetime,
        }
    }

    /// Returns what it is in the words of `types` in `dags.toml`.
    pub(super) fn kind(&self) -> &'static str {
        match &self.values {
            ColumnValues::Number { .. } => "number",
            ColumnValues::Boolean(_) => "boolean",
            ColumnValues::Text(_) => "category",
            ColumnValues::Words(_) => "text",
            ColumnValues::Date(_) => "date",
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
            ColumnValues::Text(values) | ColumnValues::Words(values) => {
                values[row].as_deref().map_or(Value::Null, Value::from)
            }
            ColumnValues::Date(values) => {
                values[row].map_or(Value::Null, |value| Value::from(date::write(value)))
            }
        }
    }
}
