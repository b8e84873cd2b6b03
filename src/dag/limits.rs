//! What one attempt of a task may use of the machine.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The limits of a task; what is not said is not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskLimits {
    /// Bytes of memory that all its processes together have of their own.
    pub memory: Option<u64>,
    /// Processor time of each of its processes.
    pub cpu_time: Option<Duration>,
    /// Added to the niceness that it would have.
    pub nice: Option<u32>,
    /// Files that each of its processes may have open.
    pub open_files: Option<u64>,
    /// Bytes of its log.
    pub log_size: Option<u64>,
    /// How long its processes have to end by themselves when they are told to, as Airflow's
    /// `killed_task_cleanup_time`.
    pub killed_task_cleanup_time: Option<Duration>,
}

impl TaskLimits {
    /// Fills what it does not say from `below`.
    pub fn over(self, below: Self) -> Self {
        Self {
            memory: self.memory.or(below.memory),
            cpu_time: self.cpu_time.or(below.cpu_time),
            nice: self.nice.or(below.nice),
            open_files: self.open_files.or(below.open_files),
            log_size: self.log_size.or(below.log_size),
            killed_task_cleanup_time: self
                .killed_task_cleanup_time
                .or(below.killed_task_cleanup_time),
        }
    }
}
