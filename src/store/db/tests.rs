//! Opening, group commit, refusals, and a disk that is full.

use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc;

use super::*;
use crate::store::fault::injection;
use crate::store::{meta, row, sample};

fn put(store: &Store, key: &'static str) -> Result<(), StoreError> {
    store.write_blocking(move |tx| meta::put(tx, key, "x"))
}

fn has(store: &Store, key: &str) -> bool {
    store.read_blocking(|conn| meta::get(conn, key)).unwrap().is_some()
}

/// Occupies the writer until the returned sender is dropped, so that jobs gather behind it.
fn occupy(store: &Store) -> (mpsc::Sender<()>, std::thread::JoinHandle<()>) {
    let (release, held) = mpsc::channel::<()>();
    let (started, has_started) = mpsc::channel();
    let store = store.clone();
    let thread = std::thread::spawn(move || {
        let hold = move |_: &Transaction<'_>| {
            started.send(()).unwrap();
            let _ = held.recv();
            Ok(())
        };
        store.write_blocking(hold).unwrap();
    });
    has_started.recv().unwrap();
    (release, thread)
}

/// Queues a job and returns where its result arrives.
fn queue(
    store: &Store,
    f: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError> + Send + 'static,
) -> mpsc::Receiver<Result<(), StoreError>> {
    let (reply, result) = mpsc::channel();
    let job = job(f, move |result| reply.send(result).unwrap());
    store.queue().unwrap().send(Box::new(job)).map_err(|_| "closed").unwrap();
    result
}

#[test]
fn a_new_file_is_for_its_owner_only() {
    let (dir, store) = sample::store();
    put(&store, "a").unwrap();
    for name in ["dagdeck.db", "dagdeck.db-wal", "dagdeck.db-shm"] {
        let mode = dir.path().join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn what_was_written_is_there_when_it_is_opened_again() {
    let (dir, store) = sample::store();
    put(&store, "a").unwrap();
    assert!(store.size_bytes() > 0);
    drop(store);
    let wal = dir.path().join("dagdeck.db-wal");
    assert!(!wal.exists(), "the last one to close folds the log into the file");
    let store = Store::open(&dir.path().join("dagdeck.db")).unwrap();
    assert!(has(&store, "a"));
}

#[test]
fn a_refused_closure_undoes_itself_and_not_its_neighbours() {
    let (_dir, store) = sample::store();
    let (release, thread) = occupy(&store);
    let before = queue(&store, |tx| meta::put(tx, "before", "x"));
    let refused = queue(&store, |tx| {
        meta::put(tx, "refused", "x")?;
        Err(Fault::invalid("no").into())
    });
    let panicked = queue(&store, |tx| {
        meta::put(tx, "panicked", "x")?;
        panic!("a bug")
    });
    let after = queue(&store, |tx| meta::put(tx, "after", "x"));
    drop(release);
    thread.join().unwrap();
    before.recv().unwrap().unwrap();
    after.recv().unwrap().unwrap();
    assert!(matches!(refused.recv().unwrap(), Err(StoreError::Refused(f)) if f.message == "no"));
    assert!(matches!(panicked.recv().unwrap(), Err(StoreError::Refused(f))
        if f.kind == FaultKind::Internal));
    let found: Vec<bool> =
        ["before", "refused", "panicked", "after"].iter().map(|key| has(&store, key)).collect();
    assert_eq!(found, [true, false, false, true]);
}

#[test]
fn a_commit_that_fails_fails_everyone_who_waits_for_it() {
    let (_dir, store) = sample::store();
    let (release, thread) = occupy(&store);
    // The writes of this group: `one`, `three`, and the commit.
    let armed = queue(&store, |_| {
        injection::arm(3);
        Ok(())
    });
    let one = queue(&store, |tx| meta::put(tx, "one", "x"));
    let two = queue(&store, |_| Err(Fault::invalid("no").into()));
    let three = queue(&store, |tx| meta::put(tx, "three", "x"));
    drop(release);
    thread.join().unwrap();
    assert!(armed.recv().unwrap().is_err());
    assert!(matches!(one.recv().unwrap(), Err(StoreError::Sqlite(_))));
    assert!(matches!(two.recv().unwrap(), Err(StoreError::Refused(_))));
    assert!(matches!(three.recv().unwrap(), Err(StoreError::Sqlite(_))));
    assert!(!has(&store, "one") && !has(&store, "three"));
    put(&store, "later").unwrap();
    assert!(has(&store, "later"));
}

#[test]
fn blocking_calls_work_inside_the_async_runtime_too() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (_dir, store) = sample::store();
        put(&store, "blocking").unwrap();
        store.write(|tx| meta::put(tx, "async", "x")).await.unwrap();
        let found = store.read(|conn| meta::get(conn, "async")).await.unwrap();
        assert_eq!(found.as_deref(), Some("x"));
        assert!(has(&store, "blocking"));
    });
}

#[test]
fn more_writers_than_the_queue_holds_all_get_through() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (_dir, store) = sample::store();
        let writes = (0..3 * QUEUE_LEN_MAX).map(|i| {
            let store = store.clone();
            tokio::spawn(
                async move { store.write(move |tx| meta::put(tx, &format!("{i}"), "x")).await },
            )
        });
        for write in writes.collect::<Vec<_>>() {
            write.await.unwrap().unwrap();
        }
        let count = |conn: &Connection| row::count(conn, "SELECT count(*) FROM meta", []);
        assert_eq!(store.read_blocking(count).unwrap(), 3 * QUEUE_LEN_MAX as u64);
    });
}

#[test]
fn more_reads_than_readers_take_turns_and_a_panic_keeps_the_reader() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (_dir, store) = sample::store();
        for _ in 0..8 {
            let error = store.read::<(), _>(|_| panic!("a bug")).await.unwrap_err();
            assert!(matches!(error, StoreError::Refused(_)));
        }
        let reads = (0..32).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.read(|conn| meta::get(conn, "a")).await })
        });
        for read in reads.collect::<Vec<_>>() {
            assert_eq!(read.await.unwrap().unwrap(), None);
        }
    });
}

#[test]
fn a_read_sees_one_moment_while_others_write() {
    let (_dir, store) = sample::store();
    store
        .read_blocking(|conn| {
            assert_eq!(meta::get(conn, "a")?, None);
            put(&store, "a")?;
            assert_eq!(meta::get(conn, "a")?, None);
            Ok(())
        })
        .unwrap();
    assert!(has(&store, "a"));
}

#[test]
fn readers_cannot_write() {
    let (_dir, store) = sample::store();
    let error = store.read_blocking(|conn| meta::put(conn, "a", "x")).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly));
}

#[test]
fn a_second_process_sees_and_writes_the_same_file() {
    let (dir, store) = sample::store();
    let other = Store::open(&dir.path().join("dagdeck.db")).unwrap();
    for key in ["a", "b", "c"] {
        put(&store, key).unwrap();
        assert!(has(&other, key));
    }
    put(&other, "d").unwrap();
    assert!(has(&store, "d"));
}

#[test]
fn a_closure_may_hold_the_last_clone() {
    let (dir, store) = sample::store();
    let clone = store.clone();
    let (release, thread) = occupy(&store);
    let written = queue(&store, move |tx| {
        drop(clone);
        meta::put(tx, "a", "x")
    });
    drop(store);
    drop(release);
    thread.join().unwrap();
    written.recv().unwrap().unwrap();
    assert!(has(&Store::open(&dir.path().join("dagdeck.db")).unwrap(), "a"));
}

#[test]
fn a_full_disk_is_named_and_the_store_goes_on_when_there_is_room() {
    let (_dir, store) = sample::store();
    let limit = |pages: u32| {
        store
            .write_blocking(move |tx| {
                Ok(tx.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?)
            })
            .unwrap();
    };
    limit(1);
    let big = "x".repeat(1 << 20);
    let error = store.write_blocking(move |tx| meta::put(tx, "big", &big)).unwrap_err();
    assert!(matches!(error, StoreError::DiskFull), "{error:?}");
    let fault = Fault::from(error);
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(fault.hint.unwrap().contains("make room"));
    assert!(!has(&store, "big"));
    limit(1 << 20);
    put(&store, "small").unwrap();
    assert!(has(&store, "small"));
}

#[test]
fn a_database_that_may_not_be_written_says_so() {
    let (_dir, store) = sample::store();
    store.write_blocking(|tx| Ok(tx.pragma_update(None, "query_only", true)?)).unwrap();
    let error = put(&store, "a").unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly), "{error:?}");
    assert!(Fault::from(error).hint.unwrap().contains("writable"));
}

#[test]
fn a_file_that_is_no_database_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dagdeck.db");
    std::fs::write(&path, "this is a letter to my aunt, ".repeat(100)).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
    let fault = Fault::from(error);
    assert!(fault.message.contains("dagdeck.db"), "{fault}");
    assert!(fault.causes[0].contains("not a database"), "{fault:?}");
    assert!(fault.hint.unwrap().contains("not a database"));
}

#[test]
fn a_folder_that_is_missing_or_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing").join("dagdeck.db");
    let error = Store::open(&missing).unwrap_err();
    assert!(matches!(&error, StoreError::Open { path, .. } if *path == missing), "{error:?}");
    let closed = dir.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o500)).unwrap();
    // Root may write anywhere; there the case cannot be made.
    if std::fs::write(closed.join("probe"), "").is_err() {
        let error = Store::open(&closed.join("dagdeck.db")).unwrap_err();
        let fault = Fault::from(error);
        assert!(fault.causes[0].contains("ermission denied"), "{fault:?}");
    }
}

#[test]
fn a_database_from_a_newer_version_is_refused_and_left_alone() {
    let (dir, store) = sample::store();
    store.write_blocking(|tx| Ok(tx.pragma_update(None, "user_version", 999)?)).unwrap();
    drop(store);
    let error = Store::open(&dir.path().join("dagdeck.db")).unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 999, .. }), "{error:?}");
    let fault = Fault::from(error);
    assert_eq!(fault.kind, FaultKind::Conflict);
    assert!(fault.hint.unwrap().contains("newer"));
}
