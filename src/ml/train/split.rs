//! Which rows are learnt from, which are held out, and the folds: stratified by class, the same
//! for a seed for ever. Golden figures of other libraries rest on them.

use crate::dataset::{Dataset, DatasetError, Target};
use crate::random::{Random, Stream};

/// Returns the rows to learn from and the rows held out, each ascending. Of every class, and of
/// a regression as a whole, `test_size` is held out, rounded, at least one row and never all.
pub fn split(dataset: &Dataset, seed: u64, test_size: f64) -> (Vec<usize>, Vec<usize>) {
    let mut random = Random::new(seed, Stream::Split);
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for mut rows in strata(dataset, &(0..dataset.rows()).collect::<Vec<_>>()) {
        random.shuffle(&mut rows);
        let held_out = held_out(rows.len(), test_size);
        test.extend_from_slice(&rows[..held_out]);
        train.extend_from_slice(&rows[held_out..]);
    }
    train.sort_unstable();
    test.sort_unstable();
    (train, test)
}

/// Returns the folds of the given rows, each ascending; they differ by one row at most.
pub(super) fn folds(dataset: &Dataset, rows: &[usize], seed: u64, count: usize) -> Vec<Vec<usize>> {
    let mut random = Random::new(seed, Stream::Folds);
    let mut folds = vec![Vec::new(); count];
    let mut dealt = 0;
    for mut rows in strata(dataset, rows) {
        random.shuffle(&mut rows);
        for row in rows {
            folds[dealt % count].push(row);
            dealt += 1;
        }
    }
    folds.iter_mut().for_each(|fold| fold.sort_unstable());
    folds
}

/// Checks that every class has a row held out and one in each fold.
pub(super) fn check(dataset: &Dataset, test_size: f64, folds: usize) -> Result<(), DatasetError> {
    let enough = |rows: usize| rows >= 2 && rows - held_out(rows, test_size) >= folds;
    let all: Vec<usize> = (0..dataset.rows()).collect();
    let strata = strata(dataset, &all);
    let Some(rare) = strata.iter().position(|rows| !enough(rows.len())) else {
        return Ok(());
    };
    let rows = strata[rare].len();
    let needed = (rows..).find(|rows| enough(*rows)).unwrap_or(rows);
    Err(match &dataset.target_values {
        Target::Classes { classes, .. } => DatasetError::RareClass {
            name: dataset.name.clone(),
            class: classes[rare].clone(),
            rows,
            needed,
        },
        Target::Numbers(_) => DatasetError::TooFewRows { name: dataset.name.clone(), rows, needed },
    })
}

fn held_out(rows: usize, test_size: f64) -> usize {
    // A share of a count of rows is a count of rows.
    let share = (rows as f64 * test_size).round() as usize;
    share.clamp(1, rows.saturating_sub(1).max(1))
}

/// Returns the given rows class by class; those of a regression are one stratum.
fn strata(dataset: &Dataset, rows: &[usize]) -> Vec<Vec<usize>> {
    match &dataset.target_values {
        Target::Classes { classes, rows: of } => {
            let mut strata = vec![Vec::new(); classes.len()];
            for row in rows {
                strata[of[*row]].push(*row);
            }
            strata
        }
        Target::Numbers(_) => vec![rows.to_vec()],
    }
}
