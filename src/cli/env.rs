//! The environment, read here and nowhere else.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use crate::runtime::project::Lookup;
use crate::tui::{Colours, Surroundings};

/// What attempts inherit of this environment: where programs, certificates and the user are, and
/// how text is written. Everything else (tokens, passwords) stays behind.
const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "DAGDECK_PYTHON",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "UV_SYSTEM_CERTS",
    "SLURM_CONF",
];

/// Who runs this program, where the environment says so; else the daemon finds out.
pub fn user() -> Option<String> {
    ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
}

/// Resolves `${env:NAME}` of `dags.toml`.
pub fn lookup() -> Lookup {
    Arc::new(|name| std::env::var(name).ok())
}

/// Returns what attempts inherit.
pub fn inherited() -> Vec<(OsString, OsString)> {
    let may_pass = |name: &OsString| {
        let name = name.to_string_lossy();
        INHERITED.contains(&name.as_ref()) || name.starts_with("LC_")
    };
    std::env::vars_os().filter(|(name, _)| may_pass(name)).collect()
}

/// Finds out how many colours the terminal has, with what was asked for.
pub fn colours(asked: Option<Colours>) -> Colours {
    Colours::detect(asked, &|name| std::env::var(name).ok())
}

/// Finds out what stands between the deck and the operator's eyes.
pub fn surroundings() -> Surroundings {
    let tty = rustix::termios::ttyname(std::io::stdout(), Vec::new());
    let tty = tty.ok().and_then(|name| name.into_string().ok());
    Surroundings::read(&|name| std::env::var(name).ok(), tty.as_deref())
}

/// Returns the operator's home folder.
pub fn home() -> Option<PathBuf> {
    folder("HOME")
}

/// Returns the folder of configurations.
pub fn config_home() -> Option<PathBuf> {
    folder("XDG_CONFIG_HOME").or_else(|| home().map(|home| home.join(".config")))
}

/// Returns the folder of what programs remember.
pub fn state_home() -> Option<PathBuf> {
    folder("XDG_STATE_HOME").or_else(|| home().map(|home| home.join(".local/state")))
}

/// Returns the folder of sockets, which goes when the operator leaves the machine; else the one
/// of temporary files.
pub fn runtime_home() -> PathBuf {
    folder("XDG_RUNTIME_DIR").unwrap_or_else(std::env::temp_dir)
}

/// Returns a folder that a variable names; one that is not absolute is as good as none.
fn folder(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Returns the command that a variable such as `EDITOR` holds.
pub fn program(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|line| !line.trim().is_empty())
}

/// Says whether there is a terminal to draw on.
pub fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Returns the path of this program, for starting attempts and the daemon.
pub fn executable() -> std::io::Result<PathBuf> {
    std::env::current_exe()
}

/// Returns the log filter (`DAGDECK_LOG`), such as `debug` or `dagdeck::runtime=trace`.
pub fn log_filter() -> String {
    std::env::var("DAGDECK_LOG").unwrap_or_else(|_| "info".to_owned())
}
