//! `[deck.retention]`, and `retention` of a DAG.

use crate::check::Context;
use crate::check::fields::Fields;
use crate::check::names::Declared;
use crate::file::{Node, Written};
use crate::retention::{Retention, RunLimits, parse_size};
use crate::types::DagId;

/// Checks the deck's own limits.
pub(super) fn of_deck(context: Context<'_>, deck: &mut Fields<'_>) -> Retention {
    let Some((table, place)) = deck.table("retention") else { return Retention::default() };
    let mut fields = Fields::new(context.report, "`retention` of the deck", table, place);
    let found = Retention {
        runs: run_limits(&mut fields),
        dags: indexmap::IndexMap::new(),
        artifacts_max_age: fields.duration("artifacts_max_age"),
        artifacts_max_size: size(context, &mut fields, "artifacts_max_size"),
        deleted_max_age: fields.duration("deleted_max_age"),
        events_max_age: fields.duration("events_max_age"),
        store_max_size: size(context, &mut fields, "store_max_size"),
    };
    fields.finish();
    found
}

/// Checks what a DAG says of its own, over what the deck says.
pub(super) fn of_dag(
    context: Context<'_>,
    below: RunLimits,
    declared: Declared<'_>,
) -> Option<(DagId, RunLimits)> {
    let entry = declared.node.as_table()?.0.get("retention")?;
    let what = format!("`retention` of DAG `{}`", declared.name);
    let Some(table) = entry.node.as_table() else {
        let message = format!("{what} is {}; expected a table", entry.node.kind());
        let help = "write `retention = { runs_max_age = \"90d\" }`".to_owned();
        context.report.error(entry.node.span, "wrong-type", message, help);
        return None;
    };
    let mut fields = Fields::new(context.report, what, table, entry.key);
    let own = run_limits(&mut fields);
    fields.finish();
    let limits = RunLimits {
        runs_max_age: own.runs_max_age.or(below.runs_max_age),
        runs_max_count: own.runs_max_count.or(below.runs_max_count),
        logs_max_age: own.logs_max_age.or(below.logs_max_age),
    };
    Some((DagId::from(declared.name), limits))
}

fn run_limits(fields: &mut Fields<'_>) -> RunLimits {
    RunLimits {
        runs_max_age: fields.duration("runs_max_age"),
        runs_max_count: fields.integer("runs_max_count", 1..=u32::MAX),
        logs_max_age: fields.duration("logs_max_age"),
    }
}

/// Reads a size in bytes.
pub(super) fn size(
    context: Context<'_>,
    fields: &mut Fields<'_>,
    key: &'static str,
) -> Option<u64> {
    let node: &Node = fields.node(key)?;
    let found = match &node.value {
        Written::Text(text) => parse_size(text),
        Written::Integer(bytes) => u64::try_from(*bytes).ok(),
        _ => None,
    };
    if found.is_none() {
        let message = format!("`{key}` of {} is no size", fields.what());
        let help = "write `500MB`, `50GB`, `2GiB`, or a number of bytes".to_owned();
        context.report.error(node.span, "bad-size", message, help);
    }
    found
}
