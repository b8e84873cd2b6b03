//! Arguments of `executors`.

use clap::{Subcommand, ValueEnum};

/// Commands about executors.
#[derive(Debug, Subcommand)]
pub enum ExecutorsCommand {
    /// Have a new worker take new attempts; the one before finishes what it has
    Restart { executor: RestartableExecutor },
}

/// An executor with a process of its own on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RestartableExecutor {
    Local,
}
