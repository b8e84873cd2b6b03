//! Lakes: a folder now, by the `object_store` crate.
//!
//! An object's URI is `file:PATH` (relative to the project, or absolute) or `CONNECTION:KEY`.
//! No part of it may be `..`: a key never leaves its lake.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use object_store::local::LocalFileSystem;

use crate::connection::{ConnectionError, OpenConnection, find};

/// Where an object lies: a key below a lake's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// `file`, or the connection's name.
    pub lake: String,
    /// The lake's folder.
    pub root: PathBuf,
    /// Below `root`, with `/` between its parts; ends with `/` where a folder is meant.
    pub key: String,
}

impl Location {
    /// Reads a URI. Relative folders start at `project`.
    pub fn parse(
        uri: &str,
        connections: &BTreeMap<String, OpenConnection>,
        project: &Path,
    ) -> Result<Self, ConnectionError> {
        let not_a_uri = || ConnectionError::NotAUri { uri: uri.to_owned() };
        let (lake, key) = uri.split_once(':').ok_or_else(not_a_uri)?;
        if key.split('/').any(|part| part == "..") {
            return Err(ConnectionError::ClimbsOut { uri: uri.to_owned() });
        }
        let (root, key) = if lake == "file" {
            match key.strip_prefix('/') {
                Some(below) => (PathBuf::from("/"), below.trim_start_matches('/')),
                None => (project.to_path_buf(), key),
            }
        } else {
            let connection = find(connections, lake)?;
            (folder(connection, project)?, key.trim_start_matches('/'))
        };
        if key.is_empty() && lake == "file" {
            return Err(not_a_uri());
        }
        Ok(Self { lake: lake.to_owned(), root, key: key.to_owned() })
    }

    /// Says whether a folder is meant: into it, not over it.
    pub fn is_folder(&self) -> bool {
        self.key.is_empty() || self.key.ends_with('/')
    }

    /// Returns the last part of the key.
    pub fn file_name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or_default()
    }

    /// Returns the same place with `name` below it.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        let mut key = self.key.clone();
        if !key.is_empty() && !key.ends_with('/') {
            key.push('/');
        }
        key.push_str(name);
        Self { key, ..self.clone() }
    }

    /// Returns where it lies on disk.
    pub fn path(&self) -> PathBuf {
        self.root.join(&self.key)
    }

    /// Returns the URI.
    pub fn uri(&self) -> String {
        let slash = if self.lake == "file" && self.root == Path::new("/") { "/" } else { "" };
        format!("{}:{slash}{}", self.lake, self.key)
    }

    /// Opens the lake, making its folder where there is none.
    pub fn open(&self) -> Result<LocalFileSystem, ConnectionError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| ConnectionError::Open {
            name: self.lake.clone(),
            source,
        };
        std::fs::create_dir_all(&self.root).map_err(|error| failed(error.into()))?;
        let store =
            LocalFileSystem::new_with_prefix(&self.root).map_err(|error| failed(error.into()))?;
        Ok(store.with_fsync(true))
    }
}

/// Returns the folder of a `file:` connection.
pub fn folder(connection: &OpenConnection, project: &Path) -> Result<PathBuf, ConnectionError> {
    folder_of_url(&connection.url, project).ok_or_else(|| ConnectionError::Kind {
        name: connection.name.clone(),
        scheme: connection.scheme().to_owned(),
        expected: "a lake (`file:FOLDER`)",
    })
}

/// Returns the folder that a `file:FOLDER` URL names.
pub fn folder_of_url(url: &str, project: &Path) -> Option<PathBuf> {
    let path = url.strip_prefix("file:")?;
    let path = path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    Some(project.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lake() -> BTreeMap<String, OpenConnection> {
        let connection = |name: &str, url: &str| {
            let open =
                OpenConnection { name: name.into(), url: url.into(), options: BTreeMap::new() };
            (name.to_owned(), open)
        };
        BTreeMap::from([
            connection("lake", "file:data/lake"),
            connection("warehouse", "sqlite:w.db"),
        ])
    }

    fn parse(uri: &str) -> Result<Location, ConnectionError> {
        Location::parse(uri, &lake(), Path::new("/p"))
    }

    #[test]
    fn a_key_of_a_lake_lies_below_the_folder_of_its_connection() {
        let location = parse("lake:incoming/a b.csv").unwrap();
        assert_eq!(location.path(), Path::new("/p/data/lake/incoming/a b.csv"));
        assert_eq!(location.file_name(), "a b.csv");
        assert_eq!(location.uri(), "lake:incoming/a b.csv");
    }

    #[test]
    fn a_file_may_be_relative_to_the_project_or_absolute() {
        assert_eq!(parse("file:data/x.csv").unwrap().path(), Path::new("/p/data/x.csv"));
        let absolute = parse("file:/etc/x.csv").unwrap();
        assert_eq!(absolute.path(), Path::new("/etc/x.csv"));
        assert_eq!(absolute.uri(), "file:/etc/x.csv");
    }

    #[test]
    fn a_folder_url_may_have_two_slashes() {
        let project = Path::new("/p");
        assert_eq!(folder_of_url("file:///srv/lake", project).unwrap(), Path::new("/srv/lake"));
        assert_eq!(folder_of_url("file:lake", project).unwrap(), Path::new("/p/lake"));
        assert_eq!(folder_of_url("s3://lake", project), None);
    }

    #[test]
    fn a_path_that_climbs_out_is_refused() {
        for uri in ["lake:../secret", "lake:a/../../b", "file:../x", "lake:.."] {
            assert!(matches!(parse(uri), Err(ConnectionError::ClimbsOut { .. })), "{uri}");
        }
    }

    #[test]
    fn an_unknown_lake_is_named_with_what_was_meant() {
        let text = parse("lakes:a.csv").unwrap_err().to_string();
        assert_eq!(text, "there is no connection `lakes` (did you mean `lake`?)");
    }

    #[test]
    fn a_database_is_no_lake_and_a_bare_path_is_no_uri() {
        assert!(matches!(parse("warehouse:x"), Err(ConnectionError::Kind { .. })));
        assert!(matches!(parse("data/x.csv"), Err(ConnectionError::NotAUri { .. })));
    }
}
