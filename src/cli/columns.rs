//! Columns of task instances that are shown where they are asked for.

use clap::ValueEnum;

use crate::cli::output::or_dash;
use crate::types::executor::ExecutorKind;
use crate::types::run::TaskInstance;

/// A column, by Airflow's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum TaskColumn {
    Executor,
    /// The machine, or the node of a cluster
    Hostname,
    /// Of what runs now
    Pid,
    /// The job on Slurm
    ExternalExecutorId,
    /// Why somebody else than who launched it sees to it
    Adopted,
}

impl TaskColumn {
    /// Its head.
    pub fn head(self) -> &'static str {
        match self {
            Self::Executor => "EXECUTOR",
            Self::Hostname => "HOSTNAME",
            Self::Pid => "PID",
            Self::ExternalExecutorId => "JOB",
            Self::Adopted => "ADOPTED",
        }
    }

    /// What it holds.
    pub fn cell(self, task: &TaskInstance) -> String {
        let place = &task.place;
        match self {
            Self::Executor => or_dash(place.executor.map(ExecutorKind::as_str)),
            Self::Hostname => or_dash(place.hostname.as_ref()),
            Self::Pid => or_dash(task.pid),
            Self::ExternalExecutorId => or_dash(place.external_executor_id.as_ref()),
            Self::Adopted => or_dash(place.adopted.as_ref()),
        }
    }
}

/// Puts columns into a table that ends with a note, before it.
pub fn insert<T>(row: &mut Vec<T>, cells: impl Iterator<Item = T>) {
    let at = row.len().saturating_sub(1);
    row.splice(at..at, cells);
}
