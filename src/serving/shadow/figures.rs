//! How the answers to copies stand to those that were given.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::ml::Answers;
use crate::ml::batch::most_probable;
use crate::serving::stats::{Ended, Ring};
use crate::serving::tap::Seen;
use crate::types::serving::ShadowView;
use crate::types::time::instant;

/// What one copy has shown.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Compared {
    pub(crate) rows: u64,
    /// Rows with the same label; `None` of values.
    pub(crate) agreed: Option<u64>,
    /// The sum over the rows of what the values, or on average the probabilities, differ by.
    pub(crate) difference: f64,
}

impl Compared {
    /// Compares a version's answers with those that were given.
    pub(crate) fn of(seen: &Seen, classes: &[String], answers: &Answers) -> Self {
        let given_classes = seen.loaded.predictor.classes();
        let pairs = seen.answers.iter().zip(answers.iter());
        let rows = seen.answers.rows().min(answers.rows()) as u64;
        if given_classes.is_empty() || classes.is_empty() {
            let difference = pairs.map(|(given, own)| (given[0] - own[0]).abs()).sum();
            return Self { rows, agreed: None, difference };
        }
        // The versions may know other classes, or the same in another order.
        let places: Vec<Option<usize>> =
            given_classes.iter().map(|class| classes.iter().position(|own| own == class)).collect();
        let (mut agreed, mut difference) = (0, 0.0);
        for (given, own) in pairs {
            let labels = (&given_classes[most_probable(given)], &classes[most_probable(own)]);
            agreed += u64::from(labels.0 == labels.1);
            let own_of = |place: &Option<usize>| place.map_or(0.0, |place| own[place]);
            let apart =
                given.iter().zip(&places).map(|(given, place)| (given - own_of(place)).abs());
            difference += apart.sum::<f64>() / given.len() as f64;
        }
        Self { rows, agreed: Some(agreed), difference }
    }
}

/// The figures since the version began to get copies.
#[derive(Debug)]
pub(crate) struct Figures {
    started: Instant,
    sums: Mutex<Sums>,
    undelivered: AtomicU64,
}

#[derive(Debug, Default)]
struct Sums {
    requests: u64,
    errors: u64,
    rows: u64,
    agreed: Option<u64>,
    difference: f64,
    ring: Ring,
}

impl Default for Figures {
    fn default() -> Self {
        Self { started: instant(), sums: Mutex::default(), undelivered: AtomicU64::new(0) }
    }
}

impl Figures {
    /// Adds a copy that was answered (or not) and how long that took.
    pub(crate) fn add(&self, (compared, took): (Option<Compared>, Duration), now: Instant) {
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        sums.requests += 1;
        let now = now.duration_since(self.started);
        let Some(compared) = compared else {
            sums.errors += 1;
            sums.ring.record(now, took, Ended::Failed);
            return;
        };
        sums.ring.record(now, took, Ended::Answered);
        // Rows with NaN tell nothing of a difference.
        if compared.difference.is_finite() {
            sums.difference += compared.difference;
        }
        sums.rows += compared.rows;
        if let Some(agreed) = compared.agreed {
            sums.agreed = Some(sums.agreed.unwrap_or(0) + agreed);
        }
    }

    /// Counts a copy that there is nobody for.
    pub(crate) fn count_undelivered(&self) {
        self.undelivered.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many those were.
    pub(crate) fn undelivered(&self) -> u64 {
        self.undelivered.load(Ordering::Relaxed)
    }

    /// Tells of all copies.
    pub(crate) fn view(&self, now: Instant) -> ShadowView {
        let sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now.duration_since(self.started);
        let per_row = |sum: f64| (sums.rows > 0).then(|| sum / sums.rows as f64);
        ShadowView {
            requests: sums.requests,
            errors: sums.errors,
            rows: sums.rows,
            agreement: sums.agreed.and_then(|agreed| per_row(agreed as f64)),
            difference: per_row(sums.difference),
            p50_ms: sums.ring.quantile_ms(now, 0.5),
            p99_ms: sums.ring.quantile_ms(now, 0.99),
            ..ShadowView::default()
        }
    }
}
