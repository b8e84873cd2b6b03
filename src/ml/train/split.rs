//! Which rows are learnt from, which are held out, and the folds: stratified by class, in the order
//! of time, or by groups; the same for a seed for ever. Golden figures of other libraries rest on
//! them.

use crate::dataset::{Dataset, DatasetError, Split, Target};
use crate::random::{Random, Stream};

/// Rows to learn from and rows to judge by, each ascending.
pub(crate) type Parts = (Vec<usize>, Vec<usize>);

/// Returns the rows to learn from and the rows held out, each ascending. By chance, of every class
/// and of a regression as a whole `test_size` is held out, rounded, at least one row and never
/// all; in time, the last rows; of groups, so many that the share is reached.
pub fn split(dataset: &Dataset, seed: u64, test_size: f64) -> (Vec<usize>, Vec<usize>) {
    let rows: Vec<usize> = (0..dataset.rows()).collect();
    part(dataset, &rows, Random::new(seed, Stream::Split), test_size)
}

/// Returns the given rows in two: to learn from, and to stop by.
pub(super) fn validation(dataset: &Dataset, rows: &[usize], seed: u64, share: f64) -> Parts {
    part(dataset, rows, Random::new(seed, Stream::Validation), share)
}

fn part(dataset: &Dataset, rows: &[usize], mut random: Random, share: f64) -> Parts {
    match &dataset.split {
        Split::Stratified => hold_out(strata(dataset, rows), &mut random, share),
        Split::Time { keys, .. } => {
            let order = in_time(rows, keys);
            let count = order.len() - held_out(order.len(), share).min(order.len());
            let border = order.get(count).map_or(f64::INFINITY, |row| keys[*row]);
            // What happened at one moment is on one side, unless that is all there is.
            let before = order.partition_point(|row| keys[*row] < border);
            let (kept, out) = order.split_at(if before > 0 { before } else { count });
            (sorted(kept), sorted(out))
        }
        Split::Group { groups, .. } => {
            let wanted = held_out(rows.len(), share);
            let mut members = members(rows, groups);
            random.shuffle(&mut members);
            let (mut kept, mut out) = (Vec::new(), Vec::new());
            let last = members.len().saturating_sub(1);
            for (at, rows) in members.into_iter().enumerate() {
                // The last group is learnt from, whatever is reached.
                let side = if out.len() < wanted && at < last { &mut out } else { &mut kept };
                side.extend(rows);
            }
            (sorted(&kept), sorted(&out))
        }
    }
}

fn hold_out(strata: Vec<Vec<usize>>, random: &mut Random, share: f64) -> Parts {
    let (mut kept, mut out) = (Vec::new(), Vec::new());
    for mut rows in strata {
        random.shuffle(&mut rows);
        // The only row of a class is learnt from.
        let count = if rows.len() < 2 { 0 } else { held_out(rows.len(), share) };
        out.extend_from_slice(&rows[..count]);
        kept.extend_from_slice(&rows[count..]);
    }
    (sorted(&kept), sorted(&out))
}

/// Returns the folds of the given rows: what each learns from, and what it is judged by. In time
/// a fold learns from what was before it only.
pub(super) fn folds(dataset: &Dataset, rows: &[usize], seed: u64, count: usize) -> Vec<Parts> {
    let mut random = Random::new(seed, Stream::Folds);
    let mut folds = vec![Vec::new(); count];
    match &dataset.split {
        Split::Stratified => {
            let mut dealt = 0;
            for mut rows in strata(dataset, rows) {
                random.shuffle(&mut rows);
                for row in rows {
                    folds[dealt % count].push(row);
                    dealt += 1;
                }
            }
        }
        Split::Time { keys, .. } => {
            let order = in_time(rows, keys);
            let border = |block: usize| block * order.len() / (count + 1);
            return (1..=count)
                .map(|fold| {
                    let (before, own) =
                        (&order[..border(fold)], &order[border(fold)..border(fold + 1)]);
                    (sorted(before), sorted(own))
                })
                .collect();
        }
        Split::Group { groups, .. } => {
            let mut members = members(rows, groups);
            random.shuffle(&mut members);
            for rows in members {
                if let Some(least) = folds.iter_mut().min_by_key(|fold| fold.len()) {
                    least.extend(rows);
                }
            }
        }
    }
    let parts = folds.iter_mut().map(|fold| {
        fold.sort_unstable();
        let others = rows.iter().copied().filter(|row| fold.binary_search(row).is_err());
        (others.collect(), fold.clone())
    });
    parts.collect()
}

/// Checks that there is enough to learn from and to judge by, whatever the rows are split by.
pub(super) fn check(
    dataset: &Dataset,
    test_size: f64,
    folds: usize,
    seed: u64,
) -> Result<(), DatasetError> {
    let name = || dataset.name.clone();
    let column = match &dataset.split {
        Split::Stratified => return check_strata(dataset, test_size, folds),
        Split::Time { column, .. } => {
            let (rows, needed) = (dataset.rows(), 2 * (folds + 1));
            if rows - held_out(rows, test_size) < needed {
                return Err(DatasetError::TooFewRows { name: name(), rows, needed: 2 * needed });
            }
            column
        }
        Split::Group { column, groups } => {
            let all: Vec<usize> = (0..dataset.rows()).collect();
            let found = members(&all, groups).len();
            let (learnt, _) = split(dataset, seed, test_size);
            let needed = folds + 1;
            if members(&learnt, groups).len() < folds {
                let column = column.clone();
                return Err(DatasetError::TooFewGroups {
                    name: name(),
                    column,
                    groups: found,
                    needed,
                });
            }
            column
        }
    };
    let Target::Classes { classes, rows: of } = &dataset.target_values else { return Ok(()) };
    let (rows, _) = split(dataset, seed, test_size);
    let learnt = self::folds(dataset, &rows, seed, folds).into_iter().map(|(learnt, _)| learnt);
    for learnt in learnt.chain([rows]) {
        let mut seen = vec![false; classes.len()];
        learnt.iter().for_each(|row| seen[of[*row]] = true);
        if let Some(class) = seen.iter().position(|seen| !seen) {
            let (class, column) = (classes[class].clone(), column.clone());
            return Err(DatasetError::ClassNotLearnt { name: name(), class, column });
        }
    }
    Ok(())
}

/// Checks that every class has a row held out and one in each fold.
fn check_strata(dataset: &Dataset, test_size: f64, folds: usize) -> Result<(), DatasetError> {
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

/// Returns the given rows in the order of their keys, of equals in that of the table.
fn in_time(rows: &[usize], keys: &[f64]) -> Vec<usize> {
    let mut order = rows.to_vec();
    order.sort_by(|a, b| keys[*a].total_cmp(&keys[*b]).then(a.cmp(b)));
    order
}

/// Returns the given rows group by group, the groups in the order of their first row.
fn members(rows: &[usize], groups: &[usize]) -> Vec<Vec<usize>> {
    let mut members: indexmap::IndexMap<usize, Vec<usize>> = indexmap::IndexMap::new();
    for row in rows {
        members.entry(groups[*row]).or_default().push(*row);
    }
    members.into_values().collect()
}

fn sorted(rows: &[usize]) -> Vec<usize> {
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    rows
}
