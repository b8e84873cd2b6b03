//! What a version of a model comes from, and what the gates of that run found of it: tasks of
//! `ml.gate` leave their judgement as their output.

use rusqlite::Connection;
use serde::Deserialize;

use crate::dag::operator::Operator;
use crate::runtime::control::{ControlParts, runs};
use crate::store::{StoreError, dag_run, task_instance, xcom};
use crate::types::Fault;
use crate::types::gate::{Gate, GateFigure, Origin};
use crate::types::run::{DagRunKey, TaskInstance};
use crate::types::view::ModelVersionView;
use crate::types::xcom::XcomValue;

/// Versions of a model whose runs are looked at, the newest first.
const LOOKED_AT: usize = 60;

/// Adds origin and gates to versions.
pub(super) async fn add(
    parts: &ControlParts,
    mut versions: Vec<ModelVersionView>,
) -> Result<Vec<ModelVersionView>, Fault> {
    let read = move |conn: &Connection| {
        for version in versions.iter_mut().take(LOOKED_AT) {
            let Some(run) = made_in(version) else { continue };
            version.gates = gates(conn, &run, version)?;
            let found = dag_run::get(conn, &run.dag_id, &run.dag_run_id)?;
            let number = found.map(|run| run.dag_version_number).filter(|number| *number > 0);
            version.origin = Some(Origin { run, dag_version_number: number });
        }
        Ok(versions)
    };
    parts.read(read).await
}

/// Returns the run of a DAG that made a version, by the tags that a training leaves.
fn made_in(version: &ModelVersionView) -> Option<DagRunKey> {
    let tag = |key: &str| {
        version.tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    };
    let (dag_id, dag_run_id) = (tag("dagdeck.dag_id")?, tag("dagdeck.dag_run_id")?);
    Some(DagRunKey { dag_id: dag_id.into(), dag_run_id: dag_run_id.into() })
}

/// What a gate leaves.
#[derive(Deserialize)]
struct Judgement {
    passed: bool,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    figures: Vec<GateFigure>,
}

fn gates(
    conn: &Connection,
    run: &DagRunKey,
    version: &ModelVersionView,
) -> Result<Vec<Gate>, StoreError> {
    let mut gates = Vec::new();
    for task in task_instance::for_run(conn, run)? {
        if task.operator != Operator::MlGate.name() || !is_about(conn, &task, version)? {
            continue;
        }
        let Some(XcomValue::Value(output)) = xcom::return_value(conn, &task.key)? else { continue };
        let Ok(judged) = serde_json::from_value::<Judgement>(output) else { continue };
        let Judgement { passed, reason, figures } = judged;
        gates.push(Gate { task_id: task.key.task_id, passed, reason, figures });
    }
    Ok(gates)
}

/// Says whether a gate judged this version's run: a DAG may train and judge several.
fn is_about(
    conn: &Connection,
    task: &TaskInstance,
    version: &ModelVersionView,
) -> Result<bool, StoreError> {
    let arguments = runs::arguments(conn, None, task)?;
    let judged = arguments.as_ref().and_then(|args| args.get("run")).and_then(|run| run.as_str());
    Ok(match (judged, &version.run_id) {
        (Some(judged), Some(run_id)) => judged == run_id.as_str(),
        _ => true,
    })
}
