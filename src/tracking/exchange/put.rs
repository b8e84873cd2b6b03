//! Puts what was read into the store: ids stay, experiments are found by their names, URIs of files
//! lead to where these lie now. Each thing is put as often as one likes, and is there once.

use std::path::Path;

use rusqlite::{Connection, params};
use serde_json::Value;

use super::{ModelWithVersions, Source, Summary, files};
use crate::store::{Store, StoreError, row};
use crate::tracking::experiment::record::{self as experiment_record, Experiment};
use crate::tracking::logged_model::LoggedModel;
use crate::tracking::registry::record::RegisteredModel;
use crate::tracking::registry::version::{self, Version};
use crate::tracking::run::MetricPoint;
use crate::tracking::run::data::{self, DatasetInput, ModelPoint};
use crate::tracking::run::record::{self as run_record, Batch, Run};
use crate::tracking::{alias, artifact, registry};
use crate::types::view::AliasMove;
use crate::types::{Fault, Timestamp};

/// Points of one transaction: attempts of the daemon write to the same file and do not wait long.
const POINTS: usize = 5_000;

/// Who moves the aliases that came over.
const USER: &str = "import";

/// A taking over, under way.
pub(super) struct Taking<'a> {
    pub(super) store: &'a Store,
    pub(super) source: &'a dyn Source,
    /// `.dagdeck/artifacts`
    pub(super) artifacts_dir: &'a Path,
    pub(super) dry_run: bool,
    pub(super) now: Timestamp,
    /// Old URIs of artifacts and what they are now.
    pub(super) moved: Vec<(String, String)>,
    pub(super) summary: Summary,
}

impl Taking<'_> {
    /// Takes over an experiment with its logged models and runs.
    pub(super) fn experiment(&mut self, experiment: Experiment) -> Result<(), Fault> {
        self.summary.experiments += 1;
        let old_id = experiment.experiment_id.clone();
        let id = match self.dry_run {
            true => old_id.clone(),
            false => self.store.write_blocking(move |tx| put_experiment(tx, &experiment))?,
        };
        for run_id in self.source.run_ids(&old_id)? {
            let run = self.source.run(&old_id, &run_id)?;
            self.run(Run { experiment_id: id.clone(), ..run })?;
        }
        for model in self.source.logged_models(&old_id)? {
            self.logged_model(LoggedModel { experiment_id: id.clone(), ..model })?;
        }
        Ok(())
    }

    fn run(&mut self, mut run: Run) -> Result<(), Fault> {
        self.summary.runs += 1;
        self.summary.metric_points += run.metrics.len();
        let at = format!("{}/{}/artifacts", run.experiment_id, run.run_id);
        run.artifact_uri = self.place(&run.artifact_uri, &at);
        if self.dry_run {
            return self.files(&at).map(drop);
        }
        let metrics = std::mem::take(&mut run.metrics);
        let begun = run.clone();
        self.store.write_blocking(move |tx| begin_run(tx, &begun))?;
        for points in metrics.chunks(POINTS) {
            let (run_id, points) = (run.run_id.clone(), points.to_vec());
            self.store.write_blocking(move |tx| {
                run_record::log(tx, &run_id, &Batch { metrics: points, ..Batch::default() })
            })?;
        }
        self.bring(&at)?;
        let (run_id, stage, now) = (run.run_id, run.lifecycle_stage, self.now);
        self.store.write_blocking(move |tx| {
            let deleted = (stage != "active").then(|| row::micros(now));
            let sql = "UPDATE runs SET lifecycle_stage = ?2, deleted_time = ?3 WHERE run_id = ?1";
            row::execute(tx, sql, params![run_id.as_str(), stage, deleted]).map(drop)
        })?;
        Ok(())
    }

    fn logged_model(&mut self, mut model: LoggedModel) -> Result<(), Fault> {
        self.summary.logged_models += 1;
        let at = format!("{}/models/{}/artifacts", model.experiment_id, model.model_id);
        model.artifact_uri = self.place(&model.artifact_uri, &at);
        if self.dry_run {
            return self.files(&at).map(drop);
        }
        self.store.write_blocking(move |tx| put_logged_model(tx, &model))?;
        self.bring(&at)
    }

    /// Takes over a registered model. A version that is another one here stays as it is here.
    pub(super) fn registered_model(
        &mut self,
        (model, versions): ModelWithVersions,
    ) -> Result<(), Fault> {
        if let Err(error) = registry::check_name("a model", &model.name) {
            self.summary.left_out.push(format!("model `{}`: {}", model.name, Fault::from(error)));
            return Ok(());
        }
        self.summary.registered_models += 1;
        self.summary.model_versions += versions.len();
        let mut versions = versions;
        for version in &mut versions {
            version.source = self.now_at(&version.source);
        }
        if self.dry_run {
            return Ok(());
        }
        let now = self.now;
        let others = self
            .store
            .write_blocking(move |tx| put_registered_model(tx, &model, &versions, now))?;
        self.summary.model_versions -= others.len();
        self.summary.left_out.extend(others);
        Ok(())
    }

    /// Says where artifacts are to be: `at`, below our own folder, where they lie on this machine;
    /// else where they were.
    fn place(&mut self, uri: &str, at: &str) -> String {
        let here = self.source.files(uri).filter(|folder| folder.is_dir());
        let is_nowhere = files::local(uri).is_some() || files::proxied(uri).is_some();
        if here.is_none() && !is_nowhere {
            self.summary.left_out.push(format!("the files at {uri}: they stay there"));
            return uri.to_owned();
        }
        let new = format!("mlflow-artifacts:/{at}");
        self.moved.push((uri.trim_end_matches('/').to_owned(), new.clone()));
        new
    }

    /// Says what a URI that leads into artifacts is now.
    fn now_at(&self, uri: &str) -> String {
        let moved = self.moved.iter().find_map(|(old, new)| {
            let rest = uri.strip_prefix(old.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{new}{rest}"))
        });
        moved.unwrap_or_else(|| uri.to_owned())
    }

    /// Returns the folder that is to come to `at`, and the files in it; counts them.
    fn files(&mut self, at: &str) -> Result<Option<(std::path::PathBuf, Vec<String>)>, Fault> {
        let uri = format!("mlflow-artifacts:/{at}");
        let old = self.moved.iter().rev().find(|(_, new)| *new == uri).map(|(old, _)| old.clone());
        let Some(from) = old.and_then(|old| self.source.files(&old)) else { return Ok(None) };
        let failed = |error: std::io::Error| {
            Fault::unavailable(format!("list `{}`", from.display())).caused_by(Some(&error))
        };
        let paths = files::below(&from).map_err(failed)?;
        for path in &paths {
            let size = from.join(path).metadata().map_err(failed)?.len();
            self.summary.files += 1;
            self.summary.bytes += size;
        }
        Ok(Some((from, paths)))
    }

    fn bring(&mut self, at: &str) -> Result<(), Fault> {
        let Some((from, paths)) = self.files(at)? else { return Ok(()) };
        let to = self.artifacts_dir.join(at);
        for path in paths {
            let failed = |error: std::io::Error| {
                Fault::unavailable(format!("copy `{}`", from.join(&path).display()))
                    .caused_by(Some(&error))
            };
            artifact::check_path(&path).map_err(failed)?;
            let copied = files::bring(&from, &to, &path).map_err(failed)?;
            let noted = format!("{at}/{}", copied.path);
            let known = {
                let noted = noted.clone();
                self.store.read_blocking(move |conn| artifact::digest(conn, &noted))?
            };
            // A kill came between the file and its row, where the one is there without the other.
            let sha256 = match (copied.sha256, known) {
                (None, Some(_)) => continue,
                (Some(sha256), _) => sha256,
                (None, None) => files::sha256(&to.join(&path)).map_err(failed)?,
            };
            let size = copied.size;
            self.store.write_blocking(move |tx| artifact::note(tx, &noted, size, &sha256))?;
        }
        Ok(())
    }
}

/// Returns the id of the experiment of that name, making it where there is none, with the id that
/// it had where that is free.
fn put_experiment(tx: &Connection, from: &Experiment) -> Result<String, StoreError> {
    let id = match experiment_record::by_name(tx, &from.name)? {
        Some(found) => found.experiment_id,
        None => {
            let sql = "SELECT 1 FROM experiments WHERE experiment_id = ?1";
            let wanted: Option<i64> = from.experiment_id.parse().ok();
            let is_free = row::first(tx, sql, [wanted], |_| Ok(()))?.is_none();
            let sql =
                "INSERT INTO experiments (experiment_id, name, lifecycle_stage, creation_time,
                    last_update_time)
                VALUES (?1, ?2, ?3, ?4, ?5)";
            let values = params![
                wanted.filter(|_| is_free),
                from.name,
                from.lifecycle_stage,
                row::opt_micros(from.creation_time),
                row::opt_micros(from.last_update_time),
            ];
            row::execute(tx, sql, values)?;
            tx.last_insert_rowid().to_string()
        }
    };
    let sql = "INSERT OR REPLACE INTO experiment_tags (experiment_id, key, value)
        VALUES (?1, ?2, ?3)";
    from.tags
        .iter()
        .try_for_each(|(key, value)| row::execute(tx, sql, params![id, key, value]).map(drop))?;
    Ok(id)
}

/// Puts all of a run but its points, as one that still takes them.
fn begin_run(tx: &Connection, run: &Run) -> Result<(), StoreError> {
    let sql = "INSERT INTO runs (run_id, experiment_id, run_name, user_id, status, start_time,
            end_time, artifact_uri)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (run_id) DO UPDATE SET status = excluded.status, end_time = excluded.end_time,
            run_name = excluded.run_name, lifecycle_stage = 'active', deleted_time = NULL";
    let values = params![
        run.run_id.as_str(),
        run.experiment_id,
        run.run_name,
        run.user_id,
        run.status,
        row::micros(run.start_time),
        row::opt_micros(run.end_time),
        run.artifact_uri,
    ];
    row::execute(tx, sql, values)?;
    let batch = Batch { params: run.params.clone(), tags: run.tags.clone(), ..Batch::default() };
    run_record::log(tx, &run.run_id, &batch)?;
    let datasets: Vec<DatasetInput> = run.datasets.iter().map(dataset).collect();
    run_record::log_inputs(tx, &run.run_id, &datasets, &run.model_inputs)?;
    run_record::log_outputs(tx, &run.run_id, &run.model_outputs)
}

fn dataset(input: &Value) -> DatasetInput {
    let text = |key: &str| input["dataset"][key].as_str().unwrap_or_default().to_owned();
    DatasetInput { name: text("name"), digest: text("digest"), input: input.clone() }
}

fn put_logged_model(tx: &Connection, model: &LoggedModel) -> Result<(), StoreError> {
    let sql = "INSERT INTO logged_models (model_id, experiment_id, name, artifact_uri,
            creation_timestamp, last_updated_timestamp, status, status_message, model_type,
            source_run_id)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT (model_id) DO UPDATE SET status = excluded.status,
            last_updated_timestamp = excluded.last_updated_timestamp";
    let values = params![
        model.model_id,
        model.experiment_id,
        model.name,
        model.artifact_uri,
        row::micros(model.creation_timestamp),
        row::micros(model.last_updated_timestamp),
        model.status,
        model.status_message,
        model.model_type,
        model.source_run_id.as_ref().map(|id| id.as_str()),
    ];
    row::execute(tx, sql, values)?;
    for (table, pairs) in [("params", &model.params), ("tags", &model.tags)] {
        let sql = format!(
            "INSERT OR REPLACE INTO logged_model_{table} (model_id, key, value)
             VALUES (?1, ?2, ?3)"
        );
        for (key, value) in pairs {
            row::execute(tx, &sql, [&model.model_id, key, value])?;
        }
    }
    for metric in &model.metrics {
        let sql = "SELECT 1 FROM runs WHERE run_id = ?1";
        if row::first(tx, sql, [metric.run_id.as_str()], |_| Ok(()))?.is_none() {
            continue;
        }
        let (dataset_name, dataset_digest) = metric.dataset.clone().unzip();
        let point: MetricPoint = metric.point.clone();
        let model_id = model.model_id.clone();
        let of = ModelPoint { model_id, dataset_name, dataset_digest, point };
        data::put_point(tx, &metric.run_id, &of)?;
    }
    Ok(())
}

/// Returns of each version that is another one here that it is left out.
fn put_registered_model(
    tx: &Connection,
    model: &RegisteredModel,
    versions: &[Version],
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let name = model.name.as_str();
    let sql = "INSERT INTO registered_models (name, creation_timestamp, last_updated_timestamp,
            description)
        VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (name) DO UPDATE SET description = ifnull(description, excluded.description)";
    let values = params![
        name,
        row::micros(model.creation_timestamp),
        row::micros(model.last_updated_timestamp),
        model.description,
    ];
    row::execute(tx, sql, values)?;
    let sql = "INSERT OR IGNORE INTO registered_model_tags (name, key, value) VALUES (?1, ?2, ?3)";
    for (key, value) in &model.tags {
        row::execute(tx, sql, [name, key, value])?;
    }
    let mut others = Vec::new();
    for version in versions {
        let sql = "SELECT source FROM model_versions WHERE name = ?1 AND version = ?2";
        let there: Option<String> =
            row::first(tx, sql, params![name, version.version], |row| Ok(row.get(0)?))?;
        match there {
            Some(source) if source != version.source => others.push(format!(
                "version {} of model `{name}`: here it is another one",
                version.version
            )),
            _ => put_version(tx, version)?,
        }
    }
    let sql = "UPDATE registered_models SET last_version = max(last_version,
            (SELECT ifnull(max(version), 0) FROM model_versions WHERE name = ?1))
        WHERE name = ?1";
    row::execute(tx, sql, [name])?;
    for (alias, at) in &model.aliases {
        put_alias(tx, name, (alias, *at), now)?;
    }
    Ok(others)
}

fn put_version(tx: &Connection, from: &Version) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO model_versions (name, version, run_id, source,
            creation_timestamp, last_updated_timestamp, description, current_stage, status,
            status_message, run_link, user_id, model_id)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    let values = params![
        from.name,
        from.version,
        from.run_id.as_ref().map(|id| id.as_str()),
        from.source,
        row::micros(from.creation_timestamp),
        row::micros(from.last_updated_timestamp),
        from.description,
        from.current_stage,
        from.status,
        from.status_message,
        from.run_link,
        from.user_id,
        from.model_id,
    ];
    row::execute(tx, sql, values)?;
    let at = (from.name.as_str(), from.version);
    from.tags.iter().try_for_each(|(key, value)| version::put_tag(tx, at, key, value))
}

/// Points an alias at the version that bore it, unless it stands somewhere here, or the version is
/// not here.
fn put_alias(
    tx: &Connection,
    name: &str,
    (alias, at): (&str, u32),
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM model_versions WHERE name = ?1 AND version = ?2";
    let is_there = row::first(tx, sql, params![name, at], |_| Ok(()))?.is_some();
    if !is_there || alias::current(tx, name, alias)?.is_some() {
        return Ok(());
    }
    alias::put(tx, name, alias, at)?;
    let line = AliasMove {
        id: 0,
        name: name.to_owned(),
        alias: alias.to_owned(),
        from_version: None,
        to_version: Some(at),
        when: now,
        user: USER.to_owned(),
        action: alias::IMPORT.to_owned(),
        reason: None,
    };
    alias::record(tx, line).map(drop)
}
