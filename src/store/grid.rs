//! The states of a DAG's last runs side by side.

use std::collections::HashMap;

use rusqlite::{Connection, Row, params};

use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::grid::{GridRun, GridTask};
use crate::types::{DagId, DagRunId, TaskId, TaskInstanceState};

/// Runs side by side, with whether there are older and newer ones.
pub struct Window {
    /// Newest last.
    pub runs: Vec<GridRun>,
    pub has_older: bool,
    pub has_newer: bool,
}

/// Returns the last runs of a DAG; where `around` is older than those, the runs around it.
pub fn window(
    conn: &Connection,
    dag_id: &DagId,
    limit: u32,
    around: Option<&DagRunId>,
) -> Result<Window, StoreError> {
    let sql = "SELECT run_after, id FROM dag_run WHERE dag_id = ?1 AND dag_run_id = ?2";
    let place = |id: &DagRunId| {
        let place = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        row::first(conn, sql, [dag_id.as_str(), id.as_str()], place)
    };
    let middle: Option<(i64, i64)> = around.map(place).transpose()?.flatten();
    // The newest run of the window: half of it is newer than the middle.
    let (run_after, id) = middle.unwrap_or((i64::MAX, i64::MAX));
    let sql = "SELECT run_after, id FROM dag_run WHERE dag_id = ?1 AND (run_after, id) > (?2, ?3)
        ORDER BY run_after, id LIMIT ?4";
    let values = params![dag_id.as_str(), run_after, id, limit / 2 + 1];
    let newer: Vec<(i64, i64)> = row::all(conn, sql, values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let has_newer = newer.len() > (limit / 2) as usize;
    // Where half a window reaches the newest run, the window is that of the last runs.
    let (run_after, id) = match newer.get((limit / 2).saturating_sub(1) as usize) {
        Some(newest) if has_newer => *newest,
        _ => (i64::MAX, i64::MAX),
    };
    let sql = "SELECT * FROM dag_run WHERE dag_id = ?1 AND (run_after, id) <= (?2, ?3)
        ORDER BY run_after DESC, id DESC LIMIT ?4";
    let mut runs = row::all(conn, sql, params![dag_id.as_str(), run_after, id, limit + 1], read)?;
    let has_older = runs.len() > limit as usize;
    runs.truncate(limit as usize);
    runs.reverse();
    Ok(Window { runs, has_older, has_newer })
}

fn read(row: &Row<'_>) -> Result<GridRun, StoreError> {
    Ok(GridRun {
        dag_run_id: row::text(row, "dag_run_id")?,
        run_type: row::word(row, "run_type")?,
        state: row::word(row, "state")?,
        run_after: row::time(row, "run_after")?,
        start_date: row::opt_time(row, "start_date")?,
        end_date: row::opt_time(row, "end_date")?,
        dag_version_number: row.get("dag_version_number")?,
    })
}

/// One task over the runs, while it is being read.
struct Cells {
    states: Vec<Option<Option<TaskInstanceState>>>,
    micros: Vec<i64>,
}

/// Returns the tasks of the runs, in the order in which they were met, newest run first.
pub fn tasks(
    conn: &Connection,
    dag_id: &DagId,
    runs: &[GridRun],
) -> Result<Vec<GridTask>, StoreError> {
    let sql = "SELECT task_id, state, start_date, end_date FROM task_instance
        WHERE dag_id = ?1 AND dag_run_id = ?2 ORDER BY +id";
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut cells: Vec<(TaskId, Cells)> = Vec::new();
    for (column, run) in runs.iter().enumerate().rev() {
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query([dag_id.as_str(), run.dag_run_id.as_str()])?;
        while let Some(row) = rows.next()? {
            let task_id = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            let at = match places.get(task_id) {
                Some(at) => *at,
                None => {
                    let new = Cells { states: vec![None; runs.len()], micros: Vec::new() };
                    cells.push((task_id.into(), new));
                    places.insert(task_id.to_owned(), cells.len() - 1);
                    cells.len() - 1
                }
            };
            let state = state(row)?;
            let times: (Option<i64>, Option<i64>) = (row.get(2)?, row.get(3)?);
            let of_task = &mut cells[at].1;
            let cell = &mut of_task.states[column];
            let is_worse = |other: Option<TaskInstanceState>| {
                TaskInstanceState::weight(state) < TaskInstanceState::weight(other)
            };
            if cell.is_none_or(is_worse) {
                *cell = Some(state);
            }
            if let (Some(TaskInstanceState::Success), (Some(start), Some(end))) = (state, times) {
                of_task.micros.push(end - start);
            }
        }
    }
    Ok(cells.into_iter().map(|(task_id, cells)| row_of(task_id, cells)).collect())
}

/// Reads a state without an allocation: there are many.
fn state(row: &Row<'_>) -> Result<Option<TaskInstanceState>, StoreError> {
    let text = row.get_ref(1)?.as_str_or_null().map_err(rusqlite::Error::from)?;
    match text.map(str::parse) {
        None => Ok(None),
        Some(Ok(state)) => Ok(Some(state)),
        Some(Err(_)) => row::opt_word(row, "state"),
    }
}

fn row_of(task_id: TaskId, mut cells: Cells) -> GridTask {
    cells.micros.sort_unstable();
    let code = |cell: &Option<Option<TaskInstanceState>>| cell.map_or(' ', TaskInstanceState::code);
    GridTask {
        task_id,
        states: cells.states.iter().map(code).collect(),
        median_duration: cells
            .micros
            .get(cells.micros.len() / 2)
            .map(|micros| *micros as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sched::Change;
    use crate::store::sample::{key, run, store, task};
    use crate::types::DagRunState;

    async fn with_runs(count: i64) -> (tempfile::TempDir, crate::store::Store) {
        let (dir, store) = store();
        let mut changes = Vec::new();
        for n in 0..count {
            let name = format!("r{n}");
            changes.push(Change::PutDagRun(run("etl", &name, n * 60, DagRunState::Success)));
            for id in ["extract", "load"] {
                let state = if n == 1 && id == "load" {
                    TaskInstanceState::Failed
                } else {
                    TaskInstanceState::Success
                };
                changes.push(Change::PutTaskInstance(task(key("etl", &name, id), Some(state))));
            }
        }
        store.commit(changes).await.unwrap();
        (dir, store)
    }

    fn names(window: &Window) -> Vec<&str> {
        window.runs.iter().map(|run| run.dag_run_id.as_str()).collect()
    }

    #[tokio::test]
    async fn the_window_is_the_last_runs_unless_an_older_one_is_its_middle() {
        let (_dir, store) = with_runs(9).await;
        let look = |around: Option<&str>| {
            let around: Option<DagRunId> = around.map(Into::into);
            store.read(move |conn| window(conn, &"etl".into(), 4, around.as_ref()))
        };
        let last = look(None).await.unwrap();
        assert_eq!(names(&last), ["r5", "r6", "r7", "r8"]);
        assert!(last.has_older && !last.has_newer);
        let near = look(Some("r7")).await.unwrap();
        assert_eq!(names(&near), ["r5", "r6", "r7", "r8"]);
        let middle = look(Some("r3")).await.unwrap();
        assert_eq!(names(&middle), ["r2", "r3", "r4", "r5"]);
        assert!(middle.has_older && middle.has_newer);
        let first = look(Some("r0")).await.unwrap();
        assert_eq!(names(&first), ["r0", "r1", "r2"]);
        assert!(!first.has_older && first.has_newer);
    }

    #[tokio::test]
    async fn each_task_has_a_state_for_each_run() {
        let (_dir, store) = with_runs(3).await;
        let read = |conn: &Connection| {
            let dag_id = "etl".into();
            tasks(conn, &dag_id, &window(conn, &dag_id, 3, None)?.runs)
        };
        let found = store.read(read).await.unwrap();
        let rows: Vec<(&str, &str)> =
            found.iter().map(|task| (task.task_id.as_str(), task.states.as_str())).collect();
        assert_eq!(rows, [("extract", "sss"), ("load", "sfs")]);
    }
}
