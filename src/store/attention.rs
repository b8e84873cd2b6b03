//! What somebody should look at: failed runs, slow and waiting tasks, missed deadlines; and how
//! many runs ended when. Every query reads from an index, however long the history is.

use rusqlite::{Connection, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::store::task_instance::read_key;
use crate::types::attention::{FailedTask, PulseHour, RunBrief};
use crate::types::run::DagRunKey;
use crate::types::{DagId, DagRunId, TaskInstanceKey, Timestamp};

/// Of how many instances of a task that succeeded a median is taken.
const MEDIAN_OF: u32 = 20;
/// Of fewer nobody can say what is usual.
const SAMPLES_MIN: usize = 3;

/// The newest failed run of a DAG that no success has followed.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub dag_id: DagId,
    pub dag_run_id: DagRunId,
    pub end_date: Option<Timestamp>,
    /// How many have failed since the last success; at most 100.
    pub in_a_row: u32,
}

/// A task instance that runs, with what is usual for its task.
#[derive(Debug, Clone, PartialEq)]
pub struct SlowTask {
    pub key: TaskInstanceKey,
    pub start_date: Timestamp,
    pub median_secs: f64,
}

/// Tasks of a run that wait for slots of a pool.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingTasks {
    pub run: DagRunKey,
    pub pool: String,
    pub count: u64,
    pub since: Timestamp,
}

/// Runs of a DAG that wait.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingRuns {
    /// The first of them.
    pub run: DagRunKey,
    pub count: u64,
    pub since: Timestamp,
}

/// Returns, of each DAG whose last run that ended has failed, that run.
pub fn failures(conn: &Connection, dag_ids: &[DagId]) -> Result<Vec<Failure>, StoreError> {
    let sql = "SELECT r.dag_id, r.dag_run_id, r.end_date,
            (SELECT count(*) FROM (SELECT 1 FROM dag_run WHERE dag_id = r.dag_id
                AND state = 'failed' AND run_after > ifnull((SELECT max(run_after) FROM dag_run
                    WHERE dag_id = r.dag_id AND state = 'success'), -1) LIMIT 100)) AS in_a_row
        FROM json_each(?1) AS wanted JOIN dag_run AS r ON r.id = (
            SELECT id FROM dag_run WHERE dag_id = wanted.value AND state = 'failed'
            ORDER BY run_after DESC, id DESC LIMIT 1)
        WHERE NOT EXISTS (SELECT 1 FROM dag_run WHERE dag_id = r.dag_id AND state = 'success'
            AND (run_after, id) > (r.run_after, r.id))";
    let ids = row::json_text(&dag_ids, "dag_id")?;
    row::all(conn, sql, [ids], |row| {
        Ok(Failure {
            dag_id: row::text(row, "dag_id")?,
            dag_run_id: row::text(row, "dag_run_id")?,
            end_date: row::opt_time(row, "end_date")?,
            // Two runs of one date: the failed one may be the only one after the success.
            in_a_row: row.get::<_, u32>("in_a_row")?.max(1),
        })
    })
}

/// Returns the task instances that run since before `before`, oldest first, that take longer than
/// `times` the median of their task.
pub fn slow_tasks(
    conn: &Connection,
    before: Timestamp,
    now: Timestamp,
    times: f64,
) -> Result<Vec<SlowTask>, StoreError> {
    let sql = "SELECT dag_id, dag_run_id, task_id, map_index, start_date
        FROM task_instance INDEXED BY task_instance_in_state
        WHERE state IS NOT 'success' AND state = 'running' AND start_date < ?1
        ORDER BY start_date LIMIT 200";
    let running = row::all(conn, sql, [row::micros(before)], |row| {
        Ok((read_key(row)?, row::time(row, "start_date")?))
    })?;
    let mut slow = Vec::new();
    let mut medians = std::collections::BTreeMap::new();
    for (key, start_date) in running {
        let task = (key.dag_id.clone(), key.task_id.clone());
        let median = match medians.get(&task) {
            Some(median) => *median,
            None => *medians.entry(task).or_insert(median_of_task(conn, &key)?),
        };
        let secs = (now - start_date).total(jiff::Unit::Second).unwrap_or(0.0);
        if let Some(median_secs) = median.filter(|median| secs > median * times) {
            slow.push(SlowTask { key, start_date, median_secs });
        }
    }
    Ok(slow)
}

fn median_of_task(conn: &Connection, key: &TaskInstanceKey) -> Result<Option<f64>, StoreError> {
    // The newest instances are looked at, not the newest successes: an index leads to those.
    let sql = "SELECT (end_date - start_date) / 1e6 AS secs FROM (
            SELECT state, start_date, end_date FROM task_instance
                INDEXED BY task_instance_of_task
            WHERE dag_id = ?1 AND task_id = ?2 ORDER BY id DESC LIMIT 200)
        WHERE state = 'success' AND start_date IS NOT NULL AND end_date IS NOT NULL LIMIT ?3";
    let values = params![key.dag_id.as_str(), key.task_id.as_str(), MEDIAN_OF];
    let mut secs = row::all(conn, sql, values, |row| Ok(row.get::<_, f64>("secs")?))?;
    secs.sort_by(f64::total_cmp);
    Ok(secs.get(secs.len() / 2).copied().filter(|_| secs.len() >= SAMPLES_MIN))
}

/// Returns the tasks that have waited for a slot since before `before`, by run and pool, the
/// longest first.
pub fn waiting_tasks(
    conn: &Connection,
    before: Timestamp,
) -> Result<Vec<WaitingTasks>, StoreError> {
    let sql = "SELECT dag_id, dag_run_id, pool, count(*) AS tasks,
            min(ifnull(queued_when, scheduled_when)) AS since
        FROM task_instance INDEXED BY task_instance_in_state
        WHERE state IS NOT 'success' AND state IN ('scheduled', 'queued')
            AND ifnull(queued_when, scheduled_when) < ?1
        GROUP BY dag_id, dag_run_id, pool ORDER BY since LIMIT 50";
    row::all(conn, sql, [row::micros(before)], |row| {
        Ok(WaitingTasks {
            run: read_run(row)?,
            pool: row.get("pool")?,
            count: row.get::<_, i64>("tasks")?.unsigned_abs(),
            since: row::time(row, "since")?,
        })
    })
}

/// Returns the DAGs whose runs have been queued since before `before`, those of backfills left
/// out: they wait for each other by nature.
pub fn waiting_runs(conn: &Connection, before: Timestamp) -> Result<Vec<WaitingRuns>, StoreError> {
    // SQLite takes bare columns from the row that holds the minimum.
    let sql = "SELECT dag_id, dag_run_id, count(*) AS runs,
            min(max(queued_at, run_after)) AS since
        FROM dag_run WHERE state = 'queued' AND backfill_id IS NULL
            AND max(queued_at, run_after) < ?1
        GROUP BY dag_id ORDER BY since LIMIT 50";
    row::all(conn, sql, [row::micros(before)], |row| {
        Ok(WaitingRuns {
            run: read_run(row)?,
            count: row.get::<_, i64>("runs")?.unsigned_abs(),
            since: row::time(row, "since")?,
        })
    })
}

/// Returns the runs under way that have missed a deadline, with the first one missed.
pub fn missed_deadlines(conn: &Connection) -> Result<Vec<(DagRunKey, Timestamp)>, StoreError> {
    let sql = "SELECT d.dag_id, d.dag_run_id, min(d.deadline_time) AS deadline_time
        FROM dag_run AS r CROSS JOIN deadline AS d
            ON d.dag_id = r.dag_id AND d.dag_run_id = r.dag_run_id
        WHERE r.state IN ('queued', 'running') AND d.missed = 1
        GROUP BY d.dag_id, d.dag_run_id ORDER BY deadline_time LIMIT 50";
    row::all(conn, sql, [], |row| Ok((read_run(row)?, row::time(row, "deadline_time")?)))
}

/// Counts the runs that ended in each of the last `hours` hours before `now`, the present one last.
pub fn pulse(conn: &Connection, now: Timestamp, hours: u32) -> Result<Vec<PulseHour>, StoreError> {
    const HOUR_MICROS: i64 = 3_600_000_000;
    let sql = "SELECT (?1 - end_date) / ?2 AS back, count(*) AS runs,
            sum(state = 'failed') AS failed
        FROM dag_run WHERE end_date IS NOT NULL AND end_date > ?1 - ?2 * ?3 AND end_date <= ?1
        GROUP BY back";
    let values = params![row::micros(now), HOUR_MICROS, hours];
    let found = row::all(conn, sql, values, |row| {
        let count = |column: &str| Ok::<_, StoreError>(row.get::<_, i64>(column)?.unsigned_abs());
        let hour = PulseHour { runs: count("runs")?, failed: count("failed")? };
        Ok((row.get::<_, u32>("back")? as usize, hour))
    })?;
    let mut pulse = vec![PulseHour::default(); hours as usize];
    for (back, hour) in found {
        if let Some(place) = pulse.iter_mut().rev().nth(back) {
            *place = hour;
        }
    }
    Ok(pulse)
}

/// Returns a run in short, without the last lines of logs, which are no business of the store.
pub fn brief(conn: &Connection, run: &DagRunKey) -> Result<RunBrief, StoreError> {
    let ids = [run.dag_id.as_str(), run.dag_run_id.as_str()];
    let sql = "SELECT state, count(*) AS tasks FROM task_instance
        WHERE dag_id = ?1 AND dag_run_id = ?2 GROUP BY state";
    let counts = row::all(conn, sql, ids, |row| {
        Ok((row::opt_word(row, "state")?, row.get::<_, i64>("tasks")?.unsigned_abs()))
    })?;
    // The plus keeps the planner on the run: an index of states would lead through other runs.
    let sql = "SELECT dag_id, dag_run_id, task_id, map_index FROM task_instance
        WHERE dag_id = ?1 AND dag_run_id = ?2 AND +state = 'running'
        ORDER BY start_date, task_id, map_index LIMIT 6";
    let running = row::all(conn, sql, ids, read_key)?;
    Ok(RunBrief { run: run.clone(), counts, running, failed: failed(conn, run)? })
}

/// Returns some of the failed tasks of a run, the first one first.
pub fn failed(conn: &Connection, run: &DagRunKey) -> Result<Vec<FailedTask>, StoreError> {
    let sql = "SELECT * FROM task_instance WHERE dag_id = ?1 AND dag_run_id = ?2
            AND +state = 'failed'
        ORDER BY end_date, task_id, map_index LIMIT 3";
    row::all(conn, sql, [run.dag_id.as_str(), run.dag_run_id.as_str()], |row| {
        Ok(FailedTask {
            key: read_key(row)?,
            try_number: row.get("try_number")?,
            max_tries: row.get("max_tries")?,
            note: row.get("note")?,
            end_date: row::opt_time(row, "end_date")?,
            last_line: None,
        })
    })
}

fn read_run(row: &rusqlite::Row<'_>) -> Result<DagRunKey, StoreError> {
    Ok(DagRunKey { dag_id: row::text(row, "dag_id")?, dag_run_id: row::text(row, "dag_run_id")? })
}

#[cfg(test)]
mod tests;
