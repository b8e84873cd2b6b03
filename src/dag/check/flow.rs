//! The keys that say how a task stands among the others: limits of its own, the run before,
//! setup and teardown.

use std::collections::HashSet;

use crate::check::Context;
use crate::check::fields::{Fields, Text};
use crate::check::task::{Draft, Edge, Scope, other_task};
use crate::file::Written;
use crate::flow::{Flow, Teardown};
use crate::graph::Graph;
use crate::trigger_rule::TriggerRule;
use crate::types::TaskId;

/// What of it a task may inherit.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FlowDefaults {
    max_active_tis_per_dag: Option<u32>,
    max_active_tis_per_dagrun: Option<u32>,
    depends_on_past: Option<bool>,
    wait_for_downstream: Option<bool>,
    ignore_first_depends_on_past: Option<bool>,
}

impl FlowDefaults {
    pub(super) fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            max_active_tis_per_dag: fields.integer("max_active_tis_per_dag", 1..=100_000),
            max_active_tis_per_dagrun: fields.integer("max_active_tis_per_dagrun", 1..=100_000),
            depends_on_past: fields.flag("depends_on_past"),
            wait_for_downstream: fields.flag("wait_for_downstream"),
            ignore_first_depends_on_past: fields.flag("ignore_first_depends_on_past"),
        }
    }

    pub(super) fn over(self, below: Self) -> Self {
        Self {
            max_active_tis_per_dag: self.max_active_tis_per_dag.or(below.max_active_tis_per_dag),
            max_active_tis_per_dagrun: self
                .max_active_tis_per_dagrun
                .or(below.max_active_tis_per_dagrun),
            depends_on_past: self.depends_on_past.or(below.depends_on_past),
            wait_for_downstream: self.wait_for_downstream.or(below.wait_for_downstream),
            ignore_first_depends_on_past: self
                .ignore_first_depends_on_past
                .or(below.ignore_first_depends_on_past),
        }
    }

    /// Returns them as a task has them; the rest is still to be read.
    pub(super) fn of_task(self) -> Flow {
        let wait_for_downstream = self.wait_for_downstream.unwrap_or(false);
        Flow {
            max_active_tis_per_dag: self.max_active_tis_per_dag,
            max_active_tis_per_dagrun: self.max_active_tis_per_dagrun,
            // As in Airflow the one means the other.
            depends_on_past: self.depends_on_past.unwrap_or(false) || wait_for_downstream,
            wait_for_downstream,
            ignore_first_depends_on_past: self.ignore_first_depends_on_past.unwrap_or(true),
            ..Flow::default()
        }
    }
}

/// Reads `setup`, `teardown` and `on_failure_fail_dagrun` into `flow`, and returns the setups
/// that a teardown names.
pub(super) fn setup_and_teardown(
    context: Context<'_>,
    scope: Scope<'_>,
    task_name: &str,
    fields: &mut Fields<'_>,
    flow: &mut Flow,
) -> Vec<Edge> {
    flow.is_setup = fields.flag("setup").unwrap_or(false);
    let fails_run = fields.flag("on_failure_fail_dagrun");
    let mut named = Vec::new();
    if let Some(node) = fields.node("teardown") {
        let is_teardown = match &node.value {
            Written::Bool(flag) => *flag,
            Written::Text(text) => {
                named.push(Text { text, span: node.span });
                true
            }
            Written::List(_) => {
                named = fields.texts("teardown");
                true
            }
            _ => {
                fields.wrong_type("teardown", node, "true, the id of a setup or a list of them");
                false
            }
        };
        let on_failure_fail_dagrun = fails_run.unwrap_or(false);
        flow.teardown = is_teardown.then_some(Teardown { on_failure_fail_dagrun });
    }
    if flow.is_setup && flow.teardown.is_some() {
        conflict(context, fields, "setup", "it is a setup or a teardown, not both");
    }
    if fails_run.is_some() && flow.teardown.is_none() {
        conflict(context, fields, "on_failure_fail_dagrun", "only a teardown has this key");
    }
    named.into_iter().filter_map(|at| other_task(context, scope, task_name, at)).collect()
}

fn conflict(context: Context<'_>, fields: &mut Fields<'_>, key: &'static str, help: &str) {
    let Some(entry) = fields.entry(key) else { return };
    let message = format!("`{key}` of {} does not go with its other keys", fields.what());
    context.report.error(entry.key, "conflicting-keys", message, help.to_owned());
}

/// A teardown has the rule that makes it one.
pub(super) fn rule(
    context: Context<'_>,
    fields: &mut Fields<'_>,
    flow: &Flow,
    rule: Option<TriggerRule>,
) -> TriggerRule {
    if flow.teardown.is_none() {
        return rule.unwrap_or_default();
    }
    if let Some(at) = fields.text("trigger_rule")
        && TriggerRule::parse(at.text).is_some_and(|own| own != TriggerRule::AllDoneSetupSuccess)
    {
        let message = format!("{} is a teardown with trigger rule `{}`", fields.what(), at.text);
        let help = "a teardown has `all_done_setup_success`: leave the key out".to_owned();
        context.report.error(at.span, "bad-trigger-rule", message, help);
    }
    TriggerRule::AllDoneSetupSuccess
}

/// Reads `run_if`: a template, or true or false as written.
pub(super) fn run_if(fields: &mut Fields<'_>) -> Option<String> {
    let node = fields.node("run_if")?;
    match &node.value {
        Written::Text(text) => Some(text.clone()),
        Written::Bool(flag) => Some(flag.to_string()),
        _ => {
            fields.wrong_type("run_if", node, "a template, such as `{{ params.full }}`");
            None
        }
    }
}

/// Marks the setups that teardowns name.
pub(super) fn mark_setups(drafts: &mut [Draft]) {
    let named: HashSet<TaskId> =
        drafts.iter().flat_map(|draft| &draft.setups).map(|edge| edge.task.clone()).collect();
    for draft in drafts.iter_mut().filter(|draft| named.contains(&draft.spec.task_id)) {
        draft.spec.flow.is_setup = true;
    }
}

/// As Airflow: what comes directly after a setup must want it to have succeeded.
pub(super) fn check_rules(context: Context<'_>, drafts: &[Draft], graph: &Graph) {
    let setups: HashSet<&TaskId> = drafts
        .iter()
        .filter(|draft| draft.spec.flow.is_setup)
        .map(|draft| &draft.spec.task_id)
        .collect();
    if setups.is_empty() {
        return;
    }
    for draft in drafts {
        let spec = &draft.spec;
        let is_free = spec.flow.teardown.is_some() || spec.trigger_rule == TriggerRule::AllSuccess;
        let setup = graph.upstream(&spec.task_id).iter().find(|before| setups.contains(before));
        if let Some(setup) = setup.filter(|_| !is_free) {
            let message = format!(
                "task `{}` comes directly after the setup `{setup}` with trigger rule `{}`",
                spec.task_id,
                spec.trigger_rule.as_str()
            );
            let help = "after a setup the rule must be `all_success`".to_owned();
            context.report.error(draft.place, "bad-trigger-rule", message, help);
        }
    }
}
