//! LightGBM's histograms: bins of a few rows at least, with their borders in the middle.
//!
//! XGBoost cuts at any value, right at the upper of two neighbours. LightGBM first joins
//! neighbouring values until a bin has `min_data_in_bin` rows, and cuts half-way between bins;
//! on small tables that shows in the figures. So trees are grown on numbers of bins, and their
//! cuts are put back into values afterwards.

use hessboost::model::{BoostedModel, ModelFormat};
use serde_json::Value;

use crate::preprocess::Matrix;

/// For each column the borders between its bins, ascending; a value on a border is above it.
#[derive(Debug)]
pub(super) struct Bins {
    borders: Vec<Vec<f32>>,
}

impl Bins {
    /// Finds the bins of each column.
    pub(super) fn of(matrix: &Matrix, min_data_in_bin: usize) -> Self {
        let borders = (0..matrix.width()).map(|column| {
            let values = matrix.rows().map(|row| row[column] as f32);
            borders(values.filter(|value| !value.is_nan()).collect(), min_data_in_bin)
        });
        Self { borders: borders.collect() }
    }

    /// Returns the matrix with each value's bin in its place; NaN stays.
    pub(super) fn numbers(&self, matrix: &Matrix) -> Vec<f32> {
        let mut numbers = Vec::with_capacity(matrix.values().len());
        for row in matrix.rows() {
            for (value, borders) in row.iter().zip(&self.borders) {
                let value = *value as f32;
                let bin = borders.partition_point(|border| *border <= value) as f32;
                numbers.push(if value.is_nan() { value } else { bin });
            }
        }
        numbers
    }

    /// Returns a model of bins as one of values.
    pub(super) fn restore(&self, model: &BoostedModel) -> Result<BoostedModel, String> {
        let bytes = model.encode(ModelFormat::XgboostJson).map_err(|error| error.to_string())?;
        let mut document: Value =
            serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        let trees = document
            .pointer_mut("/learner/gradient_booster/model/trees")
            .and_then(Value::as_array_mut)
            .ok_or("the trees are not where XGBoost's format has them")?;
        for tree in trees {
            self.restore_tree(tree).ok_or("a tree is not as XGBoost's format has it")?;
        }
        BoostedModel::decode(document.to_string(), ModelFormat::XgboostJson)
            .map_err(|error| error.to_string())
    }

    fn restore_tree(&self, tree: &mut Value) -> Option<()> {
        let children = tree.get("left_children")?.as_array()?.clone();
        let features = tree.get("split_indices")?.as_array()?.clone();
        let cuts = tree.get_mut("split_conditions")?.as_array_mut()?;
        for ((cut, child), feature) in cuts.iter_mut().zip(children).zip(features) {
            // A leaf keeps its value where others keep their cut.
            if child.as_i64()? >= 0 {
                let borders = self.borders.get(usize::try_from(feature.as_u64()?).ok()?)?;
                *cut = Value::from(f64::from(value_of(borders, cut.as_f64()?)));
            }
        }
        Some(())
    }
}

/// Returns the value below which are the values of all bins below `cut`.
fn value_of(borders: &[f32], cut: f64) -> f32 {
    let bins_below = cut.ceil().max(0.0) as usize;
    match bins_below.checked_sub(1) {
        None => f32::MIN,
        // Above all bins: such a cut parts the missing values from the others.
        Some(border) => borders.get(border).copied().unwrap_or(f32::MAX),
    }
}

fn borders(mut values: Vec<f32>, min_data_in_bin: usize) -> Vec<f32> {
    values.sort_by(f32::total_cmp);
    let (mut borders, mut in_bin) = (Vec::new(), 0);
    for pair in values.windows(2) {
        in_bin += 1;
        if pair[0] < pair[1] && in_bin >= min_data_in_bin {
            borders.push(middle(pair[0], pair[1]));
            in_bin = 0;
        }
    }
    borders
}

/// Returns the middle, above `below` and not above `above` even where rounding would have it.
fn middle(below: f32, above: f32) -> f32 {
    let middle = below / 2.0 + above / 2.0;
    if middle > below && middle <= above { middle } else { above }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_bin_until_it_has_enough_rows() {
        let values = vec![4.0, 1.0, 2.0, 2.0, 3.0, 9.0];
        assert_eq!(borders(values.clone(), 1), [1.5, 2.5, 3.5, 6.5]);
        assert_eq!(borders(values.clone(), 3), [2.5]);
        assert_eq!(borders(values, 0), [1.5, 2.5, 3.5, 6.5]);
        assert!(borders(vec![7.0; 5], 1).is_empty());
        assert!(borders(Vec::new(), 1).is_empty());
    }

    #[test]
    fn neighbouring_floats_are_parted_still() {
        let next = 1.0_f32.next_up();
        assert_eq!(borders(vec![1.0, next], 1), [next]);
    }

    #[test]
    fn a_cut_between_bins_is_the_border_between_their_values() {
        let borders = [1.5, 2.5];
        assert_eq!(value_of(&borders, 1.0), 1.5);
        assert_eq!(value_of(&borders, 0.5), 1.5);
        assert_eq!(value_of(&borders, 2.0), 2.5);
        assert_eq!(value_of(&borders, 3.0), f32::MAX);
        assert_eq!(value_of(&borders, -1e-5), f32::MIN);
    }

    #[test]
    fn values_become_their_bins_and_nan_stays() {
        let matrix = Matrix::new(vec![1.0, 2.0, f64::NAN, 3.0], 1);
        let numbers = Bins::of(&matrix, 1).numbers(&matrix);
        assert_eq!((numbers[0], numbers[1], numbers[3]), (0.0, 1.0, 2.0));
        assert!(numbers[2].is_nan());
    }
}
