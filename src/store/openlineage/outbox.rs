//! What is to be told as OpenLineage. A row comes into being in the transaction of the change that
//! it tells of, and goes when the event has been taken: a crash in between sends it again.
//!
//! Triggers compare what is written with what is there, for only that says whether a try begins
//! or ends. They belong to the connection of the daemon's writer, so that they cost nothing where
//! nobody is told, and nothing is written that nobody will send.

use rusqlite::{Connection, Row, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::ids::UNMAPPED;
use crate::types::run::DagRunKey;
use crate::types::{AttemptKey, DagId, DagRunId, TaskInstanceKey, Timestamp};

/// How many events are kept for an endpoint that is away: about 20 MB of rows.
pub const LEN_MAX: u64 = 100_000;

/// How a run or a try stands, in OpenLineage's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    Start,
    Complete,
    Fail,
    Abort,
}

impl EventType {
    /// Returns the word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "START",
            Self::Complete => "COMPLETE",
            Self::Fail => "FAIL",
            Self::Abort => "ABORT",
        }
    }

    fn of_word(word: &str) -> Self {
        match word {
            "START" => Self::Start,
            "COMPLETE" => Self::Complete,
            "FAIL" => Self::Fail,
            _ => Self::Abort,
        }
    }
}

/// Of whom is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Run(DagRunKey),
    Try(AttemptKey),
}

impl Subject {
    /// Returns the run that it is or belongs to.
    pub fn run(&self) -> (&DagId, &DagRunId) {
        match self {
            Self::Run(run) => (&run.dag_id, &run.dag_run_id),
            Self::Try(key) => (&key.task.dag_id, &key.task.dag_run_id),
        }
    }
}

/// A line of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub id: i64,
    pub event_type: EventType,
    pub event_time: Timestamp,
    pub subject: Subject,
}

/// The states in which a try is over, and what each is in OpenLineage's words. One that was
/// skipped has run to its end; one whose task was removed or is to begin anew was broken off.
const TRY_ENDED: &str = "('success', 'failed', 'skipped', 'up_for_retry', 'upstream_failed',
    'removed', 'restarting')";

/// A try is replaced as a whole: what it was before can still be read in BEFORE INSERT. One that
/// ends before anybody saw it begin begins and ends; which of two triggers is first SQLite leaves
/// open, so one does both. Times that are missing are the run's.
const TRIGGERS: &str = "
CREATE TEMP TRIGGER openlineage_try BEFORE INSERT ON main.task_instance_history
WHEN new.start_date IS NOT NULL OR new.state IN @ENDED
BEGIN
    INSERT INTO openlineage_outbox
        (event_type, event_time, dag_id, dag_run_id, task_id, map_index, try_number)
    SELECT 'START', coalesce(new.start_date, new.end_date, run_after),
        new.dag_id, new.dag_run_id, new.task_id, new.map_index, new.try_number
    FROM dag_run WHERE dag_id = new.dag_id AND dag_run_id = new.dag_run_id
        AND NOT EXISTS (SELECT 1 FROM task_instance_history
            WHERE dag_id = new.dag_id AND dag_run_id = new.dag_run_id AND task_id = new.task_id
                AND map_index = new.map_index AND try_number = new.try_number
                AND (start_date IS NOT NULL OR state IN @ENDED));
    INSERT INTO openlineage_outbox
        (event_type, event_time, dag_id, dag_run_id, task_id, map_index, try_number)
    SELECT CASE WHEN new.state IN ('success', 'skipped') THEN 'COMPLETE'
            WHEN new.state IN ('removed', 'restarting') THEN 'ABORT' ELSE 'FAIL' END,
        coalesce(new.end_date, new.start_date, run_after),
        new.dag_id, new.dag_run_id, new.task_id, new.map_index, new.try_number
    FROM dag_run WHERE dag_id = new.dag_id AND dag_run_id = new.dag_run_id
        AND new.state IN @ENDED
        AND NOT EXISTS (SELECT 1 FROM task_instance_history
            WHERE dag_id = new.dag_id AND dag_run_id = new.dag_run_id AND task_id = new.task_id
                AND map_index = new.map_index AND try_number = new.try_number
                AND state IN @ENDED);
END;
CREATE TEMP TRIGGER openlineage_run_is_made AFTER INSERT ON main.dag_run
WHEN new.state <> 'queued'
BEGIN
    INSERT INTO openlineage_outbox
        (event_type, event_time, dag_id, dag_run_id, task_id, map_index, try_number)
    VALUES ('START', coalesce(new.start_date, new.run_after),
        new.dag_id, new.dag_run_id, NULL, -1, 0);
    INSERT INTO openlineage_outbox
        (event_type, event_time, dag_id, dag_run_id, task_id, map_index, try_number)
    SELECT CASE new.state WHEN 'success' THEN 'COMPLETE' ELSE 'FAIL' END,
        coalesce(new.end_date, new.run_after), new.dag_id, new.dag_run_id, NULL, -1, 0
    WHERE new.state IN ('success', 'failed');
END;
CREATE TEMP TRIGGER openlineage_run AFTER UPDATE OF state ON main.dag_run
WHEN new.state <> old.state AND new.state <> 'queued'
BEGIN
    INSERT INTO openlineage_outbox
        (event_type, event_time, dag_id, dag_run_id, task_id, map_index, try_number)
    SELECT 'START', coalesce(new.start_date, new.run_after),
        new.dag_id, new.dag_run_id, NULL, -1, 0
    WHERE new.state = 'running' OR old.state = 'queued';
    INSERT INTO openlineage_outbox
        (event_type, event_time, dag_id, dag_run_id, task_id, map_index, try_number)
    SELECT CASE new.state WHEN 'success' THEN 'COMPLETE' ELSE 'FAIL' END,
        coalesce(new.end_date, new.run_after), new.dag_id, new.dag_run_id, NULL, -1, 0
    WHERE new.state IN ('success', 'failed');
END;
";

const TRIGGER_NAMES: [&str; 3] = ["openlineage_try", "openlineage_run_is_made", "openlineage_run"];

/// Has what happens from now on written down, or no longer; what nobody is told is thrown away.
/// Both can be said again. It holds for the connection that says it.
pub fn follow(conn: &Connection, is_on: bool) -> Result<(), StoreError> {
    for name in TRIGGER_NAMES {
        conn.execute_batch(&format!("DROP TRIGGER IF EXISTS temp.{name}"))?;
    }
    if is_on {
        conn.execute_batch(&TRIGGERS.replace("@ENDED", TRY_ENDED))?;
    } else {
        row::execute(conn, "DELETE FROM openlineage_outbox", [])?;
    }
    Ok(())
}

/// Returns the oldest lines.
pub fn due(conn: &Connection, limit: u32) -> Result<Vec<Due>, StoreError> {
    let sql = "SELECT * FROM openlineage_outbox ORDER BY id LIMIT ?1";
    row::all(conn, sql, [limit], read)
}

/// Returns how many wait: ids leave no gaps but at the front.
pub fn waiting(conn: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT ifnull(max(id) - min(id) + 1, 0) FROM openlineage_outbox";
    row::count(conn, sql, [])
}

/// Deletes what has been taken: all up to `id`. Returns how many those were.
pub fn taken(conn: &Connection, id: i64) -> Result<usize, StoreError> {
    row::execute(conn, "DELETE FROM openlineage_outbox WHERE id <= ?1", [id])
}

/// Deletes the oldest of those that are too many, and returns how many those were.
pub fn cut(conn: &Connection, len_max: u64) -> Result<usize, StoreError> {
    let sql = "DELETE FROM openlineage_outbox
        WHERE id <= (SELECT max(id) FROM openlineage_outbox) - ?1";
    row::execute(conn, sql, params![i64::try_from(len_max).unwrap_or(i64::MAX)])
}

fn read(row: &Row<'_>) -> Result<Due, StoreError> {
    let run =
        DagRunKey { dag_id: row::text(row, "dag_id")?, dag_run_id: row::text(row, "dag_run_id")? };
    let task_id = row::opt_text(row, "task_id")?;
    let subject = match task_id {
        None => Subject::Run(run),
        Some(task_id) => Subject::Try(AttemptKey {
            task: TaskInstanceKey {
                dag_id: run.dag_id,
                dag_run_id: run.dag_run_id,
                task_id,
                map_index: row.get("map_index").unwrap_or(UNMAPPED),
            },
            try_number: row.get("try_number")?,
        }),
    };
    Ok(Due {
        id: row.get("id")?,
        event_type: EventType::of_word(&row.get::<_, String>("event_type")?),
        event_time: row::time(row, "event_time")?,
        subject,
    })
}

#[cfg(test)]
mod tests;
