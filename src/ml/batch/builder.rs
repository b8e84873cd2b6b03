//! Builds a batch, cell by cell, in whatever order the cells come; all that does not fit is told
//! at once, one fault a row.

use std::collections::HashMap;

use serde_json::Value;

use super::check::{Given, cell};
use super::{Batch, Held};
use crate::Signature;
use crate::estimator::nearest;
use crate::model::{ColumnSpec, DataType, InputError};

/// Faults that are told at once, at most.
const FAULTS_MAX: usize = 10;

/// Cells of one batch, at most: 16 bytes each.
const CELLS_MAX: usize = 1 << 24;

/// From this many columns on, names are looked up and not compared one by one.
const LOOKUP_WIDTH: usize = 16;

/// What is put up with.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Names that are no columns are passed over.
    pub ignore_unknown: bool,
    pub rows_max: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self { ignore_unknown: false, rows_max: usize::MAX }
    }
}

/// A batch that comes about.
#[derive(Debug)]
pub struct Builder<'a> {
    columns: &'a [ColumnSpec],
    rules: Rules,
    batch: Batch,
    rows: usize,
    /// At most one a row.
    faults: Vec<InputError>,
    /// Where the names of the record before stood, in their order: records are alike.
    order: Vec<usize>,
    /// Only where there are many columns, and records that are not alike.
    places: HashMap<&'a str, usize>,
}

impl<'a> Builder<'a> {
    pub fn new(signature: &'a Signature, rules: Rules) -> Self {
        let columns = signature.inputs.as_slice();
        let batch = Batch { width: columns.len(), cells: Vec::new(), texts: String::new() };
        Self {
            columns,
            rules,
            batch,
            rows: 0,
            faults: Vec::new(),
            order: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// Returns how many columns there are.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Returns how many rows were begun.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Adds rows of which nothing is known yet; refuses where they are too many.
    pub fn add_rows(&mut self, count: usize) -> Result<(), InputError> {
        let max = self.rules.rows_max.min(CELLS_MAX / self.width().max(1));
        match self.rows.checked_add(count).filter(|rows| *rows <= max) {
            Some(rows) => {
                self.rows = rows;
                self.batch.cells.resize(rows * self.width(), Held::Unset);
                Ok(())
            }
            None => Err(InputError::TooManyRows { max }),
        }
    }

    /// Sets a cell of a row that was added; `column` counts in the signature's order.
    pub fn set(&mut self, row: usize, column: usize, given: Given<'_>) {
        let Some(spec) = self.columns.get(column) else { return };
        let at = row * self.width() + column;
        match cell(row, given, spec, &mut self.batch.texts) {
            Ok(held) => self.batch.cells[at] = held,
            Err(fault) => {
                self.batch.cells[at] = Held::Missing;
                self.fault(fault);
            }
        }
    }

    /// Says that the row last added is a list of `found` values.
    pub fn listed(&mut self, found: usize) {
        let (row, expected) = (self.rows - 1, self.width());
        if found != expected {
            let columns = self.columns.iter().map(|column| column.name.clone()).collect();
            self.fault(InputError::Width { row, found, expected, columns });
        }
    }

    /// Returns the column of a name, the `nth` of a record; `None`: there is none, which is a
    /// fault of that row unless unknown names are passed over.
    pub fn column(&mut self, row: usize, nth: usize, name: &str) -> Option<usize> {
        let likely = self.order.get(nth).copied().unwrap_or(nth);
        if self.columns.get(likely).is_some_and(|column| column.name == name) {
            return Some(likely);
        }
        let Some(found) = self.look_up(name) else {
            if !self.rules.ignore_unknown {
                let meant = nearest(name, self.columns.iter().map(|column| column.name.as_str()));
                self.fault(InputError::UnknownColumn { row, column: name.to_owned(), meant });
            }
            return None;
        };
        if nth < self.width() {
            let known = self.order.len();
            self.order.extend(known..(nth + 1).max(known));
            self.order[nth] = found;
        }
        Some(found)
    }

    /// Returns the type of a column.
    pub fn data_type(&self, column: usize) -> Option<DataType> {
        self.columns.get(column).map(|column| column.data_type)
    }

    /// Says whether there is a column of that name.
    pub fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    fn look_up(&mut self, name: &str) -> Option<usize> {
        if self.width() < LOOKUP_WIDTH {
            return self.columns.iter().position(|column| column.name == name);
        }
        if self.places.is_empty() {
            let names = self.columns.iter().map(|column| column.name.as_str());
            self.places.extend(names.enumerate().map(|(place, name)| (name, place)));
        }
        self.places.get(name).copied()
    }

    /// Says that the row last added is neither a list nor a record.
    pub fn not_a_row(&mut self) {
        self.fault(InputError::NotARow { row: self.rows - 1 });
    }

    /// Adds a row of JSON: a list or a record.
    pub fn json_row(&mut self, value: &Value) -> Result<(), InputError> {
        self.add_rows(1)?;
        let row = self.rows - 1;
        match value {
            Value::Array(values) => {
                self.listed(values.len());
                for (column, value) in values.iter().enumerate() {
                    self.set(row, column, Given::of(value));
                }
            }
            Value::Object(record) => {
                for (nth, (name, value)) in record.iter().enumerate() {
                    if let Some(column) = self.column(row, nth, name) {
                        self.set(row, column, Given::of(value));
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => self.not_a_row(),
        }
        Ok(())
    }

    /// Keeps the first fault of a row: others mostly follow from it.
    fn fault(&mut self, fault: InputError) {
        let row = fault.row();
        let told = self.faults.iter().any(|known| known.row() == row);
        if self.faults.len() < FAULTS_MAX && !told {
            self.faults.push(fault);
        }
    }

    /// Ends the batch; gives what did not fit, of up to ten rows, in their order. A column that
    /// was not named is a fault where it is required, else its cells are missing.
    pub fn finish(mut self) -> Result<Batch, Vec<InputError>> {
        let width = self.width();
        for at in 0..self.batch.cells.len() {
            if self.batch.cells[at] != Held::Unset {
                continue;
            }
            self.batch.cells[at] = Held::Missing;
            let (row, column) = (at / width, &self.columns[at % width]);
            if column.required {
                self.fault(InputError::MissingColumn { row, column: column.name.clone() });
                if self.faults.len() == FAULTS_MAX {
                    break;
                }
            }
        }
        if self.faults.is_empty() {
            return Ok(self.batch);
        }
        self.faults.sort_by_key(InputError::row);
        Err(self.faults)
    }
}
