//! `limits` and `killed_task_cleanup_time`: what is inherited, what is refused.

use std::time::Duration;

use super::*;
use crate::limits::TaskLimits;

const TASK: &str = "[dag.d.task.t]\noperator = \"command\"\ncommand = \"x\"\n";

fn limits(text: &str) -> TaskLimits {
    load_more(text).unwrap().dags["d"].tasks["t"].limits
}

#[track_caller]
fn refused(lines: &str, code: &'static str, column: usize, says: &str) {
    let text = format!("{TASK}{lines}\n");
    assert_eq!(places(&text), [(code, 4, column)], "{:#?}", load_more(&text));
    let diagnostics = load_more(&text).unwrap_err();
    let said = &diagnostics[0].drawing;
    assert!(said.contains(says), "{said}");
}

#[test]
fn each_limit_comes_from_the_nearest_that_says_it() {
    assert_eq!(limits(TASK), TaskLimits::default());
    let text = format!(
        "[deck.default_args]\nlimits = {{ memory = \"4GiB\", nice = 3 }}\n\
         [dag.d.default_args]\nlimits = {{ memory = \"2GiB\", cpu_time = \"1h\" }}\n\
         killed_task_cleanup_time = \"20s\"\n\
         {TASK}limits = {{ memory = \"1MiB\", open_files = 64, log_size = \"4KiB\" }}\n"
    );
    let expected = TaskLimits {
        memory: Some(1 << 20),
        cpu_time: Some(Duration::from_secs(3600)),
        nice: Some(3),
        open_files: Some(64),
        log_size: Some(4 << 10),
        killed_task_cleanup_time: Some(Duration::from_secs(20)),
    };
    assert_eq!(limits(&text), expected);
}

#[test]
fn a_limit_out_of_all_reason_is_refused_at_its_place() {
    refused("limits = { memory = \"512KiB\" }", "bad-value", 21, "at least 1048576 bytes");
    refused("limits = { log_size = \"1KiB\" }", "bad-value", 23, "at least 4096 bytes");
    refused("limits = { cpu_time = \"500ms\" }", "bad-value", 23, "less than a second");
    refused("limits = { nice = 20 }", "bad-value", 19, "19");
    refused("limits = { nice = -1 }", "bad-value", 19, "0");
    refused("limits = { open_files = 3 }", "bad-value", 25, "16");
}

#[test]
fn what_is_no_limit_is_refused_at_its_place() {
    refused("limits = { memory = \"much\" }", "bad-size", 21, "no size");
    refused("limits = { memory = true }", "bad-size", 21, "no size");
    refused("limits = { cpu_time = \"long\" }", "bad-duration", 23, "long");
    refused("limits = { open_files = \"all\" }", "wrong-type", 25, "open_files");
    refused("limits = { memroy = \"1GiB\" }", "unknown-key", 12, "memory");
    refused("limits = \"1GiB\"", "wrong-type", 10, "limits");
    refused("killed_task_cleanup_time = \"soon\"", "bad-duration", 28, "soon");
}
