//! What the real Airflow made of small DAGs (`tests/airflow/dependencies.json`, with its version
//! and the script that observed it): ours must end the same.

use std::collections::BTreeMap;

use serde_json::Value;

use super::decks::{Shape, TaskBuilder};
use super::world::{World, dag, deck, task};
use crate::Outcome;
use crate::dag::Dag;
use crate::dag::operator::Operator;
use crate::dag::trigger_rule::TriggerRule;
use crate::types::TaskInstanceKey;
use crate::types::ids::UNMAPPED;

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn built(said: &Value, sources: &[&str]) -> TaskBuilder {
    let mut after = texts(&said["after"]);
    after.extend(said["over"].as_str());
    after.extend(sources);
    let mut task = task(said["id"].as_str().unwrap()).after(&after);
    if let Some(rule) = said["rule"].as_str() {
        task = task.rule(TriggerRule::parse(rule).unwrap());
    }
    match said["kind"].as_str() {
        Some("branch") => task = task.operator(Operator::Branch),
        Some("short_circuit") => task = task.operator(Operator::ShortCircuit),
        _ => {}
    }
    if !said["over"].is_null() {
        task = task.over(&[("x", said["over"].clone())]);
    }
    if said["setup"] == true {
        task = task.setup();
    }
    if let Some(fails) = said["teardown"].as_bool() {
        task = task.teardown(fails);
    }
    if said["group"] == true {
        task = task.group("g");
    }
    task
}

fn dag_of(case: &Value) -> Dag {
    let source = case["group_over"].as_str();
    let tasks = case["tasks"].as_array().unwrap();
    let in_group = |id: &str| tasks.iter().any(|t| t["id"] == id && t["group"] == true);
    let build = |said: &Value| {
        // What a group is mapped over comes before its first tasks.
        let is_first = said["group"] == true && !texts(&said["after"]).into_iter().any(in_group);
        built(said, &source.filter(|_| is_first).into_iter().collect::<Vec<_>>())
    };
    let dag = dag("d", tasks.iter().map(build).collect());
    match case.get("group_over") {
        Some(over) => dag.grouped("g", &[("x", over.clone())]),
        None => dag,
    }
}

/// What an instance is mapped over.
fn element(world: &World, dag: &Dag, key: &TaskInstanceKey) -> Option<Value> {
    let index = usize::try_from(key.map_index).ok()?;
    let output = |task: &crate::types::TaskId| {
        let of_task = world.rows.xcoms.iter().filter(|(key, _)| key.task_id == *task);
        let all: Vec<_> = of_task.collect();
        match all.as_slice() {
            [(key, value)] if key.map_index == UNMAPPED => (*value).clone(),
            _ => all.into_iter().map(|(_, value)| value.clone()).collect(),
        }
    };
    Some(dag.mapping(&key.task_id)?.given(index, output).unwrap().remove(0).value)
}

fn ended(end: &str, output: Value) -> Outcome {
    match end {
        "failed" => Outcome::fatal("as told"),
        "skipped" => Outcome::Skipped { reason: "as told".into() },
        _ => Outcome::output(output),
    }
}

fn outcome(world: &World, dag: &Dag, said: &Value, key: &TaskInstanceKey) -> Outcome {
    let element = element(world, dag, key);
    let by_element = |table: &Value| match &element {
        Some(x) => table[x.to_string()].clone(),
        None => table.clone(),
    };
    match said["kind"].as_str() {
        Some("branch") => {
            let chosen = by_element(&said["choose"]);
            Outcome::Success {
                output: Value::Null,
                outputs: BTreeMap::new(),
                chosen: Some(texts(&chosen).into_iter().map(Into::into).collect()),
                skip_all_downstream: false,
                asset_events: Vec::new(),
            }
        }
        Some("short_circuit") => Outcome::Success {
            output: false.into(),
            outputs: BTreeMap::new(),
            chosen: Some(Vec::new()),
            skip_all_downstream: said["ignore"] == true,
            asset_events: Vec::new(),
        },
        _ => {
            let end = by_element(&said["ends"]);
            let output = element.unwrap_or_else(|| said["gives"].clone());
            ended(end.as_str().unwrap_or("success"), output)
        }
    }
}

/// Drives a case to its end, and returns the states as Airflow's were written down.
fn play(case: &Value) -> (String, BTreeMap<String, BTreeMap<String, String>>) {
    let dag = dag_of(case);
    let mut world = World::new(deck(vec![dag.clone()]));
    world.trigger("d");
    loop {
        let tasks = world.state.runs.values().flat_map(|active| active.tasks.values());
        let Some(ti) = tasks.into_iter().find(|ti| ti.token.is_some()).cloned() else { break };
        let tasks = case["tasks"].as_array().unwrap();
        let said = tasks.iter().find(|t| t["id"] == ti.key.task_id.as_str()).unwrap();
        let outcome = outcome(&world, &dag, said, &ti.key);
        let (key, token) = (ti.attempt(), ti.token.unwrap());
        let report = crate::Report::Finished { key, token, outcome };
        world.step(crate::Input::Report(report)).unwrap();
    }
    let mut tasks: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for ti in world.rows.tasks.values() {
        let state = ti.state.map_or("none", |state| state.as_str()).to_owned();
        let of_task = tasks.entry(ti.key.task_id.to_string()).or_default();
        of_task.insert(ti.key.map_index.to_string(), state);
    }
    (world.run_is().to_string(), tasks)
}

#[test]
fn small_dags_end_as_they_did_on_airflow() {
    let text = include_str!("../../../tests/airflow/dependencies.json");
    let file: Value = serde_json::from_str(text).unwrap();
    let mut differ = Vec::new();
    for case in file["cases"].as_array().unwrap() {
        let (run, tasks) = play(case);
        // Where we mean to differ, the file says how and why.
        let expected = case.get("ours").unwrap_or(&case["seen"]);
        let seen: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_value(expected["tasks"].clone()).unwrap();
        if expected["run"] != run.as_str() || seen != tasks {
            differ.push(format!("{}: {run} {tasks:?}, not {expected}", case["name"]));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
