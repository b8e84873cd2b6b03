//! Ten thousand sensors that wait: what each costs in memory, what all cost in time, and how soon
//! one of them is seen to have come.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use super::scratch::Scratch;
use super::{IDLE, Sheet, ms, process};

/// How many wait.
const SENSORS: usize = 10_000;

/// How long the way into the wait may take, for all of them.
const PATIENCE: Duration = Duration::from_secs(900);

const RUN: &str = "r";

pub(super) fn waiting(root: &Path, binary: &Path, sheet: &mut Sheet) -> Result<(), String> {
    let mut scratch = Scratch::bare(root, binary, &definitions())?;
    scratch.up()?;
    // The definitions of 10,000 tasks are in memory before a run of them is.
    let empty = process::resident_bytes(scratch.pid())?;
    let began = Instant::now();
    scratch.run(&["trigger", "waits", "--run-id", RUN])?;
    until_deferred(&scratch)?;
    let took = began.elapsed();
    let each = took.as_secs_f64() * 1000.0 / SENSORS as f64;
    let text = format!("{} ({each:.1} ms each)", ms(took));
    sheet.figure(&format!("{SENSORS} sensors, until all wait"), text, None);
    let full = process::resident_bytes(scratch.pid())?;
    let bytes = full.saturating_sub(empty) / SENSORS as u64;
    let total = full as f64 / 1e6;
    let text = format!("{bytes} bytes each ({total:.0} MB in all)");
    sheet.figure("  resident beyond the definitions", text, None);
    let threads = process::threads(scratch.pid())?;
    sheet.figure("  threads", threads.to_string(), Some(("100", threads <= 100)));
    let before = process::cpu_ticks(scratch.pid())?;
    thread::sleep(IDLE);
    let ticks = process::cpu_ticks(scratch.pid())? - before;
    let percent = ticks as f64 / process::TICKS_PER_SEC / IDLE.as_secs_f64() * 100.0;
    sheet.figure("  idle, of one core over 10 s", format!("{percent:.1} %"), None);
    sheet.figure("  a file that is looked at each second", came(&scratch)?, None);
    scratch.down()
}

/// Measures from the file's arrival until the task after its sensor has run.
fn came(scratch: &Scratch) -> Result<String, String> {
    let started = scratch.dir.join("started");
    let arrived = Instant::now();
    fs::write(scratch.dir.join("arrives"), "").map_err(|e| e.to_string())?;
    super::until("the file is seen", || started.exists().then_some(()))?;
    Ok(format!("{} until the task after it has run", ms(arrived.elapsed())))
}

fn until_deferred(scratch: &Scratch) -> Result<(), String> {
    let began = Instant::now();
    loop {
        let shown = scratch.run(&["runs", "show", "waits", RUN, "-o", "json"])?;
        let count = shown.matches("\"deferred\"").count();
        if count > SENSORS {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("only {count} of {SENSORS} sensors wait"));
        }
        thread::sleep(Duration::from_secs(1));
    }
}

/// One DAG of sensors that wait for what never comes, and of one that does.
fn definitions() -> String {
    let mut text = "[deck]\nname = \"waiting\"\nmax_active_tasks = 64\n\
        [serving]\nlisten = \"127.0.0.1:0\"\n[dag.waits]\nmax_active_tasks = 64\n"
        .to_owned();
    let one = |name: &str, path: &str, every: &str| {
        format!(
            "[dag.waits.task.{name}]\noperator = \"sensor.file\"\npath = \"{path}\"\n\
             poke_interval = \"{every}\"\n"
        )
    };
    for i in 0..SENSORS {
        let _ = write!(text, "{}", one(&format!("t{i}"), "never/comes.csv", "60s"));
    }
    text += &one("last", "arrives", "1s");
    text + "[dag.waits.task.after]\noperator = \"command\"\ndepends_on = [\"last\"]\n\
            command = \"touch started\"\n"
}
