//! Rows of numbers.

/// A row-major matrix.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matrix {
    values: Vec<f64>,
    width: usize,
}

impl Matrix {
    /// Takes whole rows of `width` values.
    pub(crate) fn new(values: Vec<f64>, width: usize) -> Self {
        debug_assert_eq!(values.len() % width.max(1), 0, "a matrix has whole rows");
        Self { values, width }
    }

    /// Returns the values of one row after the other.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Returns the number of columns.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.values.len().checked_div(self.width).unwrap_or(0)
    }

    /// Returns a row.
    pub(crate) fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.width..(row + 1) * self.width]
    }

    /// Returns the rows in order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f64]> {
        (0..self.len()).map(|row| self.row(row))
    }
}
