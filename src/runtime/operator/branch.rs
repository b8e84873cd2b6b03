//! `branch` and `short_circuit`: which of the tasks downstream go on. What they have decided is
//! their output, and they say nothing else: thousands of them are run in a second.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::DaemonContext;
use super::args::{Args, unfit};
use super::error::OperatorError;
use crate::connection::{closest, did_you_mean};
use crate::sched::Outcome;
use crate::types::TaskId;

/// Follows what `choose` names: one task or several, directly downstream; none skips them all.
pub(super) fn branch(context: &DaemonContext) -> Result<Outcome, OperatorError> {
    let chosen = read_choice(context.order.args.get("choose"))?;
    let task = &context.order.key.task;
    let dag = context.deck.dags.get(&task.dag_id).ok_or_else(|| {
        OperatorError::Fatal(format!("DAG `{}` is gone from dags.toml", task.dag_id))
    })?;
    check_choice(&dag.chosen(&chosen), dag.graph.downstream(&task.task_id))?;
    let told: Vec<_> = chosen.iter().map(TaskId::as_str).collect();
    Ok(follow(json!(told), chosen))
}

/// Makes the outcome of a decision.
pub(super) fn follow(output: Value, chosen: Vec<TaskId>) -> Outcome {
    Outcome::Success {
        outputs: BTreeMap::new(),
        output,
        chosen: Some(chosen),
        skip_all_downstream: false,
        asset_events: Vec::new(),
    }
}

fn read_choice(choose: Option<&Value>) -> Result<Vec<TaskId>, OperatorError> {
    match choose {
        None => Err(OperatorError::fatal("`choose` is missing")),
        Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(task_id)) if task_id.trim().is_empty() => Ok(Vec::new()),
        Some(Value::String(task_id)) => Ok(vec![TaskId::from(task_id.trim())]),
        Some(list @ Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(TaskId::from))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| unfit("choose", list, "task ids")),
        Some(other) => Err(unfit("choose", other, "a task id or a list of them")),
    }
}

fn check_choice(chosen: &[TaskId], downstream: &[TaskId]) -> Result<(), OperatorError> {
    for task_id in chosen {
        if !downstream.contains(task_id) {
            let known: Vec<_> = downstream.iter().map(TaskId::as_str).collect();
            let meant = closest(task_id.as_str(), known.iter().copied());
            return Err(OperatorError::Fatal(format!(
                "`choose`: task `{task_id}` is not directly downstream{} (there are {})",
                did_you_mean(meant.as_deref()),
                known.join(", ")
            )));
        }
    }
    Ok(())
}

/// Goes on where `condition` is true, else skips all that is downstream.
pub(super) fn short_circuit(context: &DaemonContext) -> Result<Outcome, OperatorError> {
    let args = Args(&context.order.args);
    let condition = context
        .order
        .args
        .get("condition")
        .ok_or_else(|| OperatorError::fatal("`condition` is missing"))?;
    let ignores_rules = args.flag("ignore_downstream_trigger_rules", true)?;
    if is_true(condition) {
        return Ok(Outcome::output(json!(true)));
    }
    Ok(Outcome::Success {
        outputs: BTreeMap::new(),
        output: json!(false),
        chosen: Some(Vec::new()),
        skip_all_downstream: ignores_rules,
        asset_events: Vec::new(),
    })
}

/// Says what counts as true: as in Python, but for texts that spell a falsehood.
pub(crate) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => {
            !matches!(text.trim().to_lowercase().as_str(), "" | "false" | "no" | "none" | "0")
        }
        Value::Array(items) => !items.is_empty(),
        Value::Object(table) => !table.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_one_task_or_a_list_or_nothing() {
        let read = |value: Value| read_choice(Some(&value)).map(|ids| ids.len());
        assert_eq!(read(json!("a")), Ok(1));
        assert_eq!(read(json!(["a", "b"])), Ok(2));
        assert_eq!(read(json!([])), Ok(0));
        assert_eq!(read(json!(null)), Ok(0));
        assert!(read(json!(3)).unwrap_err().to_string().starts_with("`choose` is 3"));
        assert!(read(json!([1])).is_err());
    }

    #[test]
    fn only_what_is_directly_downstream_may_be_chosen() {
        let downstream = ["register".into(), "reject".into()];
        assert_eq!(check_choice(&["reject".into()], &downstream), Ok(()));
        let error = check_choice(&["regster".into()], &downstream).unwrap_err().to_string();
        assert!(error.contains("(did you mean `register`?)"), "{error}");
    }

    #[test]
    fn texts_that_spell_a_falsehood_are_false() {
        for truth in [json!(true), json!(1), json!("yes"), json!([0]), json!("x")] {
            assert!(is_true(&truth), "{truth}");
        }
        for falsehood in
            [json!(false), json!(0), json!("False"), json!(""), json!([]), json!({}), json!(null)]
        {
            assert!(!is_true(&falsehood), "{falsehood}");
        }
    }
}
