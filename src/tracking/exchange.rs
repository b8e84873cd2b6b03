//! What MLflow kept is taken over: a `mlflow.db` of its server, or a folder `mlruns`; and given
//! back as such a folder.
//!
//! ```text
//! mlflow.db ─┐                    ┌─ a run, a model: its files, then its rows in small transactions
//! mlruns ────┴─ Source ─► import ─┤
//!                                 └─ told again, all of it is the same: a kill in between costs
//!                                    nothing but the way back to where it was
//! ```

use std::path::Path;

use serde::Serialize;

use crate::store::Store;
use crate::tracking::experiment::record::Experiment;
use crate::tracking::logged_model::LoggedModel;
use crate::tracking::registry::record::RegisteredModel;
use crate::tracking::registry::version::Version;
use crate::tracking::run::record::Run;
use crate::types::{Fault, Timestamp};

mod database;
mod export;
mod files;
mod folder;
mod put;
#[cfg(test)]
mod tests;
mod written;

pub use export::export;

/// What was taken over, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub experiments: usize,
    pub runs: usize,
    /// Points of the histories of metrics.
    pub metric_points: usize,
    pub logged_models: usize,
    pub registered_models: usize,
    pub model_versions: usize,
    pub files: usize,
    pub bytes: u64,
    /// What stays behind, and why.
    pub left_out: Vec<String>,
}

/// A model with all of its versions.
type ModelWithVersions = (RegisteredModel, Vec<Version>);

/// What MLflow keeps, of whichever form.
trait Source {
    /// Those that are deleted too.
    fn experiments(&self) -> Result<Vec<Experiment>, Fault>;

    fn run_ids(&self, experiment_id: &str) -> Result<Vec<String>, Fault>;

    /// Returns a run with the whole histories of its metrics.
    fn run(&self, experiment_id: &str, run_id: &str) -> Result<Run, Fault>;

    /// Those that are not deleted.
    fn logged_models(&self, experiment_id: &str) -> Result<Vec<LoggedModel>, Fault>;

    fn registered_models(&self) -> Result<Vec<ModelWithVersions>, Fault>;

    /// Returns where the files of a URI lie on this machine; `None` of what lies elsewhere.
    fn files(&self, uri: &str) -> Option<std::path::PathBuf>;
}

/// Takes over what `path` holds. `artifacts` is where a server kept the files that its database
/// names as `mlflow-artifacts:/…`; beside the database, in `mlartifacts`, where nothing is said.
/// With `dry_run` all is read and counted, and nothing written. `told` hears of each experiment.
pub fn import(
    store: &Store,
    artifacts_dir: &Path,
    (path, artifacts): (&Path, Option<&Path>),
    dry_run: bool,
    now: Timestamp,
    told: &mut dyn FnMut(&str),
) -> Result<Summary, Fault> {
    let source = open(path, artifacts)?;
    let mut taking = put::Taking {
        store,
        source: source.as_ref(),
        artifacts_dir,
        dry_run,
        now,
        moved: Vec::new(),
        summary: Summary::default(),
    };
    for experiment in source.experiments()? {
        told(&format!("experiment `{}`", experiment.name));
        taking.experiment(experiment)?;
    }
    for model in source.registered_models()? {
        told(&format!("model `{}`", model.0.name));
        taking.registered_model(model)?;
    }
    Ok(taking.summary)
}

fn open(path: &Path, artifacts: Option<&Path>) -> Result<Box<dyn Source>, Fault> {
    let found = path.metadata().map_err(|error| {
        Fault::not_found(format!("open `{}`", path.display())).caused_by(Some(&error))
    })?;
    match found.is_dir() {
        true => Ok(Box::new(folder::Folder::open(path)?)),
        false => Ok(Box::new(database::Database::open(path, artifacts)?)),
    }
}
