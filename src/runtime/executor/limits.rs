//! What an attempt may use of the machine, as far as a process without privileges can say it for
//! another: the kernel's limits of a process are set by the shell that becomes the program, what
//! all of them use of memory is looked at while they run.

use std::time::Duration;

use crate::dag::limits::TaskLimits;
use crate::runtime::executor::process_table::{self, Process};

/// How often memory is looked at. What is taken and given back between two looks is not seen.
const LOOK: Duration = Duration::from_millis(250);

/// Puts before a program what limits it: a shell that sets the limits and then becomes it.
pub(crate) fn prefixed(limits: TaskLimits, argv: Vec<String>) -> Vec<String> {
    let mut line = String::new();
    if let Some(files) = limits.open_files {
        line += &format!("ulimit -n {files} && ");
    }
    if let Some(time) = limits.cpu_time {
        line += &format!("ulimit -t {} && ", time.as_secs());
    }
    let nice = limits.nice.map(|nice| format!("nice -n {nice} ")).unwrap_or_default();
    if line.is_empty() && nice.is_empty() {
        return argv;
    }
    line += &format!("exec {nice}\"$@\"");
    let mut limited = vec!["/bin/sh".to_owned(), "-c".to_owned(), line, "sh".to_owned()];
    limited.extend(argv);
    limited
}

/// Waits until the processes of an attempt use more memory than they may; says how much. Without
/// a limit it waits for ever.
pub(crate) async fn memory_exceeded(limits: TaskLimits, leader: Process, token: &str) -> String {
    let Some(limit) = limits.memory else { return std::future::pending().await };
    loop {
        tokio::time::sleep(LOOK).await;
        let token = token.to_owned();
        let look = move || process_table::memory_of(&process_table::tree(leader, &token));
        let used = tokio::task::spawn_blocking(look).await.unwrap_or_default();
        if used > limit {
            return format!(
                "out of memory: its processes used {}, `limits.memory` is {}",
                mib(used),
                mib(limit)
            );
        }
    }
}

fn mib(bytes: u64) -> String {
    format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(limits: TaskLimits, line: &str) -> String {
        let argv = ["/bin/sh", "-c", line].map(str::to_owned).to_vec();
        let argv = prefixed(limits, argv);
        let ran = std::process::Command::new(&argv[0]).args(&argv[1..]).output().unwrap();
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    }

    #[test]
    fn without_limits_nothing_is_put_before_it() {
        let argv = vec!["true".to_owned()];
        assert_eq!(prefixed(TaskLimits::default(), argv.clone()), argv);
    }

    #[test]
    fn a_program_runs_within_its_limits() {
        let limits = TaskLimits {
            open_files: Some(64),
            cpu_time: Some(Duration::from_secs(7)),
            nice: Some(3),
            ..TaskLimits::default()
        };
        let own: i32 = run(TaskLimits::default(), "nice").parse().unwrap();
        let nice = (own + 3).min(19).to_string();
        assert_eq!(run(limits, "ulimit -n; ulimit -t; nice"), format!("64\n7\n{nice}"));
    }
}
