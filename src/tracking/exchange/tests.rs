//! What goes out as a folder comes back the same, and as often as one likes; folders and databases
//! that the real client made are taken over in `tests/it/mlflow.rs`.

use std::fs;

use rusqlite::Connection;
use serde_json::json;

use super::*;
use crate::store::row;
use crate::store::sample::{self, at};
use crate::tracking::run::data::RunModel;
use crate::tracking::run::record::{self as run_record, Batch};
use crate::tracking::run::{self, MetricPoint, NewRun};
use crate::tracking::{alias, experiment, logged_model, registry};
use crate::types::{FaultKind, TrackingRunId};

/// A project's store and its folder of artifacts.
struct Project {
    dir: tempfile::TempDir,
    store: Store,
}

impl Project {
    fn new() -> Self {
        let (dir, store) = sample::store();
        Self { dir, store }
    }

    fn artifacts(&self) -> std::path::PathBuf {
        self.dir.path().join("artifacts")
    }

    fn conn(&self) -> Connection {
        Connection::open(self.dir.path().join("dagdeck.db")).unwrap()
    }

    fn import(&self, from: &Path, dry_run: bool) -> Result<Summary, Fault> {
        let mut told = |_: &str| {};
        import(&self.store, &self.artifacts(), (from, None), dry_run, at(900), &mut told)
    }

    fn export(&self, to: &Path) -> Summary {
        export(&self.store, &self.artifacts(), to, &mut |_| {}).unwrap()
    }

    /// An experiment with a run, its logged model and a version of it, each with a file.
    fn filled() -> (Self, TrackingRunId) {
        let project = Self::new();
        // Its ids are not those of the project that it comes to.
        experiment::ensure(&project.store, "other").unwrap();
        let id = experiment::ensure(&project.store, "flowers").unwrap();
        let new = NewRun {
            experiment_id: id.clone(),
            run_name: "first".into(),
            user_id: "ada".into(),
            start_time: at(0),
            tags: vec![("note".into(), "two\nlines".into())],
            attempt_token: None,
        };
        let run_id = run::create(&project.store, new).unwrap().run_id;
        let point = |key: &str, value: f64, step: i64| MetricPoint {
            key: key.into(),
            value,
            timestamp: at(step),
            step,
        };
        let conn = project.conn();
        let batch = Batch {
            metrics: vec![point("a/b", 0.5, 1), point("a/b", f64::NAN, 2), point("c", 1e-9, 1)],
            params: vec![("depth".into(), "3: three".into())],
            ..Batch::default()
        };
        run_record::log(&conn, &run_id, &batch).unwrap();
        let new = logged_model::NewLoggedModel {
            experiment_id: id.clone(),
            name: Some("tree".into()),
            source_run_id: Some(run_id.clone()),
            params: vec![("C".into(), "1".into())],
            ..Default::default()
        };
        let model = logged_model::create(&conn, &new, at(1)).unwrap();
        logged_model::finalize(&conn, &model.model_id, "READY", at(2)).unwrap();
        let made = RunModel { model_id: model.model_id.clone(), step: 4 };
        run_record::log_outputs(&conn, &run_id, &[made]).unwrap();
        let dataset = json!({
            "dataset": {"name": "iris", "digest": "d1", "source_type": "local", "source": "{}"},
            "tags": [{"key": "mlflow.data.context", "value": "training"}],
        });
        let dataset =
            run::data::DatasetInput { name: "iris".into(), digest: "d1".into(), input: dataset };
        run_record::log_inputs(&conn, &run_id, &[dataset], &[]).unwrap();
        for (folder, name) in [
            (format!("{id}/{run_id}/artifacts/d"), "x.txt"),
            (format!("{id}/models/{}/artifacts", model.model_id), "MLmodel"),
        ] {
            let folder = project.artifacts().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(name), name).unwrap();
        }
        registry::record::create(&conn, "iris", Some("leaves"), &[], at(3)).unwrap();
        for source in [format!("models:/{}", model.model_id), format!("runs:/{run_id}/d")] {
            let is_run = source.starts_with("runs");
            let new = registry::version::NewVersion {
                name: "iris".into(),
                model_id: (!is_run).then(|| model.model_id.clone()),
                run_id: is_run.then(|| run_id.clone()),
                source,
                tags: vec![("k".into(), "v".into())],
                ..Default::default()
            };
            registry::version::create(&conn, new, at(4)).unwrap();
        }
        alias::put(&conn, "iris", "production", 2).unwrap();
        (project, run_id)
    }
}

/// All that is kept of a run and its model, without where it lies.
fn told(project: &Project, run_id: &TrackingRunId) -> String {
    let conn = project.conn();
    let mut run = run_record::of(&conn, run_id).unwrap();
    let history = {
        let sql = "SELECT * FROM metrics WHERE run_id = ?1 ORDER BY key, step";
        row::all(&conn, sql, [run_id.as_str()], run::point).unwrap()
    };
    (run.experiment_id, run.artifact_uri) = (String::new(), String::new());
    let mut model = logged_model::of(&conn, &run.model_outputs[0].model_id).unwrap();
    (model.experiment_id, model.artifact_uri) = (String::new(), String::new());
    let mut registered = registry::record::of(&conn, "iris").unwrap();
    registered.latest_versions.clear();
    format!("{run:?}\n{history:?}\n{model:?}\n{registered:?}")
}

#[test]
fn what_is_given_back_comes_over_the_same_and_only_once() {
    let (from, run_id) = Project::filled();
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("mlruns");
    let given = from.export(&folder);
    assert_eq!((given.runs, given.logged_models, given.model_versions, given.files), (1, 1, 2, 2));
    let to = Project::new();
    let dry = to.import(&folder, true).unwrap();
    assert!(run_record::of(&to.conn(), &run_id).is_err(), "a dry run takes nothing over");
    let taken = to.import(&folder, false).unwrap();
    assert_eq!(taken, dry);
    assert_eq!(taken.left_out, Vec::<String>::new());
    assert_eq!(told(&to, &run_id), told(&from, &run_id));
    let run = run_record::of(&to.conn(), &run_id).unwrap();
    let file =
        to.artifacts().join(&run.experiment_id).join(run_id.as_str()).join("artifacts/d/x.txt");
    assert_eq!(fs::read_to_string(&file).unwrap(), "x.txt");
    let files = crate::tracking::artifact::of_run(&to.conn(), &run_id).unwrap();
    assert_eq!(files, [("d/x.txt".to_owned(), 5)]);
    let again = to.import(&folder, false).unwrap();
    assert_eq!(again, taken);
    assert_eq!(told(&to, &run_id), told(&from, &run_id));
    let history = registry::show(&to.store, "iris").unwrap().history;
    assert_eq!(history.len(), 1, "the alias came over once");
    assert_eq!((history[0].action.as_str(), history[0].to_version), ("import", Some(2)));
    // What was cut off is mended: a file without its row, and a row without its file.
    to.conn().execute("DELETE FROM artifacts", []).unwrap();
    to.import(&folder, false).unwrap();
    assert_eq!(crate::tracking::artifact::of_run(&to.conn(), &run_id).unwrap(), files);
    fs::remove_file(&file).unwrap();
    to.import(&folder, false).unwrap();
    assert!(file.exists());
}

#[test]
fn what_is_here_under_the_same_name_stays() {
    let (from, _) = Project::filled();
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("mlruns");
    from.export(&folder);
    let to = Project::new();
    let conn = to.conn();
    registry::record::create(&conn, "iris", Some("ours"), &[], at(0)).unwrap();
    let new = registry::version::NewVersion {
        name: "iris".into(),
        source: "s3://ours".into(),
        ..Default::default()
    };
    registry::version::create(&conn, new, at(1)).unwrap();
    let taken = to.import(&folder, false).unwrap();
    assert_eq!(taken.model_versions, 1);
    assert!(taken.left_out[0].contains("version 1 of model `iris`"), "{taken:?}");
    let model = registry::record::of(&conn, "iris").unwrap();
    assert_eq!(model.description.as_deref(), Some("ours"));
    assert_eq!(registry::version::of(&conn, "iris", 1).unwrap().source, "s3://ours");
    let next = registry::version::NewVersion {
        name: "iris".into(),
        source: "s3://next".into(),
        ..Default::default()
    };
    assert_eq!(registry::version::create(&conn, next, at(9)).unwrap().version, 3);
}

#[test]
fn what_is_nothing_of_mlflow_is_refused() {
    let project = Project::new();
    let outside = tempfile::tempdir().unwrap();
    let kind = |path: &Path| project.import(path, true).unwrap_err().kind;
    assert_eq!(kind(&outside.path().join("none")), FaultKind::NotFound);
    assert_eq!(kind(outside.path()), FaultKind::Invalid);
    let file = outside.path().join("mlflow.db");
    fs::write(&file, "no database").unwrap();
    assert_eq!(kind(&file), FaultKind::Invalid);
    fs::remove_file(&file).unwrap();
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE experiments (x)").unwrap();
    let fault = project.import(&file, true).unwrap_err();
    assert!(fault.message.contains("no table `runs`"), "{fault}");
    let runs = outside.path().join("mlruns/1");
    fs::create_dir_all(&runs).unwrap();
    fs::write(runs.join("meta.yaml"), "a: [").unwrap();
    let fault = project.import(&outside.path().join("mlruns"), true).unwrap_err();
    assert!(fault.message.contains("mlruns/1/meta.yaml"), "{fault}");
}

#[test]
fn a_folder_that_is_not_empty_is_not_written_to() {
    let (from, _) = Project::filled();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x"), "").unwrap();
    let refused = export(&from.store, &from.artifacts(), outside.path(), &mut |_| {});
    assert_eq!(refused.unwrap_err().kind, FaultKind::Conflict);
}
