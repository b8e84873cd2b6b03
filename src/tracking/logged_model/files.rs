//! The files of a logged model, as they lie below the folder of artifacts.

use std::path::Path;
use std::{fs, io};

use crate::tracking::artifact;
use crate::types::Fault;

/// Something that lies in a folder of a logged model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// From the model's own folder on.
    pub path: String,
    /// `None` of a folder.
    pub size: Option<u64>,
}

/// Lists what lies right in a folder of the model, by name; nothing where there is no such folder.
/// `artifacts` is the project's folder of them. Files that lie elsewhere (`s3://…`) are not looked for.
pub fn list(artifacts: &Path, artifact_uri: &str, below: &str) -> Result<Vec<FileInfo>, Fault> {
    let Some(root) = artifact::place(artifacts, artifact_uri) else { return Ok(Vec::new()) };
    let below = below.trim_matches('/');
    if !below.is_empty() {
        artifact::check_path(below).map_err(|error| {
            Fault::invalid(format!("Invalid path: {below}")).caused_by(Some(&error))
        })?;
    }
    let found = match fs::read_dir(root.join(below)) {
        Ok(entries) => entries.map(|entry| info(&entry?, below)).collect::<io::Result<Vec<_>>>(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let found = found.map_err(|error| {
        Fault::unavailable(format!("list `{artifact_uri}`")).caused_by(Some(&error))
    })?;
    let mut found: Vec<FileInfo> = found.into_iter().filter(|file| !is_temporary(file)).collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Files of one answer, and folders within folders, at most.
const FILES_MAX: usize = 1_000;
const DEPTH_MAX: usize = 8;

/// Lists all files of the model, by path, with their sizes.
pub fn all(artifacts: &Path, artifact_uri: &str) -> Result<Vec<(String, u64)>, Fault> {
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), 0)];
    while let Some((below, depth)) = folders.pop() {
        for file in list(artifacts, artifact_uri, &below)? {
            match file.size {
                Some(size) => found.push((file.path, size)),
                None if depth < DEPTH_MAX => folders.push((file.path, depth + 1)),
                None => {}
            }
        }
        if found.len() >= FILES_MAX {
            break;
        }
    }
    found.sort();
    found.truncate(FILES_MAX);
    Ok(found)
}

fn info(entry: &fs::DirEntry, below: &str) -> io::Result<FileInfo> {
    let metadata = entry.metadata()?;
    let name = entry.file_name().to_string_lossy().into_owned();
    let path = if below.is_empty() { name } else { format!("{below}/{name}") };
    Ok(FileInfo { path, size: metadata.is_file().then_some(metadata.len()) })
}

/// What is still being written has a name of its own.
fn is_temporary(file: &FileInfo) -> bool {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    artifact::is_unfinished(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_files_are_told_and_nothing_outside() {
        let dir = tempfile::tempdir().unwrap();
        let uri = "mlflow-artifacts:/1/models/m-1/artifacts";
        let at = dir.path().join("1/models/m-1/artifacts");
        fs::create_dir_all(at.join("data")).unwrap();
        fs::write(at.join("MLmodel"), "12").unwrap();
        fs::write(at.join(".MLmodel.x.tmp"), "1").unwrap();
        fs::write(at.join("data/model.json"), "123").unwrap();
        let of = |path: &str, size| FileInfo { path: path.into(), size };
        let found = list(dir.path(), uri, "").unwrap();
        assert_eq!(found, [of("MLmodel", Some(2)), of("data", None)]);
        assert_eq!(list(dir.path(), uri, "data/").unwrap(), [of("data/model.json", Some(3))]);
        let all = all(dir.path(), uri).unwrap();
        assert_eq!(all, [("MLmodel".to_owned(), 2), ("data/model.json".to_owned(), 3)]);
        assert_eq!(list(dir.path(), uri, "none").unwrap(), []);
        assert_eq!(list(dir.path(), "s3://b/m", "").unwrap(), []);
        assert!(list(dir.path(), uri, "../../..").is_err());
        assert_eq!(artifact::place(dir.path(), "mlflow-artifacts:/1/../../x"), None);
    }
}
