//! What a training part looked like, small enough to be kept, and how far two lie apart.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::dataset::{Column, ColumnValues, Dataset, Target};

/// Steps between the least and the greatest value.
const STEPS: usize = 20;
/// Categories that are counted on their own.
const CATEGORIES_MAX: usize = 50;
/// Bins that two columns are compared in.
const BINS: usize = 10;
/// A share below this counts as this: what was never there would be infinitely far.
const SHARE_MIN: f64 = 1e-4;

/// A training part, column by column, the target last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    pub rows: usize,
    pub columns: IndexMap<String, ColumnProfile>,
    /// What the model answered to rows that it had not learnt from; `None` in files that are
    /// older than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<AnswersProfile>,
}

/// A model's answers to held-out rows: the most probable class, or the value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswersProfile {
    pub rows: usize,
    pub values: ColumnProfile,
}

/// A column's values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ColumnProfile {
    /// Numbers: the value at each twentieth of the rows, from the least to the greatest; and the
    /// share of the values that lies between the [`edges`] these make. Older files have no
    /// shares.
    Numbers {
        missing: f64,
        quantiles: Vec<f64>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shares: Vec<f64>,
    },
    /// Anything else: the share of each value; what is rare is left out.
    Categories { missing: f64, shares: IndexMap<String, f64> },
}

impl Profile {
    /// Describes some rows of a data set.
    pub fn of(dataset: &Dataset, rows: &[usize]) -> Self {
        let describe = |column: &Column| (column.name.clone(), ColumnProfile::of(column, rows));
        let mut columns: IndexMap<String, ColumnProfile> =
            dataset.features.iter().map(describe).collect();
        let target = match &dataset.target_values {
            Target::Classes { classes, rows: of } => {
                categories(rows.iter().map(|row| Some(classes[of[*row]].clone())))
            }
            Target::Numbers(values) => numbers(rows.iter().map(|row| Some(values[*row]))),
        };
        columns.insert(dataset.target.clone(), target);
        Self { rows: rows.len(), columns, answers: None }
    }

    /// Returns how far each column lies from the same one of `other` (population stability
    /// index: below 0.1 is little, above 0.25 much), the farthest first. A column that only one
    /// of them has is as far as can be.
    pub fn drift(&self, other: &Self) -> Vec<(String, f64)> {
        let mut found: Vec<(String, f64)> = Vec::new();
        for (name, own) in &self.columns {
            let drift = other.columns.get(name).map_or(f64::INFINITY, |other| own.drift(other));
            found.push((name.clone(), drift));
        }
        let gone = other.columns.keys().filter(|name| !self.columns.contains_key(*name));
        found.extend(gone.map(|name| (name.clone(), f64::INFINITY)));
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found
    }
}

impl ColumnProfile {
    fn of(column: &Column, rows: &[usize]) -> Self {
        match &column.values {
            ColumnValues::Number { values, .. } => numbers(rows.iter().map(|row| values[*row])),
            ColumnValues::Boolean(values) => {
                categories(rows.iter().map(|row| values[*row].map(|value| value.to_string())))
            }
            ColumnValues::Text(values) => categories(rows.iter().map(|row| values[*row].clone())),
            ColumnValues::Date(values) => numbers(rows.iter().map(|row| values[*row])),
            // Of sentences, how long they are.
            ColumnValues::Words(values) => numbers(rows.iter().map(|row| {
                let words = |text: &String| text.split_whitespace().count() as f64;
                values[*row].as_ref().map(words)
            })),
        }
    }

    fn drift(&self, other: &Self) -> f64 {
        match (self, other) {
            (
                Self::Numbers { missing: own, quantiles, .. },
                Self::Numbers { missing, quantiles: others, .. },
            ) => {
                let mut edges: Vec<f64> =
                    (1..BINS).filter_map(|bin| others.get(bin * STEPS / BINS)).copied().collect();
                edges.dedup();
                let pairs =
                    edges.iter().map(|edge| (below(quantiles, *edge), below(others, *edge)));
                let whole: Vec<(f64, f64)> = pairs.chain([(1.0, 1.0)]).collect();
                let mut before = (0.0, 0.0);
                let bins = whole.into_iter().map(|(a, b)| {
                    let bin = ((a - before.0) * (1.0 - own), (b - before.1) * (1.0 - missing));
                    before = (a, b);
                    bin
                });
                index(bins.chain([(*own, *missing)]))
            }
            (
                Self::Categories { missing: own, shares },
                Self::Categories { missing, shares: others },
            ) => {
                let names = shares.keys().chain(others.keys().filter(|n| !shares.contains_key(*n)));
                let share = |of: &IndexMap<String, f64>, name: &str| {
                    of.get(name).copied().unwrap_or_default()
                };
                let bins = names.map(|name| (share(shares, name), share(others, name)));
                let rest = |of: &IndexMap<String, f64>, missing: f64| {
                    (1.0 - missing - of.values().sum::<f64>()).max(0.0)
                };
                index(bins.chain([(*own, *missing), (rest(shares, *own), rest(others, *missing))]))
            }
            _ => f64::INFINITY,
        }
    }
}

/// Describes numbers.
pub(crate) fn numbers(values: impl Iterator<Item = Option<f64>>) -> ColumnProfile {
    let (mut present, mut count) = (Vec::new(), 0_usize);
    for value in values {
        count += 1;
        present.extend(value);
    }
    present.sort_by(f64::total_cmp);
    let at = |step: usize| present.get(step * present.len().saturating_sub(1) / STEPS).copied();
    let quantiles: Vec<f64> = (0..=STEPS).filter_map(at).collect();
    let up_to = |edge: &f64| present.partition_point(|value| value <= edge);
    let mut before = 0;
    let ends = edges(&quantiles).iter().map(up_to).chain([present.len()]).collect::<Vec<_>>();
    let shares = ends.into_iter().map(|end| {
        let share = (end - before) as f64 / present.len().max(1) as f64;
        before = end;
        share
    });
    ColumnProfile::Numbers {
        missing: (count - present.len()) as f64 / count.max(1) as f64,
        shares: if present.is_empty() { Vec::new() } else { shares.collect() },
        quantiles,
    }
}

/// Returns where the bins of numbers end, of each the greatest value that is in it; above the
/// last edge lies one more. Where many values are the least one, what is below has a bin too.
pub(crate) fn edges(quantiles: &[f64]) -> Vec<f64> {
    let inner = quantiles.len().saturating_sub(1).max(1);
    let mut edges: Vec<f64> = quantiles.get(1..inner).unwrap_or_default().to_vec();
    edges.dedup();
    if let (Some(least), Some(first)) = (quantiles.first(), edges.first())
        && least >= first
    {
        edges.insert(0, first.next_down());
    }
    edges
}

/// Describes anything else.
pub(crate) fn categories(values: impl Iterator<Item = Option<String>>) -> ColumnProfile {
    let (mut counts, mut missing, mut count) = (IndexMap::<String, usize>::new(), 0_usize, 0_usize);
    for value in values {
        count += 1;
        match value {
            Some(value) => *counts.entry(value).or_default() += 1,
            None => missing += 1,
        }
    }
    counts.sort_by(|a, x, b, y| y.cmp(x).then(a.cmp(b)));
    let share = |rows: usize| rows as f64 / count.max(1) as f64;
    let frequent = counts.into_iter().take(CATEGORIES_MAX);
    ColumnProfile::Categories {
        missing: share(missing),
        shares: frequent.map(|(name, rows)| (name, share(rows))).collect(),
    }
}

/// Returns the share of values that are not above `edge`.
fn below(quantiles: &[f64], edge: f64) -> f64 {
    let count = quantiles.partition_point(|value| *value <= edge);
    let steps = quantiles.len().saturating_sub(1).max(1) as f64;
    match (count, quantiles.get(count)) {
        (0, _) => 0.0,
        (_, None) => 1.0,
        (_, Some(next)) => {
            let last = quantiles[count - 1];
            ((count - 1) as f64 + (edge - last) / (next - last)) / steps
        }
    }
}

fn index(bins: impl Iterator<Item = (f64, f64)>) -> f64 {
    bins.map(|(own, other)| {
        let (own, other) = (own.max(SHARE_MIN), other.max(SHARE_MIN));
        (own - other) * (own / other).ln()
    })
    .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{housing, titanic};

    #[test]
    fn a_table_has_not_drifted_from_itself_and_hardly_between_its_halves() {
        for set in [titanic(), housing()] {
            let all: Vec<usize> = (0..set.rows()).collect();
            let whole = Profile::of(&set, &all);
            assert!(whole.drift(&whole).iter().all(|(_, drift)| *drift == 0.0));
            let text = serde_json::to_string(&whole).unwrap();
            assert_eq!(serde_json::from_str::<Profile>(&text).unwrap(), whole);
            let even: Vec<usize> = all.iter().copied().filter(|row| row % 2 == 0).collect();
            let worst = Profile::of(&set, &even).drift(&whole)[0].clone();
            assert!(worst.1 < 0.1, "{worst:?}");
        }
    }

    #[test]
    fn what_moved_or_came_or_went_is_told_first() {
        let set = housing();
        let rows: Vec<usize> = (0..set.rows()).collect();
        let before = Profile::of(&set, &rows);
        let mut moved = set;
        let ColumnValues::Number { values, .. } = &mut moved.features[5].values else {
            panic!("numbers")
        };
        values.iter_mut().for_each(|value| *value = value.map(|value| value + 1.0));
        let drift = Profile::of(&moved, &rows).drift(&before);
        assert_eq!(drift[0].0, "rm");
        assert!(drift[0].1 > 0.25 && drift[1].1 == 0.0, "{drift:?}");
        moved.features[3].name = "other".to_owned();
        let drift = Profile::of(&moved, &rows).drift(&before);
        assert_eq!(drift.iter().filter(|(_, drift)| drift.is_infinite()).count(), 2);
    }

    #[test]
    fn the_shares_of_numbers_are_counted_between_their_edges() {
        let of = |values: &[f64]| match numbers(values.iter().copied().map(Some)) {
            ColumnProfile::Numbers { quantiles, shares, .. } => (edges(&quantiles), shares),
            ColumnProfile::Categories { .. } => panic!("numbers"),
        };
        let even: Vec<f64> = (1..=1000).map(f64::from).collect();
        let (ends, shares) = of(&even);
        assert_eq!((ends.len(), shares.len()), (19, 20));
        assert!(shares.iter().all(|share| (share - 0.05).abs() < 0.002), "{shares:?}");
        // Of a constant nothing lies below or above.
        let (ends, shares) = of(&[7.0; 50]);
        assert_eq!((ends[1], ends.len()), (7.0, 2));
        assert_eq!(shares, [0.0, 1.0, 0.0]);
        let (ends, shares) = of(&[]);
        assert!(ends.is_empty() && shares.is_empty());
        // A file from before there were shares is read.
        let old = r#"{"kind":"numbers","missing":0.0,"quantiles":[1.0,2.0]}"#;
        let old: ColumnProfile = serde_json::from_str(old).unwrap();
        assert!(matches!(old, ColumnProfile::Numbers { shares, .. } if shares.is_empty()));
    }

    #[test]
    fn values_that_are_missing_now_count() {
        let of = |missing: f64| ColumnProfile::Numbers {
            missing,
            quantiles: vec![1.0; 21],
            shares: Vec::new(),
        };
        assert!(of(0.5).drift(&of(0.0)) > 0.25);
        assert_eq!(of(0.5).drift(&of(0.5)), 0.0);
        let empty = numbers(std::iter::once(None));
        assert!(empty.drift(&of(0.0)).is_finite());
    }
}
