//! How long the deck takes from a key to its bytes, against the sixteen milliseconds that nobody
//! notices.
//!
//! `cargo bench -p dagdeck-tui --features bench` measures every view, with a word behind `--` those
//! whose name has it. A limit that is missed fails the bench.
#![allow(clippy::print_stdout, reason = "figures are for people")]
#![allow(clippy::disallowed_methods, reason = "a bench reads its arguments")]

use std::process::ExitCode;
use std::time::Duration;

use dagdeck_tui::bench::{Figure, LIMIT, measure};

/// Keys pressed on each view.
const ROUNDS: usize = 200;

fn main() -> ExitCode {
    // Cargo itself passes `--bench`.
    let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    println!(
        "{:34} {:>9} {:>9} {:>7} {:>9} {:>9} {:>9} {:>8} {:>8}",
        "200x60",
        "key p50",
        "key p99",
        "limit",
        "news most",
        "draw p50",
        "draw p99",
        "whole",
        "key most"
    );
    let mut missed = Vec::new();
    measure(&wanted, ROUNDS, |figure| {
        println!("{}", row(&figure));
        if figure.key.1 > LIMIT {
            missed.push(figure.what);
        }
    });
    if missed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("limits missed: {}", missed.join(", "));
    ExitCode::FAILURE
}

fn row(figure: &Figure) -> String {
    let ratio = figure.key.1.as_secs_f64() / LIMIT.as_secs_f64();
    format!(
        "{:34} {:>9} {:>9} {:>6.0}% {:>9} {:>9} {:>9} {:>7}B {:>7}B",
        figure.what,
        ms(figure.key.0),
        ms(figure.key.1),
        ratio * 100.0,
        ms(figure.news),
        ms(figure.view.0),
        ms(figure.view.1),
        figure.bytes.0,
        figure.bytes.1
    )
}

fn ms(took: Duration) -> String {
    format!("{:.2} ms", took.as_secs_f64() * 1000.0)
}
