//! Files of the log: they are bounded, found in again, and mended.

use std::time::Duration;

use hyper::header::HeaderValue;
use serde_json::json;

use super::*;
use crate::ml::{Answers, Batch, Predictor as _};
use crate::serving::fake::Fake;
use crate::serving::table::Loaded;
use crate::types::time::SystemClock;

fn seen(id: &str, rows: usize) -> Arc<Seen> {
    seen_at(id, rows, crate::types::time::now())
}

fn seen_at(id: &str, rows: usize, at: Timestamp) -> Arc<Seen> {
    let fake = Fake::of_version(3);
    let row = json!([1.5, "a"]);
    let batch = Batch::of_json(fake.signature(), &vec![row; rows]).unwrap();
    let loaded = Loaded::new("iris/x", 3, Arc::new(fake), None, Timestamp::UNIX_EPOCH);
    Arc::new(Seen {
        id: HeaderValue::from_str(id).unwrap(),
        at,
        loaded: Arc::new(loaded),
        batch,
        answers: Answers::new(1, vec![3.0; rows]),
        took: Duration::from_micros(120),
    })
}

fn open(folder: &std::path::Path, spec: &LogSpec) -> Arc<PredictionLog> {
    PredictionLog::start(&folder.join("predictions"), spec, Arc::new(SystemClock)).unwrap()
}

fn wanted(id: &str, row: u32) -> [(String, u32); 1] {
    [(id.to_owned(), row)]
}

#[test]
fn old_files_make_room_and_what_is_left_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let spec = LogSpec { max_bytes: 64 << 10, ..LogSpec::default() };
    let log = open(folder.path(), &spec);
    for n in 0..1000 {
        log.offer(1, seen(&format!("id-{n}"), 2));
        if n % 50 == 0 {
            log.find(&wanted("none", 0)).unwrap();
        }
    }
    let newest = log.find(&wanted("id-999", 1)).unwrap().swap_remove(0).unwrap();
    assert_eq!((newest.model.as_str(), newest.version, newest.value), ("iris/x", 3, Some(3.0)));
    assert_eq!(log.find(&wanted("id-0", 0)).unwrap(), [None], "it made room");
    let view = log.view();
    assert!(view.bytes <= 64 << 10 && view.files > 1, "{view:?}");
    assert_eq!((view.rows, view.dropped), (2000, 0));
    let on_disk: u64 = std::fs::read_dir(folder.path().join("predictions/iris%2Fx"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "jsonl"))
        .map(|entry| entry.metadata().unwrap().len())
        .sum();
    assert_eq!(on_disk, view.bytes);
    // Others after a restart, in full files and in the one that was open.
    drop(log);
    let again = open(folder.path(), &spec);
    assert_eq!(again.find(&wanted("id-999", 1)).unwrap()[0].as_ref(), Some(&newest));
    assert!(again.find(&wanted("id-900", 0)).unwrap()[0].is_some());
}

#[test]
fn a_torn_line_is_cut_off_and_all_before_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path(), &LogSpec::default());
    log.offer(1, seen("whole", 1));
    assert!(log.find(&wanted("whole", 0)).unwrap()[0].is_some());
    drop(log);
    let place = folder.path().join("predictions/iris%2Fx");
    let path = std::fs::read_dir(&place).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read(&path).unwrap();
    let torn = [text.as_slice(), &text[..text.len() / 2]].concat();
    std::fs::write(&path, torn).unwrap();
    let again = open(folder.path(), &LogSpec::default());
    assert!(again.find(&wanted("whole", 0)).unwrap()[0].is_some());
    assert_eq!(std::fs::read(&path).unwrap(), text);
}

#[test]
fn an_id_that_was_used_twice_means_the_last_prediction() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path(), &LogSpec::default());
    let at = |secs| Timestamp::from_second(secs).unwrap();
    for secs in [1, 2] {
        log.offer(1, seen_at("one", 1, at(secs)));
    }
    let found = log.find(&wanted("one", 0)).unwrap().swap_remove(0).unwrap();
    assert_eq!(found.at, at(2));
}

#[test]
fn what_is_too_old_goes() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("predictions/iris");
    std::fs::create_dir_all(&old).unwrap();
    std::fs::write(old.join("2020-01-31T10-00-00.000.jsonl"), "").unwrap();
    let log = open(folder.path(), &LogSpec::default());
    assert_eq!(log.view().files, 0);
    assert_eq!(std::fs::read_dir(&old).unwrap().count(), 0);
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_costs_rows_only() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path(), &LogSpec::default());
    // A file where the model's folder is to be.
    std::fs::write(folder.path().join("predictions/iris%2Fx"), "").unwrap();
    log.offer(1, seen("one", 2));
    assert_eq!(log.find(&wanted("one", 0)).unwrap(), [None]);
    let view = log.view();
    assert_eq!((view.rows, view.dropped), (0, 2));
    assert!(view.problem.unwrap().contains("iris%2Fx"), "it says where");
}
