//! How far the rows that a model is asked lie from those that it learnt from.
//!
//! ```text
//! profile ─► Gauge ─ places ◄─ count(batch, answers)     an increment for each cell, no lock
//!                      │
//!                      └─ drain ─► counts ─ sum over a window ─► judge ─► psi, ks, missing, unseen
//! ```
//! A gauge knows the bins that the training profile makes of each column, and counts in them.
//! It reads no clock: whoever drains it says what time the counts are of.

mod figure;
mod place;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use crate::batch::{Answers, Batch, most_probable};
use crate::preprocess::Cell;
use crate::types::drift::{ColumnDrift, DriftLimits};
use crate::{Profile, Signature};
use place::Places;

/// Columns that are watched at most, the first ones of the signature.
const COLUMNS_MAX: usize = 500;

/// Rows of one request that are looked at, spread over all of them.
const ROWS_MAX: usize = 4_096;

/// Sets of counters, so that threads seldom meet.
const SHARDS: usize = 4;

/// Counts what the columns of a model are asked and what it answers.
#[derive(Debug)]
pub struct Gauge {
    columns: Vec<Watched>,
    answers: Option<Watched>,
    classes: Vec<String>,
    /// Rows that the model learnt from.
    trained_rows: usize,
    shards: Vec<Box<[AtomicU32]>>,
    problem: Option<String>,
}

/// A column with its counters.
#[derive(Debug)]
struct Watched {
    name: String,
    /// Its place in a row.
    at: usize,
    /// Its first counter.
    first: usize,
    /// Rows that its profile is of.
    rows: usize,
    missing: f64,
    places: Places,
}

impl Watched {
    /// Returns how many counters it has: its bins, and one of what is missing.
    fn len(&self) -> usize {
        self.places.len() + 1
    }
}

impl Gauge {
    /// Makes a gauge of a model that left no profile: it counts nothing, and says why.
    pub fn without(problem: impl Into<String>) -> Self {
        Self {
            columns: Vec::new(),
            answers: None,
            classes: Vec::new(),
            trained_rows: 0,
            shards: Vec::new(),
            problem: Some(problem.into()),
        }
    }

    /// Makes a gauge of what the model learnt from. What the profile does not know is not
    /// watched, and told in [`Self::problem`].
    pub fn of(profile: &Profile, signature: &Signature, classes: &[String]) -> Self {
        let mut next = 0;
        let mut add = |name: &str, at: usize, rows: usize, places: Option<(Places, f64)>| {
            let (places, missing) = places?;
            let column = Watched { name: name.to_owned(), at, first: next, rows, missing, places };
            next += column.len();
            Some(column)
        };
        let inputs = signature.inputs.iter().enumerate().take(COLUMNS_MAX);
        let mut columns = Vec::new();
        for (at, column) in inputs {
            let places = profile.columns.get(&column.name).and_then(Places::of);
            columns.extend(add(&column.name, at, profile.rows, places));
        }
        let told = profile.answers.as_ref();
        let output = signature.outputs.first().map_or("prediction", |output| output.name.as_str());
        let answers = told.and_then(|told| {
            let places = match classes {
                [] => Places::of(&told.values),
                classes => Places::of_classes(&told.values, classes),
            };
            add(output, 0, told.rows, places)
        });
        let problem = match (columns.len(), signature.inputs.len()) {
            (0, _) => Some("the model's training profile has no bins: train it again".to_owned()),
            (some, all) if some < all => Some(format!("{some} of {all} columns are watched")),
            _ => None,
        };
        let shard = || (0..next).map(|_| AtomicU32::new(0)).collect();
        Self {
            columns,
            answers,
            classes: classes.to_vec(),
            trained_rows: profile.rows,
            shards: (0..SHARDS).map(|_| shard()).collect(),
            problem,
        }
    }

    /// Says why nothing, or not all, is watched.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Says whether anything is watched.
    pub fn is_watching(&self) -> bool {
        !self.columns.is_empty()
    }

    /// Returns how many rows the model learnt from.
    pub fn trained_rows(&self) -> usize {
        self.trained_rows
    }

    /// Takes note of rows that were asked and answered. Neither waits nor allocates; of very
    /// many rows some are looked at.
    pub fn count(&self, batch: &Batch, answers: &Answers) {
        if self.columns.is_empty() {
            return;
        }
        let shard = &self.shards[shard_of_thread()];
        let one_more = |place: usize| {
            shard[place].fetch_add(1, Ordering::Relaxed);
        };
        let rows = batch.rows();
        let step = rows.div_ceil(ROWS_MAX).max(1);
        for (nth, from) in (0..rows).step_by(step).enumerate() {
            // One of each step, never the same: rows may come in a rhythm of their own.
            let row = (from + scattered(nth) % step).min(rows - 1);
            for column in &self.columns {
                let place = match batch.at(row, column.at) {
                    Cell::Missing => column.places.len(),
                    cell => column.places.find(&cell),
                };
                one_more(column.first + place);
            }
            let Some(column) = &self.answers else { continue };
            let Some(numbers) = answers.row(row) else { continue };
            let place = match self.classes.is_empty() {
                true => column.places.find(&Cell::Number(numbers[0])),
                false => most_probable(numbers).min(column.places.len() - 1),
            };
            one_more(column.first + place);
        }
    }

    /// Takes the counts since this was last done.
    pub fn drain(&self) -> Counts {
        let width = self.shards.first().map_or(0, |shard| shard.len());
        let mut counts = vec![0_u64; width];
        for shard in &self.shards {
            for (sum, count) in counts.iter_mut().zip(shard) {
                *sum += u64::from(count.swap(0, Ordering::Relaxed));
            }
        }
        Counts(counts)
    }

    /// Puts in what was counted elsewhere, by a gauge of the same model.
    pub fn put(&self, counts: &Counts) {
        let Some(shard) = self.shards.first().filter(|shard| shard.len() == counts.0.len()) else {
            return;
        };
        for (count, more) in shard.iter().zip(&counts.0) {
            count.fetch_add(u32::try_from(*more).unwrap_or(u32::MAX), Ordering::Relaxed);
        }
    }

    /// Returns how many rows are in some counts.
    pub fn rows(&self, counts: &Counts) -> u64 {
        self.columns.first().map_or(0, |column| counts.of(column).iter().sum())
    }

    /// Measures the counts of a window, the worst column first.
    pub fn judge(&self, counts: &Counts, limits: &DriftLimits) -> Vec<ColumnDrift> {
        let inputs = self.columns.iter().map(|column| (column, false));
        let all = inputs.chain(self.answers.iter().map(|column| (column, true)));
        let mut columns: Vec<ColumnDrift> = all
            .map(|(column, is_answer)| ColumnDrift {
                is_answer,
                ..figure::measure(column, counts.of(column), limits)
            })
            .collect();
        columns.sort_by(|a, b| b.times().total_cmp(&a.times()));
        columns
    }
}

/// What was counted in some time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counts(Vec<u64>);

impl Counts {
    /// Adds what was counted in another time.
    pub fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (sum, count) in self.0.iter_mut().zip(&other.0) {
            *sum += count;
        }
    }

    /// Says whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|count| *count == 0)
    }

    fn of(&self, column: &Watched) -> &[u64] {
        self.0.get(column.first..column.first + column.len()).unwrap_or_default()
    }
}

/// Returns a number that has no rhythm.
const fn scattered(nth: usize) -> usize {
    nth.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40
}

/// Returns the set of counters of this thread.
fn shard_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
    }
    SHARD.with(|shard| *shard)
}
