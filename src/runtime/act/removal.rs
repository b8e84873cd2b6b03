//! Folders of deleted runs: moved out of the way at once, so that a run that is made anew under
//! the same id finds none, then removed. The store remembers each until it has been moved: what a
//! crash interrupts is made good at the next start.
//!
//! ```text
//! commit (row gone, removal noted) ─► rename to .removed/NAME ─► removal forgotten ─► removed
//! ```
//! A removal that is noted and whose target exists was moved: the folder that now bears the
//! run's name is another run's.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::runtime::layout::Layout;
use crate::runtime::promotion::off_thread;
use crate::store::{Store, dag_run};
use crate::types::Fault;
use crate::types::run::DagRunKey;

/// Moves the folder of a run out of the way. `false`: it could not be; the next start tries
/// again.
pub(super) fn move_away(layout: &Layout, run: &DagRunKey, removal: &str) -> bool {
    let target = layout.removed_dir().join(removal);
    if target.exists() {
        return true;
    }
    let moved = fs::create_dir_all(layout.removed_dir())
        .and_then(|()| fs::rename(folder(layout, run), target));
    match moved {
        Ok(()) => true,
        // A run that had no attempt has no folder.
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => {
            tracing::warn!(run = %run.dag_run_id, %error, "could not remove the folder of a run");
            false
        }
    }
}

fn folder(layout: &Layout, run: &DagRunKey) -> PathBuf {
    layout.folder_of_run(&run.dag_id, &run.dag_run_id)
}

/// Forgets the removal, then removes what was moved.
pub(super) async fn finish(layout: &Layout, store: &Store, removal: String) {
    let name = removal.clone();
    if let Err(error) = store.write(move |tx| dag_run::removed(tx, &name)).await {
        // It is still noted: the next start goes on from here.
        tracing::warn!(%error, "could not note the removal of a run");
        return;
    }
    tracing::trace!(step = "removed");
    remove_all(layout, Some(removal)).await;
}

/// Makes good what a crash interrupted; before anything is launched.
pub(crate) async fn make_good(layout: &Layout, store: &Store) -> Result<(), Fault> {
    for (removal, run) in store.read(dag_run::removals).await? {
        if move_away(layout, &run, &removal) {
            store.write(move |tx| dag_run::removed(tx, &removal)).await?;
        }
    }
    let layout = layout.clone();
    tokio::spawn(async move { remove_all(&layout, None).await });
    Ok(())
}

/// Removes one of the moved folders, or all.
async fn remove_all(layout: &Layout, one: Option<String>) {
    let folder = match one {
        Some(name) => layout.removed_dir().join(name),
        None => layout.removed_dir(),
    };
    let removed = off_thread(move || match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Fault::internal(&error)),
        _ => Ok(()),
    });
    if let Err(fault) = removed.await {
        tracing::warn!(%fault, "could not remove the folder of a deleted run");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sched::Change;
    use crate::store::sample;
    use crate::types::DagRunState;

    fn write(layout: &Layout, run: &DagRunKey, text: &str) {
        fs::create_dir_all(folder(layout, run)).unwrap();
        fs::write(folder(layout, run).join("x"), text).unwrap();
    }

    /// A store in which a run was deleted, and its folder not yet moved.
    async fn deleted() -> (tempfile::TempDir, Layout, Store, DagRunKey) {
        let (dir, store) = sample::store();
        let layout = Layout::new(dir.path());
        let run = sample::run("etl", "r1", 0, DagRunState::Failed);
        let key = run.key();
        write(&layout, &key, "old");
        let delete = Change::DeleteDagRun { run: key.clone(), removal: "7-1".into() };
        store.commit(vec![Change::PutDagRun(run), delete]).await.unwrap();
        (dir, layout, store, key)
    }

    async fn noted(store: &Store) -> usize {
        store.read(dag_run::removals).await.unwrap().len()
    }

    #[tokio::test]
    async fn a_crash_before_the_folder_was_moved_is_made_good() {
        let (_dir, layout, store, run) = deleted().await;
        assert_eq!(noted(&store).await, 1);
        make_good(&layout, &store).await.unwrap();
        assert_eq!(noted(&store).await, 0);
        assert!(!folder(&layout, &run).exists());
    }

    #[tokio::test]
    async fn a_run_made_anew_under_the_same_id_keeps_its_folder() {
        let (_dir, layout, store, run) = deleted().await;
        assert!(move_away(&layout, &run, "7-1"));
        write(&layout, &run, "new");
        // The crash came before the removal was forgotten.
        make_good(&layout, &store).await.unwrap();
        assert_eq!(fs::read_to_string(folder(&layout, &run).join("x")).unwrap(), "new");
        assert_eq!(noted(&store).await, 0);
    }

    #[tokio::test]
    async fn what_was_moved_is_removed_in_the_end() {
        let (_dir, layout, store, run) = deleted().await;
        assert!(move_away(&layout, &run, "7-1"));
        assert!(layout.removed_dir().join("7-1").exists());
        finish(&layout, &store, "7-1".into()).await;
        assert!(!layout.removed_dir().join("7-1").exists());
        assert_eq!(noted(&store).await, 0);
        assert!(move_away(&layout, &run, "7-2"), "there is no folder any more");
    }
}
