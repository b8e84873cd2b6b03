//! Changes are written as a whole or not at all.

use rusqlite::types::Value as SqlValue;
use serde_json::json;

use super::*;
use crate::sched::change::{DagState, FailedRow, FailedRun, OperationRow};
use crate::store::fault::injection;
use crate::store::sample::{self, asset_event, at, key, line, run, task, task_try};
use crate::store::{Store, row, xcom};
use crate::types::run::DagRunKey;
use crate::types::xcom::XcomValue;
use crate::types::{DagRunState, TaskInstanceState};

/// One change of each kind, in an order that only sorting makes right.
fn changes() -> Vec<Change> {
    let extract = key("etl", "r1", "extract");
    let run = run("etl", "r1", 0, DagRunState::Running);
    vec![
        Change::PutTaskInstance(task(extract.clone(), Some(TaskInstanceState::Running))),
        Change::PutTaskTry(task_try(extract.clone(), 1, TaskInstanceState::Running)),
        Change::PutXcom {
            task: extract.clone(),
            key: "return_value".into(),
            value: XcomValue::Value(json!({"rows": 3})),
        },
        Change::PutTaskMap { key: extract, lengths: [("rows".to_owned(), 3)].into() },
        Change::PutTaskInstance(task(key("etl", "r1", "mapped"), None)),
        Change::DeleteTaskInstance { key: key("etl", "r1", "mapped") },
        Change::PutTriggeringAssetEvents { run: run.key(), event_ids: vec![2, 1] },
        Change::PutQueuedAssetEvents { dag_id: "other".into(), event_ids: vec![2, 1] },
        Change::PutTriggeredRun { token: "t-9".into(), run: run.key() },
        Change::PutDagRun(run),
        Change::InsertAssetEvent(asset_event(1, "a")),
        Change::InsertAssetEvent(asset_event(2, "b")),
        Change::PutDagState(DagState {
            dag_id: "etl".into(),
            is_paused: true,
            is_stale: false,
            last_logical_date: Some(at(0)),
            scheduled_until: Some(at(1)),
            next_run_after: None,
            failed_in_a_row: FailedRow {
                since: Some(at(-60)),
                runs: vec![FailedRun { run_after: at(0), dag_run_id: "r1".into() }],
            },
        }),
        Change::InsertDagVersion(sample::version(1, "one").0),
        Change::InsertOperation(OperationRow {
            id: 1,
            when: at(1),
            owner: Some("ada".into()),
            kind: "clear_tasks".into(),
            description: "run `r1`".into(),
            wish: json!({}),
            final_since: None,
            outputs: vec![key("etl", "r1", "extract")],
            images: Some(Box::default()),
            moves: crate::types::operation::Moves::default(),
        }),
        Change::DeleteXcom { key: key("etl", "r1", "extract") },
        Change::UndoOperation { id: 1, by: 2 },
        Change::PutBackfillDagRun(sample::backfill_dag_run(1, 1, Some("r1"))),
        Change::PutBackfill(sample::backfill(1, "etl")),
        Change::InsertEventLog(line("dag_run.started")),
        Change::PutDagRun(sample::run("etl", "r0", -9, DagRunState::Success)),
        Change::DeleteDagRun {
            run: sample::run("etl", "r0", 0, DagRunState::Success).key(),
            removal: "1-1".into(),
        },
    ]
}

fn commit(store: &Store, changes: Vec<Change>) -> Result<(), StoreError> {
    store.write_blocking(move |tx| apply(tx, changes))
}

/// Every row of every table, but for the one that says when the database was made.
fn dump(store: &Store) -> Vec<(String, Vec<Vec<SqlValue>>)> {
    let rows = |conn: &Connection, table: &str| -> rusqlite::Result<Vec<Vec<SqlValue>>> {
        let mut query = conn.prepare(&format!("SELECT * FROM {table}"))?;
        let width = query.column_count();
        query.query_map([], |row| (0..width).map(|i| row.get(i)).collect())?.collect()
    };
    store
        .read_blocking(|conn| {
            let tables: Vec<String> = conn
                .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            Ok(tables
                .into_iter()
                .filter(|table| table != "experiments")
                .map(|table| {
                    let rows = rows(conn, &table).unwrap();
                    (table, rows)
                })
                .collect())
        })
        .unwrap()
}

#[test]
fn whichever_write_of_a_commit_fails_nothing_is_half_written() {
    let (_dir, store) = sample::store();
    let before = dump(&store);
    let mut n = 1;
    loop {
        injection::fail_nth_write(&store, n);
        if commit(&store, changes()).is_ok() {
            assert!(injection::disarm(&store));
            break;
        }
        assert!(!injection::disarm(&store));
        assert_eq!(dump(&store), before, "the write {n} failed");
        n += 1;
    }
    assert!(n > changes().len() as u32, "{n}");
    let (_dir, whole) = sample::store();
    commit(&whole, changes()).unwrap();
    assert_eq!(dump(&store), dump(&whole));
}

#[test]
fn what_had_not_ended_comes_back() {
    let (dir, store) = sample::store();
    commit(&store, changes()).unwrap();
    let ended = run("etl", "r0", -60, DagRunState::Success);
    commit(&store, vec![Change::PutDagRun(ended)]).unwrap();
    drop(store);
    let store = Store::open(&dir.path().join("dagdeck.db")).unwrap();
    let recovered = store.recover().unwrap();
    assert_eq!(recovered.dag_states.len(), 1);
    assert!(recovered.dag_states[0].is_paused);
    assert_eq!(recovered.dag_states[0].scheduled_until, Some(at(1)));
    let [found] = recovered.runs.as_slice() else { panic!("{:?}", recovered.runs) };
    assert_eq!(found.run, run("etl", "r1", 0, DagRunState::Running));
    let extract = key("etl", "r1", "extract");
    assert_eq!(found.tasks, [task(extract, Some(TaskInstanceState::Running))]);
    let events = [asset_event(2, "b"), asset_event(1, "a")];
    assert_eq!(found.triggering_asset_events, events);
    assert_eq!(recovered.queued_asset_events, [("other".into(), events.to_vec())]);
    assert!(recovered.known_asset_changes.is_empty(), "they are asked for one by one");
    let keys = ["k0".to_owned(), "k2".to_owned()];
    let known = store.read_blocking(|conn| asset::known_keys(conn, &keys)).unwrap();
    assert_eq!(known, ["k2"]);
    assert_eq!(recovered.last_asset_event_id, 2);
}

#[test]
fn an_empty_store_recovers_to_nothing() {
    let (_dir, store) = sample::store();
    let recovered = store.recover().unwrap();
    assert!(recovered.runs.is_empty() && recovered.dag_states.is_empty());
    assert_eq!(recovered.last_asset_event_id, 0);
}

#[test]
fn changes_replace_what_was_there() {
    let (_dir, store) = sample::store();
    commit(&store, changes()).unwrap();
    let extract = key("etl", "r1", "extract");
    let mut ended = run("etl", "r1", 0, DagRunState::Failed);
    ended.conf.clear();
    let tried = [
        task_try(extract.clone(), 1, TaskInstanceState::UpForRetry),
        task_try(extract.clone(), 2, TaskInstanceState::Failed),
    ];
    let mut failed = task(extract.clone(), None);
    failed.try_number = 2;
    failed.pid = None;
    commit(
        &store,
        vec![
            Change::PutDagRun(ended.clone()),
            Change::PutTaskInstance(failed.clone()),
            Change::PutTaskTry(tried[0].clone()),
            Change::PutTaskTry(tried[1].clone()),
            Change::DeleteXcom { key: extract.clone() },
            Change::PutQueuedAssetEvents { dag_id: "other".into(), event_ids: vec![] },
        ],
    )
    .unwrap();
    store
        .read_blocking(|conn| {
            let found = dag_run::get(conn, &"etl".into(), &"r1".into())?;
            assert_eq!(found, Some(ended));
            assert_eq!(task_instance::get(conn, &extract)?, Some(failed));
            assert_eq!(task_instance::tries(conn, &extract)?, tried);
            assert_eq!(xcom::return_value(conn, &extract)?, None);
            assert!(asset::queued(conn)?.is_empty());
            Ok(())
        })
        .unwrap();
}

#[test]
fn outputs_and_rendered_fields_are_kept_as_they_were() {
    use crate::store::rendered;
    use crate::types::AttemptKey;
    let (_dir, store) = sample::store();
    commit(&store, changes()).unwrap();
    let extract = key("etl", "r1", "extract");
    let attempt = AttemptKey { task: extract.clone(), try_number: 1 };
    let fields = sample::object(json!({"z": "echo 1", "a": 1.0, "big": 9007199254740993_i64}));
    let (put, written) = (attempt.clone(), fields.clone());
    store.write_blocking(move |tx| rendered::put(tx, &put, &written)).unwrap();
    store
        .read_blocking(|conn| {
            assert_eq!(rendered::get(conn, &attempt)?, Some(fields));
            let next = AttemptKey { try_number: 2, ..attempt };
            assert_eq!(rendered::get(conn, &next)?, None);
            let run = DagRunKey { dag_id: "etl".into(), dag_run_id: "r1".into() };
            assert_eq!(
                xcom::return_value(conn, &extract)?,
                Some(XcomValue::Value(json!({"rows": 3})))
            );
            assert_eq!(xcom::list(conn, &run, None)?.len(), 1);
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_same_asset_change_cannot_be_counted_twice() {
    let (_dir, store) = sample::store();
    commit(&store, changes()).unwrap();
    let mut again = asset_event(3, "a");
    again.dedupe_key = Some("k1".into());
    assert!(commit(&store, vec![Change::InsertAssetEvent(again)]).is_err());
}

#[test]
fn a_value_that_cannot_be_read_names_its_column() {
    let (_dir, store) = sample::store();
    commit(&store, changes()).unwrap();
    store.write_blocking(|tx| row_execute(tx, "UPDATE dag_run SET state = 'sleeping'")).unwrap();
    let read = |conn: &Connection| dag_run::get(conn, &"etl".into(), &"r1".into());
    let error = store.read_blocking(read).unwrap_err();
    assert!(matches!(error, StoreError::Content { column: "state", .. }), "{error:?}");
}

fn row_execute(conn: &Connection, sql: &str) -> Result<(), StoreError> {
    Ok(conn.execute(sql, []).map(drop)?)
}

#[test]
fn the_feed_is_read_backwards_page_by_page() {
    let (_dir, store) = sample::store();
    let lines = ["a", "b", "c"].map(|event| Change::InsertEventLog(line(event))).to_vec();
    commit(&store, lines).unwrap();
    let page = |before| store.read_blocking(|conn| event_log::list(conn, 2, before)).unwrap();
    let first = page(None);
    assert_eq!(
        first.iter().map(|l| (l.id, l.event.as_str())).collect::<Vec<_>>(),
        [(3, "c"), (2, "b")]
    );
    assert_eq!(page(Some(2)), [crate::types::event::EventLog { id: 1, ..line("a") }]);
}

#[test]
fn the_traffic_of_a_model_is_replaced_as_a_whole() {
    use crate::store::serving::{self, Deployment};
    let (_dir, store) = sample::store();
    let replace = |model: &'static str, weights: &'static [(u32, u8)]| {
        store.write_blocking(move |tx| serving::replace(tx, model, weights))
    };
    replace("iris", &[(1, 90), (2, 10)]).unwrap();
    replace("titanic", &[(5, 100)]).unwrap();
    replace("iris", &[(2, 100)]).unwrap();
    let row = |model: &str, version| Deployment { model: model.into(), version, weight: 100 };
    let found = store.read_blocking(serving::load).unwrap();
    assert_eq!(found, [row("iris", 2), row("titanic", 5)]);
    assert!(replace("iris", &[(3, 101)]).is_err(), "no more than all of it");
    assert_eq!(store.read_blocking(serving::load).unwrap().len(), 2);
    replace("iris", &[]).unwrap();
    assert_eq!(store.read_blocking(serving::load).unwrap(), [row("titanic", 5)]);
}

#[test]
fn what_one_commit_puts_more_than_once_stands_as_it_was_put_last() {
    use TaskInstanceState::{Queued, Running, Success};
    let extract = key("etl", "r1", "extract");
    let put = |state| {
        let task = Change::PutTaskInstance(task(extract.clone(), Some(state)));
        [task, Change::PutTaskTry(task_try(extract.clone(), 1, state))]
    };
    let begin = || Change::PutDagRun(run("etl", "r1", 0, DagRunState::Running));
    let ((_one, apart), (_other, together)) = (sample::store(), sample::store());
    for store in [&apart, &together] {
        // Each was made at its own moment, which the experiment that is always there bears.
        let sql = "UPDATE experiments SET creation_time = 0";
        store.write_blocking(|tx| row::execute(tx, sql, [])).unwrap();
    }
    commit(&apart, vec![begin()]).unwrap();
    for state in [Queued, Running, Success] {
        commit(&apart, put(state).into()).unwrap();
    }
    let all = [Queued, Running, Success].into_iter().flat_map(put);
    commit(&together, std::iter::once(begin()).chain(all).collect()).unwrap();
    assert_eq!(dump(&together), dump(&apart));
}
