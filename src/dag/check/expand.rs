//! `expand`: what a task or a group is mapped over.

use indexmap::IndexMap;

use crate::check::Context;
use crate::check::fields::Fields;
use crate::check::reference::longest;
use crate::check::task::Scope;
use crate::file::{Entry, Node, Span, Written};
use crate::mapping::{Expand, Source, length};
use crate::template::whole_expression;
use crate::types::TaskId;

const HELP: &str =
    "write a list, `\"{{ output.TASK }}\"`, or a table that gives each key one of these";

/// The names that mapping gives a task a value for.
#[derive(Debug, Clone, Default)]
pub(super) enum Expandable {
    /// It is not mapped.
    #[default]
    Nothing,
    Keys(Vec<String>),
    /// Only the run tells: the tables come from another task.
    Unknown,
}

impl Expandable {
    pub(super) fn of(expand: &Expand) -> Self {
        match expand {
            Expand::Keys(keys) => Self::Keys(keys.keys().cloned().collect()),
            Expand::Tables(Source::Literal(rows)) => {
                let rows = rows.as_array().into_iter().flatten().filter_map(|row| row.as_object());
                Self::Keys(rows.flat_map(|row| row.keys().cloned()).collect())
            }
            Expand::Tables(Source::Output { .. }) => Self::Unknown,
        }
    }

    /// Says whether a key of the operator may be given so.
    pub(super) fn may_give(&self, key: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Keys(keys) => keys.iter().any(|given| given == key),
            Self::Unknown => true,
        }
    }
}

/// Reads `expand`.
pub(super) fn expand<'a>(
    context: Context<'_>,
    scope: Scope<'_>,
    fields: &mut Fields<'a>,
) -> Option<(Expand, &'a Entry)> {
    let entry = fields.entry("expand")?;
    let what = format!("`expand` of {}", fields.what());
    let reader = Reader { context, scope, what };
    let found = match &entry.node.value {
        Written::Table(table) if !table.0.is_empty() => {
            let mut keys = IndexMap::new();
            for (key, entry) in &table.0 {
                let source = reader.source(&entry.node, &format!("`{key}` in "))?;
                keys.insert(key.clone(), source);
            }
            Expand::Keys(keys)
        }
        Written::List(items) => {
            if let Some(item) = items.iter().find(|item| item.as_table().is_none()) {
                let message = format!("{} holds {}; expected tables", reader.what, item.kind());
                let help = "a list of values is given to a key: `expand = { KEY = [1, 2] }`";
                context.report.error(item.span, "bad-expand", message, help.to_owned());
                return None;
            }
            Expand::Tables(reader.source(&entry.node, "")?)
        }
        Written::Text(_) => Expand::Tables(reader.source(&entry.node, "")?),
        _ => {
            reader.error(entry.node.span, &format!("{} maps over nothing", reader.what));
            return None;
        }
    };
    Some((found, entry))
}

struct Reader<'a> {
    context: Context<'a>,
    scope: Scope<'a>,
    what: String,
}

impl Reader<'_> {
    fn error(&self, span: Span, message: &str) {
        self.context.report.error(span, "bad-expand", message, HELP.to_owned());
    }

    fn source(&self, node: &Node, part: &str) -> Option<Source> {
        let what = format!("{part}{}", self.what);
        match &node.value {
            Written::List(_) | Written::Table(_) => {
                let value = node.to_json();
                let elements = length(&value).unwrap_or(0);
                if elements > self.scope.max_map_length {
                    let message = format!(
                        "{what} has {elements} elements; `max_map_length` is {}",
                        self.scope.max_map_length
                    );
                    let help = "raise `max_map_length` in `[deck]`".to_owned();
                    self.context.report.error(node.span, "bad-expand", message, help);
                    return None;
                }
                Some(Source::Literal(value))
            }
            Written::Text(text) => {
                let found = output(self.scope, text);
                if found.is_none() {
                    self.error(node.span, &format!("{what} is no output of a task"));
                }
                found
            }
            _ => {
                self.error(node.span, &format!("{what} is {}", node.kind()));
                None
            }
        }
    }
}

/// Reads `{{ output.TASK.key }}`. A task that there is not is reported with all references.
fn output(scope: Scope<'_>, text: &str) -> Option<Source> {
    let inner = whole_expression(text)?.trim();
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let rest = inner.strip_prefix("output")?;
    let (task, path) = match rest.strip_prefix('.') {
        Some(rest) if !rest.is_empty() && rest.chars().all(is_name) => {
            let first = rest.split('.').next().unwrap_or(rest);
            let task = longest(rest, |task| scope.tasks.contains(task)).unwrap_or(first);
            (task, &rest[task.len()..])
        }
        Some(_) => return None,
        None => {
            let rest = rest.strip_prefix('[')?.trim_start();
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (task, rest) = rest[1..].split_once(quote)?;
            (task, rest.trim_start().strip_prefix(']')?)
        }
    };
    if !path.chars().all(is_name) || !(path.is_empty() || path.starts_with('.')) {
        return None;
    }
    let path = path.split('.').skip(1).map(str::to_owned).collect();
    Some(Source::Output { task: TaskId::from(task), path })
}
