//! What templates may name: Airflow's context variables, and `output.<task_id>`.
//!
//! What a run has not (`ds` of a run without a logical date) is left out, with the reason, so
//! that a template that names it fails instead of writing an empty text. What must be looked up
//! (outputs, earlier runs, events) is looked up only where a template names it.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Object, ObjectRepr, Serde};
use serde_json::json;

use crate::dag::mapping::Given;
use crate::dag::template::{Macros, Moment, Names};
use crate::dag::{Dag, Deck, TaskSpec};
use crate::runtime::act::secrets::Variables;
use crate::sched::effect::Launch;
use crate::types::run::DagRun;
use crate::types::{AssetName, Timestamp};

mod connection;
pub(super) mod history;
mod lazy;
mod task_instance;

pub(super) use connection::Connections;
pub(super) use history::History;

/// What a context is made of.
pub(super) struct Sources<'a> {
    pub(super) deck: &'a Deck,
    pub(super) dag: &'a Arc<Dag>,
    /// `None`: what happened is of a run, not of a task.
    pub(super) task: Option<&'a TaskSpec>,
    pub(super) launch: &'a Launch,
    pub(super) history: &'a Arc<History>,
    pub(super) variables: &'a Variables,
    pub(super) connections: &'a Connections,
    /// What dynamic mapping gives this instance.
    pub(super) given: &'a [Given],
    pub(super) now: Timestamp,
    /// What is known of the task instance beside its key; it goes over what is usual.
    pub(super) ti: BTreeMap<&'static str, serde_json::Value>,
    /// What has happened, of a callback.
    pub(super) happened: BTreeMap<&'static str, serde_json::Value>,
}

/// Builds the context of one attempt, or of one callback.
pub(super) fn build(from: &Sources<'_>) -> Names {
    let (launch, dag, run) = (from.launch, from.dag, &from.launch.run);
    let key = &launch.key.task;
    let mut names = BTreeMap::new();
    let mut set = |name: &'static str, value: Value| names.insert(name, value);
    set("params", plain(json!(run.params)));
    set("run_id", plain(json!(run.dag_run_id)));
    set("dag_run", dag_run(run));
    set("dag_id", plain(json!(dag.dag_id)));
    if let Some(task) = from.task {
        set("task_id", plain(json!(key.task_id)));
        set("task", plain(about_task(dag, task)));
        let ti = task_instance::value(launch, task, from.history, &from.ti);
        set("ti", ti.clone());
        set("task_instance", ti);
        set("task_instance_key_str", Value::from(instance_key(launch)));
    }
    let (inlets, outlets) =
        from.task.map_or((&[][..], &[][..]), |task| (&task.inlets[..], &task.outlets[..]));
    set("var", variables(from.variables));
    set("conn", from.connections.shown());
    set("macros", Value::from_object(Macros { now: from.now }));
    set("triggering_asset_events", plain(json!(launch.triggering_asset_events)));
    set("inlets", plain(assets(from.deck, inlets)));
    set("outlets", plain(assets(from.deck, outlets)));
    set("inlet_events", lazy::inlet_events(inlets, from.history));
    set("output", lazy::outputs(dag, key, from.history));
    if from.task.is_some() {
        set("map_index", Value::from(key.map_index));
    }
    if !from.given.is_empty() {
        let given = from.given.iter().map(|one| (one.key.clone(), one.value.clone()));
        set("expand", plain(serde_json::Value::Object(given.collect())));
    }
    let mut absent = dates(run, &mut set);
    match &run.partition_key {
        Some(key) => drop(set("partition_key", Value::from(key.as_str()))),
        None => {
            let why = format!("run `{}` is about no partition", run.dag_run_id);
            absent.insert("partition_key", why);
        }
    }
    for (name, value) in &from.happened {
        set(name, plain(value.clone()));
    }
    let root = Root { names, dag: Arc::clone(dag), history: Arc::clone(from.history) };
    Names { root: Value::from_object(root), absent }
}

/// Builds the context of a callback that is of no run.
pub(super) fn of_no_run(
    known: &Variables,
    connections: &Connections,
    now: Timestamp,
    happened: BTreeMap<&'static str, serde_json::Value>,
) -> Names {
    let looked_up = [
        ("var", variables(known)),
        ("conn", connections.shown()),
        ("macros", Value::from_object(Macros { now })),
    ];
    let happened = happened.into_iter().map(|(name, value)| (name, plain(value)));
    let root = Value::from_pairs(looked_up.into_iter().chain(happened));
    Names { root, absent: BTreeMap::new() }
}

fn variables(known: &Variables) -> Value {
    Value::from_pairs([("value", plain(json!(known.shown))), ("json", lazy::json_variables(known))])
}

/// Makes what a Python function may ask for by the names of its parameters, as JSON: instants
/// are texts, together in `dates`.
pub(super) fn for_python(
    from: &Sources<'_>,
    task: &TaskSpec,
) -> Result<serde_json::Map<String, serde_json::Value>, minijinja::Error> {
    let (run, key) = (&from.launch.run, &from.launch.key);
    let previous = from.history.previous_success()?;
    let of_previous = |at: fn(&DagRun) -> Option<Timestamp>| json!(previous.as_ref().and_then(at));
    let mut names = serde_json::Map::new();
    let mut dates = json!({
        "prev_start_date_success": of_previous(|run| run.start_date),
        "prev_end_date_success": of_previous(|run| run.end_date),
    });
    let mut set = |name: &'static str, value: Value| {
        match value.downcast_object_ref::<Moment>() {
            Some(at) => dates[name] = json!(at.to_string()),
            None => drop(names.insert(name.to_owned(), json!(value))),
        }
        None
    };
    self::dates(run, &mut set);
    if run.logical_date.is_some() {
        let start = of_previous(|run| run.data_interval_start);
        dates["prev_data_interval_start_success"] = start;
        dates["prev_data_interval_end_success"] = of_previous(|run| run.data_interval_end);
    }
    let own = json!({
        "params": run.params,
        "run_id": run.dag_run_id,
        "partition_key": run.partition_key,
        "dag_run": run_for_python(run),
        "dag": about_dag(from.dag),
        "task": about_task(from.dag, task),
        "ti": {
            "dag_id": key.task.dag_id, "run_id": key.task.dag_run_id,
            "task_id": key.task.task_id, "map_index": key.task.map_index,
            "try_number": key.try_number, "operator": task.operator.name(),
            "pool": task.pool, "priority_weight": task.priority_weight,
            "state": "running",
        },
        "task_instance_key_str": instance_key(from.launch),
        "var": from.variables.shown,
        "inlets": assets(from.deck, &task.inlets),
        "outlets": assets(from.deck, &task.outlets),
        "triggering_asset_events": from.launch.triggering_asset_events,
        "dates": dates,
    });
    if let serde_json::Value::Object(own) = own {
        names.extend(own);
    }
    Ok(names)
}

fn run_for_python(run: &DagRun) -> serde_json::Value {
    let mut value = json!(run);
    value["run_id"] = json!(run.dag_run_id);
    value["partition_key"] = json!(run.partition_key);
    value
}

fn instance_key(launch: &Launch) -> String {
    let (run, key) = (&launch.run, &launch.key.task);
    let instance = match run.logical_date {
        Some(date) => date.strftime("%Y%m%d").to_string(),
        None => run.dag_run_id.to_string(),
    };
    format!("{}__{}__{instance}", key.dag_id, key.task_id)
}

/// Writes an instant as Python's `isoformat` does.
pub(super) fn iso(instant: Timestamp) -> String {
    let format = match instant.subsec_nanosecond() {
        0 => "%Y-%m-%dT%H:%M:%S+00:00",
        _ => "%Y-%m-%dT%H:%M:%S.%6f+00:00",
    };
    instant.strftime(format).to_string()
}

fn plain(value: serde_json::Value) -> Value {
    Value::from(Serde(value))
}

fn moment(at: Option<Timestamp>) -> Value {
    at.map_or(Value::from(()), |at| Value::from_object(Moment::from(at)))
}

/// Sets what depends on the logical date, and says why it is not there.
fn dates(
    run: &DagRun,
    set: &mut dyn FnMut(&'static str, Value) -> Option<Value>,
) -> BTreeMap<&'static str, String> {
    let mut absent = BTreeMap::new();
    let lacks =
        |what: &str| format!("run `{}` ({}) has no {what}", run.dag_run_id, run.run_type.as_str());
    if let Some(date) = run.logical_date {
        let (ts, text) = (iso(date), |format: &str| date.strftime(format).to_string());
        set("logical_date", moment(Some(date)));
        set("ds", Value::from(text("%Y-%m-%d")));
        set("ds_nodash", Value::from(text("%Y%m%d")));
        set("ts_nodash", Value::from(text("%Y%m%dT%H%M%S")));
        set("ts_nodash_with_tz", Value::from(ts.replace(['-', ':'], "")));
        set("ts", Value::from(ts));
    } else {
        let names = ["logical_date", "ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz"];
        absent.extend(names.map(|name| (name, lacks("logical date"))));
        let names = ["prev_data_interval_start_success", "prev_data_interval_end_success"];
        absent.extend(names.map(|name| (name, lacks("logical date"))));
    }
    let interval = [
        ("data_interval_start", run.data_interval_start),
        ("data_interval_end", run.data_interval_end),
    ];
    for (name, at) in interval {
        if at.is_some() {
            set(name, moment(at));
        } else {
            absent.insert(name, lacks("data interval"));
        }
    }
    absent
}

fn dag_run(run: &DagRun) -> Value {
    let text = |text: &Option<String>| text.as_deref().map_or(Value::from(()), Value::from);
    Value::from_pairs([
        ("dag_id", plain(json!(run.dag_id))),
        ("run_id", plain(json!(run.dag_run_id))),
        ("conf", plain(json!(run.conf))),
        ("run_type", plain(json!(run.run_type))),
        ("state", Value::from(run.state.as_str())),
        ("triggered_by", Value::from(run.triggered_by.as_str())),
        ("triggering_user_name", text(&run.triggering_user_name)),
        ("logical_date", moment(run.logical_date)),
        ("data_interval_start", moment(run.data_interval_start)),
        ("data_interval_end", moment(run.data_interval_end)),
        ("run_after", moment(Some(run.run_after))),
        ("queued_at", moment(Some(run.queued_at))),
        ("start_date", moment(run.start_date)),
        ("note", text(&run.note)),
        ("partition_key", text(&run.partition_key)),
    ])
}

fn about_dag(dag: &Dag) -> serde_json::Value {
    json!({
        "dag_id": dag.dag_id,
        "description": dag.description,
        "doc_md": dag.doc_md,
        "owner": dag.owner,
        "tags": dag.tags,
        "task_ids": dag.tasks.keys().collect::<Vec<_>>(),
    })
}

fn about_task(dag: &Dag, task: &TaskSpec) -> serde_json::Value {
    json!({
        "task_id": task.task_id,
        "operator": task.operator.name(),
        "owner": dag.owner,
        "doc_md": task.doc_md,
        "retries": task.retries,
        "pool": task.pool,
        "upstream_task_ids": task.upstream,
    })
}

fn assets(deck: &Deck, names: &[AssetName]) -> serde_json::Value {
    let uri = |name: &AssetName| deck.assets.get(name).map(|asset| asset.uri.as_text());
    names.iter().map(|name| json!({ "name": name, "uri": uri(name) })).collect()
}

/// All names; what is as long as the DAG is made where it is named, those of the last successful
/// run before are looked up there.
#[derive(Debug)]
struct Root {
    names: BTreeMap<&'static str, Value>,
    dag: Arc<Dag>,
    history: Arc<History>,
}

impl Object for Root {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        if let Some(value) = self.names.get(key) {
            return Some(value.clone());
        }
        let of_previous: fn(&DagRun) -> Option<Timestamp> = match key {
            "dag" => return Some(plain(about_dag(&self.dag))),
            "prev_start_date_success" => |run| run.start_date,
            "prev_end_date_success" => |run| run.end_date,
            "prev_data_interval_start_success" => |run| run.data_interval_start,
            "prev_data_interval_end_success" => |run| run.data_interval_end,
            _ => return None,
        };
        if key.starts_with("prev_data") && !self.names.contains_key("logical_date") {
            return None;
        }
        Some(match self.history.previous_success() {
            Ok(run) => moment(run.as_ref().and_then(of_previous)),
            Err(error) => error.into(),
        })
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }
}
