//! Ten thousand sensors that wait: what each costs in memory, what all cost in time, and how soon
//! one of them is seen to have come.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use super::scratch::Scratch;
use super::{IDLE, Sheet, ms, process};

/// How many runs wait, each with as many sensors.
const RUNS: usize = 100;
const SENSORS_OF_RUN: usize = 100;
const SENSORS: usize = RUNS * SENSORS_OF_RUN;

/// How long the way into the wait may take, for all of them.
const PATIENCE: Duration = Duration::from_secs(900);

pub(super) fn waiting(root: &Path, binary: &Path, sheet: &mut Sheet) -> Result<(), String> {
    let mut scratch = Scratch::bare(root, binary, &definitions())?;
    scratch.up()?;
    // One run first: what the first of anything costs is not what the others cost.
    let began = Instant::now();
    wait_in_run(&scratch, 0, began)?;
    let one = process::resident_bytes(scratch.pid())?;
    let began = Instant::now();
    for run in 1..RUNS {
        scratch.run(&["trigger", "waits", "--run-id", &format!("r{run}")])?;
    }
    for run in 1..RUNS {
        wait_in_run(&scratch, run, began)?;
    }
    let took = began.elapsed();
    let more = (SENSORS - SENSORS_OF_RUN) as f64;
    let text = format!("{} ({:.1} ms each)", ms(took), took.as_secs_f64() * 1000.0 / more);
    sheet.figure(&format!("{SENSORS} sensors, until all wait"), text, None);
    let full = process::resident_bytes(scratch.pid())?;
    let bytes = full.saturating_sub(one) as f64 / more;
    let text = format!("{bytes:.0} bytes each ({:.0} MB in all)", full as f64 / 1e6);
    sheet.figure("  resident", text, None);
    // Threads that the way into the wait took are given back after ten seconds.
    thread::sleep(IDLE + Duration::from_secs(5));
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
    scratch.run(&["trigger", "comes", "--run-id", "r"])?;
    until_deferred(scratch, "comes", "r", 1, Instant::now())?;
    let started = scratch.dir.join("started");
    let arrived = Instant::now();
    fs::write(scratch.dir.join("arrives"), "").map_err(|e| e.to_string())?;
    super::until("the file is seen", || started.exists().then_some(()))?;
    Ok(format!("{} until the task after it has run", ms(arrived.elapsed())))
}

fn wait_in_run(scratch: &Scratch, run: usize, began: Instant) -> Result<(), String> {
    let id = format!("r{run}");
    if run == 0 {
        scratch.run(&["trigger", "waits", "--run-id", &id])?;
    }
    until_deferred(scratch, "waits", &id, SENSORS_OF_RUN, began)
}

fn until_deferred(
    scratch: &Scratch,
    dag_id: &str,
    run: &str,
    wanted: usize,
    began: Instant,
) -> Result<(), String> {
    loop {
        let shown = scratch.run(&["runs", "show", dag_id, run, "-o", "json"])?;
        let count = shown.matches("\"deferred\"").count();
        if count >= wanted {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("only {count} of {wanted} sensors of run `{run}` wait"));
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// A DAG of sensors that wait for what never comes, and one whose file does.
fn definitions() -> String {
    let mut text = format!(
        "[deck]\nname = \"waiting\"\nmax_active_tasks = 64\n\
         [serving]\nlisten = \"127.0.0.1:0\"\n[dag.waits]\nmax_active_runs = {RUNS}\n"
    );
    let one = |name: &str, path: &str, every: &str| {
        format!(
            "[dag.{name}]\noperator = \"sensor.file\"\npath = \"{path}\"\n\
             poke_interval = \"{every}\"\n"
        )
    };
    for i in 0..SENSORS_OF_RUN {
        let _ = write!(text, "{}", one(&format!("waits.task.t{i}"), "never/comes.csv", "60s"));
    }
    text += &one("comes.task.sensor", "arrives", "1s");
    text + "[dag.comes.task.after]\noperator = \"command\"\ndepends_on = [\"sensor\"]\n\
            command = \"touch started\"\n"
}
