//! There and back again, and every archive that is not taken.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::runtime::layout::Layout;
use crate::sched::Change;
use crate::store::sample::{at, key, run, task, task_try};
use crate::store::{Store, apply::apply, dag_run, meta, task_instance};
use crate::tracking::{artifact, experiment, run as tracked};
use crate::types::{AttemptKey, DagRunState, TaskInstanceState};

const DEFINITIONS: &str = "include = [\"dags/*.toml\"]\n[dag.d.task.t]\noperator = \"empty\"\n";

struct Project {
    dir: tempfile::TempDir,
    store: Store,
}

impl Project {
    /// A project with a run that has ended, one under way, and an artifact.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("dags")).unwrap();
        fs::write(dir.path().join("dags.toml"), DEFINITIONS).unwrap();
        fs::write(dir.path().join("dags/more.toml"), "[pool.small]\nslots = 2\n").unwrap();
        let layout = Layout::new(dir.path());
        fs::create_dir(layout.state_dir()).unwrap();
        fs::write(layout.token(), "secret").unwrap();
        let store = Store::open(&layout.database()).unwrap();
        let project = Self { dir, store };
        project.history();
        project
    }

    fn layout(&self) -> Layout {
        Layout::new(self.dir.path())
    }

    fn history(&self) {
        let mut changes = Vec::new();
        for (run_id, state, task_state) in [
            ("ended", DagRunState::Success, TaskInstanceState::Success),
            ("active", DagRunState::Running, TaskInstanceState::Running),
        ] {
            let key = key("d", run_id, "t");
            let mut ti = task(key.clone(), Some(task_state));
            ti.token = Some(run_id.into());
            let mut a_try = task_try(key.clone(), 1, task_state);
            a_try.token = run_id.into();
            changes.push(Change::PutDagRun(run("d", run_id, 0, state)));
            changes.push(Change::PutTaskInstance(ti));
            changes.push(Change::PutTaskTry(a_try));
            let folder = self.layout().attempt_dir(&AttemptKey { task: key, try_number: 1 });
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("task.log"), format!("log of {run_id}")).unwrap();
            fs::write(folder.join("report.json.tmp"), "half").unwrap();
            let claim = json!({"token": run_id, "pid": 1, "start_time": 2, "boot_id": "b"});
            fs::write(folder.join("attempt.pid"), claim.to_string()).unwrap();
        }
        self.store.write_blocking(|tx| apply(tx, changes)).unwrap();
        let experiment_id = experiment::ensure(&self.store, "e").unwrap();
        let made = tracked::create(
            &self.store,
            tracked::NewRun {
                experiment_id: experiment_id.clone(),
                run_name: "r".into(),
                user_id: "ada".into(),
                start_time: at(0),
                tags: vec![],
                attempt_token: Some("active".into()),
            },
        )
        .unwrap();
        let state = self.layout().state_dir();
        let folder = artifact::folder(&state, &experiment_id, &made.run_id);
        artifact::write(&folder, "model/model.json", b"{}").unwrap();
        artifact::record(&self.store, &made.run_id, "model/model.json", b"{}").unwrap();
        artifact::record(&self.store, &made.run_id, "gone.txt", b"x").unwrap();
    }

    fn backup(&self, name: &str) -> (tempfile::TempDir, PathBuf, Summary) {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join(name);
        let summary = backup(&self.layout(), &target, at(9)).unwrap();
        (dir, target, summary)
    }
}

fn restored(archive: &Path) -> (tempfile::TempDir, Layout) {
    let dir = tempfile::tempdir().unwrap();
    restore(archive, &dir.path().join("new/project")).unwrap();
    let layout = Layout::new(dir.path().join("new/project"));
    (dir, layout)
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_project_comes_back_as_it_was_from_a_file_and_from_a_folder() {
    let project = Project::new();
    for name in ["b.tar", "folder"] {
        let (_dir, archive, summary) = project.backup(name);
        assert_eq!(summary.left_out.len(), 1, "{:?}", summary.left_out);
        assert!(summary.left_out[0].ends_with("gone.txt"));
        let (_new, layout) = restored(&archive);
        assert_eq!(fs::read_to_string(layout.project().join("dags.toml")).unwrap(), DEFINITIONS);
        assert!(layout.project().join("dags/more.toml").exists());
        assert!(!layout.token().exists(), "secrets are no part of it");
        let log = layout.folder_of_run(&"d".into(), &"ended".into()).join("t/-1/1/task.log");
        assert_eq!(fs::read_to_string(log).unwrap(), "log of ended");
        let store = Store::open(&layout.database()).unwrap();
        let ended =
            store.read_blocking(|conn| dag_run::get(conn, &"d".into(), &"ended".into())).unwrap();
        assert_eq!(ended.unwrap(), run("d", "ended", 0, DagRunState::Success));
        let left: Vec<_> = fs::read_dir(layout.project()).unwrap().flatten().collect();
        assert_eq!(left.len(), 3, "no staging is left: {left:?}");
        let left = fs::read_dir(project.layout().state_dir()).unwrap().flatten();
        assert!(!left.into_iter().any(|one| one.path().to_string_lossy().contains("backup-")));
    }
}

#[test]
fn what_was_in_flight_gets_a_token_of_its_own_and_no_process() {
    let project = Project::new();
    let folder = project.layout().folder_of_run(&"d".into(), &"active".into()).join("t/-1/1");
    let report = json!({"token": "active", "finished_at": "2026-01-01T00:00:00Z"});
    fs::write(folder.join("report.json"), report.to_string()).unwrap();
    let (_dir, archive, _) = project.backup("b.tar");
    let (_new, layout) = restored(&archive);
    let store = Store::open(&layout.database()).unwrap();
    let active = key("d", "active", "t");
    let found = store.read_blocking(|conn| task_instance::get(conn, &active)).unwrap().unwrap();
    let token = found.token.unwrap().to_string();
    assert!(token.starts_with("restored-"), "{token}");
    let folder = layout.folder_of_run(&"d".into(), &"active".into()).join("t/-1/1");
    let claim = read_json(&folder.join("attempt.pid"));
    assert_eq!((&claim["token"], &claim["boot_id"]), (&json!(token), &json!("restored")));
    assert_eq!(read_json(&folder.join("report.json"))["token"], json!(token));
    let tries = store.read_blocking(|conn| task_instance::tries(conn, &active)).unwrap();
    assert_eq!(tries[0].token.as_str(), token);
    let ended =
        store.read_blocking(|conn| task_instance::get(conn, &key("d", "ended", "t"))).unwrap();
    assert_eq!(ended.unwrap().token.unwrap().as_str(), "ended");
    let other = layout.folder_of_run(&"d".into(), &"ended".into()).join("t/-1/1/attempt.pid");
    assert_eq!(read_json(&other)["boot_id"], "b");
}

#[test]
fn a_backup_under_load_is_of_one_moment() {
    let project = Project::new();
    let is_over = AtomicBool::new(false);
    let archive = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut number = 0_u64;
                while !is_over.load(Ordering::Relaxed) {
                    number += 1;
                    // Both or none.
                    let text = number.to_string();
                    let put = move |tx: &rusqlite::Transaction<'_>| {
                        meta::put(tx, "first", &text)?;
                        meta::put(tx, "second", &text)
                    };
                    project.store.write_blocking(put).unwrap();
                }
            });
        }
        let archives: Vec<_> = (0..5).map(|n| project.backup(&format!("{n}.tar"))).collect();
        is_over.store(true, Ordering::Relaxed);
        archives
    });
    for (_dir, path, _) in &archive {
        let (_new, layout) = restored(path);
        let store = Store::open(&layout.database()).unwrap();
        let both = store
            .read_blocking(|conn| Ok((meta::get(conn, "first")?, meta::get(conn, "second")?)))
            .unwrap();
        assert_eq!(both.0, both.1);
    }
}

#[test]
fn a_backup_overwrites_nothing_and_says_what_it_cannot_be() {
    let project = Project::new();
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b.tar");
    fs::write(&target, "mine").unwrap();
    let fault = backup(&project.layout(), &target, at(0)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Exists);
    assert_eq!(fs::read_to_string(&target).unwrap(), "mine");
    let fault = backup(&project.layout(), &dir.path().join("b.tar.zst"), at(0)).unwrap_err();
    assert!(fault.message.contains("not compressed"), "{fault}");
    let fault = backup(&project.layout(), &dir.path().join("none/b.tar"), at(0)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
    let empty = tempfile::tempdir().unwrap();
    let fault = backup(&Layout::new(empty.path()), &dir.path().join("c.tar"), at(0)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing half is left: {left:?}");
}

/// Restores into a folder in which `prepare` has been at work, and returns the refusal; nothing
/// of the archive is in place then.
fn refusal(archive: &Path, prepare: impl FnOnce(&Path)) -> Fault {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path());
    let before = listing(dir.path());
    let fault = restore(archive, dir.path()).unwrap_err();
    assert_eq!(listing(dir.path()), before, "{fault}");
    fault
}

fn listing(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(listing(&entry.path()));
        }
        found.push(entry.path());
    }
    found.sort();
    found
}

#[test]
fn what_is_there_is_not_overwritten() {
    let project = Project::new();
    let (_dir, archive, _) = project.backup("b.tar");
    let fault = refusal(&archive, |dir| {
        fs::create_dir(dir.join(".dagdeck")).unwrap();
        fs::write(dir.join(".dagdeck/dagdeck.db"), "x").unwrap();
    });
    assert!(fault.message.contains("holds state already"), "{fault}");
    let fault = refusal(&archive, |dir| fs::write(dir.join("dags.toml"), "other").unwrap());
    assert!(fault.message.contains("is there and differs"), "{fault}");
    let outside = tempfile::tempdir().unwrap();
    let fault = refusal(&archive, |dir| {
        std::os::unix::fs::symlink(outside.path(), dir.join("dags")).unwrap();
    });
    assert!(fault.message.contains("leads out"), "{fault}");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    let fault = refusal(Path::new("/nowhere/b.tar"), |_| {});
    assert_eq!(fault.kind, FaultKind::NotFound);
    // The same definitions, and an empty state folder, are no hindrance.
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("dags.toml"), DEFINITIONS).unwrap();
    fs::create_dir(dir.path().join(".dagdeck")).unwrap();
    restore(&archive, dir.path()).unwrap();
}

/// Backs up into a folder, lets `spoil` at it, and returns the refusal.
fn spoiled(spoil: impl FnOnce(&Path)) -> String {
    let project = Project::new();
    let (_dir, archive, _) = project.backup("folder");
    spoil(&archive);
    refusal(&archive, |_| {}).to_string()
}

fn edit_manifest(archive: &Path, edit: impl FnOnce(&mut Value)) {
    let path = archive.join(MANIFEST);
    let mut manifest = read_json(&path);
    edit(&mut manifest);
    fs::write(path, manifest.to_string()).unwrap();
}

#[test]
fn a_damaged_archive_is_refused_whole() {
    let text = spoiled(|dir| fs::write(dir.join("project/dags.toml"), "changed").unwrap());
    assert!(text.contains("`project/dags.toml` is not what was backed up"), "{text}");
    let text = spoiled(|dir| fs::remove_file(dir.join("project/dags.toml")).unwrap());
    assert!(text.contains("is missing"), "{text}");
    let text = spoiled(|dir| fs::write(dir.join("project/more"), "x").unwrap());
    assert!(text.contains("`project/more` is not in the manifest"), "{text}");
    let text = spoiled(|dir| fs::remove_file(dir.join(MANIFEST)).unwrap());
    assert!(text.contains("has no `manifest.json`"), "{text}");
    let text = spoiled(|dir| fs::write(dir.join(MANIFEST), "{").unwrap());
    assert!(text.contains("read `manifest.json`"), "{text}");
    let text = spoiled(|dir| edit_manifest(dir, |manifest| manifest["format"] = json!(9)));
    assert!(text.contains("has format 9"), "{text}");
    let text = spoiled(|dir| {
        std::os::unix::fs::symlink("/etc/passwd", dir.join("project/link")).unwrap();
    });
    assert!(text.contains("not a plain file"), "{text}");
    let text = spoiled(|dir| {
        fs::rename(dir.join("project/dags.toml"), dir.join("elsewhere")).unwrap();
        edit_manifest(dir, |manifest| {
            let files = manifest["files"].as_array_mut().unwrap();
            let file = files.iter_mut().find(|file| file["path"] == "project/dags.toml");
            file.unwrap()["path"] = json!("elsewhere");
        });
    });
    assert!(text.contains("`elsewhere` is not what was backed up"), "{text}");
}

/// A tar of one entry, written byte by byte: the crate itself would refuse to.
fn tar_with(dir: &Path, name: &str, kind: tar::EntryType) -> PathBuf {
    let path = dir.join("evil.tar");
    let mut header = tar::Header::new_gnu();
    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_size(1);
    header.set_mode(0o600);
    header.set_entry_type(kind);
    if kind == tar::EntryType::Symlink {
        header.set_size(0);
        header.set_link_name("/etc/passwd").unwrap();
    }
    header.set_cksum();
    let mut builder = tar::Builder::new(File::create(&path).unwrap());
    let size = header.size().unwrap();
    builder.append(&header, std::io::repeat(b'x').take(size)).unwrap();
    builder.into_inner().unwrap();
    path
}

#[test]
fn no_entry_of_an_archive_leads_out() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["../evil", "/tmp/evil", "project/../../evil", "./evil"] {
        let archive = tar_with(dir.path(), name, tar::EntryType::Regular);
        let fault = refusal(&archive, |_| {});
        assert!(fault.message.contains("leads out of the folder"), "{name}: {fault}");
        fs::remove_file(archive).unwrap();
    }
    for kind in [tar::EntryType::Symlink, tar::EntryType::Link, tar::EntryType::Fifo] {
        let archive = tar_with(dir.path(), "project/link", kind);
        let fault = refusal(&archive, |_| {});
        assert!(fault.message.contains("not a plain file"), "{fault}");
        fs::remove_file(archive).unwrap();
    }
    let archive = dir.path().join("no.tar");
    fs::write(&archive, "this is no tar at all").unwrap();
    assert_eq!(refusal(&archive, |_| {}).kind, FaultKind::Invalid);
}

#[test]
fn a_store_of_a_newer_dagdeck_is_refused_before_anything_is_in_place() {
    let project = Project::new();
    project.store.write_blocking(|tx| Ok(tx.execute_batch("PRAGMA user_version = 9999")?)).unwrap();
    let (_dir, archive, _) = project.backup("b.tar");
    let fault = refusal(&archive, |_| {});
    assert!(fault.message.contains("newer dagdeck"), "{fault}");
}
