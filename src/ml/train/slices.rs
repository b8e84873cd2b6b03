//! The figures of parts of the held-out rows: where a model is good for most and bad for some.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::evaluate::Judged;
use crate::dataset::{Column, ColumnValues, Dataset};

/// A column with more different values is not one of groups.
const VALUES_MAX: usize = 10;
/// Fewer rows say nothing.
const ROWS_MIN: usize = 10;

/// The rows of one value of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    pub column: String,
    pub value: String,
    pub rows: usize,
    pub metrics: IndexMap<String, f64>,
}

/// Returns the figures of each value of each column of groups: texts, booleans and whole numbers
/// of few different values.
pub(super) fn slices(dataset: &Dataset, rows: &[usize], judged: &Judged) -> Vec<Slice> {
    let mut found = Vec::new();
    for column in &dataset.features {
        for (value, places) in groups(column, rows) {
            if places.len() >= ROWS_MIN && places.len() < rows.len() {
                let metrics = judged.part(&places).metrics();
                let (column, rows) = (column.name.clone(), places.len());
                found.push(Slice { column, value, rows, metrics });
            }
        }
    }
    found
}

/// Returns the places in `rows` of each value; none where the column is not one of groups.
fn groups(column: &Column, rows: &[usize]) -> Vec<(String, Vec<usize>)> {
    let mut groups: IndexMap<String, Vec<usize>> = IndexMap::new();
    for (place, row) in rows.iter().enumerate() {
        let value = match &column.values {
            ColumnValues::Number { integral: false, .. }
            | ColumnValues::Words(_)
            | ColumnValues::Date(_) => return Vec::new(),
            ColumnValues::Number { values, .. } => values[*row].map(|value| value.to_string()),
            ColumnValues::Boolean(values) => values[*row].map(|value| value.to_string()),
            ColumnValues::Text(values) => values[*row].clone(),
        };
        groups.entry(value.unwrap_or_else(|| "(missing)".to_owned())).or_default().push(place);
        if groups.len() > VALUES_MAX {
            return Vec::new();
        }
    }
    groups.sort_keys();
    groups.into_iter().collect()
}
