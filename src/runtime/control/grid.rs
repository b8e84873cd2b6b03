//! A DAG's last runs side by side.

use std::collections::BTreeMap;

use crate::runtime::control::{ControlParts, find};
use crate::store::grid;
use crate::types::ask::Answer;
use crate::types::grid::{GridTask, GridView};
use crate::types::{DagId, DagRunId, Fault, TaskId};

/// More runs are more than any terminal shows.
const RUNS_MAX: u32 = 60;

/// Returns the grid, its tasks in the order of the definition.
pub(super) async fn show(
    parts: &ControlParts,
    dag_id: DagId,
    limit: u32,
    around: Option<DagRunId>,
) -> Result<Answer, Fault> {
    let live = parts.live();
    find::known_dag(&live, &dag_id)?;
    let (wanted, limit) = (dag_id.clone(), limit.clamp(1, RUNS_MAX));
    let read = move |conn: &rusqlite::Connection| {
        let window = grid::window(conn, &wanted, limit, around.as_ref())?;
        let tasks = grid::tasks(conn, &wanted, &window.runs)?;
        Ok((window, tasks))
    };
    let (window, mut tasks) = parts.read(read).await?;
    if let Some(dag) = live.deck.dags.get(&dag_id) {
        let places: BTreeMap<&TaskId, usize> = dag.graph.topological().iter().zip(0..).collect();
        let place = |task: &GridTask| places.get(&task.task_id).copied().unwrap_or(usize::MAX);
        tasks.sort_by_key(place);
    }
    Ok(Answer::Grid(Box::new(GridView {
        dag_id,
        runs: window.runs,
        tasks,
        has_older: window.has_older,
        has_newer: window.has_newer,
    })))
}
