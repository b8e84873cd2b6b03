//! How long it takes to learn, beside XGBoost and LightGBM on the same numbers and threads:
//! `cargo bench -p dagdeck-ml --features bench`.
//!
//! Each fits its classifier with its defaults (100 trees) on the same random table, in turns; the
//! best of the rounds counts. What is learnt must be as good: the area under the ROC curve on rows
//! that were held out is printed beside. `DAGDECK_TEST_MLFLOW` names a Python with both libraries
//! (`cargo xtask test` makes one: `target/test-setup/mlflow/bin/python`); a number behind `--`
//! takes that many rows only.
#![allow(clippy::print_stdout, reason = "figures are for people")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on ends")]
#![allow(clippy::disallowed_methods, reason = "a bench reads clocks and its environment")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use dagdeck_ml::bench::{Fitted, Table};
use serde_json::Value;

mod data;
#[path = "../pace/sheet.rs"]
mod sheet;

use data::Data;
use sheet::Sheet;

const COLUMNS: usize = 28;
const ROWS: [usize; 2] = [200_000, 1_000_000];
const HELD_OUT: usize = 50_000;
const THREADS: [usize; 2] = [1, 2];
const LIBRARIES: [&str; 2] = ["xgboost", "lightgbm"];
const ROUNDS: usize = 2;
/// Answers for a figure.
const ANSWERS: usize = 20_000;
/// What an answer of 100 trees may take.
const ANSWER_LIMIT: Duration = Duration::from_micros(20);

fn main() -> ExitCode {
    // Cargo itself passes `--bench`.
    let wanted = std::env::args().find_map(|arg| arg.parse::<usize>().ok());
    let python = std::env::var_os("DAGDECK_TEST_MLFLOW").map(PathBuf::from);
    let python = python.unwrap_or_else(|| {
        let made =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/test-setup/mlflow/bin/python");
        PathBuf::from(made)
    });
    let folder = tempfile::tempdir().unwrap();
    let mut sheet = Sheet::default();
    for rows in ROWS.into_iter().filter(|rows| wanted.is_none_or(|wanted| wanted == *rows)) {
        let data = Data::of(rows, HELD_OUT, COLUMNS);
        data.write(folder.path());
        let (table, held_out) = (data.table(), data.held_out());
        for threads in THREADS {
            for library in LIBRARIES {
                let peer = Peer { python: &python, folder: folder.path(), library, rows, threads };
                let fitted = compare(&mut sheet, &table, &held_out, &data, &peer);
                if rows == ROWS[0] && threads == 1 {
                    answer(&mut sheet, library, &held_out, &fitted);
                }
            }
        }
    }
    sheet.print()
}

/// The other library.
struct Peer<'a> {
    python: &'a Path,
    folder: &'a Path,
    library: &'a str,
    rows: usize,
    threads: usize,
}

impl Peer<'_> {
    /// Fits in a process of its own: the seconds it took, and the area under the curve.
    fn fit(&self) -> [f64; 2] {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/learning/peer.py");
        let mut command = Command::new(self.python);
        command.arg(script).arg(self.folder).arg(self.library);
        command.args([self.rows, COLUMNS, self.threads].map(|number| number.to_string()));
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let told = String::from_utf8_lossy(&output.stdout);
        let told: Value = serde_json::from_str(&told).unwrap_or_else(|_| {
            panic!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        });
        ["fit", "auc"].map(|name| told[name].as_f64().unwrap())
    }
}

fn compare(
    sheet: &mut Sheet,
    table: &Table,
    held_out: &Table,
    data: &Data,
    peer: &Peer<'_>,
) -> Fitted {
    let (mut own, mut other, mut kept) = (f64::INFINITY, f64::INFINITY, None);
    let mut other_auc = 0.0;
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let fitted = table.fit(peer.library, peer.threads).unwrap();
        own = own.min(begin.elapsed().as_secs_f64());
        kept = Some(fitted);
        let [took, auc] = peer.fit();
        other = other.min(took);
        other_auc = auc;
    }
    let fitted = kept.unwrap();
    let own_auc = data.auc(&held_out.answers(&fitted));
    let what = format!("{}, {} x {COLUMNS}, {} thread(s)", peer.library, peer.rows, peer.threads);
    let beside = format!("{other:.2} s, AUC {other_auc:.4}: {:.2} x", other / own);
    sheet.line(&what, &format!("{own:.2} s, AUC {own_auc:.4}"), &beside, "1 x", own <= other);
    fitted
}

/// The time of one answer.
fn answer(sheet: &mut Sheet, library: &str, held_out: &Table, fitted: &Fitted) {
    let begin = Instant::now();
    for row in 0..ANSWERS {
        black_box(fitted.answer(black_box(held_out.row(row))));
    }
    let took = begin.elapsed() / u32::try_from(ANSWERS).unwrap();
    let what = format!("{library}, one answer");
    sheet.line(&what, &sheet::ms(took), "", &sheet::ms(ANSWER_LIMIT), took <= ANSWER_LIMIT);
}
