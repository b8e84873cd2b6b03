//! The bare loop: what starting and reaping the same programs costs without anything around it.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::time;

/// Runs `sh -c true` so often, in so many lanes: what any scheduler of processes pays.
pub(crate) fn spawn(count: usize, lanes: usize) -> Duration {
    let lane = |first: usize| {
        for _ in (first..count).step_by(lanes) {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", "true"]).stdin(Stdio::null()).stdout(Stdio::null());
            assert!(command.status().unwrap().success());
        }
    };
    let all = || {
        std::thread::scope(|scope| {
            for first in 0..lanes {
                scope.spawn(move || lane(first));
            }
        });
    };
    time(all).1
}
