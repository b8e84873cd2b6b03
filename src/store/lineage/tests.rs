//! Links that come back, once for each data set, and no more of them than may be.

use super::*;
use crate::store::Store;
use crate::store::sample::{self, at, run};
use crate::types::DagRunState;
use crate::types::io::{ColumnOrigin, ColumnRef};

fn foreign(inputs: &[&str], outputs: &[&str], seen: i64) -> LineageLink {
    let sets = |names: &[&str]| names.iter().map(|name| DatasetRef::new("pg", *name)).collect();
    LineageLink {
        job: JobRef::Foreign { namespace: "spark".into(), name: "j".into() },
        inputs: sets(inputs),
        outputs: sets(outputs),
        seen: at(seen),
        run: Some(format!("r{seen}")),
        source: Some("spark 4".into()),
    }
}

fn with_run() -> (tempfile::TempDir, Store) {
    let (dir, store) = sample::store();
    store
        .write_blocking(|tx| {
            crate::store::dag_run::put(tx, &run("etl", "r1", 1, DagRunState::Running))
        })
        .unwrap();
    (dir, store)
}

#[test]
fn a_link_that_is_told_again_is_the_same_seen_later() {
    let (_dir, store) = sample::store();
    let tell = |link: LineageLink| store.write_blocking(move |tx| put(tx, &link)).unwrap();
    tell(foreign(&["a"], &["b"], 5));
    let mut again = foreign(&["a"], &["b"], 9);
    let origin = ColumnOrigin {
        namespace: "pg".into(),
        name: "a".into(),
        column: "x".into(),
        computed: true,
    };
    again.outputs[0].columns =
        vec![ColumnRef { name: "y".into(), column_type: "int".into(), origins: vec![origin] }];
    tell(again.clone());
    tell(foreign(&["a"], &["b"], 7));
    let found = store.read_blocking(|conn| links(conn, 10)).unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    let wrote = found.iter().find(|link| link.direction == Direction::Wrote).unwrap();
    assert_eq!((wrote.first_seen, wrote.last_seen), (at(5), at(9)), "late news changes nothing");
    assert_eq!(wrote.dataset, again.outputs[0]);
    assert_eq!((wrote.run.as_deref(), wrote.source.as_deref()), (Some("r9"), Some("spark 4")));
    assert_eq!(wrote.job, again.job);
    let of_a = store.read_blocking(|conn| links_of(conn, "pg", "a")).unwrap();
    assert_eq!(of_a.iter().map(|link| link.direction).collect::<Vec<_>>(), [Direction::Read]);
}

#[test]
fn a_job_that_meets_another_file_each_time_is_known_by_the_last_hundred() {
    let (_dir, store) = sample::store();
    store
        .write_blocking(|tx| {
            for n in 0..130 {
                put(tx, &foreign(&[&format!("day{n}")], &["all"], n))?;
            }
            Ok(())
        })
        .unwrap();
    let found = store.read_blocking(|conn| links(conn, 1_000)).unwrap();
    let read: Vec<_> = found.iter().filter(|link| link.direction == Direction::Read).collect();
    assert_eq!(read.len(), OF_JOB_MAX);
    assert_eq!(read.last().unwrap().dataset.name, "day30");
    assert_eq!(found.len(), OF_JOB_MAX + 1, "what it writes is not forgotten for that");
}

#[test]
fn of_jobs_elsewhere_those_seen_last_are_kept() {
    let (_dir, store) = sample::store();
    store
        .write_blocking(|tx| {
            for n in 0..9 {
                let job = JobRef::Foreign { namespace: "spark".into(), name: format!("run {n}") };
                put(tx, &LineageLink { job, ..foreign(&["a"], &[], n) })?;
            }
            let job = JobRef::Task { dag_id: "etl".into(), task_id: "load".into() };
            put(tx, &LineageLink { job, ..foreign(&["a"], &[], 0) })?;
            forget_foreign(tx, 4)
        })
        .unwrap();
    let found = store.read_blocking(|conn| links(conn, 99)).unwrap();
    let jobs: Vec<String> = found.iter().map(|link| link.job.to_string()).collect();
    let kept = ["spark/run 8", "spark/run 7", "spark/run 6", "spark/run 5", "etl.load"];
    assert_eq!(jobs, kept);
}

#[test]
fn an_attempt_is_found_by_what_it_read_and_goes_with_its_run() {
    let (_dir, store) = with_run();
    let key = AttemptKey { task: sample::key("etl", "r1", "load"), try_number: 1 };
    let observed = Observed {
        inputs: vec![DatasetRef::new("file", "/p/a.csv")],
        outputs: vec![DatasetRef::new("dagdeck", "etl.load")],
        ..Observed::default()
    };
    let (own, told) = (key.clone(), observed.clone());
    store.write_blocking(move |tx| crate::store::observed::put(tx, &own, &told, at(3))).unwrap();
    let read = |direction| {
        let file = DatasetRef::new("file", "/p/a.csv");
        store.read_blocking(move |conn| attempts(conn, &file, direction, 9)).unwrap()
    };
    assert_eq!(read(Direction::Read), [(key.clone(), at(3))]);
    assert_eq!(read(Direction::Wrote), []);
    let run = DagRunKey { dag_id: "etl".into(), dag_run_id: "r1".into() };
    let of_run = |run: DagRunKey| store.read_blocking(move |conn| of_run(conn, &run)).unwrap();
    assert_eq!(of_run(run.clone()), [(key, observed)]);
    store.write_blocking(|tx| row::execute(tx, "DELETE FROM dag_run", []).map(drop)).unwrap();
    assert_eq!(read(Direction::Read), []);
    assert_eq!(of_run(run), []);
    let links = store.read_blocking(|conn| links(conn, 9)).unwrap();
    assert_eq!(links.len(), 2, "that it happened is remembered");
}

#[test]
fn what_a_task_tells_of_an_asset_is_a_link() {
    use crate::types::asset::AssetEventSource;
    let (_dir, store) = sample::store();
    let source = AssetEventSource::Task(sample::key("etl", "r1", "load"));
    let event = crate::types::asset::AssetEvent { source, ..sample::asset_event(1, "x") };
    let watched = crate::types::asset::AssetEvent {
        source: AssetEventSource::Watcher,
        dedupe_key: None,
        ..sample::asset_event(2, "y")
    };
    store
        .write_blocking(move |tx| {
            [event, watched].iter().try_for_each(|event| crate::store::asset::insert(tx, event))
        })
        .unwrap();
    let found = store.read_blocking(|conn| links(conn, 9)).unwrap();
    let told: Vec<_> = found.iter().map(|l| (l.job.to_string(), &*l.dataset.name)).collect();
    assert_eq!(told, [("etl.load".to_owned(), "x")]);
}
