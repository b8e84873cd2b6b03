//! What tracked runs learnt from: MLflow's inputs.

use rusqlite::{Connection, params};

use crate::store::{Store, StoreError, asset, row};
use crate::types::asset::AssetEvent;
use crate::types::run::DagRunKey;
use crate::types::view::RunInput;
use crate::types::{AssetName, TrackingRunId};

/// Schemas are kept up to so many columns: more are a file of somebody's, not of a data set.
const COLUMNS_MAX: usize = 2_000;

/// Keeps what a run learnt from. Told again, it is the same.
pub fn put(store: &Store, run_id: &TrackingRunId, mut input: RunInput) -> Result<(), StoreError> {
    input.columns.truncate(COLUMNS_MAX);
    let run_id = run_id.clone();
    store.write_blocking(move |tx| {
        let sql = "INSERT OR REPLACE INTO run_input (run_id, name, digest, input)
            VALUES (?1, ?2, ?3, ?4)";
        let text = row::json_text(&input, "input")?;
        row::execute(tx, sql, params![run_id.as_str(), input.name, input.digest, text]).map(drop)
    })
}

/// Returns what a run learnt from.
pub fn of_run(conn: &Connection, run_id: &TrackingRunId) -> Result<Vec<RunInput>, StoreError> {
    let sql = "SELECT input FROM run_input WHERE run_id = ?1 ORDER BY name, digest";
    row::all(conn, sql, [run_id.as_str()], |row| row::json(row, "input"))
}

/// Returns what had happened to data before a run learns from it: the events that started the run,
/// and the last one of each asset that the data is, each once, the oldest first.
pub fn events_before(
    conn: &Connection,
    run: &DagRunKey,
    assets: &[AssetName],
) -> Result<Vec<AssetEvent>, StoreError> {
    let mut events = asset::triggering(conn, run)?;
    for name in assets {
        for event in asset::events(conn, Some(name), 1)? {
            if !events.iter().any(|known| known.id == event.id) {
                events.push(event);
            }
        }
    }
    events.sort_by_key(|event| event.id);
    Ok(events)
}
