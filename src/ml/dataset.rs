//! Tables to learn from: every column of one type, the target apart from the features.
//!
//! A [`Dataset`] can be learnt from: whatever cannot is refused by [`read_csv`]. What is only
//! suspicious is told by [`validate`].

mod column;
pub(crate) mod date;
mod read;
#[cfg(test)]
mod tests;
mod validate;

pub use read::read_csv;
pub use validate::{ColumnReport, Report, validate};

use crate::dag::spec::LearningTask;

/// A table with a target column, every column of one type.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    pub name: String,
    pub task: LearningTask,
    pub target: String,
    /// All columns but the target and those left out, in the order of the file.
    pub features: Vec<Column>,
    pub target_values: Target,
    pub split: Split,
    /// SHA-256 of the bytes it was read from, hex.
    pub digest: String,
}

/// A column of features.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    pub values: ColumnValues,
}

/// The values of a column; `None` where a value is missing.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnValues {
    /// Numbers; `integral` where all were written without a fraction.
    Number {
        values: Vec<Option<f64>>,
        integral: bool,
    },
    Boolean(Vec<Option<bool>>),
    /// Categories.
    Text(Vec<Option<String>>),
    /// Sentences, of which the words count.
    Words(Vec<Option<String>>),
    /// Seconds since 1970.
    Date(Vec<Option<f64>>),
}

/// By what rows are held out and dealt into folds.
#[derive(Debug, Clone, PartialEq)]
pub enum Split {
    /// By chance, of each class as much.
    Stratified,
    /// In the order of a column; `keys` has its value for each row.
    Time { column: String, keys: Vec<f64> },
    /// Rows of one group stay together; `groups` has that of each row.
    Group { column: String, groups: Vec<usize> },
}

/// The target: class names, or numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// `classes` sorted; `rows` index into them.
    Classes {
        classes: Vec<String>,
        rows: Vec<usize>,
    },
    Numbers(Vec<f64>),
}

/// A table that cannot be learnt from: what, and where.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DatasetError {
    #[error("data set `{name}` is empty")]
    Empty { name: String },
    #[error("data set `{name}` is not UTF-8 at line {line}")]
    NotUtf8 { name: String, line: u64 },
    #[error("data set `{name}`, line {line}: {found} fields where the header has {expected}")]
    Ragged { name: String, line: u64, found: usize, expected: usize },
    #[error("data set `{name}` has no column `{column}` (it has {})", columns.join(", "))]
    NoColumn { name: String, column: String, columns: Vec<String> },
    #[error("data set `{name}`, line {line}: target `{column}` is missing")]
    NoTarget { name: String, line: u64, column: String },
    #[error("data set `{name}`, line {line}: target `{column}` is `{value}`, not a number")]
    TargetNotNumber { name: String, line: u64, column: String, value: String },
    #[error("data set `{name}`: target `{column}` has only the value `{value}`")]
    ConstantTarget { name: String, column: String, value: String },
    #[error(
        "data set `{name}`: class `{class}` has {rows} rows; at least {needed} are needed to split"
    )]
    RareClass { name: String, class: String, rows: usize, needed: usize },
    #[error("data set `{name}` has {rows} rows; at least {needed} are needed")]
    TooFewRows { name: String, rows: usize, needed: usize },
    #[error("data set `{name}`: the header names `{column}` twice")]
    DuplicateColumn { name: String, column: String },
    #[error("data set `{name}`, line {line}: column `{column}` is `{value}`, not {expected}")]
    NotOfType { name: String, line: u64, column: String, value: String, expected: &'static str },
    #[error(
        "data set `{name}`: class `{class}` has no row to learn from where rows are split by `{column}`"
    )]
    ClassNotLearnt { name: String, class: String, column: String },
    #[error(
        "data set `{name}`: column `{column}` has {groups} groups; at least {needed} are needed"
    )]
    TooFewGroups { name: String, column: String, groups: usize, needed: usize },
    #[error("data set `{name}` has no column to learn from beside the target `{target}`")]
    NoFeatures { name: String, target: String },
}

impl Dataset {
    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        match &self.target_values {
            Target::Classes { rows, .. } => rows.len(),
            Target::Numbers(values) => values.len(),
        }
    }

    /// Returns the class names in their order; none for a regression.
    pub fn classes(&self) -> &[String] {
        match &self.target_values {
            Target::Classes { classes, .. } => classes,
            Target::Numbers(_) => &[],
        }
    }
}
