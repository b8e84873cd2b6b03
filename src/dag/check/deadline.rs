//! Deadlines: `deadline = { reference = "dagrun_queued_at", interval = "1h", callback = { … } }`,
//! one or a list of them.

use std::time::Duration;

use crate::check::expand::Expandable;
use crate::check::fields::Fields;
use crate::check::task::{Defaults, Scope};
use crate::check::{Context, callback, date};
use crate::deadline::{DeadlineReference, DeadlineSpec};
use crate::file::{Node, Written};
use crate::spec::Dag;
use crate::suggest;

const HELP: &str = "write `{ reference = \"dagrun_queued_at\", interval = \"1h\", \
                    callback = { notify = \"CONNECTION\", message = \"…\" } }`";

/// Airflow's: of so many runs the average is taken.
const MAX_RUNS: u32 = 10;

/// More are not kept in memory.
const MAX_RUNS_MAX: u32 = 100;

const NAMES: [&str; 3] = ["dagrun_logical_date", "dagrun_queued_at", "average_runtime"];

/// Reads the deadlines of a DAG.
pub(super) fn deadlines(
    context: Context<'_>,
    dag: &Dag,
    fields: &mut Fields<'_>,
) -> Vec<DeadlineSpec> {
    let (tasks, defaults) = (callback::task_names(fields), Defaults::default());
    let scope = Scope {
        tasks: &tasks,
        groups: &tasks,
        params: &dag.params,
        defaults: &defaults,
        given: &Expandable::Nothing,
        max_map_length: 0,
    };
    let what = format!("`deadline` of {}", fields.what());
    let Some(node) = fields.node("deadline") else { return Vec::new() };
    let nodes: Vec<&Node> = match &node.value {
        Written::List(items) => items.iter().collect(),
        _ => vec![node],
    };
    nodes.into_iter().filter_map(|node| one(context, scope, dag, &what, node)).collect()
}

fn one(
    context: Context<'_>,
    scope: Scope<'_>,
    dag: &Dag,
    what: &str,
    node: &Node,
) -> Option<DeadlineSpec> {
    let Some(table) = node.as_table() else {
        let message = format!("{what} is {}; expected a table or a list of tables", node.kind());
        context.report.error(node.span, "wrong-type", message, HELP.to_owned());
        return None;
    };
    let mut fields = Fields::new(context.report, what, table, node.span);
    let reference = reference(context, dag, &mut fields);
    if fields.entry("interval").is_none() {
        fields.missing("interval", HELP);
    }
    let interval = fields.duration("interval");
    let called = format!("`callback` of {what}");
    let callbacks = match fields.entry("callback") {
        Some(entry) => {
            callback::one_or_more(context, callback::Subject::Dag(scope), &called, entry)
        }
        None => Vec::new(),
    };
    fields.finish();
    Some(DeadlineSpec {
        reference: reference?,
        interval: interval.unwrap_or(Duration::ZERO),
        callbacks,
    })
}

fn reference(
    context: Context<'_>,
    dag: &Dag,
    fields: &mut Fields<'_>,
) -> Option<DeadlineReference> {
    let Some(node) = fields.node("reference") else {
        fields.missing("reference", HELP);
        return None;
    };
    match node.as_text() {
        Some("dagrun_logical_date") => Some(DeadlineReference::DagrunLogicalDate),
        Some("dagrun_queued_at") => Some(DeadlineReference::DagrunQueuedAt),
        Some("average_runtime") => {
            let max_runs = fields.integer("max_runs", 1..=MAX_RUNS_MAX).unwrap_or(MAX_RUNS);
            let min_runs = fields.integer("min_runs", 1..=max_runs).unwrap_or(max_runs);
            Some(DeadlineReference::AverageRuntime { max_runs, min_runs })
        }
        Some(text) if !text.starts_with(|c: char| c.is_ascii_digit()) => {
            let help = suggest::hint(text, "references", NAMES);
            let message = format!("there is no reference `{text}`; a date may stand here too");
            context.report.error(node.span, "bad-deadline", message, help);
            None
        }
        _ => date::date(context, fields, "reference", &dag.timezone)
            .map(DeadlineReference::FixedDatetime),
    }
}
