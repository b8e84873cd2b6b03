//! What the engine and the worker add to a task: `cargo bench --bench pace`, or with `-- BINARY`
//! those of another build.
//!
//! A real daemon in a scratch project runs tasks that do nothing; beside them, in the same run and
//! in turns with them, a bare loop starts the same programs. What a machine that is busy otherwise
//! does to the one it does to the other, so the ratio of the best rounds counts. Prints a table
//! with limit and verdict; a limit that is missed fails the bench.
#![allow(clippy::print_stdout, reason = "figures are for people")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on ends")]
#![allow(clippy::disallowed_methods, reason = "a bench reads clocks and its arguments")]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

mod bare;
mod deck;
mod sheet;

use deck::Deck;
use sheet::Sheet;

/// How often each is done; the best counts.
const ROUNDS: usize = 5;

const CHAIN_LEN: usize = 100;
const FAN_LEN: usize = 1_000;
/// Programs that the bare loop has in flight beside the fan.
const FAN_LANES: usize = 2;
/// Of the pace of the bare loop.
const SHARE_MIN: f64 = 0.70;

const DECIDED: usize = 20_000;
/// In-daemon tasks a second.
const RATE_MIN: f64 = 20_000.0;

const TRIGGERS: usize = 21;
const FIRST_TASK_MAX: Duration = Duration::from_millis(5);

fn main() -> ExitCode {
    // Cargo itself passes `--bench`.
    let other = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let binary = other.unwrap_or_else(|| env!("CARGO_BIN_EXE_dagdeck").to_owned());
    let mut sheet = Sheet::default();
    let deck = Deck::up(Path::new(&binary));
    processes(&deck, &mut sheet);
    in_daemon(&deck, &mut sheet);
    first_task(&deck, &mut sheet);
    deck.down();
    sheet.print()
}

fn processes(deck: &Deck, sheet: &mut Sheet) {
    for (dag_id, count, lanes) in [("chain", CHAIN_LEN, 1), ("fan", FAN_LEN, FAN_LANES)] {
        let (mut bare, mut own) = (Duration::MAX, Duration::MAX);
        // The first round warms up.
        for round in 0..=ROUNDS {
            let (one, other) = (bare::spawn(count, lanes), deck.run(dag_id));
            if round > 0 {
                (bare, own) = (bare.min(one), own.min(other));
            }
        }
        let share = bare.as_secs_f64() / own.as_secs_f64();
        let each = |all: Duration| format!("{:.2} ms", all.as_secs_f64() * 1e3 / count as f64);
        sheet.line(
            &format!("{dag_id} of {count} commands, each"),
            &each(own),
            &format!("{} bare, {lanes} in flight: {:.0} % of its pace", each(bare), share * 100.0),
            &format!("{:.0} %", SHARE_MIN * 100.0),
            share >= SHARE_MIN,
        );
    }
}

fn in_daemon(deck: &Deck, sheet: &mut Sheet) {
    for dag_id in ["empties", "branches"] {
        let best = (0..ROUNDS).map(|_| deck.run(dag_id)).min().unwrap();
        let rate = DECIDED as f64 / best.as_secs_f64();
        sheet.line(
            &format!("{DECIDED} in-daemon tasks, {dag_id}"),
            &format!("{rate:.0} a second"),
            "",
            &format!("{RATE_MIN:.0}"),
            rate >= RATE_MIN,
        );
    }
}

fn first_task(deck: &Deck, sheet: &mut Sheet) {
    let mut all: Vec<Duration> = (0..TRIGGERS).map(|_| deck.until_first_task()).collect();
    all.sort();
    let (median, worst) = (all[TRIGGERS / 2], all[TRIGGERS - 1]);
    sheet.line(
        &format!("trigger until its task's program runs, median of {TRIGGERS}"),
        &sheet::ms(median),
        &format!("the slowest {}", sheet::ms(worst)),
        &sheet::ms(FIRST_TASK_MAX),
        median <= FIRST_TASK_MAX,
    );
}

/// Times one call.
fn time<R>(work: impl FnOnce() -> R) -> (R, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}
