//! The different values of each column, and each row's place among them.

use crate::preprocess::Matrix;

/// A matrix by columns, values replaced by their rank: growing compares ranks only.
#[derive(Debug)]
pub(super) struct Levels {
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    /// Different values, ascending.
    values: Vec<f64>,
    /// Row to its value's place in `values`.
    ranks: Vec<u32>,
}

impl Levels {
    /// Ranks the values of each column.
    pub(super) fn of(matrix: &Matrix) -> Self {
        let columns = (0..matrix.width())
            .map(|column| {
                let mut values: Vec<f64> = matrix.rows().map(|row| row[column]).collect();
                values.sort_by(f64::total_cmp);
                // Also drops -0 beside 0, which compare as equal.
                values.dedup();
                let rank = |value: f64| values.partition_point(|level| *level < value) as u32;
                let ranks = matrix.rows().map(|row| rank(row[column])).collect();
                Column { values, ranks }
            })
            .collect();
        Self { columns }
    }

    /// Returns the number of columns.
    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    /// Returns how many different values a column has.
    pub(super) fn count(&self, column: usize) -> usize {
        self.columns[column].values.len()
    }

    /// Returns each row's rank in a column.
    pub(super) fn ranks(&self, column: usize) -> &[u32] {
        &self.columns[column].ranks
    }

    /// Returns the value of a rank.
    pub(super) fn value(&self, column: usize, rank: u32) -> f64 {
        self.columns[column].values[rank as usize]
    }

    /// Returns the middle between two ranks: `below` is not greater, `above` is.
    pub(super) fn between(&self, column: usize, below: u32, above: u32) -> f64 {
        let values = &self.columns[column].values;
        let (below, above) = (values[below as usize], values[above as usize]);
        let middle = below / 2.0 + above / 2.0;
        // Rounding may make the middle of neighbours the upper one, or less than the lower one.
        if middle >= below && middle < above { middle } else { below }
    }
}
