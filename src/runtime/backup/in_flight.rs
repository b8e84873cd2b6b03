//! Attempts that were in flight when the backup was made. The project that was backed up may run
//! on, on this very machine: each attempt gets a token of its own, so that nobody here waits for,
//! or ends, a process there. One that had begun is lost, and the retry policy decides; one that
//! had not begun is launched; one that had reported has ended.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::params;
use serde_json::{Value, json};

use crate::runtime::backup::io;
use crate::runtime::layout::Layout;
use crate::store::Store;
use crate::types::ids::MapIndex;
use crate::types::{AttemptKey, Fault, TaskInstanceKey};

struct InFlight {
    key: AttemptKey,
    old: String,
    new: String,
}

/// Gives them up. `state` is the folder that is to be `.dagdeck` of `layout`.
pub(super) fn give_up(store: &Store, layout: &Layout, state: &Path) -> Result<(), Fault> {
    let found = find(store)?;
    for one in &found {
        let folder = layout.attempt_dir(&one.key);
        let below: PathBuf = folder.strip_prefix(layout.state_dir()).unwrap_or(&folder).into();
        let folder = state.join(below);
        // No boot has this id: the process is not looked for.
        set_token(&folder.join("attempt.pid"), one, Some("restored"))?;
        set_token(&folder.join("report.json"), one, None)?;
    }
    store.write_blocking(move |tx| {
        for one in &found {
            for sql in [
                "UPDATE task_instance SET token = ?1 WHERE token = ?2",
                "UPDATE task_instance_history SET token = ?1 WHERE token = ?2",
                "UPDATE runs SET attempt_token = ?1 WHERE attempt_token = ?2",
            ] {
                tx.execute(sql, params![one.new, one.old])?;
            }
        }
        Ok(())
    })?;
    Ok(())
}

fn find(store: &Store) -> Result<Vec<InFlight>, Fault> {
    let sql = "SELECT dag_id, dag_run_id, task_id, map_index, try_number, token
        FROM task_instance
        WHERE state IN ('queued', 'running', 'restarting') AND token IS NOT NULL";
    let found = store.read_blocking(|conn| {
        let mut statement = conn.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            let text = |column: &str| row.get::<_, String>(column);
            let task = TaskInstanceKey {
                dag_id: text("dag_id")?.into(),
                dag_run_id: text("dag_run_id")?.into(),
                task_id: text("task_id")?.into(),
                map_index: row.get::<_, MapIndex>("map_index")?,
            };
            let new = format!("restored-{}", uuid::Uuid::new_v4().simple());
            let key = AttemptKey { task, try_number: row.get("try_number")? };
            Ok(InFlight { key, old: text("token")?, new })
        })?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
    })?;
    Ok(found)
}

/// Puts the new token into a file that bears the old one; another is not of this attempt.
fn set_token(path: &Path, one: &InFlight, boot_id: Option<&str>) -> Result<(), Fault> {
    let Ok(text) = fs::read(path) else { return Ok(()) };
    let Ok(mut content) = serde_json::from_slice::<Value>(&text) else { return Ok(()) };
    if content["token"] != json!(one.old) {
        return Ok(());
    }
    content["token"] = json!(one.new);
    if let Some(boot_id) = boot_id {
        content["boot_id"] = json!(boot_id);
    }
    fs::write(path, content.to_string()).map_err(io(format!("write `{}`", path.display())))
}
