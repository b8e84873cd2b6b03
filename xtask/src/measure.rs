//! `cargo xtask measure [BINARY]`, `cargo xtask measure-waiting [BINARY]`: the figures that the project promises, each with its limit, and
//! those that only make sense beside a baseline taken in the same minute on the same machine.
//!
//! Works on a scratch copy of the sample project, on free ports; ends what it starts. Without
//! BINARY it builds the release first.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

mod bundle;
mod deck;
mod load;
mod process;
mod scratch;
mod waiting;

use scratch::Scratch;

/// How long anything may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long the daemon is watched doing nothing.
const IDLE: Duration = Duration::from_secs(10);
/// How long each load lasts.
const LOAD: Duration = Duration::from_secs(4);

/// Measures, prints, and fails where a limit is missed.
pub fn measure(root: &Path, binary: Option<PathBuf>) -> Result<(), String> {
    let binary = built(root, binary)?;
    let mut sheet = Sheet::default();
    at_rest(&binary, &mut sheet)?;
    let mut scratch = Scratch::make(root, &binary)?;
    let started = scratch.up()?;
    sheet.figure("daemon, start until its socket answers", ms(started), None);
    match deck::first_paint(&scratch) {
        Ok(took) => sheet.limited("deck, first paint (daemon runs)", took, "150 ms", 150.0),
        Err(why) => sheet.figure("deck, first paint", format!("not measured: {why}"), None),
    }
    idle(&scratch, &mut sheet)?;
    predictions(&scratch, &mut sheet)?;
    bundle::bundle(&scratch, &mut sheet)?;
    scratch.down()?;
    // The tasks beside a bare loop have a table of their own.
    let binary = binary.to_string_lossy();
    let paced = crate::cargo(&["bench", "--bench", "pace", "--", &binary], &[]);
    sheet.verdict().and(paced)
}

/// As `measure`, of ten thousand tasks that wait.
pub fn measure_waiting(root: &Path, binary: Option<PathBuf>) -> Result<(), String> {
    let binary = built(root, binary)?;
    let mut sheet = Sheet::default();
    waiting::waiting(root, &binary, &mut sheet)?;
    sheet.verdict()
}

fn built(root: &Path, binary: Option<PathBuf>) -> Result<PathBuf, String> {
    match binary {
        Some(binary) => binary.canonicalize().map_err(|e| format!("find the binary: {e}")),
        None => {
            crate::cargo(&["build", "--release"], &[])?;
            Ok(root.join("target/release/dagdeck"))
        }
    }
}

fn at_rest(binary: &Path, sheet: &mut Sheet) -> Result<(), String> {
    let help = median(20, || process::run(binary, &["--help"]))?;
    sheet.limited("dagdeck --help, median of 20", help, "10 ms", 10.0);
    let bytes = std::fs::metadata(binary).map_err(|e| format!("look at the binary: {e}"))?.len();
    let mb = bytes as f64 / 1e6;
    sheet.figure("binary", format!("{mb:.1} MB"), Some(("40 MB", mb < 40.0)));
    Ok(())
}

fn idle(scratch: &Scratch, sheet: &mut Sheet) -> Result<(), String> {
    let before = process::cpu_ticks(scratch.pid())?;
    std::thread::sleep(IDLE);
    let ticks = process::cpu_ticks(scratch.pid())? - before;
    let percent = ticks as f64 / process::TICKS_PER_SEC / IDLE.as_secs_f64() * 100.0;
    let limit = Some(("0.5 %", percent <= 0.5));
    sheet.figure("daemon idle, of one core over 10 s", format!("{percent:.1} %"), limit);
    let mb = process::resident_bytes(scratch.pid())? as f64 / 1e6;
    sheet.figure("daemon idle, resident", format!("{mb:.1} MB"), Some(("60 MB", mb < 60.0)));
    Ok(())
}

fn predictions(scratch: &Scratch, sheet: &mut Sheet) -> Result<(), String> {
    let addr = scratch.serve_a_model()?;
    for connections in [1, 16] {
        let constant = load::constant_server()?;
        let bare = load::per_second(&constant, connections, LOAD)?;
        let rate = load::per_second(&addr, connections, LOAD)?;
        let text = format!("{rate:.0}/s ({:.2} x a constant answer)", rate / bare);
        sheet.figure(&format!("predict one row, {connections} kept connections"), text, None);
    }
    Ok(())
}

/// What was measured; prints as it goes.
#[derive(Default)]
struct Sheet {
    missed: Vec<String>,
}

impl Sheet {
    fn figure(&mut self, what: &str, text: String, limit: Option<(&str, bool)>) {
        let judged = match limit {
            None => String::new(),
            Some((limit, true)) => format!("  (limit {limit})"),
            Some((limit, false)) => {
                self.missed.push(what.to_owned());
                format!("  MISSES its limit of {limit}")
            }
        };
        println!("{what:<48} {text}{judged}");
    }

    fn limited(&mut self, what: &str, took: Duration, limit: &str, limit_ms: f64) {
        self.figure(what, ms(took), Some((limit, took.as_secs_f64() * 1000.0 <= limit_ms)));
    }

    fn verdict(self) -> Result<(), String> {
        if self.missed.is_empty() {
            return Ok(());
        }
        Err(format!("limits missed: {}", self.missed.join(", ")))
    }
}

fn median(
    count: usize,
    mut measure: impl FnMut() -> Result<Duration, String>,
) -> Result<Duration, String> {
    let mut all = (0..count).map(|_| measure()).collect::<Result<Vec<_>, _>>()?;
    all.sort();
    Ok(all[all.len() / 2])
}

fn ms(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1000.0)
}

/// Asks again until there is an answer.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> Result<T, String> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Ok(answer);
        }
        if start.elapsed() > PATIENCE {
            return Err(format!("waited in vain until {what}"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
