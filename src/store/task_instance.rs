//! Task instances and their tries.

use rusqlite::{Connection, Row, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::ask::TaskInstanceQuery;
use crate::types::executor::TryPlace;
use crate::types::run::{DagRunKey, TaskInstance, TaskTry};
use crate::types::{AttemptKey, DagId, LaunchToken, TaskId, TaskInstanceKey, TaskInstanceState};

/// Inserts or replaces. Most are there and move on: then what indexes are made of, beside the
/// state, is not touched.
pub(crate) fn put(conn: &Connection, task: &TaskInstance) -> Result<(), StoreError> {
    let moved = "UPDATE task_instance SET state = ?5, try_number = ?6, max_tries = ?7,
            token = ?10, pid = ?11, scheduled_when = ?12, queued_when = ?13, start_date = ?14,
            end_date = ?15, next_retry_at = ?16, note = ?17, user_note = ?18, trigger = ?19,
            trigger_timeout = ?20, executor = ?21, hostname = ?22, external_executor_id = ?23,
            adopted = ?24
        WHERE dag_id = ?1 AND dag_run_id = ?2 AND task_id = ?3 AND map_index = ?4
            AND operator IS ?8 AND pool IS ?9";
    if task.state.is_some() && put_by(conn, moved, task)? > 0 {
        return Ok(());
    }
    let sql = "INSERT INTO task_instance (dag_id, dag_run_id, task_id, map_index, state,
            try_number, max_tries, operator, pool, token, pid, scheduled_when, queued_when,
            start_date, end_date, next_retry_at, note, user_note, trigger, trigger_timeout,
            executor, hostname, external_executor_id, adopted)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
            ?19, ?20, ?21, ?22, ?23, ?24)
        ON CONFLICT (dag_id, dag_run_id, task_id, map_index) DO UPDATE SET
            state = excluded.state, try_number = excluded.try_number,
            max_tries = excluded.max_tries, operator = excluded.operator,
            pool = excluded.pool, token = excluded.token, pid = excluded.pid,
            scheduled_when = excluded.scheduled_when, queued_when = excluded.queued_when,
            start_date = excluded.start_date, end_date = excluded.end_date,
            next_retry_at = excluded.next_retry_at, note = excluded.note,
            user_note = excluded.user_note, trigger = excluded.trigger,
            trigger_timeout = excluded.trigger_timeout, executor = excluded.executor,
            hostname = excluded.hostname,
            external_executor_id = excluded.external_executor_id, adopted = excluded.adopted";
    put_by(conn, sql, task).map(drop)
}

fn put_by(conn: &Connection, sql: &str, task: &TaskInstance) -> Result<usize, StoreError> {
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
        task.user_note,
        task.trigger.as_deref(),
        row::opt_micros(task.trigger_timeout),
        task.place.executor.map(|executor| executor.as_str()),
        task.place.hostname.as_deref(),
        task.place.external_executor_id.as_deref(),
        task.place.adopted.as_deref(),
    ];
    row::execute(conn, sql, values)
}

/// Removes a task instance that was never begun.
pub(crate) fn delete(conn: &Connection, key: &TaskInstanceKey) -> Result<(), StoreError> {
    let sql = "DELETE FROM task_instance
        WHERE dag_id = ?1 AND dag_run_id = ?2 AND task_id = ?3 AND map_index = ?4";
    row::execute(conn, sql, key_params(key)).map(drop)
}

/// Inserts or replaces a try.
pub(crate) fn put_try(conn: &Connection, task_try: &TaskTry) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO task_instance_history (dag_id, dag_run_id, task_id,
            map_index, try_number, token, state, start_date, end_date, exit_code, error, pid,
            executor, hostname, external_executor_id, adopted)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
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
        task_try.pid,
        task_try.place.executor.map(|executor| executor.as_str()),
        task_try.place.hostname.as_deref(),
        task_try.place.external_executor_id.as_deref(),
        task_try.place.adopted.as_deref(),
    ];
    row::execute(conn, sql, values).map(drop)
}

/// Returns a task instance.
pub fn get(conn: &Connection, key: &TaskInstanceKey) -> Result<Option<TaskInstance>, StoreError> {
    let sql = "SELECT * FROM task_instance
        WHERE dag_id = ?1 AND dag_run_id = ?2 AND task_id = ?3 AND map_index = ?4";
    row::first(conn, sql, key_params(key), read)
}

/// The plus keeps the planner from an index in the order of the ids, along which it would walk
/// all of the DAG's history.
const OF_RUN: &str =
    "SELECT * FROM task_instance WHERE dag_id = ?1 AND dag_run_id = ?2 ORDER BY +id";

/// Returns the task instances of a run, in the order in which they were made.
pub fn for_run(conn: &Connection, run: &DagRunKey) -> Result<Vec<TaskInstance>, StoreError> {
    row::all(conn, OF_RUN, [run.dag_id.as_str(), run.dag_run_id.as_str()], read)
}

/// Returns the tasks through which a run failed, as people name them.
pub fn failed_of(
    conn: &Connection,
    run: &DagRunKey,
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT task_id FROM task_instance
        WHERE dag_id = ?1 AND dag_run_id = ?2 AND +state = 'failed'
        GROUP BY task_id ORDER BY min(id) LIMIT ?3";
    let values = params![run.dag_id.as_str(), run.dag_run_id.as_str(), limit];
    row::all(conn, sql, values, |row| Ok(row.get(0)?))
}

/// Returns how many instances a mapped task had when it was last expanded; `None` where it never
/// was.
pub fn last_count(
    conn: &Connection,
    dag_id: &DagId,
    task_id: &TaskId,
) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT count(*) AS instances FROM task_instance AS ti WHERE dag_id = ?1
        AND task_id = ?2 AND map_index >= 0 AND dag_run_id = (
            SELECT dag_run_id FROM task_instance INDEXED BY task_instance_of_task
            WHERE dag_id = ?1 AND task_id = ?2 AND map_index >= 0 ORDER BY id DESC LIMIT 1)";
    let count = row::count(conn, sql, [dag_id.as_str(), task_id.as_str()])?;
    Ok((count > 0).then_some(count))
}

/// Returns a page of the task instances that fit, newest first, and where the next one begins.
pub fn page(
    conn: &Connection,
    query: &TaskInstanceQuery,
) -> Result<(Vec<TaskInstance>, Option<i64>), StoreError> {
    let state = query.state.map(|state| state.as_str());
    let dag_id = query.dag_id.as_ref().map(DagId::as_str);
    let task_id = query.task_id.as_ref().map(TaskId::as_str);
    let clause = |column: &str, number: u32, is_wanted: bool| {
        if is_wanted { format!("{column} = ?{number}") } else { format!("?{number} IS NULL") }
    };
    let not_success = if state.is_some_and(|state| state != "success") {
        "state IS NOT 'success'"
    } else {
        "true"
    };
    // The one index that leads to few rows in the order of the page is named: what the planner
    // thinks of the figures must not turn a page into a scan of the history.
    let sql = format!(
        "SELECT * FROM task_instance {} WHERE {} AND {} AND {} AND {} AND {} AND {not_success}
            AND id < ?6 ORDER BY id DESC LIMIT ?7",
        index(query),
        clause("dag_id", 1, dag_id.is_some()),
        clause("task_id", 2, task_id.is_some()),
        clause("state", 3, state.is_some()),
        clause("pool", 4, query.pool.is_some()),
        clause("operator", 5, query.operator.is_some()),
    );
    let values = params![
        dag_id,
        task_id,
        state,
        query.pool,
        query.operator,
        query.before.unwrap_or(i64::MAX),
        i64::from(query.limit) + 1,
    ];
    let mut rows = row::all(conn, &sql, values, |row| Ok((row.get::<_, i64>("id")?, read(row)?)))?;
    let limit = query.limit as usize;
    let is_last = rows.len() <= limit;
    rows.truncate(limit);
    let next = rows.last().map(|(id, _)| *id).filter(|_| !is_last);
    Ok((rows.into_iter().map(|(_, task)| task).collect(), next))
}

fn index(query: &TaskInstanceQuery) -> &'static str {
    let in_state = query.state.is_some_and(|state| state != TaskInstanceState::Success);
    match (&query.dag_id, &query.task_id) {
        (Some(_), Some(_)) => "INDEXED BY task_instance_of_task",
        (Some(_), None) if in_state => "INDEXED BY task_instance_of_dag_in_state",
        (None, _) if in_state => "INDEXED BY task_instance_in_state",
        (Some(_), None) => "INDEXED BY task_instance_of_dag",
        (None, _) if query.operator.is_some() => "INDEXED BY task_instance_of_operator",
        (None, _) if query.pool.is_some() => "INDEXED BY task_instance_in_pool",
        (None, _) => "NOT INDEXED",
    }
}

/// Says whether the attempt with this token has not ended.
pub fn is_unfinished(conn: &Connection, token: &LaunchToken) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM task_instance INDEXED BY task_instance_in_state
        WHERE state IS NOT 'success' AND state IN ('queued', 'running', 'restarting')
        AND token = ?1";
    Ok(row::count(conn, sql, [token.as_str()])? > 0)
}

/// How many instances of a task executors hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFlight {
    pub dag_id: DagId,
    pub task_id: TaskId,
    pub queued: u32,
    pub running: u32,
}

/// Counts what executors hold, by task.
pub fn in_flight(conn: &Connection) -> Result<Vec<InFlight>, StoreError> {
    let sql = "SELECT dag_id, task_id, sum(state = 'queued') AS queued,
            sum(state IN ('running', 'restarting')) AS running
        FROM task_instance INDEXED BY task_instance_in_state
        WHERE state IS NOT 'success' AND state IN ('queued', 'running', 'restarting')
        GROUP BY dag_id, task_id";
    row::all(conn, sql, [], |row| {
        Ok(InFlight {
            dag_id: row::text(row, "dag_id")?,
            task_id: row::text(row, "task_id")?,
            queued: row.get("queued")?,
            running: row.get("running")?,
        })
    })
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
        place: read_place(row)?,
        scheduled_when: row::opt_time(row, "scheduled_when")?,
        queued_when: row::opt_time(row, "queued_when")?,
        start_date: row::opt_time(row, "start_date")?,
        end_date: row::opt_time(row, "end_date")?,
        next_retry_at: row::opt_time(row, "next_retry_at")?,
        note: row.get("note")?,
        user_note: row.get("user_note")?,
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
        pid: row.get("pid")?,
        place: read_place(row)?,
    })
}

fn read_place(row: &Row<'_>) -> Result<TryPlace, StoreError> {
    let text = |column: &str| row.get::<_, Option<String>>(column);
    Ok(TryPlace {
        executor: row::opt_word(row, "executor")?,
        hostname: text("hostname")?.map(Into::into),
        external_executor_id: text("external_executor_id")?.map(Into::into),
        adopted: text("adopted")?.map(Into::into),
    })
}

#[cfg(test)]
mod tests;
