//! Outputs of tasks: a list of them, and one with its value, wherever it lies.

use crate::runtime::control::{ControlParts, runs};
use crate::runtime::promotion::off_thread;
use crate::runtime::xcom;
use crate::store;
use crate::types::ask::Answer;
use crate::types::run::DagRunKey;
use crate::types::xcom::{XcomValue, XcomView};
use crate::types::{DagId, DagRunId, Fault, TaskId, TaskInstanceKey};

/// Returns the outputs of a run, or of one of its tasks; of long ones only where they lie.
pub(super) async fn list(
    parts: &ControlParts,
    dag_id: DagId,
    dag_run_id: DagRunId,
    task_id: Option<TaskId>,
) -> Result<Answer, Fault> {
    let run = DagRunKey { dag_id, dag_run_id };
    runs::get(parts, &run).await?;
    let listed = parts.read(move |conn| store::xcom::list(conn, &run, task_id.as_ref())).await?;
    Ok(Answer::Xcoms(listed))
}

/// Returns one output with its value.
pub(super) async fn get(
    parts: &ControlParts,
    task: TaskInstanceKey,
    key: String,
) -> Result<Answer, Fault> {
    let (of, wanted) = (task.clone(), key.clone());
    let read = move |conn: &rusqlite::Connection| {
        let found = store::xcom::get(conn, &of, &wanted)?;
        let run = DagRunKey { dag_id: of.dag_id, dag_run_id: of.dag_run_id };
        Ok((found, store::xcom::list(conn, &run, Some(&of.task_id))?))
    };
    let (found, others) = parts.read(read).await?;
    let Some(found) = found else { return Err(missing(parts, task, &key, &others).await) };
    let (path, size) = match &found {
        XcomValue::Value(value) => (None, value.to_string().len() as u64),
        XcomValue::File(file) => (Some(file.path.clone()), file.size),
    };
    let layout = parts.layout.clone();
    let read = move || {
        xcom::read(&layout, found)
            .map_err(|error| Fault::unavailable("read the output").caused_by(Some(&error)))
    };
    let value = off_thread(read).await?;
    Ok(Answer::Xcom(Box::new(XcomView { task, key, size, path, value: Some(value) })))
}

async fn missing(
    parts: &ControlParts,
    task: TaskInstanceKey,
    key: &str,
    others: &[XcomView],
) -> Fault {
    let of = task.clone();
    match parts.read(move |conn| store::task_instance::get(conn, &of)).await {
        Ok(Some(_)) => {}
        Ok(None) => return runs::no_task(parts, task).await,
        Err(fault) => return fault,
    }
    let of_this = others.iter().filter(|xcom| xcom.task == task);
    let keys: Vec<&str> = of_this.map(|xcom| xcom.key.as_str()).collect();
    let hint = crate::dag::suggest::hint(key, "outputs", keys);
    Fault::not_found(format!("task {task} has no output `{key}`")).hint(hint)
}
