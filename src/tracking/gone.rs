//! Real deletion: of runs, logged models and experiments that somebody deleted, as `mlflow gc` does it. What a
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

/// A version that is the model, or that lies where its files do, keeps it.
const FREE_MODEL: &str = "m.lifecycle_stage = 'deleted'
    AND NOT EXISTS (SELECT 1 FROM model_versions AS v WHERE v.model_id = m.model_id
        OR v.source = 'models:/' || m.model_id OR v.source LIKE 'models:/' || m.model_id || '/%'
        OR v.source = m.artifact_uri OR v.source LIKE m.artifact_uri || '/%')";

/// Returns the logged models that were deleted before `before`, with the bytes of their files.
pub fn logged_models(
    conn: &Connection,
    before: Timestamp,
) -> Result<Vec<(String, u64)>, StoreError> {
    let sql = format!(
        "SELECT m.model_id, (SELECT ifnull(sum(size), 0) FROM artifact_file AS f
            WHERE f.path > substr(m.artifact_uri, 19) || '/'
                AND f.path < substr(m.artifact_uri, 19) || '0') AS bytes
        FROM logged_models AS m WHERE {FREE_MODEL} AND m.deleted_time < ?1
        ORDER BY m.deleted_time, m.model_id"
    );
    row::all(conn, &sql, [row::micros(before)], |row| {
        let bytes: i64 = row.get("bytes")?;
        Ok((row.get("model_id")?, u64::try_from(bytes).unwrap_or(0)))
    })
}

/// Deletes a logged model with its params, tags and figures, and notes its folder. `false`: it
/// stays, for a version was registered meanwhile.
pub fn delete_logged_model(conn: &Connection, model_id: &str) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT artifact_uri FROM logged_models AS m WHERE m.model_id = ?1 AND {FREE_MODEL}"
    );
    let found = row::first(conn, &sql, [model_id], |row| Ok(row.get::<_, String>(0)?))?;
    let Some(artifact_uri) = found else { return Ok(false) };
    for sql in [
        "DELETE FROM model_metrics WHERE model_id = ?1",
        "DELETE FROM run_model WHERE model_id = ?1",
        "DELETE FROM logged_models WHERE model_id = ?1",
    ] {
        row::execute(conn, sql, [model_id])?;
    }
    if let Some(below) = artifact::below(&artifact_uri) {
        artifact::forget(conn, below)?;
        // The folder of the model, of which that of its files is a part.
        let uri = artifact_uri.strip_suffix("/artifacts").filter(|uri| uri.ends_with(model_id));
        prune::note_artifacts_deleted(conn, uri.unwrap_or(&artifact_uri))?;
    }
    Ok(true)
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
    fn a_logged_model_goes_with_its_files_unless_a_version_is_it() {
        use crate::tracking::logged_model::{self, NewLoggedModel};
        let (_dir, store) = sample::store();
        let new = || NewLoggedModel { experiment_id: "0".into(), ..NewLoggedModel::default() };
        let make = || write(&store, move |tx| logged_model::create(tx, &new(), at(0)));
        let (gone, registered, active) = (make(), make(), make());
        for model in [&gone, &registered, &active] {
            let path = format!("{}/MLmodel", artifact::below(&model.artifact_uri).unwrap());
            write(&store, move |tx| artifact::note(tx, &path, 10, "abc"));
        }
        for model in [&gone, &registered] {
            let id = model.model_id.clone();
            write(&store, move |tx| logged_model::delete(tx, &id, at(5)));
        }
        let id = registered.model_id.clone();
        write(&store, move |tx| {
            row::execute(
                tx,
                "INSERT INTO registered_models
                (name, creation_timestamp, last_updated_timestamp) VALUES ('m', 1, 1)",
                [],
            )?;
            let sql = "INSERT INTO model_versions
                (name, version, source, creation_timestamp, last_updated_timestamp)
                VALUES ('m', 1, 'models:/' || ?1, 1, 1)";
            row::execute(tx, sql, [id])
        });
        let found = |before| store.read_blocking(|conn| logged_models(conn, at(before))).unwrap();
        assert_eq!((found(5), found(6)), (vec![], vec![(gone.model_id.clone(), 10)]));
        let kept = [registered.model_id, active.model_id];
        for id in kept {
            assert!(!write(&store, move |tx| delete_logged_model(tx, &id)));
        }
        let id = gone.model_id;
        assert!(write(&store, move |tx| delete_logged_model(tx, &id)));
        let counts = ["logged_models", "artifact_file", "deleted_folder"];
        assert_eq!(counts.map(|table| count(&store, table)), [2, 2, 1]);
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
