//! What a template looks up while it is rendered: outputs, the run before, events of assets.
//! Blocks; templates are rendered off the async threads.

use std::sync::OnceLock;

use minijinja::Error;

use crate::dag::Dag;
use crate::dag::template::wrong;
use crate::runtime::layout::Layout;
use crate::runtime::xcom;
use crate::store::xcom::Pull;
use crate::store::{self, Store};
use crate::types::asset::AssetEvent;
use crate::types::ids::UNMAPPED;
use crate::types::run::DagRun;
use crate::types::xcom::RETURN_VALUE;
use crate::types::{AssetName, DagId, DagRunId, MapIndex, TaskId};

/// Events of an asset that a template may go through.
const EVENTS_MAX: u32 = 1_000;

/// What is known beside the run itself.
#[derive(Debug)]
pub(in crate::runtime::act) struct History {
    store: Store,
    layout: Layout,
    run: DagRun,
    previous: OnceLock<Result<Option<DagRun>, String>>,
}

/// Which outputs are wanted.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) dag_id: Option<DagId>,
    pub(super) dag_run_id: Option<DagRunId>,
    pub(super) task_id: TaskId,
    pub(super) key: String,
    /// Where this run has none, those of the last run before that has.
    pub(super) include_prior_dates: bool,
}

impl Wanted {
    /// What a task of this run returned.
    pub(super) fn return_value(task_id: TaskId) -> Self {
        Self {
            dag_id: None,
            dag_run_id: None,
            task_id,
            key: RETURN_VALUE.to_owned(),
            include_prior_dates: false,
        }
    }
}

impl History {
    pub(in crate::runtime::act) fn new(store: Store, layout: Layout, run: DagRun) -> Self {
        Self { store, layout, run, previous: OnceLock::new() }
    }

    /// Returns the DAG of the run.
    pub(super) fn dag_id(&self) -> &DagId {
        &self.run.dag_id
    }

    /// Pulls one output of every instance of a task, by map index.
    pub(super) fn pull(
        &self,
        wanted: &Wanted,
    ) -> Result<Vec<(MapIndex, serde_json::Value)>, Error> {
        let found = self.store.read_blocking(|conn| {
            let mut pull = Pull {
                dag_id: wanted.dag_id.as_ref().unwrap_or(&self.run.dag_id),
                dag_run_id: wanted.dag_run_id.as_ref().unwrap_or(&self.run.dag_run_id),
                task_id: &wanted.task_id,
                key: &wanted.key,
            };
            let found = store::xcom::pull(conn, &pull)?;
            if !found.is_empty() || !wanted.include_prior_dates {
                return Ok(found);
            }
            let Some(prior) = store::xcom::prior_run(conn, &pull, &self.run)? else {
                return Ok(found);
            };
            pull.dag_run_id = &prior;
            store::xcom::pull(conn, &pull)
        });
        let found = found.map_err(|error| wrong(format!("read the outputs: {error}")))?;
        let read = |value| xcom::read(&self.layout, value).map_err(wrong);
        found.into_iter().map(|(index, value)| Ok((index, read(value)?))).collect()
    }

    /// Returns the whole output of a task of this run: a list where it is mapped, null where there
    /// is none.
    pub(in crate::runtime::act) fn output_of(
        &self,
        dag: &Dag,
        task_id: &TaskId,
    ) -> Result<serde_json::Value, Error> {
        let mut found = self.pull(&Wanted::return_value(task_id.clone()))?;
        Ok(match found.as_mut_slice() {
            [(UNMAPPED, value)] => value.take(),
            [] if dag.mapping(task_id).is_none() => serde_json::Value::Null,
            _ => found.into_iter().map(|(_, value)| value).collect(),
        })
    }

    /// Returns the output of one instance of a task of this run; null where it has none.
    pub(super) fn output_at(
        &self,
        task_id: &TaskId,
        index: MapIndex,
    ) -> Result<serde_json::Value, Error> {
        let found = self.pull(&Wanted::return_value(task_id.clone()))?;
        let own = found.into_iter().find(|(of, _)| *of == index);
        Ok(own.map(|(_, value)| value).unwrap_or_default())
    }

    /// Returns the last successful run before this one, by logical date.
    pub(super) fn previous_success(&self) -> Result<Option<DagRun>, Error> {
        let found = self.previous.get_or_init(|| {
            let read = self.store.read_blocking(|conn| {
                store::dag_run::previous_success(conn, &self.run.dag_id, self.run.logical_date)
            });
            read.map_err(|error| format!("read the run before: {error}"))
        });
        found.clone().map_err(wrong)
    }

    /// Returns the last events of an asset, oldest first.
    pub(super) fn events(&self, asset: &AssetName) -> Result<Vec<AssetEvent>, Error> {
        let read =
            |conn: &rusqlite::Connection| store::asset::events(conn, Some(asset), EVENTS_MAX);
        let mut events = self
            .store
            .read_blocking(read)
            .map_err(|error| wrong(format!("read the events of `{asset}`: {error}")))?;
        events.reverse();
        Ok(events)
    }
}
