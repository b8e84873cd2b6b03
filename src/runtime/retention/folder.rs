//! The folders of what was deleted. A folder is renamed away first, which is one step, and then
//! deleted at leisure: what a crash leaves in `trash` goes at the next start.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::runtime::layout::Layout;
use crate::store::prune::DeletedFolder;
use crate::types::Timestamp;
use crate::types::run::DagRunKey;

/// The log of an attempt, and what its process said outside of it.
const LOGS: [&str; 2] = ["task.log", "wrapper.log"];

/// Renames a folder into the trash; one that is not there is no matter.
pub(super) fn to_trash(layout: &Layout, deleted: &DeletedFolder) -> io::Result<()> {
    let Some(folder) = path_of(layout, deleted) else { return Ok(()) };
    let trash = layout.trash_dir();
    DirBuilder::new().recursive(true).mode(0o700).create(&trash)?;
    let name = uuid::Uuid::new_v4().simple().to_string();
    match fs::rename(&folder, trash.join(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn path_of(layout: &Layout, deleted: &DeletedFolder) -> Option<PathBuf> {
    match deleted {
        DeletedFolder::Run(run) => Some(layout.folder_of_run(&run.dag_id, &run.dag_run_id)),
        DeletedFolder::Artifacts { artifact_uri } => {
            let below = artifact_uri.strip_prefix("mlflow-artifacts:/")?;
            let is_plain = |part: &str| !part.is_empty() && part != ".." && part != ".";
            below.split('/').all(is_plain).then(|| layout.artifacts_dir().join(below))
        }
    }
}

/// Deletes files that were being sent, and to which nothing has come since `before`.
pub(super) fn forget_unfinished(layout: &Layout, before: Timestamp) {
    let Ok(entries) = fs::read_dir(layout.incoming_dir()) else { return };
    for entry in entries.flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let is_old = modified.is_ok_and(|at| Timestamp::try_from(at).is_ok_and(|at| at < before));
        if is_old && let Err(error) = fs::remove_file(entry.path()) {
            tracing::warn!(%error, "an artifact that was never finished stays");
        }
    }
}

/// Deletes what is in the trash.
pub(super) fn empty_trash(layout: &Layout) {
    let Ok(entries) = fs::read_dir(layout.trash_dir()) else { return };
    for entry in entries.flatten() {
        if let Err(error) = fs::remove_dir_all(entry.path()) {
            tracing::warn!(%error, "could not empty the trash; it is tried again");
        }
    }
}

pub(super) fn bytes_of_run(layout: &Layout, run: &DagRunKey) -> u64 {
    let mut bytes = 0;
    walk(&layout.folder_of_run(&run.dag_id, &run.dag_run_id), &mut |_, len| bytes += len);
    bytes
}

pub(super) fn bytes_of_logs(layout: &Layout, run: &DagRunKey) -> u64 {
    let mut bytes = 0;
    walk(&layout.folder_of_run(&run.dag_id, &run.dag_run_id), &mut |path, len| {
        if is_log(path) {
            bytes += len;
        }
    });
    bytes
}

/// Deletes the logs of a run; its other files stay.
pub(super) fn delete_logs(layout: &Layout, run: &DagRunKey) {
    walk(&layout.folder_of_run(&run.dag_id, &run.dag_run_id), &mut |path, _| {
        if is_log(path)
            && let Err(error) = fs::remove_file(path)
        {
            tracing::warn!(%error, path = %path.display(), "could not delete a log");
        }
    });
}

fn is_log(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| LOGS.contains(&name))
}

/// Visits every file below a folder with its length; links are not followed.
fn walk(folder: &Path, visit: &mut dyn FnMut(&Path, u64)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            walk(&entry.path(), visit);
        } else if let Ok(found) = entry.metadata() {
            visit(&entry.path(), found.len());
        }
    }
}
