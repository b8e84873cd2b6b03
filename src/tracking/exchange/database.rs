//! A `mlflow.db`, as MLflow's server keeps it in SQLite. It is only read.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, Params, Row};
use serde_json::{Map, Value, json};

use super::{ModelWithVersions, Source, files};
use crate::tracking::experiment::record::Experiment;
use crate::tracking::logged_model::{LoggedModel, ModelMetric, STATUSES};
use crate::tracking::registry::record::RegisteredModel;
use crate::tracking::registry::version::Version;
use crate::tracking::run::MetricPoint;
use crate::tracking::run::data::RunModel;
use crate::tracking::run::record::Run;
use crate::types::{Fault, Timestamp, TrackingRunId};

/// The oldest tables that have all that is read here: those of MLflow 3.
const NEEDED: [&str; 4] = ["experiments", "runs", "registered_models", "logged_models"];

pub(super) struct Database {
    conn: Connection,
    /// The folder of the database, from which relative paths lead.
    beside: PathBuf,
    /// What `mlflow-artifacts:/` stands for.
    artifacts: PathBuf,
}

impl Database {
    pub(super) fn open(path: &Path, artifacts: Option<&Path>) -> Result<Self, Fault> {
        let failed = |error: rusqlite::Error| {
            Fault::invalid(format!("`{}` cannot be read as a database of MLflow", path.display()))
                .caused_by(Some(&error))
        };
        let conn =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
        let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        for table in NEEDED {
            if !conn.prepare(sql).and_then(|mut sql| sql.exists([table])).map_err(failed)? {
                let text = format!("`{}` has no table `{table}`", path.display());
                return Err(Fault::invalid(text)
                    .hint("`mlflow db upgrade sqlite:///…` brings it to what MLflow 3 keeps"));
            }
        }
        let beside = path.parent().unwrap_or(Path::new("")).to_owned();
        let artifacts = artifacts.map_or_else(|| beside.join("mlartifacts"), Path::to_owned);
        Ok(Self { conn, beside, artifacts })
    }

    fn all<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Fault> {
        let read = || -> rusqlite::Result<Vec<T>> {
            self.conn.prepare_cached(sql)?.query_map(values, read)?.collect()
        };
        read()
            .map_err(|error| Fault::invalid("read the database of MLflow").caused_by(Some(&error)))
    }

    fn pairs(&self, sql: &str, values: impl Params) -> Result<Vec<(String, String)>, Fault> {
        self.all(sql, values, |row| {
            Ok((row.get(0)?, row.get::<_, Option<String>>(1)?.unwrap_or_default()))
        })
    }

    fn datasets(&self, run_id: &str) -> Result<Vec<Value>, Fault> {
        let sql = "SELECT i.input_uuid, d.name, d.digest, d.dataset_source_type, d.dataset_source,
                d.dataset_schema, d.dataset_profile
            FROM inputs AS i JOIN datasets AS d ON d.dataset_uuid = i.source_id
            WHERE i.destination_id = ?1 AND i.source_type = 'DATASET' ORDER BY d.name, d.digest";
        let found = self.all(sql, [run_id], |row| {
            let mut dataset = Map::new();
            let names = ["name", "digest", "source_type", "source", "schema", "profile"];
            for (at, name) in names.into_iter().enumerate() {
                if let Some(text) = row.get::<_, Option<String>>(at + 1)? {
                    dataset.insert(name.to_owned(), text.into());
                }
            }
            Ok((row.get::<_, String>(0)?, dataset))
        })?;
        let whole = |(input, dataset): (String, Map<String, Value>)| {
            let tags = self.pairs(
                "SELECT name, value FROM input_tags WHERE input_uuid = ?1 ORDER BY name",
                [input],
            )?;
            let tag = |(key, value)| json!({"key": key, "value": value});
            let tags: Vec<Value> = tags.into_iter().map(tag).collect();
            Ok(json!({"dataset": dataset, "tags": tags}))
        };
        found.into_iter().map(whole).collect()
    }

    fn models(&self, run_id: &str, kind: &str) -> Result<Vec<RunModel>, Fault> {
        let sql = "SELECT destination_id, ifnull(step, 0) FROM inputs
            WHERE source_id = ?1 AND destination_type = ?2 ORDER BY destination_id";
        self.all(sql, [run_id, kind], |row| {
            Ok(RunModel { model_id: row.get(0)?, step: row.get(1)? })
        })
    }

    fn model_metrics(&self, model_id: &str) -> Result<Vec<ModelMetric>, Fault> {
        let sql = "SELECT metric_name, metric_value, metric_timestamp_ms, metric_step, run_id,
                dataset_name, dataset_digest
            FROM logged_model_metrics WHERE model_id = ?1 ORDER BY 1, 4, 3";
        self.all(sql, [model_id], |row| {
            let (name, digest): (Option<String>, Option<String>) = (row.get(5)?, row.get(6)?);
            Ok(ModelMetric {
                point: MetricPoint {
                    key: row.get(0)?,
                    value: row.get::<_, Option<f64>>(1)?.unwrap_or(f64::NAN),
                    timestamp: millis(row, 2)?,
                    step: row.get(3)?,
                },
                run_id: row.get::<_, String>(4)?.into(),
                dataset: name.map(|name| (name, digest.unwrap_or_default())),
            })
        })
    }

    fn versions(&self, name: &str) -> Result<Vec<Version>, Fault> {
        let sql = "SELECT version, creation_time, ifnull(last_updated_time, creation_time),
                description, user_id, current_stage, source, run_id, status, status_message,
                run_link
            FROM model_versions WHERE name = ?1 AND current_stage <> 'Deleted_Internal'
            ORDER BY version";
        let found = self.all(sql, [name], |row| {
            let source: Option<String> = row.get(6)?;
            let source = source.unwrap_or_default();
            Ok(Version {
                name: name.to_owned(),
                version: row.get(0)?,
                creation_timestamp: millis(row, 1)?,
                last_updated_timestamp: millis(row, 2)?,
                description: row.get(3)?,
                user_id: row.get(4)?,
                current_stage: row.get::<_, Option<String>>(5)?.unwrap_or_else(|| "None".into()),
                run_id: filled(row, 7)?.map(TrackingRunId::new),
                status: row.get::<_, Option<String>>(8)?.unwrap_or_else(|| "READY".into()),
                status_message: row.get(9)?,
                run_link: row.get(10)?,
                model_id: files::model_id(&source),
                source,
                tags: Vec::new(),
                aliases: Vec::new(),
            })
        })?;
        let with_tags = |version: Version| {
            let sql = "SELECT key, value FROM model_version_tags WHERE name = ?1 AND version = ?2
                ORDER BY key";
            let tags = self.pairs(sql, (name, version.version))?;
            Ok(Version { tags, ..version })
        };
        found.into_iter().map(with_tags).collect()
    }
}

impl Source for Database {
    fn experiments(&self) -> Result<Vec<Experiment>, Fault> {
        let sql = "SELECT experiment_id, name, ifnull(artifact_location, ''), lifecycle_stage,
                creation_time, last_update_time
            FROM experiments ORDER BY experiment_id";
        let found = self.all(sql, [], |row| {
            Ok(Experiment {
                experiment_id: row.get::<_, i64>(0)?.to_string(),
                name: row.get(1)?,
                artifact_location: row.get(2)?,
                lifecycle_stage: row.get(3)?,
                creation_time: opt_millis(row, 4)?,
                last_update_time: opt_millis(row, 5)?,
                tags: Vec::new(),
            })
        })?;
        let with_tags = |experiment: Experiment| {
            let sql = "SELECT key, value FROM experiment_tags WHERE experiment_id = ?1";
            let tags = self.pairs(sql, [&experiment.experiment_id])?;
            Ok(Experiment { tags, ..experiment })
        };
        found.into_iter().map(with_tags).collect()
    }

    fn run_ids(&self, experiment_id: &str) -> Result<Vec<String>, Fault> {
        let sql = "SELECT run_uuid FROM runs WHERE experiment_id = ?1 ORDER BY start_time";
        self.all(sql, [experiment_id], |row| row.get(0))
    }

    fn run(&self, experiment_id: &str, run_id: &str) -> Result<Run, Fault> {
        let sql = "SELECT name, user_id, status, ifnull(start_time, 0), end_time, artifact_uri,
                lifecycle_stage
            FROM runs WHERE run_uuid = ?1";
        let found = self.all(sql, [run_id], |row| {
            Ok(Run {
                run_id: TrackingRunId::new(run_id),
                run_name: row.get::<_, Option<String>>(0)?.unwrap_or_default(),
                experiment_id: experiment_id.to_owned(),
                user_id: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
                status: row.get(2)?,
                start_time: millis(row, 3)?,
                end_time: opt_millis(row, 4)?,
                artifact_uri: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
                lifecycle_stage: row.get(6)?,
                metrics: Vec::new(),
                params: Vec::new(),
                tags: Vec::new(),
                datasets: Vec::new(),
                model_inputs: Vec::new(),
                model_outputs: Vec::new(),
            })
        })?;
        let run = found
            .into_iter()
            .next()
            .ok_or_else(|| Fault::not_found(format!("run `{run_id}` is gone from its database")))?;
        let sql = "SELECT key, value, timestamp, step, is_nan FROM metrics WHERE run_uuid = ?1
            ORDER BY key, step, timestamp";
        let metrics = self.all(sql, [run_id], |row| {
            let value: f64 = row.get(1)?;
            Ok(MetricPoint {
                key: row.get(0)?,
                value: if row.get(4)? { f64::NAN } else { value },
                timestamp: millis(row, 2)?,
                step: row.get(3)?,
            })
        })?;
        Ok(Run {
            metrics,
            params: self.pairs("SELECT key, value FROM params WHERE run_uuid = ?1", [run_id])?,
            tags: self.pairs("SELECT key, value FROM tags WHERE run_uuid = ?1", [run_id])?,
            datasets: self.datasets(run_id)?,
            model_inputs: self.models(run_id, "MODEL_INPUT")?,
            model_outputs: self.models(run_id, "MODEL_OUTPUT")?,
            ..run
        })
    }

    fn logged_models(&self, experiment_id: &str) -> Result<Vec<LoggedModel>, Fault> {
        let sql = "SELECT model_id, name, artifact_location, creation_timestamp_ms,
                last_updated_timestamp_ms, status, status_message, model_type, source_run_id
            FROM logged_models WHERE experiment_id = ?1 AND lifecycle_stage = 'active'
            ORDER BY creation_timestamp_ms, model_id";
        let found = self.all(sql, [experiment_id], |row| {
            Ok(LoggedModel {
                model_id: row.get(0)?,
                experiment_id: experiment_id.to_owned(),
                name: row.get(1)?,
                artifact_uri: row.get(2)?,
                creation_timestamp: millis(row, 3)?,
                last_updated_timestamp: millis(row, 4)?,
                status: status(row.get(5)?),
                status_message: row.get(6)?,
                model_type: filled(row, 7)?,
                source_run_id: filled(row, 8)?.map(TrackingRunId::new),
                params: Vec::new(),
                tags: Vec::new(),
                metrics: Vec::new(),
                registrations: Vec::new(),
            })
        })?;
        let whole = |model: LoggedModel| {
            let id = model.model_id.as_str();
            let params = "SELECT param_key, param_value FROM logged_model_params
                WHERE model_id = ?1";
            let tags = "SELECT tag_key, tag_value FROM logged_model_tags WHERE model_id = ?1";
            Ok(LoggedModel {
                params: self.pairs(params, [id])?,
                tags: self.pairs(tags, [id])?,
                metrics: self.model_metrics(id)?,
                ..model
            })
        };
        found.into_iter().map(whole).collect()
    }

    fn registered_models(&self) -> Result<Vec<ModelWithVersions>, Fault> {
        let sql =
            "SELECT name, creation_time, ifnull(last_updated_time, creation_time), description
            FROM registered_models ORDER BY name";
        let found = self.all(sql, [], |row| {
            Ok(RegisteredModel {
                name: row.get(0)?,
                creation_timestamp: millis(row, 1)?,
                last_updated_timestamp: millis(row, 2)?,
                description: row.get(3)?,
                tags: Vec::new(),
                aliases: Vec::new(),
                latest_versions: Vec::new(),
            })
        })?;
        let whole = |model: RegisteredModel| {
            let tags = "SELECT key, value FROM registered_model_tags WHERE name = ?1 ORDER BY key";
            let aliases = "SELECT alias, version FROM registered_model_aliases WHERE name = ?1
                ORDER BY alias";
            let model = RegisteredModel {
                tags: self.pairs(tags, [&model.name])?,
                aliases: self.all(aliases, [&model.name], |row| Ok((row.get(0)?, row.get(1)?)))?,
                ..model
            };
            let versions = self.versions(&model.name)?;
            Ok((model, versions))
        };
        found.into_iter().map(whole).collect()
    }

    fn files(&self, uri: &str) -> Option<PathBuf> {
        match files::proxied(uri) {
            Some(below) => Some(self.artifacts.join(below)),
            None => Some(self.beside.join(files::local(uri)?)),
        }
    }
}

/// Returns the word for a status of a logged model, which MLflow counts from 1.
pub(super) fn status(number: i64) -> String {
    let at = usize::try_from(number - 1).unwrap_or(usize::MAX);
    STATUSES.get(at).unwrap_or(&"PENDING").to_string()
}

fn filled(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<String>> {
    Ok(row.get::<_, Option<String>>(at)?.filter(|text| !text.is_empty()))
}

fn millis(row: &Row<'_>, at: usize) -> rusqlite::Result<Timestamp> {
    let millis: i64 = row.get(at)?;
    Timestamp::from_millisecond(millis)
        .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(at, millis))
}

fn opt_millis(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Timestamp>> {
    match row.get::<_, Option<i64>>(at)? {
        None => Ok(None),
        Some(_) => millis(row, at).map(Some),
    }
}
