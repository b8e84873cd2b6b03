//! Reads `/proc`: which processes there are, which belong together, which are still the ones
//! they were.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::types::Timestamp;

/// The variable that every process of an attempt inherits; it finds those that left its session.
pub(crate) const TOKEN_VARIABLE: &str = "DAGDECK_LAUNCH_TOKEN";

/// The variable that names the attempt's folder to them.
pub(crate) const FOLDER_VARIABLE: &str = "DAGDECK_ATTEMPT_FOLDER";

/// One process, named for good: its id comes again, its start time with it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// Clock ticks since the boot.
    pub(crate) start_time: u64,
}

/// A line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    process: Process,
    parent: u32,
    group: u32,
    session: u32,
    is_dead: bool,
}

/// Returns this boot's id.
pub(crate) fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// Returns this machine's name.
pub(crate) fn hostname() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Returns when a process started, to the second; `None` where `/proc` does not say.
pub(crate) fn started_at(process: Process) -> Option<Timestamp> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let boot = text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse::<i64>();
    let ticks = rustix::param::clock_ticks_per_second();
    let after = i64::try_from(process.start_time / ticks.max(1)).ok()?;
    Timestamp::from_second(boot.ok()?.checked_add(after)?).ok()
}

/// Returns the living workers of a project, each with the build that it is called by.
pub(crate) fn workers_of(project: &Path) -> Vec<(Process, String)> {
    let called = called(project, "worker").into_iter();
    called
        .filter_map(|(process, words)| match <[String; 1]>::try_from(words) {
            Ok([build]) => Some((process, build)),
            Err(_) => None,
        })
        .collect()
}

/// Returns the living processes of a project that were started by `command`, each with the words
/// after it.
pub(crate) fn called(project: &Path, command: &str) -> Vec<(Process, Vec<String>)> {
    let living = table().into_iter().filter(|s| !s.is_dead);
    living
        .filter_map(|stat| {
            let line = fs::read(format!("/proc/{}/cmdline", stat.process.pid)).ok()?;
            Some((stat.process, words_after(&line, project, command)?))
        })
        .collect()
}

/// `PROGRAM --project FOLDER COMMAND WORD…`
fn words_after(line: &[u8], project: &Path, command: &str) -> Option<Vec<String>> {
    let mut words = line.strip_suffix(b"\0")?.split(|byte| *byte == 0).skip(1);
    for expected in [b"--project".as_slice(), project.as_os_str().as_bytes(), command.as_bytes()] {
        words.next().filter(|word| *word == expected)?;
    }
    words.map(|word| String::from_utf8(word.to_vec()).ok()).collect()
}

/// Returns the living processes that call themselves so, and have `folder` as their own.
pub(crate) fn titled(title: &str, folder: &Path) -> Vec<Process> {
    let is_titled = |pid: u32| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|l| l.starts_with(title.as_bytes()))
            && fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|at| at == folder)
    };
    let living = table().into_iter().filter(|s| !s.is_dead && is_titled(s.process.pid));
    living.map(|s| s.process).collect()
}

/// Finds the process that has `pid` now; `None` where there is none, or only its remains.
pub(crate) fn find(pid: u32) -> Option<Process> {
    stat(pid).filter(|stat| !stat.is_dead).map(|stat| stat.process)
}

/// Names a child that has not been waited for, be it dead already.
pub(crate) fn name_child(pid: u32) -> Option<Process> {
    stat(pid).map(|stat| stat.process)
}

/// Says whether it still runs.
pub(crate) fn is_alive(process: Process) -> bool {
    find(process.pid) == Some(process)
}

/// Returns the living processes of an attempt: its leader, the group and the session that it
/// leads, their descendants, and whoever carries its token in the environment. Never this process.
pub(crate) fn tree(leader: Process, token: &str) -> Vec<Process> {
    let table = table();
    let is_recycled = |s: &Stat| s.process.pid == leader.pid && s.process != leader;
    // Where another process has the leader's id now, a group of that number is not ours.
    let led = (!table.iter().any(is_recycled)).then_some(leader.pid);
    let needle = format!("{TOKEN_VARIABLE}={token}");
    let mut found: BTreeSet<Process> = table
        .iter()
        .filter(|s| {
            s.process == leader
                || ((Some(s.group) == led || Some(s.session) == led)
                    && s.process.start_time >= leader.start_time)
                || has_variable(s.process.pid, &needle)
        })
        .map(|s| s.process)
        .collect();
    loop {
        let pids: BTreeSet<u32> = found.iter().map(|process| process.pid).collect();
        let before = found.len();
        found.extend(table.iter().filter(|s| pids.contains(&s.parent)).map(|s| s.process));
        if found.len() == before {
            break;
        }
    }
    let own = std::process::id();
    let alive = |process: &Process| table.iter().any(|s| s.process == *process && !s.is_dead);
    found.into_iter().filter(|p| p.pid != own && p.pid > 1 && alive(p)).collect()
}

/// Returns the eldest living process that carries the token: the one that was started with it.
pub(crate) fn eldest_of(token: &str) -> Option<Process> {
    let needle = format!("{TOKEN_VARIABLE}={token}");
    let own = std::process::id();
    let bears =
        |s: &Stat| !s.is_dead && s.process.pid != own && has_variable(s.process.pid, &needle);
    table().into_iter().filter(bears).map(|s| s.process).min_by_key(|p| (p.start_time, p.pid))
}

/// Returns the living processes that work for an attempt whose folder lies below `dir`, with that
/// folder.
pub(crate) fn attempts_below(dir: &Path) -> Vec<(Process, PathBuf)> {
    let prefix = format!("{FOLDER_VARIABLE}=");
    let living = table().into_iter().filter(|s| !s.is_dead);
    living
        .filter_map(|stat| {
            let environ = fs::read(format!("/proc/{}/environ", stat.process.pid)).ok()?;
            let mut entries = environ.split(|byte| *byte == 0);
            let folder = entries.find_map(|entry| entry.strip_prefix(prefix.as_bytes()))?;
            let folder = PathBuf::from(OsString::from_vec(folder.to_vec()));
            folder.starts_with(dir).then_some((stat.process, folder))
        })
        .collect()
}

/// Returns how many bytes of memory are the processes' own, those that they share not counted.
pub(crate) fn memory_of(processes: &[Process]) -> u64 {
    let pages = |process: &Process| {
        let text = fs::read_to_string(format!("/proc/{}/statm", process.pid)).ok()?;
        let mut fields = text.split_ascii_whitespace().skip(1).map(str::parse::<u64>);
        let (resident, shared) = (fields.next()?.ok()?, fields.next()?.ok()?);
        Some(resident.saturating_sub(shared))
    };
    let pages: u64 = processes.iter().filter_map(pages).sum();
    pages * rustix::param::page_size() as u64
}

/// Returns how many processes the kernel has killed for want of memory since the boot.
pub(crate) fn oom_kills() -> Option<u64> {
    let text = fs::read_to_string("/proc/vmstat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

fn table() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|e| stat(e.file_name().to_str()?.parse().ok()?)).collect()
}

fn stat(pid: u32) -> Option<Stat> {
    parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// `PID (NAME) STATE PPID PGRP SESSION …`; the start time is the 22nd field. The name may hold
/// anything, brackets too.
fn parse(pid: u32, line: &str) -> Option<Stat> {
    let mut fields = line.get(line.rfind(')')? + 1..)?.split_ascii_whitespace();
    let is_dead = matches!(fields.next()?, "Z" | "X" | "x");
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let session = fields.next()?.parse().ok()?;
    let start_time = fields.nth(15)?.parse().ok()?;
    Some(Stat { process: Process { pid, start_time }, parent, group, session, is_dead })
}

fn has_variable(pid: u32, needle: &str) -> bool {
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|text| text.split(|byte| *byte == 0).any(|entry| entry == needle.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_is_passed_over() {
        let line = "77 (a) S 1) R 5 6 7 0 -1 0 0 0 0 0 1 2 3 4 20 0 1 0 4242 9 9";
        let stat = parse(77, line).unwrap();
        assert_eq!(stat.process, Process { pid: 77, start_time: 4242 });
        assert_eq!((stat.parent, stat.group, stat.session, stat.is_dead), (5, 6, 7, false));
        assert!(parse(1, "1 (x) Z 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5").unwrap().is_dead);
        assert_eq!(parse(1, "1 (x) S"), None);
    }

    #[test]
    fn a_worker_is_known_by_its_command_line() {
        let project = Path::new("/p");
        let of = |line: &str| words_after(line.as_bytes(), project, "worker");
        let words = |words: &[&str]| Some(words.iter().map(|w| (*w).to_owned()).collect());
        assert_eq!(of("dagdeck\0--project\0/p\0worker\x001.0-ab\0"), words(&["1.0-ab"]));
        assert_eq!(of("dagdeck\0--project\0/q\0worker\x001.0-ab\0"), None, "another project's");
        assert_eq!(of("dagdeck\0--project\0/p\0worker\0a\0b\0"), words(&["a", "b"]));
        assert_eq!(of("dagdeck\0--project\0/p\0replica\0a\0"), None);
        assert_eq!(of("dagdeck\0"), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn a_process_started_before_now_and_after_the_boot() {
        let own = find(std::process::id()).unwrap();
        let started = started_at(own).unwrap();
        assert!(started <= crate::types::time::now(), "{started}");
        assert!(started > started_at(Process { pid: 1, start_time: 0 }).unwrap());
    }

    #[test]
    fn this_process_lives_and_its_id_with_another_start_does_not() {
        let own = find(std::process::id()).unwrap();
        assert!(is_alive(own));
        assert!(!is_alive(Process { start_time: own.start_time + 1, ..own }));
        assert!(!boot_id().unwrap().is_empty());
    }

    #[test]
    fn a_tree_holds_children_and_whoever_carries_the_token() {
        let token = uuid::Uuid::new_v4().to_string();
        let mut child = std::process::Command::new("sh")
            .args(["-c", "sleep 60 & setsid sleep 60 & wait"])
            .env(TOKEN_VARIABLE, &token)
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let leader = find(child.id()).unwrap();
        let started = crate::types::time::instant();
        while tree(leader, &token).len() < 3 {
            assert!(started.elapsed().as_secs() < 10, "the children never showed");
            std::thread::yield_now();
        }
        // The one that left the session is found when its parent is gone, too.
        child.kill().unwrap();
        child.wait().unwrap();
        let left = tree(leader, &token);
        assert_eq!(left.len(), 2);
        for process in left {
            let pid = rustix::process::Pid::from_raw(process.pid as i32).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
    }
}
