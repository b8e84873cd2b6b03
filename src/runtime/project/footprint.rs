//! Which files make up the definitions, and whether they are the ones that were read.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::types::Timestamp;

/// The files as they are: changes whenever one is written, replaced, added or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Footprint(Vec<(PathBuf, FileMark)>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct FileMark {
    inode: u64,
    len: u64,
    modified: Option<Timestamp>,
}

impl Footprint {
    /// Looks at `sources` and at every `*.toml` in `folders`.
    pub(super) fn take(sources: &[PathBuf], folders: &[PathBuf]) -> Self {
        let mut files: BTreeSet<PathBuf> = sources.iter().cloned().collect();
        for entry in folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten() {
            let Ok(path) = entry.map(|entry| entry.path()) else { continue };
            if path.extension().is_some_and(|extension| extension == "toml") {
                files.insert(path);
            }
        }
        let marks = files.into_iter().filter_map(|file| Some((file.clone(), mark(&file)?)));
        Self(marks.collect())
    }
}

fn mark(file: &Path) -> Option<FileMark> {
    let metadata = fs::metadata(file).ok()?;
    let modified = metadata.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
    Some(FileMark { inode: metadata.ino(), len: metadata.len(), modified })
}

/// Returns the folders where definitions lie or may come to lie: the project's, those of files
/// that were read, and those that `include` names.
pub(super) fn folders(project: &Path, sources: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders: BTreeSet<PathBuf> = BTreeSet::from([project.to_owned()]);
    folders.extend(sources.iter().filter_map(|file| file.parent()).map(Path::to_owned));
    folders.extend(included(project));
    folders.into_iter().filter(|folder| folder.is_dir()).collect()
}

/// A file that is broken names nothing: its neighbours are watched all the same, as sources.
fn included(project: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(project.join("dags.toml")).unwrap_or_default();
    let table: toml::Table = toml::from_str(&text).unwrap_or_default();
    let patterns = table.get("include").and_then(toml::Value::as_array);
    let patterns = patterns.into_iter().flatten().filter_map(toml::Value::as_str);
    patterns.map(|pattern| project.join(folder_of(pattern))).collect()
}

/// `dags/*.toml` → `dags`
fn folder_of(pattern: &str) -> PathBuf {
    let fixed = pattern.split(['*', '?', '[']).next().unwrap_or_default();
    match fixed.rsplit_once('/') {
        Some((folder, _)) => PathBuf::from(folder),
        None => PathBuf::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_of_a_definition_changes_the_footprint_and_others_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("dags.toml");
        let folders = [dir.path().to_owned()];
        let take = || Footprint::take(std::slice::from_ref(&file), &folders);
        let nothing = take();
        fs::write(&file, "a = 1").unwrap();
        let written = take();
        assert_ne!(nothing, written);
        fs::write(dir.path().join("data.csv"), "x").unwrap();
        assert_eq!(written, take());
        fs::write(dir.path().join("new"), "a = 2").unwrap();
        fs::rename(dir.path().join("new"), &file).unwrap();
        assert_ne!(written, take());
        let replaced = take();
        fs::write(dir.path().join("more.toml"), "").unwrap();
        assert_ne!(replaced, take());
    }

    #[test]
    fn folders_that_include_names_are_watched_before_they_hold_a_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("dags")).unwrap();
        fs::write(dir.path().join("dags.toml"), "include = [\"dags/*.toml\", \"x/y.toml\"]")
            .unwrap();
        let found = folders(dir.path(), &[]);
        assert_eq!(found, [dir.path().to_owned(), dir.path().join("dags")]);
    }
}
