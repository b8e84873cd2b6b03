//! Lakes: folders, and buckets of S3 and of servers that speak as S3 does, by the `object_store`
//! crate over our own HTTP.
//!
//! An object's URI is `file:PATH` (relative to the project, or absolute) or `CONNECTION:KEY`.
//! No part of it may be `..`: a key never leaves its lake.

mod bucket;
mod conditional;
mod error;
mod lake;
mod sink;
mod transfer;
mod transport;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use self::bucket::Patience;
pub use self::error::{LakeError, LakeFault};
pub use self::lake::{Lake, Listing, Object, Reach};
pub use self::sink::Hooks;
pub use self::transfer::{Arrived, Transfer};
use crate::connection::{ConnectionError, OpenConnection, find};
use crate::dag::s3::S3Spec;

/// Where an object lies: a key of a lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// `file`, or the connection's name.
    pub lake: String,
    pub root: Root,
    /// Below `root`, with `/` between its parts; ends with `/` where a folder is meant.
    pub key: String,
}

/// Where a lake lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    Folder(PathBuf),
    Bucket(Box<S3Spec>),
}

/// How a lake is opened.
#[derive(Debug, Clone, Copy)]
pub struct Manner<'a> {
    pub project: &'a Path,
    pub patience: Patience,
    /// The folder in which it is remembered what servers honour.
    pub memory: Option<&'a Path>,
}

impl Root {
    /// Takes a connection that is a lake.
    pub fn of(connection: &OpenConnection, project: &Path) -> Result<Self, ConnectionError> {
        if connection.scheme() != "s3" {
            return folder(connection, project).map(Self::Folder);
        }
        let broken = |problem| ConnectionError::Broken { name: connection.name.clone(), problem };
        bucket::spec(connection).map(|spec| Self::Bucket(Box::new(spec))).map_err(broken)
    }

    /// Opens the lake, making its folder where there is none. Of a bucket nothing is asked yet.
    pub fn open(&self, name: &str, manner: Manner<'_>) -> Result<Lake, ConnectionError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| ConnectionError::Open {
            name: name.to_owned(),
            source,
        };
        match self {
            Self::Folder(root) => {
                std::fs::create_dir_all(root).map_err(|error| failed(error.into()))?;
                Lake::of_folder(name, root).map_err(|error| failed(error.into()))
            }
            Self::Bucket(spec) => {
                let memory = manner.memory.map(Path::to_path_buf);
                let spec = spec.as_ref().clone();
                let open = bucket::Bucket::open(spec, manner.project, manner.patience, memory);
                open.map(|bucket| Lake::of_bucket(name, bucket)).map_err(|why| failed(why.into()))
            }
        }
    }
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
            let root = Root::of(find(connections, lake)?, project)?;
            let key = key.trim_start_matches('/').to_owned();
            return Ok(Self { lake: lake.to_owned(), root, key });
        };
        if key.is_empty() {
            return Err(not_a_uri());
        }
        Ok(Self { lake: lake.to_owned(), root: Root::Folder(root), key: key.to_owned() })
    }

    /// Says whether a folder is meant: into it, not over it.
    pub fn is_folder(&self) -> bool {
        self.key.is_empty() || self.key.ends_with('/')
    }

    /// Returns the last part of the key.
    pub fn file_name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or_default()
    }

    /// Returns the key of `name` below it.
    pub fn key_of(&self, name: &str) -> String {
        let slash = if self.key.is_empty() || self.key.ends_with('/') { "" } else { "/" };
        format!("{}{slash}{name}", self.key)
    }

    /// Returns the parts of the key: a pattern, where `*` is in one of them.
    pub fn parts(&self) -> Vec<String> {
        self.key.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// Returns where it lies on this machine, where it does.
    pub fn path(&self) -> Option<PathBuf> {
        match &self.root {
            Root::Folder(root) => Some(root.join(&self.key)),
            Root::Bucket(_) => None,
        }
    }

    /// Returns the URI.
    pub fn uri(&self) -> String {
        let slash = match &self.root {
            Root::Folder(root) if self.lake == "file" && root == Path::new("/") => "/",
            _ => "",
        };
        format!("{}:{slash}{}", self.lake, self.key)
    }

    /// Opens the lake that it lies in.
    pub fn open(&self, manner: Manner<'_>) -> Result<Lake, ConnectionError> {
        self.root.open(&self.lake, manner)
    }
}

/// Returns the folder of a `file:` connection.
pub fn folder(connection: &OpenConnection, project: &Path) -> Result<PathBuf, ConnectionError> {
    folder_of_url(&connection.url, project).ok_or_else(|| ConnectionError::Kind {
        name: connection.name.clone(),
        scheme: connection.scheme().to_owned(),
        expected: "a lake (`file:FOLDER` or `s3://BUCKET`)",
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
        assert_eq!(location.path().unwrap(), Path::new("/p/data/lake/incoming/a b.csv"));
        assert_eq!(location.file_name(), "a b.csv");
        assert_eq!(location.uri(), "lake:incoming/a b.csv");
    }

    #[test]
    fn a_file_may_be_relative_to_the_project_or_absolute() {
        assert_eq!(parse("file:data/x.csv").unwrap().path().unwrap(), Path::new("/p/data/x.csv"));
        let absolute = parse("file:/etc/x.csv").unwrap();
        assert_eq!(absolute.path().unwrap(), Path::new("/etc/x.csv"));
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

    #[test]
    fn a_bucket_has_keys_and_no_path() {
        let options = [("region", "r"), ("access_key_id", "id"), ("secret_access_key", "tiger")];
        let options = options.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut lake = OpenConnection {
            name: "s".into(),
            url: "s3://bucket/raw".into(),
            options: options.into(),
        };
        let connections = BTreeMap::from([("s".to_owned(), lake.clone())]);
        let found = Location::parse("s:in/a.csv", &connections, Path::new("/p")).unwrap();
        assert_eq!((found.path(), found.uri().as_str()), (None, "s:in/a.csv"));
        lake.options.remove("secret_access_key");
        let connections = BTreeMap::from([("s".to_owned(), lake)]);
        let error = Location::parse("s:in/a.csv", &connections, Path::new("/p")).unwrap_err();
        let text = "connection `s`: the bucket lacks its `secret_access_key`";
        assert_eq!(error.to_string(), text);
    }
}
