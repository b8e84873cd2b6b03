//! `[profiles.NAME]`: a project by a short name, here or behind SSH.

use std::path::{Path, PathBuf};

use crate::cli::config::fields::{Fields, Report};
use crate::cli::config::located;
use crate::client::tunnel::SshTarget;
use crate::dag::file::Table;
use crate::tui::{Banner, BannerColour};

/// A project by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub name: String,
    pub target: Target,
    pub banner: Option<Banner>,
    pub read_only: bool,
}

/// Where a project is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A folder of another machine.
    Ssh(SshTarget),
}

/// Reads the profile that stands at `(name, place)`.
pub(super) fn read(
    report: &Report,
    (name, at): (&str, usize),
    table: &Table,
    folder: &Path,
) -> Option<Profile> {
    let fields = Fields::new(report, format!("profile `{name}`"), table);
    let args = fields.texts("ssh_args").unwrap_or_default();
    let ssh = fields.text("ssh");
    let project = fields.text("project");
    let target = match (&ssh, &project) {
        (Some(ssh), None) => match ssh.parse::<SshTarget>() {
            Ok(remote) => Some(Target::Ssh(SshTarget { args, ..remote })),
            Err(problem) => {
                fields.bad("ssh", problem, None);
                None
            }
        },
        (None, Some(project)) => Some(Target::Folder(located(folder, project))),
        (Some(_), Some(_)) => {
            fields.bad("project", "a profile is either here (`project`) or there (`ssh`)", None);
            None
        }
        (None, None) => {
            let hint = "write `ssh = \"host:/path\"` or `project = \"/path\"`".to_owned();
            report.error(at, format!("profile `{name}` says not where it is"), Some(hint));
            None
        }
    };
    let colours = BannerColour::ALL.map(|(word, _)| word);
    let colour = fields.word("colour", &colours);
    let colour = colour
        .and_then(|word| BannerColour::ALL.iter().find(|(name, _)| *name == word))
        .map(|(_, colour)| *colour)
        .unwrap_or_default();
    let banner = fields.text("banner").map(|text| Banner { text, colour });
    let read_only = fields.flag("read_only").unwrap_or(false);
    fields.finish();
    target.map(|target| Profile { name: name.to_owned(), target, banner, read_only })
}
