//! The command line: parses, assembles, prints, exits. The only place that reads the
//! environment.

pub mod args;
pub mod columns;
pub mod command;
pub mod config;
pub mod env;
pub mod error;
pub mod logging;
pub mod output;
pub mod site;

use std::path::Path;

use clap::Parser;

use crate::cli::args::{Cli, Command};
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::runtime::executor::{OnNode, node_main};

/// Runs the command line and returns the process's exit code: 0 done, 1 the work failed, 2 usage
/// or definition, 3 no daemon, 70 a bug.
pub fn main() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too; a closed pipe is nobody's concern.
            let _ = error.print();
            return if error.use_stderr() { 2 } else { 0 };
        }
    };
    if let Some(Command::Attempt { folder }) = &cli.command {
        return crate::runtime::executor::attempt_main(folder);
    }
    if let Some(Command::Worker { build }) = &cli.command {
        return command::worker::worker(&cli.project, build);
    }
    if let Some(Command::Replica { replica, id, .. }) = &cli.command {
        return command::replica::replica(&cli.project, *replica, id);
    }
    if let Some(Command::AttemptOnNode { batch, index, job, node }) = &cli.command {
        return on_node(batch, *index, job, node);
    }
    let mut output = Output::new(cli.output);
    match run(cli, &mut output) {
        Ok(code) => code,
        Err(error) => {
            output.error(&error);
            error.exit_code()
        }
    }
}

fn on_node(batch: &Path, index: usize, job: &str, node: &str) -> u8 {
    match env::executable() {
        Ok(executable) => node_main(OnNode { batch, index, job, node, executable: &executable }),
        // Slurm shows the exit code, and there is nobody else to tell.
        Err(_) => 70,
    }
}

fn run(cli: Cli, output: &mut Output) -> Result<u8, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| CliError::io("start the runtime", &source))?;
    let result = runtime.block_on(command::dispatch(cli, output));
    // What still runs on blocking threads (a log that is being followed) must not hold the exit.
    runtime.shutdown_background();
    result
}
