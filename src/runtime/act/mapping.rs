//! What dynamic mapping gives one instance: values of the operator's keys, and names of templates.
//!
//! A key of `expand` means the operator's own key of that name. Beyond these, `args.NAME` and
//! `env.NAME` mean one entry of a table, any other key of a `python` task means one of its
//! `args`, and any other key at all is there for templates only, as `expand.KEY`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::dag::mapping::Given;
use crate::dag::operator::Operator;
use crate::dag::{Dag, TaskSpec};
use crate::runtime::act::context::History;
use crate::sched::Outcome;
use crate::types::TaskInstanceKey;

/// Returns what an instance is given; nothing where its task is not mapped.
pub(super) fn given(
    dag: &Dag,
    key: &TaskInstanceKey,
    history: &History,
) -> Result<Vec<Given>, Outcome> {
    let Some(expand) = dag.mapping(&key.task_id) else { return Ok(Vec::new()) };
    let Ok(index) = usize::try_from(key.map_index) else { return Ok(Vec::new()) };
    let mut outputs = BTreeMap::new();
    for task in expand.tasks() {
        let output = history.output_of(dag, task);
        outputs.insert(task, output.map_err(|error| Outcome::failed(error.to_string()))?);
    }
    let given = expand.given(index, |task| outputs.get(task).cloned().unwrap_or_default());
    given.map_err(|reason| Outcome::fatal(format!("`expand`: {reason}")))
}

/// Returns the operator's keys with those in place that `expand` writes out: their templates are
/// still to be rendered.
pub(super) fn with_literals(task: &TaskSpec, given: &[Given]) -> Map<String, Value> {
    let mut args = task.args.clone();
    given.iter().filter(|one| one.is_literal).for_each(|one| put(&mut args, task.operator, one));
    args
}

/// Puts the values of outputs in place: nothing in them is a template.
pub(super) fn with_outputs(args: &mut Map<String, Value>, task: &TaskSpec, given: &[Given]) {
    given.iter().filter(|one| !one.is_literal).for_each(|one| put(args, task.operator, one));
}

/// Returns the variables of the environment that are given.
pub(super) fn environment(given: &[Given]) -> impl Iterator<Item = (&str, &Given)> {
    given.iter().filter_map(|one| Some((one.key.strip_prefix("env.")?, one)))
}

fn put(args: &mut Map<String, Value>, operator: Operator, one: &Given) {
    let is_own = |name: &str| operator.keys().iter().any(|key| key.name == name);
    let (table, key) = match one.key.split_once('.') {
        Some(("args", name)) if is_own("args") => ("args", name),
        _ if is_own(&one.key) => {
            args.insert(one.key.clone(), one.value.clone());
            return;
        }
        None if operator == Operator::Python => ("args", one.key.as_str()),
        _ => return,
    };
    let table = args.entry(table).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(table) = table {
        table.insert(key.to_owned(), one.value.clone());
    }
}
