//! Rows that were checked against a signature, and what a model answers to them: the one form
//! that every way of sending rows is read into and every answer is written from.

mod builder;
mod check;
mod record;
#[cfg(test)]
mod tests;

pub use builder::{Builder, Rules};
pub use check::Given;

use serde_json::Value;

use crate::model::{InputError, prediction};
use crate::preprocess::Cell;
use crate::{Prediction, Signature};

/// Rows whose cells fit a signature, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    width: usize,
    cells: Vec<Held>,
    /// All texts, one after another.
    texts: String,
}

/// A cell; its text lies in [`Batch::texts`].
#[derive(Debug, Clone, Copy, PartialEq)]
enum Held {
    /// Nobody said anything yet: only while a batch is built.
    Unset,
    Missing,
    Number(f64),
    Boolean(bool),
    /// Seconds since 1970.
    Date(f64),
    Text {
        start: u32,
        len: u32,
    },
}

impl Batch {
    /// Returns how many rows there are.
    pub fn rows(&self) -> usize {
        // A model without columns has nothing to tell rows apart by.
        self.cells.len().checked_div(self.width).unwrap_or(0)
    }

    /// Returns the cells of a row.
    pub(crate) fn row(&self, row: usize) -> impl Iterator<Item = Cell<'_>> {
        self.part(row, 0, self.width)
    }

    /// Returns the cells of `count` columns of a row.
    pub(crate) fn part(
        &self,
        row: usize,
        from: usize,
        count: usize,
    ) -> impl Iterator<Item = Cell<'_>> {
        let start = row * self.width + from;
        self.cells[start..start + count].iter().map(|held| self.cell(*held))
    }

    /// Returns one cell of a row.
    pub(crate) fn at(&self, row: usize, column: usize) -> Cell<'_> {
        self.cell(self.cells[row * self.width + column])
    }

    /// Returns one row of zeros, which no signature checked.
    pub(crate) fn of_zeros(width: usize) -> Self {
        Self { width, cells: vec![Held::Number(0.0); width], texts: String::new() }
    }

    fn cell(&self, held: Held) -> Cell<'_> {
        match held {
            Held::Unset | Held::Missing => Cell::Missing,
            Held::Number(value) => Cell::Number(value),
            Held::Boolean(value) => Cell::Boolean(value),
            Held::Date(seconds) => Cell::Date(seconds),
            Held::Text { start, len } => {
                let start = start as usize;
                Cell::Text(&self.texts[start..start + len as usize])
            }
        }
    }

    /// Checks rows of JSON, each a list or a record; tells of the first that does not fit.
    pub fn of_json(signature: &Signature, rows: &[Value]) -> Result<Self, InputError> {
        let mut builder = Builder::new(signature, Rules::default());
        for row in rows {
            builder.json_row(row)?;
        }
        builder.finish().map_err(|mut faults| faults.swap_remove(0))
    }
}

/// What was answered: for each row the probabilities of the classes, or one value.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    width: usize,
    numbers: Vec<f64>,
}

impl Answers {
    /// Takes the numbers of all rows, `width` of each.
    pub fn new(width: usize, numbers: Vec<f64>) -> Self {
        Self { width, numbers }
    }

    /// Returns how many rows were answered.
    pub fn rows(&self) -> usize {
        self.numbers.len().checked_div(self.width).unwrap_or(0)
    }

    /// Returns how many numbers a row has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns all numbers, row after row.
    pub fn numbers(&self) -> &[f64] {
        &self.numbers
    }

    /// Returns the numbers of one row.
    pub(crate) fn row(&self, row: usize) -> Option<&[f64]> {
        self.numbers.get(row * self.width..(row + 1) * self.width).filter(|row| !row.is_empty())
    }

    /// Returns the numbers of each row.
    pub fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.numbers.chunks_exact(self.width.max(1))
    }

    /// Makes an answer of each row.
    pub(crate) fn predictions(&self, classes: &[String]) -> Vec<Prediction> {
        self.iter().map(|numbers| prediction(classes, numbers)).collect()
    }
}

/// Returns the class that is most probable, the first of those that are equally so.
pub fn most_probable(probabilities: &[f64]) -> usize {
    let mut best = 0;
    for (class, probability) in probabilities.iter().enumerate() {
        if *probability > probabilities[best] {
            best = class;
        }
    }
    best
}
