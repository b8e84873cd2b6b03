//! The operator's own configuration: `$XDG_CONFIG_HOME/dagdeck/deck.toml`, else
//! `~/.config/dagdeck/deck.toml`.
//!
//! A project has no such file: it may name commands and keys, and those of a folder that was
//! fetched from somewhere must not be run unasked. What belongs to a project stands in a profile.

mod fields;
mod plugin;
mod profile;
mod settings;
pub(crate) mod words;

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use crate::cli::config::fields::{Fields, Report};
use crate::cli::env;
use crate::dag::file;
use crate::tui::Plugin;
use crate::types::Fault;

pub use profile::{Profile, Target};
pub use settings::{Setting, Settings, THEMES};

/// The annotated example that `dagdeck config --example` prints.
pub const EXAMPLE: &str = include_str!("config/example.toml");

/// What the file says.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The file, whether it is there or not; `None` where there is no home folder.
    pub path: Option<PathBuf>,
    pub settings: settings::Written,
    pub profiles: IndexMap<String, Profile>,
    pub plugins: Vec<Plugin>,
}

/// Reads the file of this operator, or the one that is named; where there is none, nothing is
/// said. One that is named must be there.
pub fn read(named: Option<&Path>) -> Result<Config, Fault> {
    let path = match named {
        Some(path) => Some(path.to_owned()),
        None => env::config_home().map(|home| home.join("dagdeck").join("deck.toml")),
    };
    let Some(path) = path else { return Ok(Config::default()) };
    match std::fs::read_to_string(&path) {
        Ok(text) => parse(&path, &text),
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            Ok(Config { path: Some(path), ..Config::default() })
        }
        Err(error) => Err(Fault::invalid(format!("read `{}`", path.display()))
            .caused_by(Some(&error))
            .hint("`dagdeck config --example` prints one to begin with")),
    }
}

/// Checks the text of the file at `path`: every error at once, each with its line.
fn parse(path: &Path, text: &str) -> Result<Config, Fault> {
    let report = Report::new(path, text);
    let root = match file::parse(0, text) {
        Ok(root) => root,
        Err(errors) => {
            for error in errors {
                report.error(error.span.start, error.message, None);
            }
            report.finish()?;
            return Ok(Config::default());
        }
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let fields = Fields::new(&report, "the file", &root);
    let settings = settings::read(&fields, folder);
    let mut profiles = IndexMap::new();
    for (name, entry, table) in fields.tables("profiles") {
        if let Some(profile) = profile::read(&report, (name, entry.key.start), table, folder) {
            profiles.insert(name.to_owned(), profile);
        }
    }
    let plugins = plugin::read_all(&fields);
    fields.finish();
    report.finish()?;
    Ok(Config { path: Some(path.to_owned()), settings, profiles, plugins })
}

/// Makes a path of the file absolute: `~/` is the home folder, all else is beside the file.
fn located(folder: &Path, written: &str) -> PathBuf {
    match (written.strip_prefix("~/"), env::home()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => folder.join(written),
    }
}

#[cfg(test)]
mod tests;
