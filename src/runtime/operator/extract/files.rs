//! The files that a source names: one, all of a folder, or those that fit a pattern.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::connection::object::Location;
use crate::runtime::attempt::{Order, Private};
use crate::runtime::operator::error::OperatorError;
use crate::runtime::operator::object::local_file;
use crate::runtime::operator::observed;
use crate::runtime::task_log::TaskLog;
use crate::types::io::DatasetRef;

/// A file to be read.
pub(super) struct SourceFile {
    /// As its URI has it, for complaints.
    pub(super) name: String,
    path: PathBuf,
}

impl SourceFile {
    pub(super) fn new(name: &str, path: &Path) -> Self {
        Self { name: name.to_owned(), path: path.to_path_buf() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn open(&self) -> Result<File, OperatorError> {
        let name = &self.name;
        let file = File::open(&self.path)
            .map_err(|error| OperatorError::io(&format!("open `{name}`"), &error))?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(OperatorError::fatal(format!(
                "`{name}` is a folder, not a file; with a `/` at its end all its files are read"
            )));
        }
        Ok(file)
    }
}

/// Lists the files by their names. A key that ends with `/` means all files of that folder, one
/// with a `*` in its last part those that fit; names that begin with a dot are nobody's data.
pub(super) fn list(
    source: &str,
    order: &Order,
    private: &Private,
    log: &TaskLog,
) -> Result<Vec<SourceFile>, OperatorError> {
    let location = Location::parse(source, &private.connections, &order.project)?;
    let pattern = location.file_name();
    if !location.is_folder() && !pattern.contains('*') {
        let path = local_file(order, private, log, source)?;
        return Ok(vec![SourceFile::new(source, &path)]);
    }
    let path = location.path().ok_or_else(|| {
        OperatorError::Fatal(format!(
            "`{source}` lies in a bucket: name one object, or list them with `object.list` and \
             expand over them"
        ))
    })?;
    let folder = if location.is_folder() { Some(path.as_path()) } else { path.parent() };
    let folder = folder.unwrap_or(Path::new("/"));
    let unread = |error| OperatorError::io(&format!("list `{source}`"), &error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let fits = pattern.is_empty() || fits(pattern, &name);
        if fits && !name.starts_with('.') && entry.path().is_file() {
            let end = source.rfind(['/', ':']).map_or(0, |at| at + 1);
            files
                .push(SourceFile { name: format!("{}{name}", &source[..end]), path: entry.path() });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    if files.is_empty() {
        return Err(OperatorError::fatal(format!("there is no file for `{source}`")));
    }
    Ok(files)
}

/// Tells what was read.
pub(super) fn observed(files: &[SourceFile], order: &Order, private: &Private) -> Vec<DatasetRef> {
    let of = |file: &SourceFile| observed::file_read(order, private, &file.name, file.path());
    files.iter().map(of).collect()
}

/// Says whether a name fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(after) = name.strip_prefix(begin) else { return false };
    after.char_indices().any(|(at, _)| fits(rest, &after[at..])) || fits(rest, "")
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(fits("*.csv", "a.csv") && fits("r*-*.csv", "r1-2.csv") && fits("*", "x"));
        assert!(!fits("*.csv", "a.csv.tmp") && !fits("a*b", "ac") && !fits("a*", "ba"));
    }
}
