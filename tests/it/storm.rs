//! SIGKILL at random points under load, many times: the daemon, and the processes that carry out
//! attempts. At the end every attempt is accounted for.
//!
//! `DAGDECK_STORM_KILLS` says how many kills, `DAGDECK_STORM_SEED` which course. Where it fails the
//! project's folder is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Project, binary, until};

const KILLS: &str = "DAGDECK_STORM_KILLS";
const SEED: &str = "DAGDECK_STORM_SEED";

/// Where the compiler made nothing fast, a start takes a second.
const KILLS_DEFAULT: u64 = if cfg!(debug_assertions) { 12 } else { 200 };

/// So many runs are under way at once.
const RUNS_OPEN: usize = 3;

/// `max_active_tasks` of the deck.
const ACTIVE_MAX: usize = 8;

/// Every attempt writes its token as it begins and as it ends. Tries are many: a killed process
/// costs one.
const DECK: &str = r#"
[deck]
name = "storm"
max_active_tasks = 8

[deck.default_args]
retries = 50
retry_delay = "10ms"

[dag.fan]
max_active_runs = 3

[dag.fan.task.first]
operator = "command"
command = "echo $DAGDECK_LAUNCH_TOKEN >> began; sleep 0.02; echo $DAGDECK_LAUNCH_TOKEN >> done"

[dag.fan.task.each]
operator = "command"
command = "echo $DAGDECK_LAUNCH_TOKEN >> began; sleep 0.{{ expand.n }}; echo $DAGDECK_LAUNCH_TOKEN >> done"
expand = { n = [0, 1, 2, 3, 0, 1] }
depends_on = ["first"]

[dag.fan.task.pass]
operator = "empty"
depends_on = ["each"]

[dag.fan.task.last]
operator = "command"
command = "echo $DAGDECK_LAUNCH_TOKEN >> began; echo $DAGDECK_LAUNCH_TOKEN >> done"
depends_on = ["pass"]
"#;

/// Task instances of a run, and those of them that are processes.
const TASKS_OF_RUN: i64 = 9;

#[test]
fn a_storm_of_kills_loses_nothing_and_doubles_nothing() {
    let (kills, seed) = (wish(KILLS, KILLS_DEFAULT), wish(SEED, 1));
    println!("{kills} kills, seed {seed}");
    let mut dice = Dice(seed);
    let mut project = Project::with(DECK);
    project.keep_if_it_fails();
    project.up();
    let mut promised = BTreeSet::new();
    let mut processes_killed = 0;
    for n in 0..kills {
        if open_runs(&project) < RUNS_OPEN {
            let run = format!("run{n}");
            let ran = project.run(&["trigger", "fan", "--run-id", &run]);
            assert_eq!(ran.code, 0, "seed {seed}, kill {n}: {}", ran.stderr);
            promised.insert(run);
        }
        std::thread::sleep(Duration::from_millis(dice.below(250)));
        if dice.below(4) == 0 {
            processes_killed += kill_one(&project, &mut dice);
        }
        project.kill_daemon();
        if dice.below(4) == 0 {
            processes_killed += kill_one(&project, &mut dice);
        }
        std::thread::sleep(Duration::from_millis(dice.below(60)));
        project.up();
    }
    let all_ended = until(|| (open_runs(&project) == 0).then_some(()));
    assert!(all_ended.is_some(), "seed {seed}: {} runs never end", open_runs(&project));
    project.down();
    account(&project, &promised, processes_killed, &format!("seed {seed}, {kills} kills"));
}

fn account(project: &Project, promised: &BTreeSet<String>, processes_killed: usize, what: &str) {
    let conn = rusqlite::Connection::open(project.path(".dagdeck/dagdeck.db")).unwrap();
    let text = |sql: &str| -> String { conn.query_row(sql, [], |row| row.get(0)).unwrap() };
    let count = |sql: &str| -> i64 { conn.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(text("PRAGMA integrity_check"), "ok", "{what}");
    assert_eq!(count("SELECT count(*) FROM pragma_foreign_key_check"), 0, "{what}");

    let mut query = conn.prepare("SELECT dag_run_id FROM dag_run WHERE state = 'success'").unwrap();
    let runs: BTreeSet<String> =
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(&runs, promised, "{what}: the runs that were promised, all successes");
    let expected = TASKS_OF_RUN * i64::try_from(promised.len()).unwrap();
    let ended = "SELECT count(*) FROM task_instance WHERE state = 'success' AND token IS NULL";
    assert_eq!(count(ended), expected, "{what}");

    let mut query = conn
        .prepare("SELECT token, state FROM task_instance_history WHERE task_id != 'pass'")
        .unwrap();
    let tries: BTreeMap<String, String> = query
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let began = tokens(&project.path("began"), what);
    let done = tokens(&project.path("done"), what);
    for token in &began {
        assert!(tries.contains_key(token), "{what}: {token} ran and is no try");
    }
    for (token, state) in &tries {
        assert!(state != "running" && state != "queued", "{what}: {token} is {state}");
        if state == "success" {
            assert!(done.contains(token), "{what}: {token} is a success and did not do its work");
        }
    }
    // Work that was done and does not count: who would have reported it was killed before. That is
    // a worker, which may hold all that run at once.
    let lost = done.iter().filter(|token| tries[*token] != "success").count();
    let most = processes_killed * ACTIVE_MAX;
    assert!(lost <= most, "{what}: {lost} results lost by {processes_killed} kills");
}

/// Reads the tokens of a file, each of which may stand there once.
fn tokens(path: &Path, what: &str) -> BTreeSet<String> {
    let mut tokens = BTreeSet::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        assert!(tokens.insert(line.to_owned()), "{what}: {line} twice in {}", path.display());
    }
    tokens
}

fn open_runs(project: &Project) -> usize {
    let conn = rusqlite::Connection::open(project.path(".dagdeck/dagdeck.db")).unwrap();
    conn.busy_timeout(Duration::from_secs(10)).unwrap();
    let sql = "SELECT count(*) FROM dag_run WHERE state NOT IN ('success', 'failed')";
    let open: i64 = conn.query_row(sql, [], |row| row.get(0)).unwrap();
    usize::try_from(open).unwrap()
}

/// Kills one of the processes that the daemon of this project has started, and says how many it
/// could.
fn kill_one(project: &Project, dice: &mut Dice) -> usize {
    let daemon = project.daemon_pid_if_any();
    let pids: Vec<i32> =
        processes_of(project).into_iter().filter(|pid| Some(*pid) != daemon).collect();
    if pids.is_empty() {
        return 0;
    }
    let pid = pids[usize::try_from(dice.below(pids.len() as u64)).unwrap()];
    let killed = Pid::from_raw(pid).map(|pid| kill_process(pid, Signal::KILL));
    usize::from(matches!(killed, Some(Ok(()))))
}

/// The processes of the binary that name this project's folder.
fn processes_of(project: &Project) -> Vec<i32> {
    let folder = project.dir().to_string_lossy().into_owned();
    let is_ours = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.starts_with(binary()) && line.contains(&folder)
    };
    let all = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_string_lossy().parse::<i32>().ok());
    all.filter(is_ours).collect()
}

fn wish(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}
