//! The event feed (Airflow's `log`).

use rusqlite::{Connection, Row, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::Timestamp;
use crate::types::event::EventLog;

/// Appends, and returns the number it was given.
pub fn insert(conn: &Connection, line: &EventLog) -> Result<i64, StoreError> {
    let sql = "INSERT INTO log (\"when\", severity, event, dag_id, dag_run_id, task_id, owner,
            message) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let values = params![
        row::micros(line.when),
        severity(line)?,
        line.event,
        line.dag_id.as_ref().map(|id| id.as_str()),
        line.dag_run_id.as_ref().map(|id| id.as_str()),
        line.task_id.as_ref().map(|id| id.as_str()),
        line.owner,
        line.message,
    ];
    row::execute(conn, sql, values)?;
    Ok(conn.last_insert_rowid())
}

/// How far back `insert_once` looks: it must not read a feed of years.
const LOOK_BACK_LINES: i64 = 10_000;

/// Appends a line of a task unless the task has said the same since then, as far as the last
/// 10,000 lines tell. `false`: it has.
pub fn insert_once(
    conn: &Connection,
    line: &EventLog,
    since: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "SELECT id FROM log WHERE \"when\" >= ?1 AND event = ?2 AND dag_id IS ?3
            AND dag_run_id IS ?4 AND task_id IS ?5 AND message = ?6
            AND id > (SELECT ifnull(max(id), 0) FROM log) - ?7
        LIMIT 1";
    let values = params![
        row::micros(since),
        line.event,
        line.dag_id.as_ref().map(|id| id.as_str()),
        line.dag_run_id.as_ref().map(|id| id.as_str()),
        line.task_id.as_ref().map(|id| id.as_str()),
        line.message,
        LOOK_BACK_LINES,
    ];
    let said: Option<i64> = row::first(conn, sql, values, |row| Ok(row.get(0)?))?;
    if said.is_none() {
        insert(conn, line)?;
    }
    Ok(said.is_none())
}

/// Returns the last `limit` lines, newest first; with `before_id`, those before that one.
pub fn list(
    conn: &Connection,
    limit: u32,
    before_id: Option<i64>,
) -> Result<Vec<EventLog>, StoreError> {
    let sql = "SELECT * FROM log WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
    row::all(conn, sql, params![before_id.unwrap_or(i64::MAX), limit], read)
}

fn severity(line: &EventLog) -> Result<String, StoreError> {
    Ok(row::json_text(&line.severity, "severity")?.trim_matches('"').to_owned())
}

fn read(row: &Row<'_>) -> Result<EventLog, StoreError> {
    Ok(EventLog {
        id: row.get("id")?,
        when: row::time(row, "when")?,
        severity: row::word(row, "severity")?,
        event: row.get("event")?,
        dag_id: row::opt_text(row, "dag_id")?,
        dag_run_id: row::opt_text(row, "dag_run_id")?,
        task_id: row::opt_text(row, "task_id")?,
        owner: row.get("owner")?,
        message: row.get("message")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample::at;
    use crate::types::event::Severity;

    fn line(when: i64, message: &str) -> EventLog {
        EventLog {
            id: 0,
            when: at(when),
            severity: Severity::Info,
            event: "notify".to_owned(),
            dag_id: Some("d".into()),
            dag_run_id: Some("r".into()),
            task_id: None,
            owner: None,
            message: message.to_owned(),
        }
    }

    #[test]
    fn a_line_is_said_once_since_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let store = crate::store::Store::open(&dir.path().join("t.db")).unwrap();
        let say = |line: EventLog, since: i64| {
            store.write_blocking(move |tx| insert_once(tx, &line, at(since))).unwrap()
        };
        assert!(say(line(5, "a"), 4));
        assert!(!say(line(6, "a"), 4));
        assert!(say(line(6, "b"), 4), "another message");
        assert!(say(line(8, "a"), 7), "a later try");
        assert_eq!(store.read_blocking(|conn| list(conn, 10, None)).unwrap().len(), 3);
    }
}
