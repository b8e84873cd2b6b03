//! Artifacts: files below `.dagdeck/artifacts/<experiment_id>/<run_id>/artifacts/`, and the
//! record of them in the store. What clients of MLflow send may lie elsewhere below
//! `.dagdeck/artifacts`, too: logged models do.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use crate::store::{Store, StoreError, row};
use crate::tracking::run;
use crate::types::TrackingRunId;

/// Returns the folder of a run's artifacts, below the state folder `.dagdeck`.
pub fn folder(state_dir: &Path, experiment_id: &str, run_id: &TrackingRunId) -> PathBuf {
    state_dir.join("artifacts").join(experiment_id).join(run_id.as_str()).join("artifacts")
}

/// Writes one artifact (temp file, fsync, rename); `path` is relative and may not climb out.
pub fn write(folder: &Path, path: &str, bytes: &[u8]) -> io::Result<()> {
    check_path(path)?;
    let target = folder.join(path);
    let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
        return Err(refused(path, "it names no file"));
    };
    DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    // Two writers of one artifact must not share the temporary file.
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.tmp", uuid::Uuid::new_v4().simple()));
    let temporary = parent.join(temporary);
    let written = write_through(&temporary, bytes).and_then(|()| fs::rename(&temporary, &target));
    if let Err(error) = written {
        // What is left of it is of no use; the first error is the one that matters.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    File::open(parent)?.sync_all()
}

fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Says whether a file's name is one that is still being written, or that a kill left so.
pub fn is_unfinished(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".tmp")
}

/// Refuses a path that is empty, absolute, or leads anywhere but down.
pub fn check_path(path: &str) -> io::Result<()> {
    if path.is_empty() {
        return Err(refused(path, "it is empty"));
    }
    if path.ends_with('/') {
        return Err(refused(path, "it names a folder"));
    }
    if path.contains(['\0', '\\']) {
        return Err(refused(path, "it holds a character that is not allowed"));
    }
    for component in Path::new(path).components() {
        match component {
            Component::Normal(_) => {}
            Component::RootDir | Component::Prefix(_) => {
                return Err(refused(path, "it is absolute"));
            }
            Component::ParentDir | Component::CurDir => {
                return Err(refused(path, "it holds `.` or `..`"));
            }
        }
    }
    Ok(())
}

fn refused(path: &str, why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("`{path}` is no path of an artifact: {why}"),
    )
}

/// Returns the digest of a file's bytes, as it is noted.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Notes an artifact that has been written: its path, size and digest. Noted again it is
/// replaced.
pub fn record(
    store: &Store,
    run_id: &TrackingRunId,
    path: &str,
    bytes: &[u8],
) -> Result<(), StoreError> {
    let (run_id, path) = (run_id.clone(), path.to_owned());
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let sha256 = sha256(bytes);
    store.write_blocking(move |tx| {
        run::require(tx, &run_id)?;
        let sql = "INSERT OR REPLACE INTO artifacts (run_id, path, size, sha256)
            VALUES (?1, ?2, ?3, ?4)";
        row::execute(tx, sql, params![run_id.as_str(), path, size, sha256]).map(drop)
    })
}

/// Notes a file at a path below `.dagdeck/artifacts`: with its run, where it is one of a run's.
pub fn note(conn: &Connection, path: &str, size: u64, sha256: &str) -> Result<(), StoreError> {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    if let Some((run_id, within)) = owner(conn, path)? {
        let sql = "INSERT OR REPLACE INTO artifacts (run_id, path, size, sha256)
            VALUES (?1, ?2, ?3, ?4)";
        return row::execute(conn, sql, params![run_id.as_str(), within, size, sha256]).map(drop);
    }
    let sql = "INSERT OR REPLACE INTO artifact_file (path, size, sha256) VALUES (?1, ?2, ?3)";
    row::execute(conn, sql, params![path, size, sha256]).map(drop)
}

/// Forgets a file, or all files of a folder, at a path below `.dagdeck/artifacts`.
pub fn forget(conn: &Connection, path: &str) -> Result<(), StoreError> {
    // `0` is what comes after `/`.
    let sql = "DELETE FROM artifact_file
        WHERE path = ?1 OR (path > ?1 || '/' AND path < ?1 || '0')";
    row::execute(conn, sql, [path])?;
    // A folder above those of runs is theirs as well.
    let uri = format!("{PROXY}{path}");
    let sql = "DELETE FROM artifacts WHERE run_id IN (SELECT run_id FROM runs
            WHERE artifact_uri = ?1 OR (artifact_uri > ?1 || '/' AND artifact_uri < ?1 || '0'))";
    row::execute(conn, sql, [&uri])?;
    let Some((run_id, within)) = owner(conn, path)? else { return Ok(()) };
    let sql = "DELETE FROM artifacts WHERE run_id = ?1
        AND (path = ?2 OR (path > ?2 || '/' AND path < ?2 || '0'))";
    row::execute(conn, sql, [run_id.as_str(), &within]).map(drop)
}

/// Returns the digest that was noted of a file at a path below `.dagdeck/artifacts`.
pub fn digest(conn: &Connection, path: &str) -> Result<Option<String>, StoreError> {
    let read = |row: &rusqlite::Row<'_>| Ok(row.get(0)?);
    match owner(conn, path)? {
        Some((run_id, within)) => {
            let sql = "SELECT sha256 FROM artifacts WHERE run_id = ?1 AND path = ?2";
            row::first(conn, sql, [run_id.as_str(), &within], read)
        }
        None => row::first(conn, "SELECT sha256 FROM artifact_file WHERE path = ?1", [path], read),
    }
}

/// Returns the run whose artifacts a path is among, and where it lies among them.
fn owner(conn: &Connection, path: &str) -> Result<Option<(TrackingRunId, String)>, StoreError> {
    let parts: Vec<&str> = path.split('/').collect();
    for at in 0..parts.len().saturating_sub(2) {
        let (run_id, uri) = (parts[at], format!("{PROXY}{}", parts[..=at + 1].join("/")));
        let sql = "SELECT 1 FROM runs WHERE run_id = ?1 AND artifact_uri = ?2";
        if row::first(conn, sql, [run_id, &uri], |_| Ok(()))?.is_some() {
            return Ok(Some((TrackingRunId::new(run_id), parts[at + 2..].join("/"))));
        }
    }
    Ok(None)
}

/// Returns where below `.dagdeck/artifacts` a URI of artifacts leads; `None` where it leads
/// elsewhere.
pub fn below(artifact_uri: &str) -> Option<&str> {
    artifact_uri.strip_prefix("mlflow-artifacts:")?.strip_prefix('/')
}

/// Returns the folder that a URI of artifacts names, below the project's folder of `artifacts`;
/// `None` of what lies elsewhere or climbs.
pub fn place(artifacts: &Path, artifact_uri: &str) -> Option<PathBuf> {
    let below = below(artifact_uri)?.trim_matches('/');
    check_path(below).ok()?;
    Some(artifacts.join(below))
}

/// How URIs of artifacts begin that lie here.
const PROXY: &str = "mlflow-artifacts:/";

/// Reads at most `max` bytes of one artifact from its beginning.
pub fn read(folder: &Path, path: &str, max: u64) -> io::Result<Vec<u8>> {
    check_path(path)?;
    let mut bytes = Vec::new();
    File::open(folder.join(path))?.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns the text that the beginning of a file is; `None` where it is none. A character that the
/// end of what was read cuts in two is left out.
pub fn text(mut bytes: Vec<u8>) -> Option<String> {
    if let Err(error) = std::str::from_utf8(&bytes) {
        if error.error_len().is_some() {
            return None;
        }
        bytes.truncate(error.valid_up_to());
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// Lists a run's artifacts with their sizes, by path.
pub(crate) fn of_run(
    conn: &Connection,
    run_id: &TrackingRunId,
) -> Result<Vec<(String, u64)>, StoreError> {
    let sql = "SELECT path, size FROM artifacts WHERE run_id = ?1 ORDER BY path";
    row::all(conn, sql, [run_id.as_str()], |row| {
        let size: i64 = row.get("size")?;
        Ok((row.get("path")?, u64::try_from(size).unwrap_or(0)))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn an_artifact_is_written_whole_for_its_owner_and_replaces_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let run = TrackingRunId::new("r1");
        let folder = folder(dir.path(), "1", &run);
        write(&folder, "model/model.json", b"old").unwrap();
        write(&folder, "model/model.json", b"{}").unwrap();
        let file = dir.path().join("artifacts/1/r1/artifacts/model/model.json");
        assert_eq!(fs::read(&file).unwrap(), b"{}");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let model = file.parent().unwrap();
        assert_eq!(model.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(model).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_path_that_is_not_below_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let paths =
            ["", "/etc/passwd", "..", "a/../../b", "./a", "a/", "a\\b", "a\0b", "../x", "a/.."];
        for path in paths {
            let error = write(dir.path(), path, b"x").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{path}");
            assert!(error.to_string().contains("no path of an artifact"), "{error}");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_beginning_of_a_text_is_read_and_what_is_no_text_is_told() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "notes.txt", "año".as_bytes()).unwrap();
        assert_eq!(text(read(dir.path(), "notes.txt", 100).unwrap()).as_deref(), Some("año"));
        assert_eq!(text(read(dir.path(), "notes.txt", 2).unwrap()).as_deref(), Some("a"));
        assert_eq!(text(b"\x89PNG\r\n".to_vec()), None);
        assert_eq!(text(b"a\0b".to_vec()), None);
        assert!(read(dir.path(), "../notes.txt", 9).is_err());
        assert!(read(dir.path(), "none", 9).is_err());
    }

    #[test]
    fn a_write_that_fails_leaves_no_temporary_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("model/full")).unwrap();
        fs::write(dir.path().join("model/full/x"), "x").unwrap();
        assert!(write(dir.path(), "model/full", b"x").is_err());
        assert_eq!(fs::read_dir(dir.path().join("model")).unwrap().count(), 1);
    }
}
