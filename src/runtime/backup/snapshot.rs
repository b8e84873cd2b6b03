//! A copy of the database as it stands at one moment, and which files it refers to.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::runtime::backup::io;
use crate::runtime::layout::Layout;
use crate::tracking::artifact;
use crate::types::Fault;

/// Writers go on meanwhile; only a checkpoint may be in the way, for a moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Since which schema there are artifacts that are of no run, such as those of logged models.
const OTHER_FILES: i64 = 17;

/// A snapshot, deleted when it is dropped.
pub(super) struct Snapshot {
    path: PathBuf,
    conn: Connection,
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // It lies in the state folder, for nobody else's eyes; what is left of it does no harm.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Snapshot {
    /// Takes one. The project's own connections neither wait nor are waited for.
    pub(super) fn take(layout: &Layout) -> Result<Self, Fault> {
        let path = layout.state_dir().join(format!("backup-{}.db", uuid::Uuid::new_v4().simple()));
        // Made here, for its owner only; SQLite takes an empty file for a new one.
        let what = format!("make the snapshot `{}`", path.display());
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(io(what))?;
        match Self::fill(layout, &path) {
            Ok(conn) => Ok(Self { path, conn }),
            Err(error) => {
                let _ = std::fs::remove_file(&path);
                Err(Fault::from(crate::store::StoreError::from(error)))
            }
        }
    }

    fn fill(layout: &Layout, path: &Path) -> rusqlite::Result<Connection> {
        let live = Connection::open_with_flags(
            layout.database(),
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        live.busy_timeout(BUSY_TIMEOUT)?;
        live.execute("VACUUM INTO ?1", [path.to_string_lossy()])?;
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn schema(&self) -> Result<i64, Fault> {
        self.ask("PRAGMA user_version", |row| row.get(0)).map(|found| found[0])
    }

    /// Returns the folders of its runs, and of the artifacts of its tracked runs.
    pub(super) fn folders(&self, layout: &Layout) -> Result<Vec<PathBuf>, Fault> {
        let mut folders = self.ask("SELECT dag_id, dag_run_id FROM dag_run", |row| {
            let (dag_id, run_id): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(layout.folder_of_run(&dag_id.into(), &run_id.into()))
        })?;
        let artifacts = self.ask("SELECT artifact_uri FROM runs", |row| row.get(0))?;
        let below = artifacts.iter().filter_map(|uri: &String| artifact::below(uri));
        folders.extend(below.map(|below| layout.artifacts_dir().join(below)));
        Ok(folders)
    }

    /// Returns the artifacts that it knows: their files, with what they are called.
    pub(super) fn artifacts(&self, layout: &Layout) -> Result<Vec<PathBuf>, Fault> {
        let sql = "SELECT r.artifact_uri || '/' || a.path FROM artifacts AS a
            JOIN runs AS r ON r.run_id = a.run_id";
        let of_runs = self.ask(sql, |row| row.get(0))?;
        let mut paths: Vec<PathBuf> = of_runs
            .iter()
            .filter_map(|uri: &String| artifact::below(uri))
            .map(|below| layout.artifacts_dir().join(below))
            .collect();
        if self.schema()? >= OTHER_FILES {
            let others = self.ask("SELECT path FROM artifact_file", |row| row.get(0))?;
            paths.extend(others.iter().map(|path: &String| layout.artifacts_dir().join(path)));
        }
        Ok(paths)
    }

    fn ask<R>(
        &self,
        sql: &str,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<R>,
    ) -> Result<Vec<R>, Fault> {
        let found = self.conn.prepare(sql).and_then(|mut statement| {
            statement.query_map([], read)?.collect::<rusqlite::Result<Vec<R>>>()
        });
        found.map_err(|error| Fault::from(crate::store::StoreError::from(error)))
    }
}
