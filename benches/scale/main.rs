//! How the cost of a thing grows with the deck and with its history.
//!
//! `cargo bench --bench scale` runs all of it, `cargo bench --bench scale -- decide store` what is
//! named. The profile is that of the release, so that nothing is compiled twice. Figures are
//! printed with the limit that the project promises, where it promises one; a limit that is
//! missed fails the bench.
#![allow(clippy::print_stdout, reason = "figures are for people")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on ends")]
#![allow(clippy::disallowed_methods, reason = "a bench reads clocks and its arguments")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

mod commit;
mod decide;
mod history;
mod listing;
mod load;
mod store;
mod watch;

/// A part of the bench.
type Part = (&'static str, fn(&mut Sheet));

const PARTS: [Part; 6] = [
    ("decide", decide::measure),
    ("load", load::measure),
    ("commit", commit::measure),
    ("store", store::measure),
    ("listing", listing::measure),
    ("watch", watch::measure),
];

fn main() -> ExitCode {
    // Cargo itself passes `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let mut sheet = Sheet::default();
    for (name, measure) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|one| one == name) {
            println!("── {name} ──");
            measure(&mut sheet);
        }
    }
    if sheet.missed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("limits missed: {}", sheet.missed.join(", "));
    ExitCode::FAILURE
}

/// What was measured; prints as it goes.
#[derive(Default)]
pub(crate) struct Sheet {
    missed: Vec<String>,
}

impl Sheet {
    pub(crate) fn figure(&mut self, what: &str, text: &str) {
        println!("{what:<52} {text}");
    }

    pub(crate) fn took(&mut self, what: &str, took: Duration) {
        self.figure(what, &ms(took));
    }

    pub(crate) fn limited(&mut self, what: &str, took: Duration, limit: Duration) {
        let is_met = took <= limit;
        let word = if is_met { "limit" } else { "MISSES its limit of" };
        self.figure(what, &format!("{}  ({word} {})", ms(took), ms(limit)));
        if !is_met {
            self.missed.push(what.to_owned());
        }
    }
}

fn ms(took: Duration) -> String {
    format!("{:.3} ms", took.as_secs_f64() * 1000.0)
}

/// Times one call.
pub(crate) fn time<R>(work: impl FnOnce() -> R) -> (R, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// Returns the median of several calls.
pub(crate) fn median(count: usize, mut work: impl FnMut()) -> Duration {
    let mut all: Vec<Duration> = (0..count).map(|_| time(&mut work).1).collect();
    all.sort();
    all[all.len() / 2]
}
