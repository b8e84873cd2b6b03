//! One raw column to numbers.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Layout, words};
use crate::dataset::date::{self, PARTS};
use crate::dataset::{Column, ColumnValues};

/// More categories than this share one indicator: the frequent ones are kept.
const CATEGORIES_MAX: usize = 50;
/// Engines count in `f32`; what does not fit is as large as can be, not infinite.
pub(super) const NUMBER_MAX: f64 = f32::MAX as f64;

/// A raw value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    Missing,
    Number(f64),
    Boolean(bool),
    Text(&'a str),
    /// Seconds since 1970.
    Date(f64),
}

impl<'a> Cell<'a> {
    /// Returns a value of a column.
    pub(crate) fn of(column: &'a Column, row: usize) -> Self {
        match &column.values {
            ColumnValues::Number { values, .. } => values[row].map_or(Cell::Missing, Cell::Number),
            ColumnValues::Boolean(values) => values[row].map_or(Cell::Missing, Cell::Boolean),
            ColumnValues::Text(values) | ColumnValues::Words(values) => {
                values[row].as_deref().map_or(Cell::Missing, Cell::Text)
            }
            ColumnValues::Date(values) => values[row].map_or(Cell::Missing, Cell::Date),
        }
    }
}

/// What was learnt about a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "encoding", rename_all = "snake_case")]
pub(crate) enum Encoder {
    /// `(value - shift) / scale`; a missing value is `fill`, or NaN without one.
    Number { fill: Option<f64>, shift: f64, scale: f64 },
    /// One indicator per category; then one for all others if there were too many, then one for
    /// missing values if there were any. A category that was never seen sets no indicator
    /// where there is none for others.
    Categories { categories: Vec<String>, other: bool, missing: bool },
    /// Each calendar part as a number.
    Date { parts: Vec<Encoder> },
    /// The words of a text, hashed; nothing is learnt.
    Words,
}

impl Encoder {
    /// Learns from the given rows.
    pub(crate) fn fit(column: &Column, rows: &[usize], layout: Layout) -> Self {
        match &column.values {
            ColumnValues::Number { values, .. } => {
                number(rows.iter().filter_map(|row| values[*row]).collect(), layout)
            }
            ColumnValues::Boolean(values) => {
                let values = rows.iter().filter_map(|row| values[*row]);
                number(values.map(|value| f64::from(u8::from(value))).collect(), layout)
            }
            ColumnValues::Text(values) => {
                categories(rows.iter().map(|row| values[*row].as_deref()))
            }
            ColumnValues::Words(_) => Encoder::Words,
            ColumnValues::Date(values) => {
                let known: Vec<[f64; PARTS.len()]> =
                    rows.iter().filter_map(|row| values[*row]).map(date::parts).collect();
                let part =
                    |at: usize| number(known.iter().map(|parts| parts[at]).collect(), layout);
                Encoder::Date { parts: (0..PARTS.len()).map(part).collect() }
            }
        }
    }

    /// Returns how many numbers it makes.
    pub(crate) fn width(&self) -> usize {
        match self {
            Encoder::Number { .. } => 1,
            Encoder::Categories { categories, other, missing } => {
                categories.len() + usize::from(*other) + usize::from(*missing)
            }
            Encoder::Date { parts } => parts.len(),
            Encoder::Words => words::BUCKETS,
        }
    }

    /// Appends the numbers of a cell.
    pub(crate) fn encode(&self, cell: Cell<'_>, out: &mut Vec<f64>) {
        match self {
            Encoder::Number { fill, shift, scale } => {
                let value = match cell {
                    Cell::Number(value) => Some(value.clamp(-NUMBER_MAX, NUMBER_MAX)),
                    Cell::Boolean(value) => Some(f64::from(u8::from(value))),
                    Cell::Missing | Cell::Text(_) | Cell::Date(_) => *fill,
                };
                out.push(value.map_or(f64::NAN, |value| (value - shift) / scale));
            }
            Encoder::Categories { categories, other, missing } => {
                let start = out.len();
                out.resize(start + self.width(), 0.0);
                let slot = match cell {
                    Cell::Text(text) => {
                        match categories.binary_search_by(|category| category.as_str().cmp(text)) {
                            Ok(index) => Some(index),
                            Err(_) => other.then_some(categories.len()),
                        }
                    }
                    Cell::Missing | Cell::Number(_) | Cell::Boolean(_) | Cell::Date(_) => {
                        missing.then_some(categories.len() + usize::from(*other))
                    }
                };
                if let Some(slot) = slot {
                    out[start + slot] = 1.0;
                }
            }
            Encoder::Date { parts } => {
                let known = match cell {
                    Cell::Date(seconds) => Some(date::parts(seconds)),
                    _ => None,
                };
                for (at, part) in parts.iter().enumerate() {
                    let value = known.and_then(|known| known.get(at).copied());
                    part.encode(value.map_or(Cell::Missing, Cell::Number), out);
                }
            }
            Encoder::Words => {
                let start = out.len();
                out.resize(start + words::BUCKETS, 0.0);
                if let Cell::Text(text) = cell {
                    words::hash(text, &mut out[start..]);
                }
            }
        }
    }

    /// Returns why it cannot be used, if it was not made by [`Encoder::fit`].
    pub(crate) fn fault(&self) -> Option<String> {
        match self {
            Encoder::Number { fill, shift, scale } => {
                let finite = shift.is_finite() && fill.is_none_or(f64::is_finite);
                (!finite || !scale.is_finite() || *scale <= 0.0)
                    .then(|| format!("a column is scaled by {scale}"))
            }
            Encoder::Categories { categories, .. } => {
                (!categories.is_sorted()).then(|| "categories are not in order".to_owned())
            }
            Encoder::Date { parts } => {
                let sound = |part: &Encoder| matches!(part, Encoder::Number { .. });
                match parts.len() == PARTS.len() && parts.iter().all(sound) {
                    true => parts.iter().find_map(Encoder::fault),
                    false => Some("a date of other parts".to_owned()),
                }
            }
            Encoder::Words => None,
        }
    }
}

fn number(mut values: Vec<f64>, layout: Layout) -> Encoder {
    for value in &mut values {
        *value = value.clamp(-NUMBER_MAX, NUMBER_MAX);
    }
    values.sort_by(f64::total_cmp);
    let fill = (layout != Layout::Raw).then(|| median(&values));
    let (shift, scale) = match layout {
        Layout::Scaled => spread(&values),
        Layout::Raw | Layout::Filled => (0.0, 1.0),
    };
    Encoder::Number { fill, shift, scale }
}

/// Returns the median of sorted values; 0 where there are none.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        len if len % 2 == 1 => sorted[middle],
        _ => sorted[middle - 1] / 2.0 + sorted[middle] / 2.0,
    }
}

/// Returns mean and standard deviation of the population; a constant column is scaled by 1.
fn spread(values: &[f64]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|value| value / count).sum::<f64>();
    let variance = values.iter().map(|value| (value - mean).powi(2) / count).sum::<f64>();
    // Rounding leaves a constant column a variance of about (mean * epsilon)².
    let constant = variance <= (mean * f64::EPSILON * 10.0).powi(2);
    (mean, if constant { 1.0 } else { variance.sqrt() })
}

fn categories<'a>(values: impl Iterator<Item = Option<&'a str>>) -> Encoder {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut missing = false;
    for value in values {
        match value {
            Some(value) => *counts.entry(value).or_default() += 1,
            None => missing = true,
        }
    }
    let other = counts.len() > CATEGORIES_MAX;
    let mut frequent: Vec<(&str, usize)> = counts.into_iter().collect();
    // The sort is stable: of equally frequent ones the first by name stay.
    frequent.sort_by_key(|(_, count)| Reverse(*count));
    frequent.truncate(CATEGORIES_MAX);
    let mut categories: Vec<String> =
        frequent.into_iter().map(|(category, _)| category.to_owned()).collect();
    categories.sort();
    Encoder::Categories { categories, other, missing }
}
