//! What the scheduler starts from: everything that had not ended, and the last version of each
//! DAG.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;

use crate::dag::Dag;
use crate::sched::state::{EndedRun, Recovered};
use crate::store::fault::StoreError;
use crate::store::{
    asset, backfill, dag, dag_run, dag_version, deadline, operation, task_instance, task_map,
};
use crate::types::DagId;
use crate::types::run::DagRun;

/// Reads it; all of one moment.
pub(crate) fn recover(conn: &Connection) -> Result<Recovered, StoreError> {
    // Runs of one version share its definition.
    let mut definitions: HashMap<(DagId, u32), Option<Arc<Dag>>> = HashMap::new();
    let mut runs = Vec::new();
    for run in dag_run::active(conn)? {
        let version = (run.dag_id.clone(), run.dag_version_number);
        let dag = match definitions.get(&version) {
            Some(known) => known.clone(),
            None => {
                let read = dag_version::definition_of(conn, &run)?;
                definitions.entry(version).or_insert(read).clone()
            }
        };
        runs.push(rows(conn, run, dag)?);
    }
    Ok(Recovered {
        dag_states: dag::list(conn)?,
        dag_versions: dag_version::latest(conn)?,
        runs,
        queued_asset_events: asset::queued(conn)?,
        // Years of them: the engine asks for those that it has in hand.
        known_asset_changes: Vec::new(),
        last_asset_event_id: asset::last_id(conn)?,
        asset_news: asset::news(conn)?,
        backfills: backfill::under_way(conn)?,
        last_backfill_id: backfill::last_id(conn)?,
        made_ahead: backfill::made_ahead(conn)?,
        past: Vec::new(),
        last_operation_id: operation::last_id(conn)?,
        deadlines: deadline::open(conn)?,
        runtimes: Vec::new(),
    })
}

/// Reads what belongs to a run, its definition included.
pub fn run(conn: &Connection, run: DagRun) -> Result<EndedRun, StoreError> {
    let dag = dag_version::definition_of(conn, &run)?;
    rows(conn, run, dag)
}

fn rows(conn: &Connection, run: DagRun, dag: Option<Arc<Dag>>) -> Result<EndedRun, StoreError> {
    let key = run.key();
    Ok(EndedRun {
        run,
        dag,
        tasks: task_instance::for_run(conn, &key)?,
        triggering_asset_events: asset::triggering(conn, &key)?,
        maps: task_map::for_run(conn, &key)?,
    })
}
