//! `sensor.file`, and `sensor.object` of folders: a file, a folder with a file in it, or files of a pattern.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Look, OperatorError, Poke};
use crate::connection::object::{Location, Root};
use crate::dag::operator::Operator;
use crate::runtime::operator::args::Args;
use crate::runtime::watch::matches;
use crate::types::Timestamp;

/// Deeper folders are not looked into: a link in a circle must not hold a look.
const DEPTH_MAX: usize = 32;

/// More files than these are not told.
const TOLD_MAX: usize = 1000;

/// Where to look. Made before the look, which blocks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    /// As messages name it.
    shown: String,
    /// What the URI of a file begins with, for objects; files are told by their paths.
    lake: Option<String>,
    root: PathBuf,
    /// Below `root`, part by part: `*` any characters, `**` any parts.
    pattern: Vec<String>,
    is_folder: bool,
    /// A file that changed later than this ago may still be written.
    min_age: Duration,
    now: Timestamp,
}

struct Found {
    path: PathBuf,
    size: u64,
    modified: Option<Timestamp>,
}

impl Plan {
    /// Reads where to look; `None`: not on this machine.
    pub(super) fn read(operator: Operator, look: &Look<'_>) -> Result<Option<Self>, OperatorError> {
        let args = Args(look.args);
        let key = if operator == Operator::SensorObject { "uri" } else { "path" };
        let shown = args.text(key)?;
        let uri = match operator {
            Operator::SensorObject => shown.clone(),
            _ => as_uri(&shown),
        };
        let place = Location::parse(&uri, &look.private.connections, look.project)?;
        let (pattern, is_folder) = (place.parts(), place.is_folder());
        let Root::Folder(root) = place.root else { return Ok(None) };
        Ok(Some(Self {
            lake: (operator == Operator::SensorObject).then_some(place.lake),
            pattern,
            is_folder,
            root,
            shown,
            min_age: args.duration_or_none("min_age")?.unwrap_or_default(),
            now: look.now,
        }))
    }

    /// Looks. One `stat` where there is no pattern and no folder.
    pub(super) fn look(&self) -> Result<Poke, OperatorError> {
        let fixed = self.pattern.iter().take_while(|part| !part.contains('*')).count();
        let base =
            self.pattern[..fixed].iter().fold(self.root.clone(), |path, part| path.join(part));
        let pattern = &self.pattern[fixed..];
        let mut found = Vec::new();
        if pattern.is_empty() {
            match std::fs::metadata(&base) {
                Ok(metadata) if metadata.is_dir() => {
                    let any = ["**".to_owned()];
                    walk(&base, &any, &mut Vec::new(), &mut found)?;
                }
                Ok(metadata) if !self.is_folder => found.push(Found::new(base, &metadata)),
                Ok(_) => {}
                Err(error) => check(&base, &error)?,
            }
        } else {
            walk(&base, pattern, &mut Vec::new(), &mut found)?;
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let all = found.len();
        found.retain(|file| self.is_quiet(file));
        if found.is_empty() {
            let seen = match all {
                0 => format!("`{}` is not there yet", self.shown),
                1 => format!("`{}` is there, but has just changed", self.shown),
                n => format!("`{}`: {n} files are there, but have just changed", self.shown),
            };
            return Ok(Poke::waits(seen));
        }
        Ok(Poke::Found(self.told(&found)))
    }

    fn is_quiet(&self, file: &Found) -> bool {
        let Some(modified) = file.modified.filter(|_| !self.min_age.is_zero()) else { return true };
        Duration::try_from(self.now.duration_since(modified)).is_ok_and(|age| age >= self.min_age)
    }

    fn told(&self, found: &[Found]) -> Value {
        let name = |file: &Found| match &self.lake {
            Some(lake) => {
                let key = file.path.strip_prefix(&self.root).unwrap_or(&file.path);
                format!("{lake}:{}", key.display())
            }
            None => file.path.display().to_string(),
        };
        let one = |file: &Found| {
            let mut told = json!({ "size": file.size, "modified": file.modified });
            told[if self.lake.is_some() { "uri" } else { "path" }] = name(file).into();
            told
        };
        let first = found.first().map(name);
        let key = if self.lake.is_some() { "uri" } else { "path" };
        let files: Vec<Value> = found.iter().take(TOLD_MAX).map(one).collect();
        json!({ key: first, "count": found.len(), "files": files })
    }
}

impl Found {
    fn new(path: PathBuf, metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
        Self { path, size: metadata.len(), modified }
    }
}

/// A plain path is taken as a file's URI.
fn as_uri(path: &str) -> String {
    match path.strip_prefix("file:") {
        Some(rest) => {
            let rest = rest.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(rest);
            format!("file:{rest}")
        }
        None => format!("file:{path}"),
    }
}

/// Collects the files below `folder` that fit.
fn walk(
    folder: &Path,
    pattern: &[String],
    below: &mut Vec<String>,
    found: &mut Vec<Found>,
) -> Result<(), OperatorError> {
    let is_deep = pattern.iter().any(|part| part == "**");
    let depth_max = if is_deep { DEPTH_MAX } else { pattern.len() - 1 };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return check(folder, &error),
    };
    for entry in entries.flatten() {
        // A name that is no text fits no pattern.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = entry.path();
        // Followed, where it is a link; one that went away is none.
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        below.push(name);
        if metadata.is_dir() {
            if below.len() <= depth_max {
                walk(&path, pattern, below, found)?;
            }
        } else {
            let parts: Vec<&str> = below.iter().map(String::as_str).collect();
            if matches(pattern, &parts) {
                found.push(Found::new(path, &metadata));
            }
        }
        below.pop();
    }
    Ok(())
}

/// What is not there is what is waited for.
fn check(path: &Path, error: &std::io::Error) -> Result<(), OperatorError> {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Ok(()),
        _ => Err(OperatorError::Passing(format!("look at `{}`: {error}", path.display()))),
    }
}
