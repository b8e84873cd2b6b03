//! The versions of a DAG and what differs between two of them. A DAG that is no longer defined
//! keeps its versions.

use similar::TextDiff;

use crate::runtime::control::{ControlParts, find};
use crate::store::dag_version::{self, StoredVersion};
use crate::types::ask::Answer;
use crate::types::view::DagDiffView;
use crate::types::{DagId, Fault};

/// Lists them, newest first.
pub(super) async fn list(parts: &ControlParts, dag_id: DagId, limit: u32) -> Result<Answer, Fault> {
    find::known_dag(&parts.live(), &dag_id)?;
    let limit = limit.min(find::PAGE_LEN_MAX);
    let versions = parts.read(move |conn| dag_version::list(conn, &dag_id, limit)).await?;
    Ok(Answer::DagVersions(versions))
}

/// Draws what differs.
pub(super) async fn diff(
    parts: &ControlParts,
    dag_id: DagId,
    from: Option<u32>,
    to: Option<u32>,
) -> Result<Answer, Fault> {
    find::known_dag(&parts.live(), &dag_id)?;
    let id = dag_id.clone();
    let last = parts.read(move |conn| dag_version::list(conn, &id, 1)).await?;
    let last = last.first().map_or(0, |version| version.version_number);
    let to = to.unwrap_or(last);
    let from = from.unwrap_or(to.saturating_sub(1));
    let (old, new) = {
        let id = dag_id.clone();
        let read = move |conn: &rusqlite::Connection| {
            Ok((dag_version::get(conn, &id, from)?, dag_version::get(conn, &id, to)?))
        };
        parts.read(read).await?
    };
    let old = old.ok_or_else(|| no_version(&dag_id, from, last))?;
    let new = new.ok_or_else(|| no_version(&dag_id, to, last))?;
    let names = (format!("{dag_id} version {from}"), format!("{dag_id} version {to}"));
    Ok(Answer::DagDiff(DagDiffView {
        source: unified(&names, &old.source, &new.source),
        definition: unified(&names, &definition(&old)?, &definition(&new)?),
        dag_id,
        from,
        to,
    }))
}

fn no_version(dag_id: &DagId, wanted: u32, last: u32) -> Fault {
    let text = match wanted {
        0 => format!("nothing to compare: DAG `{dag_id}` has no version before"),
        _ => format!("DAG `{dag_id}` has no version {wanted}"),
    };
    let fault = Fault::not_found(text);
    match last {
        0 => fault.hint("none was kept yet"),
        1 => fault.hint("there is version 1 only"),
        last => fault.hint(format!("there are versions up to {last}: `dagdeck dags versions`")),
    }
}

/// Lays a definition out a key a line, without the places in the file.
fn definition(version: &StoredVersion) -> Result<String, Fault> {
    let mut whole: serde_json::Value =
        serde_json::from_str(&version.definition).map_err(|error| Fault::internal(&error))?;
    if let Some(fields) = whole.as_object_mut() {
        for key in ["fileloc", "line", "version"] {
            fields.shift_remove(key);
        }
        let tasks = fields.get_mut("tasks").and_then(serde_json::Value::as_object_mut);
        for task in tasks.into_iter().flat_map(|tasks| tasks.values_mut()) {
            if let Some(fields) = task.as_object_mut() {
                fields.shift_remove("line");
            }
        }
    }
    serde_json::to_string_pretty(&whole).map_err(|error| Fault::internal(&error))
}

fn unified(names: &(String, String), old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    let diff = TextDiff::from_lines(old, new);
    let mut drawn = diff.unified_diff();
    drawn.context_radius(3).missing_newline_hint(false).header(&names.0, &names.1);
    drawn.to_string()
}
