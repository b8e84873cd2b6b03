//! Callbacks: written with what brought them about, ended when the outside has been told.

use rusqlite::{Connection, Row, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::callback::{CallbackEvent, CallbackRequest, CallbackState, CallbackSubject};
use crate::types::run::DagRunKey;
use crate::types::{AssetName, Timestamp};

/// So many callbacks of an asset, and of a model, are kept.
const OF_ONE_MAX: u32 = 50;

/// Appends.
pub(crate) fn insert(conn: &Connection, request: &CallbackRequest) -> Result<(), StoreError> {
    let sql = "INSERT INTO callback_request (id, dag_id, dag_run_id, task_id, map_index,
            try_number, event, spec, task_or_run_state, reason, deadline, state, tries,
            created_at, ended_at, output, error, asset, model, model_version, details)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
            ?20, ?21)";
    let (run, asset, model) = match &request.subject {
        CallbackSubject::Run(run) => (Some(run), None, None),
        CallbackSubject::Asset { asset } => (None, Some(asset), None),
        CallbackSubject::Model { model, version } => (None, None, Some((model, version))),
    };
    let details = request.details.as_ref().map(|details| row::json_text(details, "details"));
    let values = params![
        request.id,
        run.map(|run| run.dag_id.as_str()),
        run.map(|run| run.dag_run_id.as_str()),
        request.task_id.as_ref().map(|id| id.as_str()),
        request.map_index,
        request.try_number,
        request.event.as_str(),
        row::json_text(&request.spec, "spec")?,
        request.task_or_run_state,
        request.reason,
        row::opt_micros(request.deadline),
        request.state.as_str(),
        request.tries,
        row::micros(request.created_at),
        row::opt_micros(request.ended_at),
        request.output,
        request.error,
        asset.map(|asset| asset.as_str()),
        model.map(|(model, _)| model),
        model.map(|(_, version)| version),
        details.transpose()?,
    ];
    row::execute(conn, sql, values)?;
    // Those of a run go with it; of the others the last are kept.
    match (asset, model) {
        (Some(asset), _) => delete_old(conn, "asset", asset.as_str()),
        (None, Some((model, _))) => delete_old(conn, "model", model),
        (None, None) => Ok(()),
    }
}

fn delete_old(conn: &Connection, column: &'static str, of: &str) -> Result<(), StoreError> {
    let sql = format!(
        "DELETE FROM callback_request WHERE {column} = ?1 AND state <> 'pending'
        AND rowid NOT IN (SELECT rowid FROM callback_request WHERE {column} = ?1
            ORDER BY created_at DESC, rowid DESC LIMIT ?2)"
    );
    row::execute(conn, &sql, params![of, OF_ONE_MAX]).map(drop)
}

/// How a callback's try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackTry {
    pub id: String,
    /// Of the callback, with this try.
    pub tries: u32,
    /// `Pending`: there is another try.
    pub state: CallbackState,
    pub at: Timestamp,
    pub output: Option<String>,
    pub error: Option<String>,
}

/// Notes how a try ended; a callback that has ended stays as it is. `false`: it had.
pub fn note_try(conn: &Connection, ended: &CallbackTry) -> Result<bool, StoreError> {
    let sql = "UPDATE callback_request
        SET state = ?2, tries = ?3, ended_at = ?4, output = ?5, error = ?6
        WHERE id = ?1 AND state = 'pending'";
    let ended_at = (ended.state != CallbackState::Pending).then_some(ended.at);
    let values = params![
        ended.id,
        ended.state.as_str(),
        ended.tries,
        row::opt_micros(ended_at),
        ended.output,
        ended.error,
    ];
    Ok(row::execute(conn, sql, values)? > 0)
}

/// Returns the callbacks that have not ended, oldest first.
pub fn pending(conn: &Connection) -> Result<Vec<CallbackRequest>, StoreError> {
    let sql = "SELECT * FROM callback_request WHERE state = 'pending' ORDER BY created_at, rowid";
    row::all(conn, sql, [], read)
}

/// Returns the callbacks of a run, oldest first.
pub fn for_run(conn: &Connection, run: &DagRunKey) -> Result<Vec<CallbackRequest>, StoreError> {
    let sql = "SELECT * FROM callback_request WHERE dag_id = ?1 AND dag_run_id = ?2
        ORDER BY created_at, rowid";
    row::all(conn, sql, [run.dag_id.as_str(), run.dag_run_id.as_str()], read)
}

/// Returns the callbacks of an asset, oldest first.
pub fn for_asset(conn: &Connection, asset: &AssetName) -> Result<Vec<CallbackRequest>, StoreError> {
    let sql = "SELECT * FROM callback_request WHERE asset = ?1 ORDER BY created_at, rowid";
    row::all(conn, sql, [asset.as_str()], read)
}

/// Returns the callbacks of a model's versions, oldest first.
pub fn for_model(conn: &Connection, model: &str) -> Result<Vec<CallbackRequest>, StoreError> {
    let sql = "SELECT * FROM callback_request WHERE model = ?1 ORDER BY created_at, rowid";
    row::all(conn, sql, [model], read)
}

fn read(row: &Row<'_>) -> Result<CallbackRequest, StoreError> {
    let (asset, model) = (row::opt_text(row, "asset")?, row.get::<_, Option<String>>("model")?);
    let subject = match (asset, model) {
        (Some(asset), _) => CallbackSubject::Asset { asset },
        (None, Some(model)) => CallbackSubject::Model { model, version: row.get("model_version")? },
        (None, None) => CallbackSubject::Run(DagRunKey {
            dag_id: row::text(row, "dag_id")?,
            dag_run_id: row::text(row, "dag_run_id")?,
        }),
    };
    Ok(CallbackRequest {
        id: row.get("id")?,
        subject,
        task_id: row::opt_text(row, "task_id")?,
        map_index: row.get("map_index")?,
        try_number: row.get("try_number")?,
        event: row::word::<CallbackEvent>(row, "event")?,
        spec: row::json(row, "spec")?,
        task_or_run_state: row.get("task_or_run_state")?,
        reason: row.get("reason")?,
        details: row::opt_json(row, "details")?,
        deadline: row::opt_time(row, "deadline")?,
        state: row::word::<CallbackState>(row, "state")?,
        tries: row.get("tries")?,
        created_at: row::time(row, "created_at")?,
        ended_at: row::opt_time(row, "ended_at")?,
        output: row.get("output")?,
        error: row.get("error")?,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sched::Change;
    use crate::store::sample::{self, at};
    use crate::store::{apply, deadline};
    use crate::types::DagRunState;
    use crate::types::callback::{CallbackAction, CallbackSpec};
    use crate::types::deadline::Deadline;

    fn request(run: &crate::types::run::DagRun, id: &str, when: i64) -> CallbackRequest {
        CallbackRequest {
            id: id.to_owned(),
            subject: CallbackSubject::Run(run.key()),
            task_id: Some("t".into()),
            map_index: 3,
            try_number: 2,
            event: CallbackEvent::OnRetry,
            spec: CallbackSpec {
                action: CallbackAction::Webhook {
                    target: "http://h/".into(),
                    body: Some(serde_json::json!({ "text": "{{ reason }}" })),
                },
                timeout: Duration::from_millis(1_500),
                retries: 2,
                retry_delay: Duration::from_secs(1),
            },
            task_or_run_state: "up_for_retry".into(),
            reason: Some("boom".into()),
            details: None,
            deadline: Some(at(7)),
            state: CallbackState::Pending,
            tries: 0,
            created_at: at(when),
            ended_at: None,
            output: None,
            error: None,
        }
    }

    fn ended(id: &str, state: CallbackState) -> CallbackTry {
        let output = Some("ok".into());
        CallbackTry { id: id.into(), tries: 1, state, at: at(9), output, error: None }
    }

    #[test]
    fn a_callback_comes_back_as_it_was_put_and_ends_once() {
        let (_dir, store) = sample::store();
        let run = sample::run("d", "r", 0, DagRunState::Running);
        let (first, second) = (request(&run, "a", 5), request(&run, "b", 6));
        let rows = [first.clone(), second.clone()];
        let put = run.clone();
        store
            .write_blocking(move |tx| {
                let rows = rows.into_iter().map(|row| Change::InsertCallback(Box::new(row)));
                apply::apply(tx, rows.chain([Change::PutDagRun(put)]).collect())
            })
            .unwrap();
        let read = || store.read_blocking(pending).unwrap();
        assert_eq!(read(), [first, second.clone()]);
        let note = |id: &'static str, state| {
            store.write_blocking(move |tx| note_try(tx, &ended(id, state))).unwrap()
        };
        assert!(note("a", CallbackState::Pending), "there is another try");
        assert_eq!(read()[0].tries, 1);
        assert_eq!(read()[0].ended_at, None);
        assert!(note("a", CallbackState::Done));
        assert!(!note("a", CallbackState::Failed), "it has ended");
        assert_eq!(read(), [second]);
        let all = store.read_blocking(move |conn| for_run(conn, &run.key())).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].state, all[0].ended_at), (CallbackState::Done, Some(at(9))));
        assert_eq!(all[0].output.as_deref(), Some("ok"));
    }

    #[test]
    fn of_an_asset_the_last_callbacks_are_kept_and_all_that_are_pending() {
        let (_dir, store) = sample::store();
        let run = sample::run("d", "r", 0, DagRunState::Running);
        let of_asset = |n: i64, state| CallbackRequest {
            subject: CallbackSubject::Asset { asset: "a".into() },
            task_id: None,
            event: CallbackEvent::OnStale,
            state,
            ..request(&run, &n.to_string(), n)
        };
        let rows: Vec<_> = (0..60)
            .map(|n| {
                let is_pending = n == 3;
                let state = if is_pending { CallbackState::Pending } else { CallbackState::Done };
                Change::InsertCallback(Box::new(of_asset(n, state)))
            })
            .collect();
        store.write_blocking(move |tx| apply::apply(tx, rows)).unwrap();
        let all = store.read_blocking(|conn| for_asset(conn, &"a".into())).unwrap();
        let ids: Vec<_> = all.iter().map(|one| one.id.as_str()).collect();
        assert_eq!((ids.len(), ids[0], ids[1], ids[50]), (51, "3", "10", "59"));
        assert_eq!(all[0], of_asset(3, CallbackState::Pending));
        assert_eq!(store.read_blocking(pending).unwrap().len(), 1);
    }

    #[test]
    fn open_deadlines_are_those_neither_missed_nor_met() {
        let (_dir, store) = sample::store();
        let run = sample::run("d", "r", 0, DagRunState::Running);
        let one = |number, missed, met_at| Deadline {
            dag_id: run.dag_id.clone(),
            dag_run_id: run.dag_run_id.clone(),
            number,
            reference: "dagrun_queued_at".into(),
            deadline_time: at(50),
            missed,
            met_at,
        };
        let rows = vec![one(0, false, None), one(1, true, None), one(2, false, Some(at(3)))];
        let changes = rows.iter().cloned().map(Change::PutDeadline);
        let changes = changes.chain([Change::PutDagRun(run.clone())]).collect();
        store.write_blocking(move |tx| apply::apply(tx, changes)).unwrap();
        assert_eq!(store.read_blocking(deadline::open).unwrap(), rows[..1]);
        let key = run.key();
        assert_eq!(store.read_blocking(move |c| deadline::for_run(c, &key)).unwrap(), rows);
    }
}
