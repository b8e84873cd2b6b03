//! From raw columns to matrices; learnt on the training part only, kept in the model.
//!
//! Numbers and booleans become one number each, categories one indicator each, dates their calendar
//! parts, sentences their words hashed. A value
//! that is missing or was never seen has a defined place, so a fitted [`Preprocess`] takes any
//! row whose cells have the right types.

mod encoder;
mod matrix;
mod onnx;
#[cfg(test)]
mod tests;
pub(crate) mod words;

pub(crate) use encoder::{Cell, Encoder};
pub(crate) use matrix::Matrix;

use serde::{Deserialize, Serialize};

use crate::dataset::Column;
use crate::model::DataType;

/// How a family of models likes its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// As they are, missing ones as NaN: for trees that have a branch for them.
    Raw,
    /// Missing ones are filled with the median.
    Filled,
    /// Filled, then shifted and scaled to mean 0 and standard deviation 1.
    Scaled,
}

/// What was learnt about each column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Preprocess {
    encoders: Vec<Encoder>,
}

impl Preprocess {
    /// Learns from the given rows of the columns.
    pub(crate) fn fit(columns: &[Column], rows: &[usize], layout: Layout) -> Self {
        let encoders = columns.iter().map(|column| Encoder::fit(column, rows, layout)).collect();
        Self { encoders }
    }

    /// Returns how many raw columns it takes.
    pub(crate) fn inputs(&self) -> usize {
        self.encoders.len()
    }

    /// Returns how many numbers it makes of a row.
    pub(crate) fn width(&self) -> usize {
        self.encoders.iter().map(Encoder::width).sum()
    }

    /// Returns, for each raw column, how many numbers are made of it.
    pub(crate) fn widths(&self) -> impl Iterator<Item = usize> + '_ {
        self.encoders.iter().map(Encoder::width)
    }

    /// Returns, for each raw column, the categories that were seen, if it is one of text.
    pub(crate) fn categories(&self) -> impl Iterator<Item = Option<&[String]>> + '_ {
        self.encoders.iter().map(|encoder| match encoder {
            Encoder::Categories { categories, .. } => Some(categories.as_slice()),
            Encoder::Number { .. } | Encoder::Date { .. } | Encoder::Words => None,
        })
    }

    /// Returns, for each raw column, whether it takes values of a type.
    pub(crate) fn takes<'a>(
        &'a self,
        types: impl Iterator<Item = DataType> + 'a,
    ) -> impl Iterator<Item = bool> + 'a {
        self.encoders.iter().zip(types).map(|(encoder, data_type)| match encoder {
            Encoder::Categories { .. } | Encoder::Words => data_type == DataType::String,
            Encoder::Date { .. } => data_type == DataType::Datetime,
            Encoder::Number { .. } => {
                matches!(data_type, DataType::Double | DataType::Long | DataType::Boolean)
            }
        })
    }

    /// Returns why it cannot be used, if it was read from a file.
    pub(crate) fn fault(&self) -> Option<String> {
        self.encoders.iter().find_map(Encoder::fault)
    }

    /// Appends the numbers of a row to `out`; `cells` come in the order of the columns.
    pub(crate) fn encode<'a>(&self, cells: impl Iterator<Item = Cell<'a>>, out: &mut Vec<f64>) {
        for (encoder, cell) in self.encoders.iter().zip(cells) {
            encoder.encode(cell, out);
        }
    }

    /// Returns the matrix of the given rows.
    pub(crate) fn matrix(&self, columns: &[Column], rows: &[usize]) -> Matrix {
        let width = self.width();
        let mut values = Vec::with_capacity(rows.len() * width);
        for row in rows {
            self.encode(columns.iter().map(|column| Cell::of(column, *row)), &mut values);
        }
        Matrix::new(values, width)
    }
}
