//! A data set of `dags.toml` as training reads it, for who only looks at it: a file, a table of a
//! database, an object of a lake. There is no run and no task: what is fetched lies in a folder of
//! its own, which is gone when it was read.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde_json::Map;

use super::dataset_validate;
use crate::connection::OpenConnection;
use crate::dag::Deck;
use crate::dag::limits::TaskLimits;
use crate::dag::secret::Mask;
use crate::dag::spec::{AssetUri, DatasetSpec, XcomLimits};
use crate::ml::Dataset;
use crate::runtime::act;
use crate::runtime::attempt::{DatasetOrder, Order, Private};
use crate::runtime::task_log::TaskLog;
use crate::types::ids::UNMAPPED;
use crate::types::{AttemptKey, Fault, TaskInstanceKey};

/// What stands for the task that there is not.
const LOOK: &str = "look";

/// Reads a data set; `state` is the project's folder of what dagdeck keeps. Blocks.
pub fn read_dataset(deck: &Deck, state: &Path, name: &str) -> Result<Dataset, Fault> {
    let Some(spec) = deck.datasets.get(name) else {
        let known: Vec<&str> = deck.datasets.keys().map(String::as_str).collect();
        let fault = Fault::not_found(format!("dags.toml has no data set `{name}`"));
        return Err(match known.as_slice() {
            [] => fault.hint("a table `[dataset.NAME]` makes one"),
            known => fault.hint(format!("it has {}", known.join(", "))),
        });
    };
    // A file of the project is read where it lies.
    let place = match &spec.uri {
        AssetUri::File(_) => None,
        _ => Some(Scratch::make(state).map_err(|error| {
            let text = format!("make a folder to read data set `{name}` in");
            Fault::unavailable(text).caused_by(Some(&error))
        })?),
    };
    let folder = place.as_ref().map_or(deck.project.as_path(), |place| place.0.as_path());
    let mask = act::secrets_of(deck);
    let connections = deck.connections.values().map(OpenConnection::of);
    let connections = connections.map(|one| (one.name.clone(), one)).collect();
    let private = Private { connections, mask: mask.clone(), ..Private::default() };
    let log = TaskLog::lazy(folder, mask.clone());
    let read = dataset_validate::read(&order(deck, spec, folder), &private, &log);
    read.map_err(|error| {
        let text = Mask::new(mask).hide(&error.to_string());
        Fault::invalid(format!("read data set `{name}` from `{}`: {text}", spec.uri.as_text()))
    })
}

fn order(deck: &Deck, spec: &DatasetSpec, folder: &Path) -> Order {
    let (path, uri) = match &spec.uri {
        AssetUri::File(path) => (deck.project.join(path), None),
        other => (PathBuf::new(), Some(other.as_text())),
    };
    let (name, table) = (spec.name.clone(), spec.table.clone());
    let task = TaskInstanceKey {
        dag_id: LOOK.into(),
        dag_run_id: LOOK.into(),
        task_id: LOOK.into(),
        map_index: UNMAPPED,
    };
    Order {
        key: AttemptKey { task, try_number: 1 },
        token: LOOK.into(),
        operator: "dataset.validate".to_owned(),
        args: Map::new(),
        env: IndexMap::new(),
        project: deck.project.clone(),
        folder: folder.to_owned(),
        run_folder: folder.to_owned(),
        execution_timeout_secs: None,
        inlets: Vec::new(),
        outlets: Vec::new(),
        dataset: Some(DatasetOrder { name, path, uri, table, assets: Vec::new() }),
        connections: Vec::new(),
        triggering_asset_events: Vec::new(),
        user: String::new(),
        slurm: None,
        xcom: XcomLimits::default(),
        limits: TaskLimits::default(),
        context: None,
    }
}

/// A folder that goes with what was read into it.
struct Scratch(PathBuf);

impl Scratch {
    fn make(state: &Path) -> std::io::Result<Self> {
        let place = state.join(format!("{LOOK}-{}", uuid::Uuid::new_v4().simple()));
        DirBuilder::new().recursive(true).mode(0o700).create(&place)?;
        Ok(Self(place))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is seen by its owner only.
        let _ = fs::remove_dir_all(&self.0);
    }
}
