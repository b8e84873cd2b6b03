//! Orders and contexts.

use std::path::Path;

use serde_json::json;

use crate::runtime::attempt::Order;

/// An order for tests of the attempt's files.
pub(crate) fn order(folder: &Path) -> Order {
    serde_json::from_value(json!({
        "key": {"dag_id": "d", "dag_run_id": "r", "task_id": "t", "map_index": -1,
                "try_number": 1},
        "token": "one", "operator": "command", "args": {}, "env": {},
        "project": "/", "folder": folder, "run_folder": folder,
        "execution_timeout_secs": null, "inlets": [], "outlets": [], "dataset": null,
        "connections": [], "triggering_asset_events": [], "user": "ada",
    }))
    .unwrap()
}
