//! The figures of one column: how far its counts lie from its profile, and how far chance alone
//! would bring as many rows.

use super::Watched;
use super::place::Places;
use crate::types::drift::{ColumnDrift, DriftBin, DriftFigure, DriftFigureKind, DriftLimits};

/// Bins that the index of numbers is taken over.
const BINS: f64 = 10.0;

/// Each bin has so much of a row more than was counted: what was never there would be infinitely
/// far, and what was there once not much nearer.
const SMOOTHING: f64 = 0.5;

/// The normal distribution exceeds so many deviations once in a thousand times.
const DEVIATIONS: f64 = 3.09;

/// Kolmogorov's distribution exceeds this once in a thousand times: `sqrt(-ln(0.001 / 2) / 2)`.
const KOLMOGOROV: f64 = 1.949;

/// Measures a column by its counts: a bin each, and what is missing.
pub(super) fn measure(column: &Watched, counts: &[u64], limits: &DriftLimits) -> ColumnDrift {
    let (bins, missing) = counts.split_at(column.places.len().min(counts.len()));
    let missing = missing.first().copied().unwrap_or(0);
    let there: u64 = bins.iter().sum();
    let rows = there + missing;
    let trained = column.places.shares();
    let live: Vec<f64> = bins.iter().map(|count| share(*count, there)).collect();
    let mut figures = Vec::new();
    let mut add = |kind, value: f64, chance: f64| {
        figures.push(DriftFigure { kind, value, limit: limits.of(kind), chance });
    };
    // Each of two samples adds to what chance brings about.
    let noise = 1.0 / (column.rows as f64).max(1.0) + 1.0 / (there as f64).max(1.0);
    if there > 0 {
        let merged = match &column.places {
            Places::Numbers { .. } => merged(trained, &live),
            Places::Names { .. } => pairs(trained, &live),
        };
        add(
            DriftFigureKind::Psi,
            psi(&merged, column.rows as f64, there as f64),
            chi_squared(merged.len()) * noise,
        );
        match &column.places {
            Places::Numbers { .. } => {
                add(DriftFigureKind::Ks, ks(trained, &live), KOLMOGOROV * noise.sqrt());
            }
            Places::Names { .. } => {
                let (before, now) = (last(trained), last(&live));
                add(DriftFigureKind::Unseen, (now - before).max(0.0), rate(before, now, noise));
            }
        }
    }
    if rows > 0 {
        let noise = 1.0 / (column.rows as f64).max(1.0) + 1.0 / rows as f64;
        let now = share(missing, rows);
        let chance = rate(column.missing, now, noise);
        add(DriftFigureKind::Missing, (now - column.missing).max(0.0), chance);
    }
    let bins = trained.iter().zip(&live).enumerate().map(|(at, (trained, live))| DriftBin {
        label: column.places.label(at),
        trained: *trained,
        live: *live,
    });
    // A bin that never had anything says nothing.
    let bins = bins.filter(|bin| bin.trained > 0.0 || bin.live > 0.0).collect();
    let (column, missing) = (column.name.clone(), share(missing, rows));
    ColumnDrift { column, is_answer: false, rows, missing, figures, bins, trouble_since: None }
}

fn share(count: u64, of: u64) -> f64 {
    count as f64 / (of as f64).max(1.0)
}

fn last(shares: &[f64]) -> f64 {
    shares.last().copied().unwrap_or(0.0)
}

fn pairs(trained: &[f64], live: &[f64]) -> Vec<(f64, f64)> {
    // Bins that neither has say nothing, and would count for chance.
    let all = trained.iter().copied().zip(live.iter().copied());
    all.filter(|(trained, live)| *trained > 0.0 || *live > 0.0).collect()
}

/// Puts neighbours together until each bin has a tenth of the training data; one that had nothing
/// stays by itself.
fn merged(trained: &[f64], live: &[f64]) -> Vec<(f64, f64)> {
    let (mut bins, mut open) = (Vec::new(), (0.0, 0.0));
    for (trained, live) in pairs(trained, live) {
        if trained == 0.0 {
            bins.push((trained, live));
            continue;
        }
        open = (open.0 + trained, open.1 + live);
        if open.0 >= 1.0 / BINS - 1e-3 {
            bins.push(open);
            open = (0.0, 0.0);
        }
    }
    if open.0 > 0.0 {
        bins.push(open);
    }
    bins
}

/// The population stability index: the sum of `(live - trained) · ln(live / trained)`, of shares of
/// `n` rows and of `m`.
fn psi(bins: &[(f64, f64)], n: f64, m: f64) -> f64 {
    let more = SMOOTHING * bins.len() as f64;
    let smooth = |share: f64, rows: f64| (share * rows + SMOOTHING) / (rows + more);
    let terms = bins.iter().map(|(trained, live)| {
        let (trained, live) = (smooth(*trained, n), smooth(*live, m));
        (live - trained) * (live / trained).ln()
    });
    terms.sum()
}

/// The greatest distance of the two cumulative distributions.
fn ks(trained: &[f64], live: &[f64]) -> f64 {
    let (mut sums, mut greatest) = ((0.0, 0.0), 0.0_f64);
    for (trained, live) in trained.iter().zip(live) {
        sums = (sums.0 + trained, sums.1 + live);
        greatest = greatest.max(f64::abs(sums.0 - sums.1));
    }
    greatest
}

/// Returns what the chi-squared distribution over so many bins exceeds once in a thousand times,
/// by Wilson and Hilferty: times `1/n + 1/m` it is what chance makes of the index.
fn chi_squared(bins: usize) -> f64 {
    let freedom = (bins.saturating_sub(1)).max(1) as f64;
    let part = 2.0 / (9.0 * freedom);
    freedom * (1.0 - part + DEVIATIONS * part.sqrt()).powi(3)
}

/// Returns what chance makes of the difference of two rates.
fn rate(before: f64, now: f64, noise: f64) -> f64 {
    let middle = f64::midpoint(before, now);
    DEVIATIONS * (middle * (1.0 - middle) * noise).sqrt()
}
