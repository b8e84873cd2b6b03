//! The history of data quality: what the checks that guard an asset came to.
//!
//! A check guards an asset where its task names it, and where a task that makes the asset comes
//! after the check.

use crate::dag::operator::Operator;
use crate::runtime::control::{ControlParts, find};
use crate::runtime::engine::Live;
use crate::store::observed;
use crate::types::ask::Answer;
use crate::types::io::CheckView;
use crate::types::{AssetName, DagId, Fault, TaskId};

/// The list of assets shows so many of the last results.
pub(super) const SHOWN: u32 = 12;

/// Lists the results of an asset's checks, newest first.
pub(super) async fn list(
    parts: &ControlParts,
    name: AssetName,
    limit: u32,
) -> Result<Answer, Fault> {
    let live = parts.live();
    find::asset(&live, &name)?;
    let tasks = guards(&live, &name);
    let limit = limit.min(find::PAGE_LEN_MAX);
    let read = move |conn: &rusqlite::Connection| {
        let mut found = Vec::new();
        for (dag_id, task_id) in &tasks {
            found.extend(observed::checks(conn, dag_id, task_id, limit)?);
        }
        Ok(newest_first(found, limit))
    };
    Ok(Answer::AssetChecks(parts.read(read).await?))
}

fn newest_first(mut found: Vec<CheckView>, limit: u32) -> Vec<CheckView> {
    found.sort_by_key(|check| std::cmp::Reverse(check.timestamp));
    found.truncate(limit as usize);
    found
}

/// Returns the tasks whose checks guard an asset.
pub(super) fn guards(live: &Live, name: &AssetName) -> Vec<(DagId, TaskId)> {
    let mut found = Vec::new();
    for dag in live.deck.dags.values() {
        let makes = |task_id: &TaskId| {
            dag.tasks.get(task_id).is_some_and(|task| task.outlets.contains(name))
        };
        let checks = dag.tasks.values().filter(|task| task.operator == Operator::TableCheck);
        for task in checks {
            let names_it = task.outlets.contains(name) || task.inlets.contains(name);
            if names_it || dag.graph.all_downstream(&task.task_id).iter().any(makes) {
                found.push((dag.dag_id.clone(), task.task_id.clone()));
            }
        }
    }
    found
}

/// Returns the last attempt's results of each check, for the list of assets.
pub(super) fn last(
    conn: &rusqlite::Connection,
    tasks: &[(DagId, TaskId)],
) -> Result<Vec<CheckView>, crate::store::StoreError> {
    let mut found = Vec::new();
    for (dag_id, task_id) in tasks {
        let results = observed::checks(conn, dag_id, task_id, SHOWN)?;
        let newest = results.first().map(|check| (check.task.clone(), check.try_number));
        found
            .extend(results.into_iter().filter(|c| newest == Some((c.task.clone(), c.try_number))));
    }
    Ok(found)
}
