//! What templates may name: Airflow's context variables, and `output.<task_id>`.
//!
//! What a run has not (`ds` of a run without a logical date) is left out, so that a template
//! that names it fails instead of writing an empty text.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::dag::{Dag, Deck};
use crate::runtime::act::secrets::Variables;
use crate::sched::effect::Launch;
use crate::types::ids::UNMAPPED;
use crate::types::{MapIndex, TaskId, TaskInstanceKey, Timestamp};

/// Builds the context of one attempt.
pub(super) fn build(
    deck: &Deck,
    dag: &Dag,
    launch: &Launch,
    outputs: &[(TaskInstanceKey, Value)],
    variables: &Variables,
) -> Value {
    let (key, run) = (&launch.key, &launch.run);
    let ti = json!({
        "task_id": key.task.task_id,
        "dag_id": key.task.dag_id,
        "run_id": key.task.dag_run_id,
        "try_number": key.try_number,
        "map_index": key.task.map_index,
    });
    let mut context = Map::new();
    let mut set = |name: &str, value: Value| context.insert(name.to_owned(), value);
    set("params", Value::Object(run.params.clone()));
    set("run_id", json!(run.dag_run_id));
    set("dag_run", dag_run(launch));
    set("dag_id", json!(dag.dag_id));
    set("task_id", json!(key.task.task_id));
    set("dag", json!({ "dag_id": dag.dag_id }));
    set("task", json!({ "task_id": key.task.task_id }));
    set("ti", ti.clone());
    set("task_instance", ti);
    set("var", json!({ "value": variables.shown }));
    set("conn", connections(deck));
    set("triggering_asset_events", json!(launch.triggering_asset_events));
    set("output", output(dag, &key.task, outputs));
    if let Some(date) = run.logical_date {
        set("logical_date", json!(iso(date)));
        set("ds", json!(date.strftime("%Y-%m-%d").to_string()));
        set("ds_nodash", json!(date.strftime("%Y%m%d").to_string()));
        set("ts", json!(iso(date)));
        set("ts_nodash", json!(date.strftime("%Y%m%dT%H%M%S").to_string()));
    }
    if let Some(start) = run.data_interval_start {
        set("data_interval_start", json!(iso(start)));
    }
    if let Some(end) = run.data_interval_end {
        set("data_interval_end", json!(iso(end)));
    }
    Value::Object(context)
}

/// Writes an instant as Python's `isoformat` does.
pub(super) fn iso(instant: Timestamp) -> String {
    let format = match instant.subsec_nanosecond() {
        0 => "%Y-%m-%dT%H:%M:%S+00:00",
        _ => "%Y-%m-%dT%H:%M:%S.%6f+00:00",
    };
    instant.strftime(format).to_string()
}

fn dag_run(launch: &Launch) -> Value {
    let run = &launch.run;
    json!({
        "dag_id": run.dag_id,
        "run_id": run.dag_run_id,
        "conf": run.conf,
        "run_type": run.run_type,
        "logical_date": run.logical_date.map(iso),
        "data_interval_start": run.data_interval_start.map(iso),
        "data_interval_end": run.data_interval_end.map(iso),
        "run_after": iso(run.run_after),
        "start_date": run.start_date.map(iso),
        "triggering_user_name": run.triggering_user_name,
        "note": run.note,
    })
}

/// Names and addresses as written: never what a secret stands for.
fn connections(deck: &Deck) -> Value {
    let shown = deck.connections.values().map(|spec| {
        (spec.name.clone(), json!({ "name": spec.name, "url": spec.url.as_written() }))
    });
    Value::Object(shown.collect())
}

/// Returns the whole output of one task, as `output` has it for tasks elsewhere.
pub(super) fn output_of(dag: &Dag, task: &TaskId, outputs: &[(TaskInstanceKey, Value)]) -> Value {
    let mut values = outputs.iter().filter(|(key, _)| key.task_id == *task).peekable();
    match values.peek() {
        Some((key, value)) if key.map_index == UNMAPPED => value.clone(),
        None if dag.mapping(task).is_none() => Value::Null,
        _ => values.map(|(_, value)| value.clone()).collect(),
    }
}

/// Each task's output; null where it has none, a list in order of the map index where the task
/// is mapped.
///
/// In a mapped group an instance sees those of its own index.
fn output(dag: &Dag, own: &TaskInstanceKey, outputs: &[(TaskInstanceKey, Value)]) -> Value {
    let mut found: BTreeMap<&TaskId, BTreeMap<MapIndex, &Value>> = BTreeMap::new();
    for (key, value) in outputs {
        found.entry(&key.task_id).or_default().insert(key.map_index, value);
    }
    let of_task = |task_id: &TaskId| match found.get(task_id) {
        Some(values) if own.map_index != UNMAPPED && dag.is_parallel(task_id, &own.task_id) => {
            values.get(&own.map_index).map_or(Value::Null, |value| (*value).clone())
        }
        Some(values) => match values.get(&UNMAPPED) {
            Some(value) => (*value).clone(),
            None => values.values().map(|value| (*value).clone()).collect(),
        },
        None if dag.mapping(task_id).is_some() => Value::Array(Vec::new()),
        None => Value::Null,
    };
    Value::Object(dag.tasks.keys().map(|id| (id.as_str().to_owned(), of_task(id))).collect())
}
