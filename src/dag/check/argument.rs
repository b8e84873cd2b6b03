//! The keys of an operator, by its table.

use serde_json::{Map, Value};

use crate::check::fields::{Fields, Text, as_duration};
use crate::check::task::{Edge, Scope, task_or_group};
use crate::check::{Context, operator};
use crate::file::{Entry, Node, Written};
use crate::operator::{KeyKind, KeySpec, Operator};
use crate::template::is_template;

/// What an operator was given.
pub(super) struct Arguments<'a> {
    pub(super) args: Map<String, Value>,
    /// The same with their places, for the check of templates.
    pub(super) nodes: Vec<&'a Node>,
    /// Tasks that it chooses among.
    pub(super) targets: Vec<Edge>,
}

/// Reads and checks the operator's own keys.
pub(super) fn arguments<'a>(
    context: Context<'_>,
    scope: Scope<'_>,
    task_name: &str,
    operator: Operator,
    fields: &mut Fields<'a>,
) -> Arguments<'a> {
    let mut found = Arguments { args: Map::new(), nodes: Vec::new(), targets: Vec::new() };
    fields.special_keys_follow();
    for key in operator.all_keys() {
        let Some(entry) = fields.entry(key.name) else {
            if key.required && !scope.given.may_give(key.name) {
                fields.missing(key.name, &format!("`{}` needs it", operator.name()));
            }
            continue;
        };
        check_kind(context, fields, key, &entry.node);
        if key.kind == KeyKind::TaskId {
            found.targets.extend(target(context, scope, task_name, fields, key, entry));
        }
        found.args.insert(key.name.to_owned(), entry.node.to_json());
        found.nodes.push(&entry.node);
    }
    let more = operator::check(context, scope, task_name, operator, fields);
    found.targets.extend(more);
    found
}

fn target(
    context: Context<'_>,
    scope: Scope<'_>,
    task_name: &str,
    fields: &Fields<'_>,
    key: &KeySpec,
    entry: &Entry,
) -> Option<Edge> {
    let text = entry.node.as_text()?;
    let at = Text { text, span: entry.node.span };
    if is_template(text) {
        let message = format!("`{}` of {} is a template", key.name, fields.what());
        let help = "the graph must be known before the run: write the id of a task".to_owned();
        context.report.error(at.span, "bad-value", message, help);
        return None;
    }
    task_or_group(context, scope, task_name, at)
}

/// Checks the type of a value. Text that is a template may stand for anything.
fn check_kind(context: Context<'_>, fields: &Fields<'_>, key: &KeySpec, node: &Node) {
    if node.as_text().is_some_and(is_template) {
        return;
    }
    let fits = match key.kind {
        KeyKind::Text | KeyKind::TaskId => matches!(node.value, Written::Text(_)),
        KeyKind::Integer => matches!(node.value, Written::Integer(_)),
        KeyKind::Number => matches!(node.value, Written::Integer(_) | Written::Float(_)),
        KeyKind::Bool => matches!(node.value, Written::Bool(_)),
        KeyKind::TextList => match &node.value {
            Written::List(items) => items.iter().all(|item| item.as_text().is_some()),
            _ => false,
        },
        KeyKind::TextTable => match &node.value {
            Written::Table(table) => table.0.values().all(|e| e.node.as_text().is_some()),
            _ => false,
        },
        KeyKind::Table => matches!(node.value, Written::Table(_)),
        KeyKind::Any => true,
        KeyKind::Duration => {
            let what = format!("`{}` of {}", key.name, fields.what());
            as_duration(context.report, &what, node);
            true
        }
        KeyKind::Connection | KeyKind::Dataset => match node.as_text() {
            Some(text) => {
                let at = Text { text, span: node.span };
                if key.kind == KeyKind::Connection {
                    context.names.connection(context.report, at);
                } else {
                    context.names.dataset(context.report, at);
                }
                true
            }
            None => false,
        },
    };
    if !fits {
        fields.wrong_type(key.name, node, expected(key.kind));
    }
}

const fn expected(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Text => "text",
        KeyKind::Integer => "an integer",
        KeyKind::Number => "a number",
        KeyKind::Bool => "true or false",
        KeyKind::TextList => "a list of texts",
        KeyKind::TextTable => "a table of texts",
        KeyKind::Table => "a table",
        KeyKind::Any => "anything",
        KeyKind::Duration => "a duration",
        KeyKind::TaskId => "the id of a task",
        KeyKind::Connection => "the name of a connection",
        KeyKind::Dataset => "the name of a dataset",
    }
}
