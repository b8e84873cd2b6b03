//! What is in a data set, and what is suspicious about it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use indexmap::IndexMap;
use serde::Serialize;

use super::column::number;
use super::{Column, ColumnValues, Dataset, Target};
use crate::model::DataType;

/// A text column with more categories than this, nearly all of them different, names its rows.
const IDENTIFIER_SHARE: f64 = 0.9;
/// A class below this share is worth a word.
const RARE_CLASS_SHARE: f64 = 0.05;
/// Rows of a class below which five folds and a held-out fifth do not all get one.
const CLASS_ROWS_WANTED: usize = 7;

/// Categories of a column that are told.
const CATEGORIES: usize = 8;

/// A data set in figures. Problems do not forbid learning; they are told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub name: String,
    pub rows: usize,
    pub digest: String,
    pub target: String,
    pub columns: Vec<ColumnReport>,
    /// Rows that are the same as an earlier one, target included.
    pub duplicates: usize,
    /// Class to its rows; empty for a regression.
    pub classes: IndexMap<String, usize>,
    /// Least, greatest and mean target; none for a classification.
    pub target_range: Option<[f64; 3]>,
    pub problems: Vec<String>,
}

/// A column of features in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnReport {
    pub name: String,
    #[serde(rename = "type")]
    pub data_type: DataType,
    /// In the words of `types` in `dags.toml`.
    pub kind: &'static str,
    pub missing: usize,
    /// Different values, missing ones not counted.
    pub distinct: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// The most frequent categories with their rows; none of what is no category.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub categories: IndexMap<String, usize>,
}

/// Returns the figures of a data set and what is suspicious about it.
pub fn validate(dataset: &Dataset) -> Report {
    let columns: Vec<ColumnReport> = dataset.features.iter().map(describe).collect();
    let (classes, target_range) = match &dataset.target_values {
        Target::Classes { classes, rows } => {
            let mut counts: IndexMap<String, usize> =
                classes.iter().map(|class| (class.clone(), 0)).collect();
            for row in rows {
                counts[*row] += 1;
            }
            (counts, None)
        }
        Target::Numbers(values) => (IndexMap::new(), range(values.iter().copied())),
    };
    let duplicates = duplicates(dataset);
    let mut problems = Vec::new();
    for (column, report) in dataset.features.iter().zip(&columns) {
        column_problems(column, report, &mut problems);
    }
    class_problems(&classes, dataset.rows(), &mut problems);
    if duplicates > 0 {
        problems.push(format!("{duplicates} of {} rows repeat an earlier row", dataset.rows()));
    }
    Report {
        name: dataset.name.clone(),
        rows: dataset.rows(),
        digest: dataset.digest.clone(),
        target: dataset.target.clone(),
        columns,
        duplicates,
        classes,
        target_range,
        problems,
    }
}

fn describe(column: &Column) -> ColumnReport {
    let (distinct, range) = match &column.values {
        ColumnValues::Number { values, .. } => {
            let distinct: HashSet<u64> = values.iter().flatten().map(|v| v.to_bits()).collect();
            (distinct.len(), range(values.iter().flatten().copied()))
        }
        ColumnValues::Boolean(values) => {
            (values.iter().flatten().collect::<BTreeSet<_>>().len(), None)
        }
        ColumnValues::Text(values) | ColumnValues::Words(values) => {
            (values.iter().flatten().collect::<BTreeSet<_>>().len(), None)
        }
        ColumnValues::Date(values) => {
            let distinct: HashSet<u64> = values.iter().flatten().map(|v| v.to_bits()).collect();
            (distinct.len(), None)
        }
    };
    ColumnReport {
        name: column.name.clone(),
        data_type: column.data_type(),
        kind: column.kind(),
        missing: column.missing(),
        distinct,
        min: range.map(|[min, _, _]| min),
        max: range.map(|[_, max, _]| max),
        mean: range.map(|[_, _, mean]| mean),
        categories: categories(&column.values),
    }
}

/// Counts categories, the most frequent first, of equals the first of the alphabet.
fn categories(values: &ColumnValues) -> IndexMap<String, usize> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    match values {
        ColumnValues::Text(values) => {
            values.iter().flatten().for_each(|value| *counts.entry(value).or_default() += 1);
        }
        ColumnValues::Boolean(values) => {
            let word = |value: &bool| if *value { "true" } else { "false" };
            let words = values.iter().flatten().map(word);
            words.for_each(|word| *counts.entry(word).or_default() += 1);
        }
        ColumnValues::Number { .. } | ColumnValues::Words(_) | ColumnValues::Date(_) => {}
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    counts.into_iter().take(CATEGORIES).map(|(word, rows)| (word.to_owned(), rows)).collect()
}

/// Returns the least, the greatest and the mean value.
fn range(values: impl Iterator<Item = f64>) -> Option<[f64; 3]> {
    let (mut min, mut max, mut mean, mut count) = (f64::INFINITY, f64::NEG_INFINITY, 0.0, 0.0);
    for value in values {
        min = min.min(value);
        max = max.max(value);
        count += 1.0;
        // A running mean cannot overflow where a sum of large values would.
        mean += (value - mean) / count;
    }
    (count > 0.0).then_some([min, max, mean])
}

fn duplicates(dataset: &Dataset) -> usize {
    let mut seen = HashSet::new();
    (0..dataset.rows())
        .filter(|row| {
            let features: Vec<_> =
                dataset.features.iter().map(|column| column.json(*row)).collect();
            let target = match &dataset.target_values {
                Target::Classes { rows, .. } => rows[*row] as u64,
                Target::Numbers(values) => values[*row].to_bits(),
            };
            !seen.insert((features, target))
        })
        .count()
}

fn column_problems(column: &Column, report: &ColumnReport, problems: &mut Vec<String>) {
    let name = &column.name;
    let present = column.len() - report.missing;
    if present == 0 {
        problems.push(format!("column `{name}` has no values"));
        return;
    }
    if report.distinct == 1 {
        problems.push(format!("column `{name}` has one value only: it says nothing"));
    }
    if report.missing > 0 {
        problems.push(format!(
            "column `{name}`: {} of {} values are missing",
            report.missing,
            column.len()
        ));
    }
    if let ColumnValues::Text(values) = &column.values {
        if report.distinct > 20 && report.distinct as f64 > IDENTIFIER_SHARE * present as f64 {
            problems.push(format!("column `{name}` looks like an identifier: nearly all differ"));
        }
        let numbers = values.iter().flatten().filter(|value| number(value).is_some()).count();
        let word = values.iter().flatten().find(|value| number(value).is_none());
        if let Some(word) = word
            && numbers * 2 > present
        {
            problems.push(format!(
                "column `{name}` is taken as text because of values such as `{word}`; {numbers} of {present} are numbers"
            ));
        }
    }
}

fn class_problems(classes: &IndexMap<String, usize>, rows: usize, problems: &mut Vec<String>) {
    for (class, count) in classes {
        if *count < CLASS_ROWS_WANTED {
            problems.push(format!(
                "class `{class}` has {count} rows; a held-out fifth and five folds need {CLASS_ROWS_WANTED}"
            ));
        } else if (*count as f64) < RARE_CLASS_SHARE * rows as f64 {
            problems.push(format!("class `{class}` is rare: {count} of {rows} rows"));
        }
    }
}
