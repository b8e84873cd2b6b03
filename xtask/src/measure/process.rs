//! Processes: how long they take, and what `/proc` says of one.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What the kernel counts CPU time in, on every Linux that matters here (`getconf CLK_TCK`).
pub(super) const TICKS_PER_SEC: f64 = 100.0;

/// Runs a program to its end, unseen.
pub(super) fn run(program: &Path, args: &[&str]) -> Result<Duration, String> {
    let start = Instant::now();
    let status = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(|e| format!("start `{}`: {e}", program.display()))?;
    let took = start.elapsed();
    if status.success() { Ok(took) } else { Err(format!("`{}` failed", args.join(" "))) }
}

/// Returns the CPU time of a process, user and system.
pub(super) fn cpu_ticks(pid: u32) -> Result<u64, String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|e| gone(pid, &e))?;
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    // The 14th and 15th field; the name, which may hold anything, is the second.
    let ticks = after.split_ascii_whitespace().skip(11).take(2);
    Ok(ticks.filter_map(|text| text.parse::<u64>().ok()).sum())
}

/// Returns how many threads a process has.
pub(super) fn threads(pid: u32) -> Result<usize, String> {
    fs::read_dir(format!("/proc/{pid}/task")).map(Iterator::count).map_err(|e| gone(pid, &e))
}

/// Returns the memory of a process that is resident.
pub(super) fn resident_bytes(pid: u32) -> Result<u64, String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).map_err(|e| gone(pid, &e))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| format!("process {pid} has no memory"))
}

fn gone(pid: u32, error: &std::io::Error) -> String {
    format!("look at process {pid}: {error}")
}
