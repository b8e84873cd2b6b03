//! Where a value lies among the bins of its column.

use std::collections::HashMap;

use crate::preprocess::Cell;
use crate::profile::{ColumnProfile, edges};

/// The bins of a column, with the shares of the training data that lay in them.
#[derive(Debug)]
pub(super) enum Places {
    /// Numbers by the greatest value of each bin; above the last is one more. Of sentences it is
    /// how many words they have.
    Numbers { edges: Vec<f64>, shares: Vec<f64> },
    /// Values by their names; what is none of them is in the last bin.
    Names { places: HashMap<String, usize>, names: Vec<String>, shares: Vec<f64> },
}

impl Places {
    /// Makes the bins of a column, with the share of rows without a value; `None` where its
    /// profile has too little to make them of.
    pub(super) fn of(profile: &ColumnProfile) -> Option<(Self, f64)> {
        match profile {
            ColumnProfile::Numbers { missing, quantiles, shares } => {
                let edges = edges(quantiles);
                let fit = !shares.is_empty() && shares.len() == edges.len() + 1;
                fit.then(|| (Self::Numbers { edges, shares: shares.clone() }, *missing))
            }
            ColumnProfile::Categories { missing, shares } => {
                // Of the values that are there.
                let there = (1.0 - missing).max(f64::EPSILON);
                let names: Vec<String> = shares.keys().cloned().collect();
                let shares: Vec<f64> = shares.values().map(|share| share / there).collect();
                Some((Self::named(names, shares), *missing))
            }
        }
    }

    /// Makes a bin of each class, in the model's order.
    pub(super) fn of_classes(profile: &ColumnProfile, classes: &[String]) -> Option<(Self, f64)> {
        let ColumnProfile::Categories { missing, shares } = profile else { return None };
        let of = |class: &String| shares.get(class).copied().unwrap_or(0.0);
        Some((Self::named(classes.to_vec(), classes.iter().map(of).collect()), *missing))
    }

    fn named(names: Vec<String>, mut shares: Vec<f64>) -> Self {
        let rest = (1.0 - shares.iter().sum::<f64>()).max(0.0);
        // What is left of rounding is none.
        shares.push(if rest < 1e-9 { 0.0 } else { rest });
        let places = names.iter().cloned().enumerate().map(|(at, name)| (name, at)).collect();
        Self::Names { places, names, shares }
    }

    /// Returns how many bins there are.
    pub(super) fn len(&self) -> usize {
        self.shares().len()
    }

    /// Returns the share of each bin in training.
    pub(super) fn shares(&self) -> &[f64] {
        match self {
            Self::Numbers { shares, .. } | Self::Names { shares, .. } => shares,
        }
    }

    /// Finds the bin of a value.
    pub(super) fn find(&self, cell: &Cell<'_>) -> usize {
        match self {
            Self::Numbers { edges, .. } => {
                let value = match cell {
                    Cell::Number(value) | Cell::Date(value) => *value,
                    Cell::Boolean(value) => f64::from(*value),
                    Cell::Text(text) => text.split_whitespace().count() as f64,
                    Cell::Missing => f64::NAN,
                };
                edges.partition_point(|edge| *edge < value)
            }
            Self::Names { places, names, .. } => {
                let found = match cell {
                    Cell::Text(text) => places.get(*text),
                    Cell::Boolean(value) => places.get(if *value { "true" } else { "false" }),
                    Cell::Number(_) | Cell::Date(_) | Cell::Missing => None,
                };
                found.copied().unwrap_or(names.len())
            }
        }
    }

    /// Names a bin for people.
    pub(super) fn label(&self, bin: usize) -> String {
        match self {
            Self::Numbers { edges, .. } => match (edges.get(bin), edges.last()) {
                (Some(edge), _) => format!("≤ {}", short(*edge)),
                (None, Some(last)) => format!("> {}", short(*last)),
                (None, None) => "all".to_owned(),
            },
            Self::Names { names, .. } => {
                names.get(bin).cloned().unwrap_or_else(|| "(other)".to_owned())
            }
        }
    }
}

/// Writes a number with four digits that matter.
fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if (-4.0..6.0).contains(&magnitude) {
        let places = (3.0 - magnitude).max(0.0) as usize;
        let text = format!("{value:.places$}");
        return match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => text,
        };
    }
    format!("{value:.3e}")
}
