//! What came from what, as it was seen: a row for each data set that a job read or wrote, however
//! often it did, and which attempts did.

use rusqlite::{Connection, Row, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::store::task_instance::{key_params, read_key};
use crate::types::io::{ASSETS, DatasetRef, Observed};
use crate::types::lineage::{Direction, JobRef, LineageLink, SeenDataset};
use crate::types::run::DagRunKey;
use crate::types::{AssetName, AttemptKey, TaskInstanceKey, Timestamp};

/// A job that meets other data sets each time (a file a day) is known by the last so many of each
/// direction.
const OF_JOB_MAX: usize = 100;
/// Of all jobs elsewhere so many ends of links are kept.
const FOREIGN_MAX: u64 = 20_000;
/// An attempt is found by so many of its data sets in each direction.
const OF_ATTEMPT_MAX: usize = 1_000;

/// Takes a link in; told again, it is seen later.
pub fn put(conn: &Connection, link: &LineageLink) -> Result<(), StoreError> {
    for (direction, datasets) in
        [(Direction::Read, &link.inputs), (Direction::Wrote, &link.outputs)]
    {
        for dataset in datasets.iter().take(OF_JOB_MAX) {
            put_end(conn, link, direction, dataset)?;
        }
        if !datasets.is_empty() {
            forget_beyond(conn, &link.job, direction)?;
        }
    }
    match link.job {
        JobRef::Foreign { .. } => forget_foreign(conn, FOREIGN_MAX),
        JobRef::Task { .. } => Ok(()),
    }
}

/// Whoever names a job anew each time shall not fill the disk: those that were seen longest ago go.
fn forget_foreign(conn: &Connection, max: u64) -> Result<(), StoreError> {
    let sql = "SELECT count(*) FROM lineage_link WHERE job_kind = 'foreign'";
    let beyond = row::count(conn, sql, [])?.saturating_sub(max);
    if beyond == 0 {
        return Ok(());
    }
    let sql = "DELETE FROM lineage_link WHERE job_kind = 'foreign'
        AND (job_namespace, job_name, direction, namespace, name) IN (
            SELECT job_namespace, job_name, direction, namespace, name FROM lineage_link
            WHERE job_kind = 'foreign' ORDER BY last_seen, job_namespace, job_name LIMIT ?1)";
    row::execute(conn, sql, [row_count(beyond)]).map(drop)
}

fn put_end(
    conn: &Connection,
    link: &LineageLink,
    direction: Direction,
    dataset: &DatasetRef,
) -> Result<(), StoreError> {
    let (kind, namespace, name) = job_params(&link.job);
    let sql = "INSERT INTO lineage_link (job_kind, job_namespace, job_name, direction, namespace,
            name, first_seen, last_seen, run, source, dataset)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10)
        ON CONFLICT DO UPDATE SET last_seen = excluded.last_seen, run = excluded.run,
            source = excluded.source, dataset = excluded.dataset
        WHERE excluded.last_seen >= last_seen";
    let values = params![
        kind,
        namespace,
        name,
        direction.as_str(),
        dataset.namespace,
        dataset.name,
        row::micros(link.seen),
        link.run,
        link.source,
        row::json_text(dataset, "dataset")?,
    ];
    row::execute(conn, sql, values).map(drop)
}

fn forget_beyond(conn: &Connection, job: &JobRef, direction: Direction) -> Result<(), StoreError> {
    let (kind, namespace, name) = job_params(job);
    let sql = "SELECT count(*) FROM lineage_link
        WHERE job_kind = ?1 AND job_namespace = ?2 AND job_name = ?3 AND direction = ?4";
    let count = row::count(conn, sql, params![kind, namespace, name, direction.as_str()])?;
    let beyond = count.saturating_sub(OF_JOB_MAX as u64);
    if beyond == 0 {
        return Ok(());
    }
    let sql = "DELETE FROM lineage_link
        WHERE job_kind = ?1 AND job_namespace = ?2 AND job_name = ?3 AND direction = ?4
            AND (namespace, name) IN (SELECT namespace, name FROM lineage_link
                WHERE job_kind = ?1 AND job_namespace = ?2 AND job_name = ?3 AND direction = ?4
                ORDER BY last_seen, namespace, name LIMIT ?5)";
    let values = params![kind, namespace, name, direction.as_str(), row_count(beyond)];
    row::execute(conn, sql, values).map(drop)
}

fn row_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn job_params(job: &JobRef) -> (&'static str, &str, &str) {
    match job {
        JobRef::Task { dag_id, task_id } => ("task", dag_id.as_str(), task_id.as_str()),
        JobRef::Foreign { namespace, name } => ("foreign", namespace, name),
    }
}

/// Takes in what an attempt read and wrote.
pub(crate) fn put_attempt(
    conn: &Connection,
    key: &AttemptKey,
    observed: &Observed,
    now: Timestamp,
) -> Result<(), StoreError> {
    put(conn, &link_of(&key.task, observed, now))?;
    let (dag_id, dag_run_id, task_id, map_index) = key_params(&key.task);
    let sql = "INSERT OR REPLACE INTO task_dataset (namespace, name, direction, dag_id,
            dag_run_id, task_id, map_index, try_number, seen)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    for (direction, datasets) in
        [(Direction::Read, &observed.inputs), (Direction::Wrote, &observed.outputs)]
    {
        for dataset in datasets.iter().take(OF_ATTEMPT_MAX) {
            let values = params![
                dataset.namespace,
                dataset.name,
                direction.as_str(),
                dag_id,
                dag_run_id,
                task_id,
                map_index,
                key.try_number,
                row::micros(now),
            ];
            row::execute(conn, sql, values)?;
        }
    }
    Ok(())
}

fn link_of(task: &TaskInstanceKey, observed: &Observed, now: Timestamp) -> LineageLink {
    LineageLink {
        job: JobRef::Task { dag_id: task.dag_id.clone(), task_id: task.task_id.clone() },
        inputs: observed.inputs.clone(),
        outputs: observed.outputs.clone(),
        seen: now,
        run: Some(task.dag_run_id.to_string()),
        source: None,
    }
}

/// Takes in that a task told of an asset.
pub(crate) fn put_asset(
    conn: &Connection,
    task: &TaskInstanceKey,
    asset: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let outputs = vec![DatasetRef::new(ASSETS, asset)];
    put(conn, &link_of(task, &Observed { outputs, ..Observed::default() }, now))?;
    let (dag_id, dag_run_id, task_id, map_index) = key_params(task);
    // Which of its tries told of it is not known, and needs not be.
    let sql = "INSERT OR REPLACE INTO task_dataset (namespace, name, direction, dag_id,
            dag_run_id, task_id, map_index, try_number, seen)
        SELECT ?1, ?2, 'wrote', ?3, ?4, ?5, ?6, 0, ?7
        WHERE EXISTS (SELECT 1 FROM dag_run WHERE dag_id = ?3 AND dag_run_id = ?4)";
    let values = params![ASSETS, asset, dag_id, dag_run_id, task_id, map_index, row::micros(now)];
    row::execute(conn, sql, values).map(drop)
}

/// Returns the assets that the tasks of a run told of, in the order in which they did.
pub fn assets_of_run(conn: &Connection, run: &DagRunKey) -> Result<Vec<AssetName>, StoreError> {
    let sql = "SELECT name, min(seen) AS seen FROM task_dataset
        WHERE dag_id = ?1 AND dag_run_id = ?2 AND namespace = 'asset' AND direction = 'wrote'
        GROUP BY name ORDER BY seen, name";
    row::all(conn, sql, [run.dag_id.as_str(), run.dag_run_id.as_str()], |row| {
        row::text(row, "name")
    })
}

/// Returns the links that were seen last, at most `limit`, the latest first.
pub fn links(conn: &Connection, limit: u32) -> Result<Vec<SeenDataset>, StoreError> {
    let sql = "SELECT * FROM lineage_link ORDER BY last_seen DESC, job_namespace, job_name,
        direction, namespace, name LIMIT ?1";
    row::all(conn, sql, [limit], read)
}

/// Returns who read or wrote a data set, the latest first.
pub fn links_of(
    conn: &Connection,
    namespace: &str,
    name: &str,
) -> Result<Vec<SeenDataset>, StoreError> {
    let sql = "SELECT * FROM lineage_link WHERE namespace = ?1 AND name = ?2
        ORDER BY last_seen DESC, job_namespace, job_name, direction";
    row::all(conn, sql, [namespace, name], read)
}

/// Returns the attempts that read or wrote a data set, the latest first.
pub fn attempts(
    conn: &Connection,
    dataset: &DatasetRef,
    direction: Direction,
    limit: u32,
) -> Result<Vec<(AttemptKey, Timestamp)>, StoreError> {
    let sql = "SELECT * FROM task_dataset WHERE namespace = ?1 AND name = ?2 AND direction = ?3
        ORDER BY seen DESC, dag_id, dag_run_id, task_id, map_index LIMIT ?4";
    let values = params![dataset.namespace, dataset.name, direction.as_str(), limit];
    row::all(conn, sql, values, |row| {
        let key = AttemptKey { task: read_key(row)?, try_number: row.get("try_number")? };
        Ok((key, row::time(row, "seen")?))
    })
}

/// Returns what the attempts of a run read and wrote, in the order in which they did.
pub fn of_run(
    conn: &Connection,
    run: &DagRunKey,
) -> Result<Vec<(AttemptKey, Observed)>, StoreError> {
    let sql = "SELECT t.*, (SELECT min(seen) FROM task_dataset AS d
                WHERE d.dag_id = t.dag_id AND d.dag_run_id = t.dag_run_id
                    AND d.task_id = t.task_id AND d.map_index = t.map_index
                    AND d.try_number = t.try_number) AS seen
        FROM task_io AS t WHERE t.dag_id = ?1 AND t.dag_run_id = ?2
        ORDER BY seen, t.task_id, t.map_index, t.try_number";
    row::all(conn, sql, [run.dag_id.as_str(), run.dag_run_id.as_str()], |row| {
        let key = AttemptKey { task: read_key(row)?, try_number: row.get("try_number")? };
        Ok((key, row::json(row, "observed")?))
    })
}

fn read(row: &Row<'_>) -> Result<SeenDataset, StoreError> {
    let kind: String = row.get("job_kind")?;
    let (namespace, name): (String, String) = (row.get("job_namespace")?, row.get("job_name")?);
    let job = match kind.as_str() {
        "task" => JobRef::Task { dag_id: namespace.as_str().into(), task_id: name.as_str().into() },
        _ => JobRef::Foreign { namespace, name },
    };
    let direction: String = row.get("direction")?;
    Ok(SeenDataset {
        job,
        direction: Direction::of_word(&direction).unwrap_or(Direction::Read),
        dataset: row::json(row, "dataset")?,
        first_seen: row::time(row, "first_seen")?,
        last_seen: row::time(row, "last_seen")?,
        run: row.get("run")?,
        source: row.get("source")?,
    })
}

#[cfg(test)]
mod tests;
