//! What the children of `command` and `python` have in common: environment, folder, ending.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use super::handed;
use crate::runtime::attempt::{Order, Private};
use crate::runtime::executor::process_table::{FOLDER_VARIABLE, TOKEN_VARIABLE};
use crate::sched::Outcome;

/// Prepares a child of the attempt: it gets `base` (else it inherits the environment), then where
/// things lie, then what the order has, then what must not be on disk.
pub(super) fn prepare(
    program: &str,
    cwd: Option<&str>,
    order: &Order,
    private: &Private,
    base: Option<&[(OsString, OsString)]>,
) -> Command {
    let mut command = Command::new(program);
    if let Some(base) = base {
        command.env_clear().envs(base.iter().map(|(name, value)| (name, value)));
    }
    command
        .current_dir(folder(cwd, order))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("DAGDECK_PROJECT", &order.project)
        .env("DAGDECK_RUN_FOLDER", &order.run_folder)
        .env(handed::VARIABLE, handed::file(&order.folder))
        .envs(&order.env)
        .envs(&private.env)
        .env(TOKEN_VARIABLE, order.token.as_str())
        .env(FOLDER_VARIABLE, &order.folder);
    command
}

/// Returns the folder that a child starts in: the project, unless the task says otherwise.
pub(super) fn folder(cwd: Option<&str>, order: &Order) -> PathBuf {
    cwd.map_or_else(|| order.project.clone(), |cwd| order.project.join(cwd))
}

/// Makes the outcome of a child that did not end with 0.
pub(super) fn failed(status: ExitStatus) -> Outcome {
    let error = match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("killed by signal {signal} ({})", signal_name(signal)),
        (None, None) => "ended in an unknown way".to_owned(),
    };
    Outcome::Failed { error, exit_code: status.code(), retryable: true }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL: out of memory, or killed by somebody",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        _ => "see `man 7 signal`",
    }
}
