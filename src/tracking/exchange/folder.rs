//! A folder `mlruns`, as MLflow keeps it without a server. It is only read.
//!
//! ```text
//! mlruns/EXPERIMENT/meta.yaml · tags/* · RUN/{meta.yaml, metrics/*, params/*, tags/*, inputs/*, outputs/*}
//! mlruns/EXPERIMENT/{datasets/*, models/MODEL/…} · models/NAME/{meta.yaml, tags/*, version-N/*}
//! mlruns/.trash/EXPERIMENT: deleted
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::database::status;
use super::written::Meta;
use super::{ModelWithVersions, Source, files};
use crate::tracking::experiment::record::Experiment;
use crate::tracking::logged_model::{LoggedModel, ModelMetric};
use crate::tracking::registry::record::RegisteredModel;
use crate::tracking::registry::version::Version;
use crate::tracking::run::MetricPoint;
use crate::tracking::run::data::RunModel;
use crate::tracking::run::record::Run;
use crate::types::{Fault, Timestamp, TrackingRunId};

/// The states of runs, which MLflow counts from 1.
const STATUSES: [&str; 5] = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];

/// Where what is deleted lies.
const TRASH: &str = ".trash";

pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(super) fn open(root: &Path) -> Result<Self, Fault> {
        let folder = Self { root: root.to_owned() };
        if folder.experiments()?.is_empty() && folder.registered_models()?.is_empty() {
            let text = format!("`{}` is no folder of MLflow's: nothing in it is", root.display());
            return Err(
                Fault::invalid(text).hint("give the folder `mlruns`, or the file `mlflow.db`")
            );
        }
        Ok(folder)
    }

    /// The folder of an experiment, deleted or not.
    fn experiment(&self, id: &str) -> PathBuf {
        let live = self.root.join(id);
        if live.is_dir() { live } else { self.root.join(TRASH).join(id) }
    }

    fn read_experiment(&self, folder: &Path) -> Result<Option<Experiment>, Fault> {
        let Some(meta) = Meta::of(folder)? else { return Ok(None) };
        let (Some(id), Some(name)) = (meta.text("experiment_id"), meta.text("name")) else {
            return Ok(None);
        };
        Ok(Some(Experiment {
            experiment_id: id,
            name,
            artifact_location: meta.text("artifact_location").unwrap_or_default(),
            lifecycle_stage: meta.text("lifecycle_stage").unwrap_or_else(|| "active".into()),
            creation_time: meta.millis("creation_time"),
            last_update_time: meta.millis("last_update_time"),
            tags: values(&folder.join("tags"))?,
        }))
    }

    fn dataset(&self, experiment_id: &str, input: &Meta) -> Result<Option<Value>, Fault> {
        let Some(id) = input.text("source_id") else { return Ok(None) };
        let folder = self.experiment(experiment_id).join("datasets").join(id);
        let Some(meta) = Meta::of(&folder)? else { return Ok(None) };
        let mut dataset = Map::new();
        for name in ["name", "digest", "source_type", "source", "schema", "profile"] {
            if let Some(text) = meta.text(name) {
                dataset.insert(name.to_owned(), text.into());
            }
        }
        let tag = |(key, value)| json!({"key": key, "value": value});
        let tags: Vec<Value> = input.pairs("tags").into_iter().map(tag).collect();
        Ok(Some(json!({"dataset": dataset, "tags": tags})))
    }

    fn versions(&self, folder: &Path) -> Result<Vec<Version>, Fault> {
        let mut versions = Vec::new();
        for inside in folders(folder)? {
            let Some(meta) = Meta::of(&inside)? else { continue };
            let Some(version) = meta.integer("version").and_then(|n| u32::try_from(n).ok()) else {
                continue;
            };
            let stage = meta.text("current_stage").unwrap_or_else(|| "None".into());
            if stage == "Deleted_Internal" {
                continue;
            }
            let created = meta.millis("creation_timestamp").unwrap_or(Timestamp::UNIX_EPOCH);
            let source = meta.text("source").unwrap_or_default();
            versions.push(Version {
                name: meta.needed("name")?,
                version,
                run_id: meta.text("run_id").map(TrackingRunId::new),
                creation_timestamp: created,
                last_updated_timestamp: meta.millis("last_updated_timestamp").unwrap_or(created),
                description: meta.text("description"),
                current_stage: stage,
                status: meta.text("status").unwrap_or_else(|| "READY".into()),
                status_message: meta.text("status_message"),
                run_link: meta.text("run_link"),
                user_id: meta.text("user_id"),
                model_id: meta.text("model_id").or_else(|| files::model_id(&source)),
                source,
                tags: values(&inside.join("tags"))?,
                aliases: Vec::new(),
            });
        }
        versions.sort_by_key(|version| version.version);
        Ok(versions)
    }
}

impl Source for Folder {
    fn experiments(&self) -> Result<Vec<Experiment>, Fault> {
        let mut found = Vec::new();
        for folder in folders(&self.root)?.into_iter().chain(folders(&self.root.join(TRASH))?) {
            found.extend(self.read_experiment(&folder)?);
        }
        Ok(found)
    }

    fn run_ids(&self, experiment_id: &str) -> Result<Vec<String>, Fault> {
        let mut found = Vec::new();
        for folder in folders(&self.experiment(experiment_id))? {
            found.extend(Meta::of(&folder)?.and_then(|meta| meta.text("run_id")));
        }
        Ok(found)
    }

    fn run(&self, experiment_id: &str, run_id: &str) -> Result<Run, Fault> {
        let folder = self.experiment(experiment_id).join(run_id);
        let meta = Meta::of(&folder)?
            .ok_or_else(|| Fault::not_found(format!("`{}` is gone", folder.display())))?;
        let number = meta.integer("status").and_then(|n| usize::try_from(n - 1).ok());
        let mut run = Run {
            run_id: TrackingRunId::new(run_id),
            run_name: meta.text("run_name").unwrap_or_default(),
            experiment_id: experiment_id.to_owned(),
            user_id: meta.text("user_id").unwrap_or_default(),
            status: number.and_then(|at| STATUSES.get(at)).unwrap_or(&"FINISHED").to_string(),
            start_time: meta.millis("start_time").unwrap_or(Timestamp::UNIX_EPOCH),
            end_time: meta.millis("end_time"),
            artifact_uri: meta.text("artifact_uri").unwrap_or_default(),
            lifecycle_stage: meta.text("lifecycle_stage").unwrap_or_else(|| "active".into()),
            metrics: metrics(&folder.join("metrics"))?
                .into_iter()
                .map(|(point, _)| point)
                .collect(),
            params: values(&folder.join("params"))?,
            tags: values(&folder.join("tags"))?,
            datasets: Vec::new(),
            model_inputs: Vec::new(),
            model_outputs: Vec::new(),
        };
        for inside in folders(&folder.join("inputs"))? {
            let Some(meta) = Meta::of(&inside)? else { continue };
            match meta.text("source_type").as_deref() {
                Some("DATASET") => run.datasets.extend(self.dataset(experiment_id, &meta)?),
                _ => run.model_inputs.extend(model(&meta)),
            }
        }
        for inside in folders(&folder.join("outputs"))? {
            run.model_outputs.extend(Meta::of(&inside)?.as_ref().and_then(model));
        }
        Ok(run)
    }

    fn logged_models(&self, experiment_id: &str) -> Result<Vec<LoggedModel>, Fault> {
        let mut found = Vec::new();
        for folder in folders(&self.experiment(experiment_id).join("models"))? {
            let Some(meta) = Meta::of(&folder)? else { continue };
            if meta.text("lifecycle_stage").is_some_and(|stage| stage != "active") {
                continue;
            }
            let created = meta.millis("creation_timestamp").unwrap_or(Timestamp::UNIX_EPOCH);
            let metrics = metrics(&folder.join("metrics"))?.into_iter();
            found.push(LoggedModel {
                model_id: meta.needed("model_id")?,
                experiment_id: experiment_id.to_owned(),
                name: meta.needed("name")?,
                artifact_uri: meta.text("artifact_location").unwrap_or_default(),
                creation_timestamp: created,
                last_updated_timestamp: meta.millis("last_updated_timestamp").unwrap_or(created),
                status: status(meta.integer("status").unwrap_or(0)),
                status_message: meta.text("status_message"),
                model_type: meta.text("model_type"),
                source_run_id: meta.text("source_run_id").map(TrackingRunId::new),
                params: values(&folder.join("params"))?,
                tags: values(&folder.join("tags"))?,
                metrics: metrics.filter_map(|(point, rest)| of_model(point, &rest)).collect(),
                registrations: Vec::new(),
            });
        }
        Ok(found)
    }

    fn registered_models(&self) -> Result<Vec<ModelWithVersions>, Fault> {
        let mut found = Vec::new();
        for folder in folders(&self.root.join("models"))? {
            let Some(meta) = Meta::of(&folder)? else { continue };
            let created = meta.millis("creation_timestamp").unwrap_or(Timestamp::UNIX_EPOCH);
            let aliases = values(&folder.join("aliases"))?.into_iter();
            let model = RegisteredModel {
                name: meta.needed("name")?,
                description: meta.text("description"),
                creation_timestamp: created,
                last_updated_timestamp: meta.millis("last_updated_timestamp").unwrap_or(created),
                tags: values(&folder.join("tags"))?,
                aliases: aliases
                    .filter_map(|(alias, at)| Some((alias, at.trim().parse().ok()?)))
                    .collect(),
                latest_versions: Vec::new(),
            };
            found.push((model, self.versions(&folder)?));
        }
        Ok(found)
    }

    /// A folder that was moved has its files in it, wherever its `meta.yaml` says that they are.
    fn files(&self, uri: &str) -> Option<PathBuf> {
        let named = files::local(uri)?;
        let parts: Vec<_> = named.components().map(|part| part.as_os_str().to_owned()).collect();
        for back in (3..=parts.len().min(5)).rev() {
            let inside: PathBuf = parts[parts.len() - back..].iter().collect();
            for root in [self.root.clone(), self.root.join(TRASH)] {
                if root.join(&inside).is_dir() && inside.ends_with("artifacts") {
                    return Some(root.join(&inside));
                }
            }
        }
        Some(self.root.parent().unwrap_or(Path::new("")).join(named))
    }
}

/// Lists the folders in a folder, by name; none where there is no such folder.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| unread(folder, &error))?;
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && entry.file_name() != TRASH {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a folder of one value a file: its path below is the key.
fn values(folder: &Path) -> Result<Vec<(String, String)>, Fault> {
    let paths = files::below(folder).map_err(|error| unread(folder, &error))?;
    let read = |path: String| {
        let text =
            fs::read_to_string(folder.join(&path)).map_err(|error| unread(folder, &error))?;
        Ok((path, text))
    };
    paths.into_iter().map(read).collect()
}

/// Reads a folder of histories: `millis value [step [run [dataset digest]]]`, a line a point.
fn metrics(folder: &Path) -> Result<Vec<(MetricPoint, Vec<String>)>, Fault> {
    let mut found = Vec::new();
    for (key, text) in values(folder)? {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let wrong = || {
                Fault::invalid(format!(
                    "`{line}` is no point of metric `{key}`, in {}",
                    folder.display()
                ))
            };
            let millis = words.first().and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
            let value = words.get(1).and_then(|word| number(word)).ok_or_else(wrong)?;
            let step = words.get(2).and_then(|word| word.parse().ok()).unwrap_or(0);
            let timestamp = Timestamp::from_millisecond(millis).map_err(|_| wrong())?;
            let rest = words.iter().skip(3).map(|word| (*word).to_owned()).collect();
            found.push((MetricPoint { key: key.clone(), value, timestamp, step }, rest));
        }
    }
    Ok(found)
}

/// Reads a number as Python writes it: `nan`, `inf` and `-inf` too.
fn number(word: &str) -> Option<f64> {
    word.parse().ok()
}

fn of_model(point: MetricPoint, rest: &[String]) -> Option<ModelMetric> {
    let dataset = rest.get(1).map(|name| (name.clone(), rest.get(2).cloned().unwrap_or_default()));
    Some(ModelMetric { point, run_id: TrackingRunId::new(rest.first()?.clone()), dataset })
}

fn model(meta: &Meta) -> Option<RunModel> {
    let step = meta.integer("step").unwrap_or(0);
    meta.text("destination_id").map(|model_id| RunModel { model_id, step })
}

fn unread(folder: &Path, error: &std::io::Error) -> Fault {
    Fault::unavailable(format!("read `{}`", folder.display())).caused_by(Some(error))
}
