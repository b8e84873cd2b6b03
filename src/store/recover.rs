//! What the scheduler starts from: everything that had not ended.

use rusqlite::Connection;

use crate::sched::state::{EndedRun, Recovered};
use crate::store::fault::StoreError;
use crate::store::{asset, dag, dag_run, deadline, task_instance, task_map};

/// Reads it; all of one moment.
pub(crate) fn recover(conn: &Connection) -> Result<Recovered, StoreError> {
    let runs = dag_run::active(conn)?
        .into_iter()
        .map(|run| {
            let key = run.key();
            Ok(EndedRun {
                run,
                tasks: task_instance::for_run(conn, &key)?,
                triggering_asset_events: asset::triggering(conn, &key)?,
                maps: task_map::for_run(conn, &key)?,
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok(Recovered {
        dag_states: dag::list(conn)?,
        runs,
        queued_asset_events: asset::queued(conn)?,
        // Years of them: the engine asks for those that it has in hand.
        known_asset_changes: Vec::new(),
        last_asset_event_id: asset::last_id(conn)?,
        past: Vec::new(),
        deadlines: deadline::open(conn)?,
        runtimes: Vec::new(),
    })
}
