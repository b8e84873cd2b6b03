//! Backfills by the command line: what one would do, what it does across a kill of the daemon,
//! and what is refused.

use serde_json::Value;

use crate::support::{Project, until};

/// A day takes a moment, so that the daemon can be killed in the middle.
const DAILY: &str = r#"
[dag.d]
schedule = "@daily"
paused = true
[dag.d.task.day]
operator = "command"
command = "echo {{ ds }} >> days; sleep 0.3"

[dag.by_hand.task.t]
operator = "empty"
"#;

const RANGE: [&str; 4] = ["--from-date", "2026-01-01", "--to-date", "2026-01-06"];

fn create<'a>(more: &[&'a str]) -> Vec<&'a str> {
    ["backfill", "create", "d"].iter().chain(&RANGE).chain(more).copied().collect()
}

fn completed(project: &Project, id: &str) -> Value {
    let shown = until(|| {
        let shown = project.json(&["backfill", "show", id]);
        shown["completed_at"].is_string().then_some(shown)
    });
    shown.expect("the backfill ends")
}

#[test]
fn a_backfill_outlasts_the_daemon_and_each_day_is_run_once() {
    let mut project = Project::with(DAILY);
    project.up();
    let plan = project.json(&create(&["--dry-run"]));
    assert_eq!(plan["total_dates"], 6);
    assert_eq!(plan["dag_runs"][0]["logical_date"], "2026-01-01T00:00:00Z");
    assert_eq!(project.json(&["backfill", "list"])["total_entries"], 0);
    project.run(&["dags", "unpause", "d"]).ok();
    let made = project.json(&create(&["--run-backwards", "--max-active-runs", "2"]));
    assert_eq!((&made["id"], &made["total_dates"]), (&1.into(), &6.into()));
    let some = until(|| {
        let shown = project.json(&["backfill", "show", "1"]);
        (shown["success"].as_u64() >= Some(1)).then_some(())
    });
    assert!(some.is_some(), "it has begun");
    project.kill_daemon();
    project.up();
    let shown = completed(&project, "1");
    assert_eq!((&shown["success"], &shown["skipped"]), (&6.into(), &0.into()), "{shown}");
    // The last date that was dealt with comes first.
    assert_eq!(shown["dag_runs"][0]["logical_date"], "2026-01-01T00:00:00Z");
    let days = std::fs::read_to_string(project.path("days")).unwrap();
    let mut days: Vec<&str> = days.lines().filter(|day| day.starts_with("2026-01-0")).collect();
    days.sort_unstable();
    let expected: Vec<String> = (1..=6).map(|day| format!("2026-01-0{day}")).collect();
    assert_eq!(days, expected);

    // Once more: nothing is left to do, and it says why.
    project.run(&create(&[])).ok();
    let shown = completed(&project, "2");
    assert_eq!(shown["skipped"], 6);
    assert_eq!(shown["dag_runs"][0]["exception_reason"], "already exists");
    let table = project.run(&["backfill", "list"]).ok().stdout;
    assert!(table.contains("completed"), "{table}");
    let table = project.run(&["backfill", "show", "2"]).ok().stdout;
    assert!(table.contains("6 of 6") && table.contains("already exists"), "{table}");
    project.down();
}

#[test]
fn what_makes_no_sense_is_refused_with_a_hint() {
    let mut project = Project::with(DAILY);
    project.up();
    let by_hand = ["backfill", "create", "by_hand"].iter().chain(&RANGE).copied();
    let refused = project.run(&by_hand.collect::<Vec<_>>());
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("hint:"), "{}", refused.stderr);
    assert_ne!(project.run(&["backfill", "show", "7"]).code, 0);
    let soon = ["backfill", "create", "d", "--from-date", "soon", "--to-date", "2026-01-01"];
    assert_eq!(project.run(&soon).code, 2);
    // A paused DAG holds its backfill; a second one has to wait for the first.
    let made = project.run(&create(&[])).ok().stdout;
    assert!(made.contains("it waits: the DAG is paused"), "{made}");
    assert_ne!(project.run(&create(&[])).code, 0);
    project.run(&["backfill", "pause", "1"]).ok();
    assert!(project.run(&["backfill", "list", "d"]).ok().stdout.contains("paused"));
    project.run(&["backfill", "unpause", "1"]).ok();
    project.run(&["backfill", "cancel", "1"]).ok();
    assert!(project.run(&["backfill", "list", "d"]).ok().stdout.contains("cancelled"));
    assert_ne!(project.run(&["backfill", "cancel", "1"]).code, 0);
    project.down();
}
