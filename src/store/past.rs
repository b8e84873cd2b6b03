//! Runs that have ended, as those after them look at them.

use rusqlite::{Connection, params};

use crate::sched::past::{PAST_RUNS_MAX, PastRun};
use crate::store::fault::StoreError;
use crate::store::row;
use crate::types::DagId;

/// Returns the last ended runs of each DAG that have a logical date.
pub(crate) fn read(conn: &Connection, dag_ids: &[DagId]) -> Result<Vec<PastRun>, StoreError> {
    let mut found = Vec::new();
    for dag_id in dag_ids {
        let sql = "SELECT dag_run_id, run_type, logical_date FROM dag_run
            WHERE dag_id = ?1 AND state IN ('success', 'failed') AND logical_date IS NOT NULL
            ORDER BY run_after DESC, id DESC LIMIT ?2";
        let limit = u32::try_from(PAST_RUNS_MAX).unwrap_or(u32::MAX);
        let mut runs = row::all(conn, sql, params![dag_id.as_str(), limit], |row| {
            Ok(PastRun {
                dag_id: dag_id.clone(),
                dag_run_id: row::text(row, "dag_run_id")?,
                run_type: row::word(row, "run_type")?,
                logical_date: row::time(row, "logical_date")?,
                unsuccessful: std::collections::BTreeSet::new(),
            })
        })?;
        for run in &mut runs {
            let sql = "SELECT DISTINCT task_id FROM task_instance
                WHERE dag_id = ?1 AND dag_run_id = ?2
                    AND (state IS NULL OR state NOT IN ('success', 'skipped'))";
            let values = [run.dag_id.as_str(), run.dag_run_id.as_str()];
            let tasks = row::all(conn, sql, values, |row| row::text(row, "task_id"))?;
            run.unsuccessful = tasks.into_iter().collect();
        }
        found.append(&mut runs);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sched::Change;
    use crate::store::sample::{self, at, key, run, task};
    use crate::types::{DagRunState, TaskInstanceState};

    #[test]
    fn ended_runs_come_back_with_what_did_not_end_well() {
        let (_dir, store) = sample::store();
        let changes = vec![
            Change::PutDagRun(run("etl", "r1", 0, DagRunState::Failed)),
            Change::PutDagRun(run("etl", "r2", 60, DagRunState::Success)),
            Change::PutDagRun(run("etl", "r3", 90, DagRunState::Running)),
            Change::PutDagRun(run("other", "r1", 0, DagRunState::Success)),
            Change::PutTaskInstance(task(key("etl", "r1", "a"), Some(TaskInstanceState::Failed))),
            Change::PutTaskInstance(task(key("etl", "r1", "b"), Some(TaskInstanceState::Skipped))),
            Change::PutTaskInstance(task(key("etl", "r1", "c"), None)),
            Change::PutTaskInstance(task(key("etl", "r2", "a"), Some(TaskInstanceState::Success))),
        ];
        store.write_blocking(move |tx| crate::store::apply::apply(tx, changes)).unwrap();
        let found = store.read_blocking(|conn| read(conn, &["etl".into()])).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|run| (run.dag_run_id.as_str(), run.logical_date, run.unsuccessful.len()))
            .collect();
        assert_eq!(found, [("r2", at(60), 0), ("r1", at(0), 2)]);
    }
}
