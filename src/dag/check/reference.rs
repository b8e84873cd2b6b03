//! What templates refer to: names that can be known before a run are checked here.

use std::collections::BTreeSet;

use crate::check::Context;
use crate::check::expand::Expandable;
use crate::check::fields::Text;
use crate::check::names::unknown;
use crate::check::task::{Edge, Scope, other_task};
use crate::file::{Node, Span};
use crate::suggest;
use crate::template::{self, CALLBACK_NAMES, MACROS, NAMES, REFUSED};

/// Methods of tables, which read as names.
const METHODS: &[&str] = &["get", "items", "keys", "values"];

/// What `ti` has.
const TASK_INSTANCE: &[&str] = &[
    "dag_id",
    "map_index",
    "operator",
    "pool",
    "priority_weight",
    "run_id",
    "state",
    "task_id",
    "try_number",
    "xcom_pull",
    "xcom_push",
];

/// What `dag_run` has.
const DAG_RUN: &[&str] = &[
    "conf",
    "dag_id",
    "data_interval_end",
    "data_interval_start",
    "logical_date",
    "note",
    "partition_key",
    "queued_at",
    "run_after",
    "run_id",
    "run_type",
    "start_date",
    "state",
    "triggered_by",
    "triggering_user_name",
];

/// Checks the templates in a task's values and returns the tasks whose output they name.
pub(super) fn check<'a>(
    context: Context<'_>,
    scope: Scope<'_>,
    task_name: &str,
    nodes: impl Iterator<Item = &'a Node>,
) -> Vec<Edge> {
    let mut edges = Vec::new();
    for node in nodes {
        node.each_text(&mut |text, span| {
            edges.extend(check_text(context, scope, task_name, Text { text, span }));
        });
    }
    edges
}

/// Checks one text.
pub(super) fn check_text(
    context: Context<'_>,
    scope: Scope<'_>,
    task_name: &str,
    at: Text<'_>,
) -> Vec<Edge> {
    match template::references_in(at.text) {
        Ok(names) => {
            names.iter().filter_map(|name| one(context, scope, task_name, name, at.span)).collect()
        }
        Err(error) => {
            let message = format!("the template is broken: {}", error.reason);
            let help = "`{{ name }}` gives a value, `{% if … %}` decides".to_owned();
            context.report.error(at.span, "bad-template", message, help);
            Vec::new()
        }
    }
}

fn one(
    context: Context<'_>,
    scope: Scope<'_>,
    task_name: &str,
    name: &str,
    span: Span,
) -> Option<Edge> {
    let span = context.report.within(span, name);
    let (root, rest) = name.split_once('.').unwrap_or((name, ""));
    if !NAMES.contains(&root) {
        let help = suggest::hint(root, "names", NAMES.iter().copied());
        let message = format!("a template has no name `{root}`");
        context.report.error(span, "unknown-name", message, help);
    }
    if rest.is_empty() || METHODS.contains(&rest) {
        return None;
    }
    let first = rest.split('.').next().unwrap_or(rest);
    match root {
        "output" => {
            let task = longest(rest, |task| scope.tasks.contains(task)).unwrap_or(first);
            return other_task(context, scope, task_name, Text { text: task, span });
        }
        "params" => param(context, scope, rest, first, span),
        "conn" => {
            let names = &context.names.connections;
            let name = longest(rest, |name| names.contains_key(name)).unwrap_or(first);
            context.names.connection(context.report, Text { text: name, span });
        }
        "var" => variable(context, rest, span),
        "expand" => expanded(context, scope, first, span),
        "macros" => macros(context, first, span),
        "ti" | "task_instance" => known(context, root, first, span, TASK_INSTANCE),
        "dag_run" => known(context, root, first, span, DAG_RUN),
        _ => {}
    }
    None
}

/// Reports what an object of the context has not.
fn known(context: Context<'_>, root: &str, name: &str, span: Span, names: &[&str]) {
    if !names.contains(&name) {
        let help = suggest::hint(name, "names", names.iter().copied());
        let message = format!("a template has no name `{root}.{name}`");
        context.report.error(span, "unknown-name", message, help);
    }
}

fn macros(context: Context<'_>, name: &str, span: Span) {
    match REFUSED.iter().find(|(refused, _)| *refused == name) {
        Some((_, reason)) => {
            let message = format!("`macros.{name}` is refused");
            context.report.error(span, "refused-macro", message, (*reason).to_owned());
        }
        None => known(context, "macros", name, span, MACROS),
    }
}

/// Names that a callback of a run has not.
const OF_A_TASK: [&str; 5] = ["task", "task_id", "task_instance", "ti", "try_number"];

/// Checks a text of a callback of a DAG.
pub(super) fn check_callback_of_dag(context: Context<'_>, scope: Scope<'_>, at: Text<'_>) {
    for name in &callback_names(context, at) {
        let root = name.split('.').next().unwrap_or(name);
        let span = context.report.within(at.span, name);
        if OF_A_TASK.contains(&root) {
            let message = format!("the callback of a DAG has no `{root}`: it is of no task");
            let help = "write it as a callback of the tasks, in `default_args`".to_owned();
            context.report.error(span, "unknown-name", message, help);
        } else {
            callback_name(context, Some(scope), name, span);
        }
    }
}

/// Checks a text of a callback of an asset or of a served model: it is of no run.
pub(super) fn check_callback_of_no_run(
    context: Context<'_>,
    what: &str,
    names: &[&'static str],
    at: Text<'_>,
) {
    for name in &callback_names(context, at) {
        let span = context.report.within(at.span, name);
        let (root, rest) = name.split_once('.').unwrap_or((name, ""));
        match root {
            "conn" | "var" if !rest.is_empty() => lookup(context, root, rest, span),
            _ if names.contains(&root) => {}
            _ => {
                let help = suggest::hint(root, "names", names.iter().copied());
                let message = format!("the callback of {what} has no name `{root}`");
                context.report.error(span, "unknown-name", message, help);
            }
        }
    }
}

/// Returns what a callback's text names; says where it is broken.
fn callback_names(context: Context<'_>, at: Text<'_>) -> BTreeSet<String> {
    template::references_in(at.text).unwrap_or_else(|error| {
        let message = format!("the template is broken: {}", error.reason);
        let help = "`{{ name }}` gives a value, `{% if … %}` decides".to_owned();
        context.report.error(at.span, "bad-template", message, help);
        BTreeSet::new()
    })
}

/// Checks what is looked up in a table of the whole deck.
fn lookup(context: Context<'_>, root: &str, rest: &str, span: Span) {
    if root == "var" {
        variable(context, rest, span);
        return;
    }
    let names = &context.names.connections;
    let first = rest.split('.').next().unwrap_or(rest);
    let text = longest(rest, |name| names.contains_key(name)).unwrap_or(first);
    context.names.connection(context.report, Text { text, span });
}

/// Checks a text of a callback. It may name what happened too, and its names are no edges; without
/// a `scope` (in `default_args`) the names of tasks and params are left for when it is rendered.
pub(super) fn check_callback(context: Context<'_>, scope: Option<Scope<'_>>, at: Text<'_>) {
    for name in &callback_names(context, at) {
        callback_name(context, scope, name, context.report.within(at.span, name));
    }
}

fn callback_name(context: Context<'_>, scope: Option<Scope<'_>>, name: &str, span: Span) {
    let (root, rest) = name.split_once('.').unwrap_or((name, ""));
    let first = rest.split('.').next().unwrap_or(rest);
    match (root, scope) {
        ("output", Some(scope)) if !rest.is_empty() => {
            let tasks = || scope.tasks.iter().map(String::as_str);
            if longest(rest, |task| scope.tasks.contains(task)).is_none() {
                let at = Text { text: first, span };
                unknown(context.report, at, "task", "unknown-task", tasks());
            }
        }
        ("params", Some(scope)) if !rest.is_empty() => param(context, scope, rest, first, span),
        ("conn" | "var", _) if !rest.is_empty() => lookup(context, root, rest, span),
        _ if CALLBACK_NAMES.contains(&root) || NAMES.contains(&root) => {}
        _ => {
            let known = NAMES.iter().chain(CALLBACK_NAMES).copied();
            let help = suggest::hint(root, "names", known);
            let message = format!("a callback's template has no name `{root}`");
            context.report.error(span, "unknown-name", message, help);
        }
    }
}

fn param(context: Context<'_>, scope: Scope<'_>, rest: &str, first: &str, span: Span) {
    let Some(properties) = scope.params.schema["properties"].as_object() else { return };
    let names = || properties.keys().map(String::as_str);
    if longest(rest, |name| properties.contains_key(name)).is_none() && !scope.params.is_open() {
        let at = Text { text: first, span };
        unknown(context.report, at, "param", "unknown-param", names());
    }
}

fn expanded(context: Context<'_>, scope: Scope<'_>, name: &str, span: Span) {
    if scope.given.may_give(name) {
        return;
    }
    let (message, help) = match scope.given {
        Expandable::Keys(keys) => (
            format!("`expand` gives no `{name}`"),
            suggest::hint(name, "it gives", keys.iter().map(String::as_str)),
        ),
        Expandable::Nothing | Expandable::Unknown => (
            format!("`expand.{name}` is known only in a mapped task"),
            "write `expand = { KEY = [1, 2] }`".to_owned(),
        ),
    };
    context.report.error(span, "unknown-name", message, help);
}

fn variable(context: Context<'_>, rest: &str, span: Span) {
    match rest.strip_prefix("value").or_else(|| rest.strip_prefix("json")) {
        Some("") => {}
        Some(name) if name.strip_prefix('.').is_some_and(|name| METHODS.contains(&name)) => {}
        Some(name) if name.starts_with('.') => {
            let name = &name[1..];
            let names = &context.names.variables;
            let name = longest(name, |name| names.contains(name)).unwrap_or(name);
            context.names.variable(context.report, Text { text: name, span });
        }
        _ => {
            let message = format!("a template has no name `var.{rest}`");
            let help = "write `var.value.NAME` or `var.json.NAME`".to_owned();
            context.report.error(span, "unknown-name", message, help);
        }
    }
}

/// Finds the longest known name that a dotted path begins with: names may hold dots themselves.
pub(super) fn longest(path: &str, is_known: impl Fn(&str) -> bool) -> Option<&str> {
    let dots = path.rmatch_indices('.').map(|(at, _)| at);
    let ends = std::iter::once(path.len()).chain(dots);
    ends.map(|end| &path[..end]).find(|name| is_known(name))
}
