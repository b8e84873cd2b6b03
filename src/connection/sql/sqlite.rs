//! SQLite: a database in a file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use crate::connection::sql::EXPECTED;
use crate::connection::{ConnectionError, OpenConnection};

/// How long a statement waits for another writer of the user's database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Opens the database of a `sqlite:PATH` connection, making it (and its folder) where there is
/// none. Its journal mode is left as it is: the database is the user's.
pub fn open(connection: &OpenConnection, project: &Path) -> Result<Connection, ConnectionError> {
    let path = path(connection, project)?;
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| ConnectionError::Open {
        name: connection.name.clone(),
        source,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| failed(error.into()))?;
    }
    let database = Connection::open(&path).map_err(|error| failed(error.into()))?;
    database.busy_timeout(BUSY_TIMEOUT).map_err(|error| failed(error.into()))?;
    Ok(database)
}

/// Returns the file of a `sqlite:PATH` connection.
pub fn path(connection: &OpenConnection, project: &Path) -> Result<PathBuf, ConnectionError> {
    let wrong = || ConnectionError::Kind {
        name: connection.name.clone(),
        scheme: connection.scheme().to_owned(),
        expected: EXPECTED,
    };
    let path = connection.url.strip_prefix("sqlite:").ok_or_else(wrong)?;
    let path = path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    if path.is_empty() {
        return Err(wrong());
    }
    Ok(project.join(path))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn connection(url: &str) -> OpenConnection {
        OpenConnection { name: "w".into(), url: url.into(), options: BTreeMap::new() }
    }

    #[test]
    fn the_file_and_its_folder_are_made() {
        let project = tempfile::tempdir().unwrap();
        let database = open(&connection("sqlite:a/b/w.db"), project.path()).unwrap();
        database.execute_batch("create table t (x)").unwrap();
        assert!(project.path().join("a/b/w.db").exists());
    }

    #[test]
    fn another_scheme_is_refused_without_showing_the_url() {
        let text =
            open(&connection("file://u:secret@h/db"), Path::new("/p")).unwrap_err().to_string();
        assert_eq!(
            text,
            "connection `w` is a `file:` connection where a database (`sqlite:PATH` or \
             `postgres://…`) is needed"
        );
    }
}
