//! Real deletion: of runs and experiments that somebody deleted, as `mlflow gc` does it. What a
//! registered version came from stays, and so does the experiment `Default`.

use rusqlite::{Connection, params};

use crate::store::{StoreError, prune, row};
use crate::tracking::artifact;
use crate::types::{Timestamp, TrackingRunId};

/// How many points of metrics one transaction deletes at most.
const POINTS_LEN_MAX: usize = 10_000;

/// What of a run that was deleted is left after a piece of it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    Nothing,
    /// Points: delete again.
    More,
    /// It was restored, or a version was registered from it.
    Kept,
}

const FREE: &str = "r.lifecycle_stage = 'deleted'
    AND NOT EXISTS (SELECT 1 FROM model_versions AS v WHERE v.run_id = r.run_id)";

/// Returns the runs that were deleted before `before`, with the bytes of their artifacts.
pub fn runs(conn: &Connection, before: Timestamp) -> Result<Vec<(TrackingRunId, u64)>, StoreError> {
    let sql = format!(
        "SELECT r.run_id, (SELECT ifnull(sum(size), 0) FROM artifacts AS a
            WHERE a.run_id = r.run_id) AS bytes
        FROM runs AS r WHERE {FREE} AND r.deleted_time < ?1 ORDER BY r.deleted_time, r.run_id"
    );
    row::all(conn, &sql, [row::micros(before)], |row| {
        let bytes: i64 = row.get("bytes")?;
        Ok((row::text(row, "run_id")?, u64::try_from(bytes).unwrap_or(0)))
    })
}

/// Deletes a run with all that is kept of it, a bounded piece at a time, and notes its folder.
pub fn delete_run(conn: &Connection, run_id: &TrackingRunId) -> Result<Left, StoreError> {
    let sql = format!("SELECT artifact_uri FROM runs AS r WHERE r.run_id = ?1 AND {FREE}");
    let found = row::first(conn, &sql, [run_id.as_str()], |row| Ok(row.get::<_, String>(0)?))?;
    let Some(artifact_uri) = found else { return Ok(Left::Kept) };
    let sql = "DELETE FROM metrics WHERE rowid IN
        (SELECT rowid FROM metrics WHERE run_id = ?1 LIMIT ?2)";
    let values = params![run_id.as_str(), POINTS_LEN_MAX as i64];
    if row::execute(conn, sql, values)? == POINTS_LEN_MAX {
        return Ok(Left::More);
    }
    row::execute(conn, "DELETE FROM runs WHERE run_id = ?1", [run_id.as_str()])?;
    // The folder of the run, of which that of its artifacts is a part.
    let uri = artifact_uri.strip_suffix("/artifacts").filter(|uri| uri.ends_with(run_id.as_str()));
    prune::note_artifacts_deleted(conn, uri.unwrap_or(&artifact_uri))?;
    Ok(Left::Nothing)
}

/// The folder of an experiment holds its logged models, of which some may be registered.
const FREE_EXPERIMENT: &str = "e.lifecycle_stage = 'deleted' AND e.experiment_id <> 0
    AND NOT EXISTS (SELECT 1 FROM model_versions AS v
        WHERE v.source LIKE 'mlflow-artifacts:/' || e.experiment_id || '/%'
            OR v.model_id IN (SELECT model_id FROM logged_models AS m
                WHERE m.experiment_id = e.experiment_id))";

/// Returns the experiments that were deleted before `before`.
pub fn experiments(conn: &Connection, before: Timestamp) -> Result<Vec<i64>, StoreError> {
    let sql = format!(
        "SELECT e.experiment_id FROM experiments AS e
        WHERE {FREE_EXPERIMENT} AND e.deleted_time < ?1 ORDER BY e.experiment_id"
    );
    row::all(conn, &sql, [row::micros(before)], |row| Ok(row.get(0)?))
}

/// Deletes an experiment that has no runs any more, and notes its folder. `false`: it stays.
pub fn delete_experiment(conn: &Connection, experiment_id: i64) -> Result<bool, StoreError> {
    let sql = format!(
        "DELETE FROM experiments AS e WHERE e.experiment_id = ?1 AND {FREE_EXPERIMENT}
            AND NOT EXISTS (SELECT 1 FROM runs AS r WHERE r.experiment_id = e.experiment_id)"
    );
    if row::execute(conn, &sql, [experiment_id])? == 0 {
        return Ok(false);
    }
    artifact::forget(conn, &experiment_id.to_string())?;
    // Where it had its artifacts elsewhere, others may have theirs there, too.
    prune::note_artifacts_deleted(conn, &format!("mlflow-artifacts:/{experiment_id}"))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::store::sample::{self, at};
    use crate::tracking::experiment::record as experiment;
    use crate::tracking::run::record::{self, Batch};
    use crate::tracking::run::{MetricPoint, NewRun};

    fn new_run(experiment_id: &str) -> NewRun {
        NewRun {
            experiment_id: experiment_id.into(),
            run_name: "a".into(),
            user_id: String::new(),
            start_time: at(0),
            tags: Vec::new(),
            attempt_token: None,
        }
    }

    fn write<R: Send + 'static>(
        store: &Store,
        f: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<R, StoreError> + Send + 'static,
    ) -> R {
        store.write_blocking(f).unwrap()
    }

    fn count(store: &Store, table: &'static str) -> u64 {
        let sql = format!("SELECT count(*) FROM {table}");
        store.read_blocking(|conn| row::count(conn, &sql, [])).unwrap()
    }

    #[test]
    fn what_was_deleted_long_enough_ago_goes_with_all_that_it_has() {
        let (_dir, store) = sample::store();
        let made = write(&store, |tx| {
            let own = experiment::create(tx, "own", None, &[], at(0))?;
            let run = record::create(tx, &new_run(&own))?;
            let points = (0..10_000).map(|step| MetricPoint {
                key: "m".into(),
                value: 1.0,
                timestamp: at(1),
                step,
            });
            let batch = Batch { metrics: points.collect(), ..Batch::default() };
            record::log(tx, &run.run_id, &batch)?;
            experiment::delete(tx, &own, at(5))?;
            Ok(run)
        });
        let kept = write(&store, |tx| record::create(tx, &new_run("0")));
        let found = |before| store.read_blocking(|conn| runs(conn, at(before))).unwrap();
        assert_eq!(found(5), []);
        assert_eq!(found(6), [(made.run_id.clone(), 0)]);
        let own: i64 = made.experiment_id.parse().unwrap();
        assert!(!write(&store, move |tx| delete_experiment(tx, own)), "it has a run yet");
        let run_id = made.run_id.clone();
        assert_eq!(write(&store, move |tx| delete_run(tx, &run_id)), Left::More);
        let run_id = made.run_id;
        assert_eq!(write(&store, move |tx| delete_run(tx, &run_id)), Left::Nothing);
        assert_eq!((count(&store, "metrics"), count(&store, "latest_metrics")), (0, 0));
        assert_eq!(count(&store, "runs"), 1);
        let run_id = kept.run_id;
        assert_eq!(write(&store, move |tx| delete_run(tx, &run_id)), Left::Kept);
        assert!(write(&store, move |tx| delete_experiment(tx, own)));
        assert!(!write(&store, |tx| delete_experiment(tx, 0)));
        assert_eq!((count(&store, "experiments"), count(&store, "deleted_folder")), (1, 2));
    }
}
