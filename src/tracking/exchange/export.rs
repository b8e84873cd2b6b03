//! Gives back what is kept here as a folder `mlruns`, which MLflow opens as it stands.
//!
//! `meta.yaml` is written as JSON, of which YAML is a superset. Files are brought over as they are;
//! what lies elsewhere is only named.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Summary, files};
use crate::store::{Store, StoreError, row};
use crate::tracking::artifact;
use crate::tracking::experiment::record::{self as experiment_record, Experiment};
use crate::tracking::logged_model::{self, LoggedModel};
use crate::tracking::registry::record::{self as model_record, RegisteredModel};
use crate::tracking::registry::version::{self, Version};
use crate::tracking::run::record::{self as run_record, Run};
use crate::tracking::run::{self, MetricPoint};
use crate::types::{Fault, Timestamp};

/// Writes all experiments, runs and models to a folder that is not there yet, or is empty.
pub fn export(
    store: &Store,
    artifacts_dir: &Path,
    to: &Path,
    told: &mut dyn FnMut(&str),
) -> Result<Summary, Fault> {
    if fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some()) {
        let text = format!("`{}` is not empty", to.display());
        return Err(Fault::conflict(text).hint("give a folder that is not there yet"));
    }
    fs::create_dir_all(to).map_err(|error| failed(to, &error))?;
    let root = to.canonicalize().map_err(|error| failed(to, &error))?;
    let mut giving = Giving { artifacts_dir, root, summary: Summary::default() };
    let experiments = store.read_blocking(|conn| {
        let sql = "SELECT * FROM experiments ORDER BY experiment_id";
        row::all(conn, sql, [], |row| experiment_record::read(conn, row))
    })?;
    for experiment in experiments {
        told(&format!("experiment `{}`", experiment.name));
        giving.experiment(&experiment)?;
        let id = experiment.experiment_id.as_str();
        let runs = store.read_blocking(|conn| ids(conn, "runs", "run_id", id))?;
        for run_id in runs {
            let (run, history) = store.read_blocking(|conn| whole_run(conn, &run_id))?;
            giving.run(&run, &history)?;
        }
        let ids = store.read_blocking(|conn| ids(conn, "logged_models", "model_id", id))?;
        for model_id in ids {
            match store.read_blocking(|conn| logged_model::of(conn, &model_id)) {
                Ok(model) => giving.logged_model(&model)?,
                // It is deleted.
                Err(StoreError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    let names = store.read_blocking(|conn| {
        let sql = "SELECT name FROM registered_models ORDER BY name";
        row::all(conn, sql, [], |row| Ok(row.get::<_, String>(0)?))
    })?;
    for name in names {
        told(&format!("model `{name}`"));
        let (model, versions) = store.read_blocking(|conn| {
            let sql = "SELECT * FROM model_versions WHERE name = ?1 ORDER BY version";
            let versions = row::all(conn, sql, [&name], |row| version::read(conn, row))?;
            Ok((model_record::of(conn, &name)?, versions))
        })?;
        giving.registered_model(&model, &versions)?;
    }
    Ok(giving.summary)
}

fn ids(
    conn: &Connection,
    table: &str,
    column: &str,
    experiment_id: &str,
) -> Result<Vec<String>, StoreError> {
    let sql = format!("SELECT {column} FROM {table} WHERE experiment_id = ?1 ORDER BY {column}");
    row::all(conn, &sql, [experiment_id], |row| Ok(row.get(0)?))
}

fn whole_run(conn: &Connection, run_id: &str) -> Result<(Run, Vec<MetricPoint>), StoreError> {
    let run = run_record::of(conn, &run_id.into())?;
    let sql = "SELECT * FROM metrics WHERE run_id = ?1 ORDER BY key, step, timestamp";
    let history = row::all(conn, sql, [run_id], run::point)?;
    Ok((run, history))
}

struct Giving<'a> {
    artifacts_dir: &'a Path,
    root: PathBuf,
    summary: Summary,
}

impl Giving<'_> {
    fn experiment(&mut self, from: &Experiment) -> Result<(), Fault> {
        self.summary.experiments += 1;
        let folder = self.root.join(&from.experiment_id);
        let meta = json!({
            "artifact_location": uri(&folder),
            "creation_time": from.creation_time.map(Timestamp::as_millisecond),
            "experiment_id": from.experiment_id,
            "last_update_time": from.last_update_time.map(Timestamp::as_millisecond),
            "lifecycle_stage": from.lifecycle_stage,
            "name": from.name,
        });
        write(&folder.join("meta.yaml"), &meta.to_string())?;
        values(&folder.join("tags"), &from.tags)
    }

    fn run(&mut self, run: &Run, history: &[MetricPoint]) -> Result<(), Fault> {
        self.summary.runs += 1;
        self.summary.metric_points += history.len();
        let experiment = self.root.join(&run.experiment_id);
        let folder = experiment.join(run.run_id.as_str());
        // Only a folder that has all of these is a run to MLflow.
        make(&folder, &["artifacts", "metrics", "params", "tags"])?;
        let artifact_uri = self.artifacts(&run.artifact_uri, &folder.join("artifacts"))?;
        let states = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];
        let meta = json!({
            "artifact_uri": artifact_uri,
            "end_time": run.end_time.map(Timestamp::as_millisecond),
            "entry_point_name": "",
            "experiment_id": run.experiment_id,
            "lifecycle_stage": run.lifecycle_stage,
            "run_id": run.run_id,
            "run_name": run.run_name,
            "source_name": "",
            "source_type": 4,
            "source_version": "",
            "start_time": run.start_time.as_millisecond(),
            "status": states.iter().position(|state| *state == run.status).map(|at| at + 1),
            "tags": [],
            "user_id": run.user_id,
        });
        write(&folder.join("meta.yaml"), &meta.to_string())?;
        values(&folder.join("params"), &run.params)?;
        values(&folder.join("tags"), &run.tags)?;
        let lines = history.iter().map(|point| (point.key.as_str(), line(point)));
        grouped(&folder.join("metrics"), lines)?;
        for (at, input) in run.datasets.iter().enumerate() {
            dataset(&experiment, &folder, &format!("{}{at:04}", run.run_id), input)?;
        }
        for (side, kinds, models) in [
            ("inputs", ("MODEL", "RUN"), &run.model_inputs),
            ("outputs", ("RUN_OUTPUT", "MODEL_OUTPUT"), &run.model_outputs),
        ] {
            for model in models {
                let id = model.model_id.as_str();
                let source = if side == "inputs" { id } else { run.run_id.as_str() };
                let meta = json!({
                    "source_type": kinds.0,
                    "source_id": source,
                    "destination_type": kinds.1,
                    "destination_id": id,
                    "step": model.step,
                    "tags": {},
                });
                write(&folder.join(side).join(id).join("meta.yaml"), &meta.to_string())?;
            }
        }
        Ok(())
    }

    fn logged_model(&mut self, model: &LoggedModel) -> Result<(), Fault> {
        self.summary.logged_models += 1;
        let folder = self.root.join(&model.experiment_id).join("models").join(&model.model_id);
        make(&folder, &["artifacts", "metrics", "params", "tags"])?;
        let artifact_uri = self.artifacts(&model.artifact_uri, &folder.join("artifacts"))?;
        let status = logged_model::STATUSES.iter().position(|status| *status == model.status);
        let meta = json!({
            "artifact_location": artifact_uri,
            "creation_timestamp": model.creation_timestamp.as_millisecond(),
            "experiment_id": model.experiment_id,
            "last_updated_timestamp": model.last_updated_timestamp.as_millisecond(),
            "lifecycle_stage": "active",
            "model_id": model.model_id,
            "model_type": model.model_type,
            "name": model.name,
            "source_run_id": model.source_run_id,
            "status": status.map_or(0, |at| at + 1),
            "status_message": model.status_message,
        });
        write(&folder.join("meta.yaml"), &meta.to_string())?;
        values(&folder.join("params"), &model.params)?;
        values(&folder.join("tags"), &model.tags)?;
        let lines = model.metrics.iter().map(|metric| {
            let mut text = format!("{} {}", line(&metric.point), metric.run_id);
            if let Some((name, digest)) = &metric.dataset {
                text.push_str(&format!(" {name} {digest}"));
            }
            (metric.point.key.as_str(), text)
        });
        grouped(&folder.join("metrics"), lines)
    }

    fn registered_model(
        &mut self,
        model: &RegisteredModel,
        versions: &[Version],
    ) -> Result<(), Fault> {
        self.summary.registered_models += 1;
        let folder = self.root.join("models").join(&model.name);
        make(&folder, &["aliases", "tags"])?;
        let aliases = model.aliases.iter();
        let aliases: Vec<(String, String)> =
            aliases.map(|(alias, at)| (alias.clone(), at.to_string())).collect();
        let table: serde_json::Map<String, Value> =
            aliases.iter().map(|(alias, at)| (alias.clone(), at.as_str().into())).collect();
        let meta = json!({
            "aliases": table,
            "creation_timestamp": model.creation_timestamp.as_millisecond(),
            "description": model.description,
            "last_updated_timestamp": model.last_updated_timestamp.as_millisecond(),
            "name": model.name,
        });
        write(&folder.join("meta.yaml"), &meta.to_string())?;
        values(&folder.join("tags"), &model.tags)?;
        values(&folder.join("aliases"), &aliases)?;
        for version in versions {
            self.summary.model_versions += 1;
            let inside = folder.join(format!("version-{}", version.version));
            let source = self.leads(&version.source);
            let meta = json!({
                "creation_timestamp": version.creation_timestamp.as_millisecond(),
                "current_stage": version.current_stage,
                "description": version.description,
                "last_updated_timestamp": version.last_updated_timestamp.as_millisecond(),
                "model_id": version.model_id,
                "name": version.name,
                "run_id": version.run_id,
                "run_link": version.run_link,
                "source": source,
                "status": version.status,
                "status_message": version.status_message,
                "storage_location": source,
                "user_id": version.user_id,
                "version": version.version,
            });
            write(&inside.join("meta.yaml"), &meta.to_string())?;
            values(&inside.join("tags"), &version.tags)?;
        }
        Ok(())
    }

    /// Brings files over, and says where they are then.
    fn artifacts(&mut self, from: &str, to: &Path) -> Result<String, Fault> {
        let Some(below) = artifact::below(from) else {
            self.summary.left_out.push(format!("the files at {from}: they stay there"));
            return Ok(from.to_owned());
        };
        let from = self.artifacts_dir.join(below);
        fs::create_dir_all(to).map_err(|error| failed(to, &error))?;
        for path in files::below(&from).map_err(|error| failed(&from, &error))? {
            let copied = files::bring(&from, to, &path).map_err(|error| failed(&from, &error))?;
            self.summary.files += 1;
            self.summary.bytes += copied.size;
        }
        Ok(uri(to))
    }

    /// Says where a source leads in the folder.
    fn leads(&self, source: &str) -> String {
        match artifact::below(source) {
            Some(below) => uri(&self.root.join(below)),
            None => source.to_owned(),
        }
    }
}

fn dataset(experiment: &Path, run: &Path, id: &str, input: &Value) -> Result<(), Fault> {
    let path = experiment.join("datasets").join(id).join("meta.yaml");
    write(&path, &input["dataset"].to_string())?;
    let tags = input["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    let tags: serde_json::Map<String, Value> = tags
        .iter()
        .filter_map(|tag| Some((tag["key"].as_str()?.to_owned(), tag["value"].clone())))
        .collect();
    let meta = json!({
        "source_type": "DATASET",
        "source_id": id,
        "destination_type": "RUN",
        "destination_id": id,
        "tags": tags,
    });
    write(&run.join("inputs").join(id).join("meta.yaml"), &meta.to_string())
}

fn line(point: &MetricPoint) -> String {
    let value = match point.value {
        value if value.is_nan() => "nan".to_owned(),
        value => value.to_string(),
    };
    format!("{} {value} {}", point.timestamp.as_millisecond(), point.step)
}

/// Writes a file a key, with a line for each of its texts.
fn grouped<'a>(folder: &Path, lines: impl Iterator<Item = (&'a str, String)>) -> Result<(), Fault> {
    let mut texts: std::collections::BTreeMap<&str, String> = std::collections::BTreeMap::new();
    for (key, line) in lines {
        let text = texts.entry(key).or_default();
        text.push_str(&line);
        text.push('\n');
    }
    texts.into_iter().try_for_each(|(key, text)| keyed(folder, key, &text))
}

fn values(folder: &Path, pairs: &[(String, String)]) -> Result<(), Fault> {
    pairs.iter().try_for_each(|(key, value)| keyed(folder, key, value))
}

/// Writes the file that a key names; MLflow refuses keys that climb, and so does this.
fn keyed(folder: &Path, key: &str, text: &str) -> Result<(), Fault> {
    artifact::check_path(key).map_err(|error| {
        Fault::invalid(format!("`{key}` names no file")).caused_by(Some(&error))
    })?;
    write(&folder.join(key), text)
}

fn make(folder: &Path, names: &[&str]) -> Result<(), Fault> {
    let made = names.iter().try_for_each(|name| fs::create_dir_all(folder.join(name)));
    made.map_err(|error| failed(folder, &error))
}

fn write(path: &Path, text: &str) -> Result<(), Fault> {
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| failed(path, &error))
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

fn failed(path: &Path, error: &std::io::Error) -> Fault {
    Fault::unavailable(format!("export to `{}`", path.display())).caused_by(Some(error))
}
