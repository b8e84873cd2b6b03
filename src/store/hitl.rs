//! What people are asked, and what they answered (Airflow's `hitl_detail`).

use rusqlite::{Connection, Row, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::store::task_instance::{key_params, read_key};
use crate::types::approval::{HitlDetail, Question};
use crate::types::{AttemptKey, DagId, TaskInstanceKey};

/// Inserts or replaces; when it was asked stays.
pub(crate) fn put(conn: &Connection, detail: &HitlDetail) -> Result<(), StoreError> {
    let sql = "INSERT INTO hitl_detail (dag_id, dag_run_id, task_id, map_index, try_number,
            subject, body, options, defaults, multiple, params, assignees, created_at, timeout_at,
            response)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
        ON CONFLICT (dag_id, dag_run_id, task_id, map_index, try_number) DO UPDATE SET
            subject = excluded.subject, body = excluded.body, options = excluded.options,
            defaults = excluded.defaults, multiple = excluded.multiple, params = excluded.params,
            assignees = excluded.assignees, timeout_at = excluded.timeout_at,
            response = excluded.response";
    let (dag_id, dag_run_id, task_id, map_index) = key_params(&detail.key.task);
    let question = &detail.question;
    let defaults = question.defaults.as_ref().map(|names| row::json_text(names, "defaults"));
    let response = detail.response.as_ref().map(|given| row::json_text(given, "response"));
    let values = params![
        dag_id,
        dag_run_id,
        task_id,
        map_index,
        detail.key.try_number,
        question.subject,
        question.body,
        row::json_text(&question.options, "options")?,
        defaults.transpose()?,
        question.multiple,
        row::json_text(&question.params, "params")?,
        row::json_text(&question.assignees, "assignees")?,
        row::micros(detail.created_at),
        row::opt_micros(detail.timeout_at),
        response.transpose()?,
    ];
    row::execute(conn, sql, values).map(drop)
}

/// Returns the last question of a task instance.
pub fn last(conn: &Connection, key: &TaskInstanceKey) -> Result<Option<HitlDetail>, StoreError> {
    let sql = "SELECT * FROM hitl_detail
        WHERE dag_id = ?1 AND dag_run_id = ?2 AND task_id = ?3 AND map_index = ?4
        ORDER BY try_number DESC LIMIT 1";
    row::first(conn, sql, key_params(key), read)
}

/// Returns the questions of one DAG or of all, newest first: those that wait for an answer, or
/// all there were.
pub fn list(
    conn: &Connection,
    dag_id: Option<&DagId>,
    only_pending: bool,
    limit: u32,
) -> Result<Vec<HitlDetail>, StoreError> {
    // One whose task was ended otherwise waits no longer.
    let sql = "SELECT hitl_detail.* FROM hitl_detail
        LEFT JOIN task_instance AS ti USING (dag_id, dag_run_id, task_id, map_index)
        WHERE (?1 IS NULL OR hitl_detail.dag_id = ?1)
            AND (NOT ?2 OR (response IS NULL AND ti.state = 'deferred'
                AND ti.try_number = hitl_detail.try_number))
        ORDER BY created_at DESC, dag_run_id DESC, task_id, map_index,
            hitl_detail.try_number DESC LIMIT ?3";
    row::all(conn, sql, params![dag_id.map(DagId::as_str), only_pending, limit], read)
}

fn read(row: &Row<'_>) -> Result<HitlDetail, StoreError> {
    Ok(HitlDetail {
        key: AttemptKey { task: read_key(row)?, try_number: row.get("try_number")? },
        question: Question {
            subject: row.get("subject")?,
            body: row.get("body")?,
            options: row::json(row, "options")?,
            defaults: row::opt_json(row, "defaults")?,
            multiple: row.get("multiple")?,
            params: row::json(row, "params")?,
            assignees: row::json(row, "assignees")?,
        },
        created_at: row::time(row, "created_at")?,
        timeout_at: row::opt_time(row, "timeout_at")?,
        response: row::opt_json(row, "response")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sched::Change;
    use crate::store::sample::{at, key, object, run, store, task};
    use crate::types::approval::HitlResponse;
    use crate::types::{DagRunState, TaskInstanceState};

    fn detail(task_id: &str, secs: i64) -> HitlDetail {
        HitlDetail {
            key: AttemptKey { task: key("d", "r", task_id), try_number: 1 },
            question: Question {
                subject: "Deploy?".into(),
                body: Some("It is late.".into()),
                options: vec!["Approve".into(), "Reject".into()],
                defaults: Some(vec!["Reject".into()]),
                multiple: false,
                params: object(json!({"reason": {"type": "string"}})),
                assignees: vec!["ana".into()],
            },
            created_at: at(secs),
            timeout_at: Some(at(secs + 60)),
            response: None,
        }
    }

    #[tokio::test]
    async fn what_waits_for_an_answer_is_listed_newest_first() {
        let (_dir, store) = store();
        let deferred = |id: &str| task(key("d", "r", id), Some(TaskInstanceState::Deferred));
        let ended = task(key("d", "r", "ended"), Some(TaskInstanceState::Failed));
        let mut changes = vec![Change::PutDagRun(run("d", "r", 0, DagRunState::Running))];
        changes.extend([deferred("a"), deferred("b"), ended].map(Change::PutTaskInstance));
        let asked = [detail("a", 1), detail("b", 2), detail("ended", 3)];
        changes.extend(asked.clone().map(Change::PutHitlDetail));
        store.commit(changes).await.unwrap();
        let ids = |all: Vec<HitlDetail>| -> Vec<String> {
            all.iter().map(|one| one.key.task.task_id.to_string()).collect()
        };
        let list = |dag: Option<&str>, pending| {
            let dag = dag.map(DagId::from);
            store.read_blocking(|conn| super::list(conn, dag.as_ref(), pending, 10)).unwrap()
        };
        assert_eq!(ids(list(None, true)), ["b", "a"]);
        assert_eq!(ids(list(Some("d"), false)), ["ended", "b", "a"]);
        assert_eq!(list(Some("other"), false), []);

        let response = HitlResponse {
            chosen_options: vec!["Approve".into()],
            params_input: object(json!({"reason": "x"})),
            responded_by: Some("ana".into()),
            responded_at: at(9),
            timed_out: false,
        };
        // When it was asked stays as it was.
        let answered = HitlDetail { response: Some(response), created_at: at(8), ..detail("a", 1) };
        store.commit(vec![Change::PutHitlDetail(answered.clone())]).await.unwrap();
        let kept = store.read_blocking(|conn| last(conn, &key("d", "r", "a"))).unwrap();
        assert_eq!(kept, Some(HitlDetail { created_at: at(1), ..answered }));
        assert_eq!(ids(list(None, true)), ["b"]);
    }
}
