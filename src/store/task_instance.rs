//! Task instances and their tries.

use rusqlite::{Connection, Row, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::run::{DagRunKey, TaskInstance, TaskTry};
use crate::types::{AttemptKey, TaskInstanceKey};

/// Inserts or replaces.
pub(crate) fn put(conn: &Connection, task: &TaskInstance) -> Result<(), StoreError> {
    let sql = "INSERT INTO task_instance (dag_id, dag_run_id, task_id, map_index, state,
            try_number, max_tries, operator, pool, token, pid, scheduled_when, queued_when,
            start_date, end_date, next_retry_at, note, trigger, trigger_timeout)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
            ?19)
        ON CONFLICT (dag_id, dag_run_id, task_id, map_index) DO UPDATE SET
            state = excluded.state, try_number = excluded.try_number,
            max_tries = excluded.max_tries, operator = excluded.operator,
            pool = excluded.pool, token = excluded.token, pid = excluded.pid,
            scheduled_when = excluded.scheduled_when, queued_when = excluded.queued_when,
            start_date = excluded.start_date, end_date = excluded.end_date,
            next_retry_at = excluded.next_retry_at, note = excluded.note,
            trigger = excluded.trigger, trigger_timeout = excluded.trigger_timeout";
    let values = params![
        task.key.dag_id.as_str(),
        task.key.dag_run_id.as_str(),
        task.key.task_id.as_str(),
        task.key.map_index,
        task.state.map(|state| state.as_str()),
        task.try_number,
        task.max_tries,
        task.operator,
        task.pool,
        task.token.as_ref().map(|token| token.as_str()),
        task.pid,
        row::opt_micros(task.scheduled_when),
        row::opt_micros(task.queued_when),
        row::opt_micros(task.start_date),
        row::opt_micros(task.end_date),
        row::opt_micros(task.next_retry_at),
        task.note,
        task.trigger.as_deref(),
        row::opt_micros(task.trigger_timeout),
    ];
    row::execute(conn, sql, values).map(drop)
}

/// Inserts or replaces a try.
pub(crate) fn put_try(conn: &Connection, task_try: &TaskTry) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO task_instance_history (dag_id, dag_run_id, task_id,
            map_index, try_number, token, state, start_date, end_date, exit_code, error)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let key = &task_try.key.task;
    let values = params![
        key.dag_id.as_str(),
        key.dag_run_id.as_str(),
        key.task_id.as_str(),
        key.map_index,
        task_try.key.try_number,
        task_try.token.as_str(),
        task_try.state.as_str(),
        row::opt_micros(task_try.start_date),
        row::opt_micros(task_try.end_date),
        task_try.exit_code,
        task_try.error,
    ];
    row::execute(conn, sql, values).map(drop)
}

/// Returns a task instance.
pub fn get(conn: &Connection, key: &TaskInstanceKey) -> Result<Option<TaskInstance>, StoreError> {
    let sql = "SELECT * FROM task_instance
        WHERE dag_id = ?1 AND dag_run_id = ?2 AND task_id = ?3 AND map_index = ?4";
    row::first(conn, sql, key_params(key), read)
}

/// Returns the task instances of a run, in the order in which they were made.
pub fn for_run(conn: &Connection, run: &DagRunKey) -> Result<Vec<TaskInstance>, StoreError> {
    let sql = "SELECT * FROM task_instance WHERE dag_id = ?1 AND dag_run_id = ?2 ORDER BY id";
    row::all(conn, sql, [run.dag_id.as_str(), run.dag_run_id.as_str()], read)
}

/// Returns the tries of a task instance, the first one first.
pub fn tries(conn: &Connection, key: &TaskInstanceKey) -> Result<Vec<TaskTry>, StoreError> {
    let sql = "SELECT * FROM task_instance_history
        WHERE dag_id = ?1 AND dag_run_id = ?2 AND task_id = ?3 AND map_index = ?4
        ORDER BY try_number";
    row::all(conn, sql, key_params(key), read_try)
}

pub(crate) fn key_params(key: &TaskInstanceKey) -> (&str, &str, &str, i32) {
    (key.dag_id.as_str(), key.dag_run_id.as_str(), key.task_id.as_str(), key.map_index)
}

pub(crate) fn read_key(row: &Row<'_>) -> Result<TaskInstanceKey, StoreError> {
    Ok(TaskInstanceKey {
        dag_id: row::text(row, "dag_id")?,
        dag_run_id: row::text(row, "dag_run_id")?,
        task_id: row::text(row, "task_id")?,
        map_index: row.get("map_index")?,
    })
}

fn read(row: &Row<'_>) -> Result<TaskInstance, StoreError> {
    Ok(TaskInstance {
        key: read_key(row)?,
        state: row::opt_word(row, "state")?,
        try_number: row.get("try_number")?,
        max_tries: row.get("max_tries")?,
        operator: row.get("operator")?,
        pool: row.get("pool")?,
        token: row::opt_text(row, "token")?,
        pid: row.get("pid")?,
        scheduled_when: row::opt_time(row, "scheduled_when")?,
        queued_when: row::opt_time(row, "queued_when")?,
        start_date: row::opt_time(row, "start_date")?,
        end_date: row::opt_time(row, "end_date")?,
        next_retry_at: row::opt_time(row, "next_retry_at")?,
        note: row.get("note")?,
        trigger: row.get::<_, Option<String>>("trigger")?.map(Into::into),
        trigger_timeout: row::opt_time(row, "trigger_timeout")?,
    })
}

fn read_try(row: &Row<'_>) -> Result<TaskTry, StoreError> {
    Ok(TaskTry {
        key: AttemptKey { task: read_key(row)?, try_number: row.get("try_number")? },
        token: row::text(row, "token")?,
        state: row::word(row, "state")?,
        start_date: row::opt_time(row, "start_date")?,
        end_date: row::opt_time(row, "end_date")?,
        exit_code: row.get("exit_code")?,
        error: row.get("error")?,
    })
}
