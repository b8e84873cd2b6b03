//! Jinja templates in task arguments: what they refer to, and their rendering.
//!
//! An undefined name is always an error. A text that is nothing but one `{{ … }}` gives the value
//! itself; any other text gives text, written as Python writes it.
//!
//! ```text
//! text ─► arithmetic (a - b becomes a call) ─► engine ─► value or text
//! ```

use std::collections::{BTreeMap, BTreeSet};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde_json::{Map, Value};

mod arguments;
mod arithmetic;
mod delta;
mod macros;
mod missing;
mod moment;
mod python_text;

pub use arguments::Arguments;
pub use macros::{MACROS, Macros, REFUSED};
pub use moment::{Moment, wrong};

/// A template that cannot be parsed or rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("render `{template}`: {reason}")]
pub struct TemplateError {
    pub template: String,
    pub reason: String,
}

/// The names that a template may begin with; what each holds is up to who renders.
pub const NAMES: &[&str] = &[
    "conn",
    "dag",
    "dag_id",
    "dag_run",
    "data_interval_end",
    "data_interval_start",
    "ds",
    "ds_nodash",
    "expand",
    "inlet_events",
    "inlets",
    "logical_date",
    "macros",
    "map_index",
    "outlets",
    "output",
    "params",
    "partition_key",
    "prev_data_interval_end_success",
    "prev_data_interval_start_success",
    "prev_end_date_success",
    "prev_start_date_success",
    "run_id",
    "task",
    "task_id",
    "task_instance",
    "task_instance_key_str",
    "ti",
    "triggering_asset_events",
    "ts",
    "ts_nodash",
    "ts_nodash_with_tz",
    "var",
];

/// What the templates of one attempt may name.
#[derive(Debug)]
pub struct Names {
    /// A table of them.
    pub root: minijinja::Value,
    /// Why it has not what other runs have, by name.
    pub absent: BTreeMap<&'static str, String>,
}

impl From<&Value> for Names {
    fn from(plain: &Value) -> Self {
        Self { root: minijinja::Value::from(Serde(plain)), absent: BTreeMap::new() }
    }
}

/// What the templates of a callback may name besides: what has happened.
pub const CALLBACK_NAMES: &[&str] =
    &["callback", "deadline", "event", "exception", "reason", "state", "try_number"];

/// What a callback of an asset may name.
pub const ASSET_CALLBACK_NAMES: &[&str] =
    &["asset", "callback", "cause", "conn", "event", "macros", "path", "reason", "state", "var"];

/// What a callback of a served version may name.
pub const MODEL_CALLBACK_NAMES: &[&str] = &[
    "callback", "conn", "details", "event", "macros", "model", "reason", "state", "var", "version",
];

/// Renders every text in `args`, at any depth. A text that is nothing but one `{{ … }}` keeps
/// the type of its value (a number stays a number, a table a table). An undefined name is an
/// error, never an empty text.
pub fn render(
    args: &Map<String, Value>,
    context: &Names,
) -> Result<Map<String, Value>, TemplateError> {
    let environment = environment();
    args.iter()
        .map(|(key, value)| Ok((key.clone(), render_value(&environment, value, context)?)))
        .collect()
}

/// Says whether an expression (what may stand in `{{ … }}`) is true of `context`. What is not
/// there is false, at any depth.
pub fn holds(expression: &str, context: &Value) -> Result<bool, TemplateError> {
    let mut environment = environment();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    let compiled =
        environment.compile_expression(expression).map_err(|error| failed(expression, &error))?;
    let value = compiled
        .eval(minijinja::Value::from(Serde(context)))
        .map_err(|error| failed(expression, &error))?;
    Ok(value.is_true())
}

/// Returns the names that an expression begins with, or why it is none.
pub fn names_in_expression(expression: &str) -> Result<BTreeSet<String>, TemplateError> {
    let environment = environment();
    let compiled =
        environment.compile_expression(expression).map_err(|error| failed(expression, &error))?;
    let mut names: BTreeSet<String> = compiled.undeclared_variables(false).into_iter().collect();
    names.retain(|name| !environment.globals().any(|(global, _)| global == name));
    Ok(names)
}

/// Returns the dotted names that the templates in `args` refer to, such as `output.train.run_id`
/// or `params.dataset`.
pub fn references(args: &Map<String, Value>) -> Result<BTreeSet<String>, TemplateError> {
    let mut found = BTreeSet::new();
    for value in args.values() {
        collect(value, &mut found)?;
    }
    Ok(found)
}

/// Returns the dotted names that one text refers to.
pub fn references_in(text: &str) -> Result<BTreeSet<String>, TemplateError> {
    if !is_template(text) {
        return Ok(BTreeSet::new());
    }
    let environment = environment();
    let template = environment.template_from_str(text).map_err(|error| failed(text, &error))?;
    let mut names: BTreeSet<String> = template.undeclared_variables(true).into_iter().collect();
    for root in ["output", "params", "conn", "var.value", "var.json"] {
        if names.iter().any(|name| name == root || name.starts_with(root)) {
            names.extend(subscripts(text, root).map(|key| format!("{root}.{key}")));
        }
    }
    names.retain(|name| !environment.globals().any(|(global, _)| global == name));
    Ok(names)
}

/// Says whether a text holds anything to render.
pub fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
}

/// Says whether a value holds anything to render, at any depth.
pub fn holds_template(value: &Value) -> bool {
    match value {
        Value::String(text) => is_template(text),
        Value::Array(items) => items.iter().any(holds_template),
        Value::Object(table) => table.values().any(holds_template),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn collect(value: &Value, found: &mut BTreeSet<String>) -> Result<(), TemplateError> {
    match value {
        Value::String(text) => found.extend(references_in(text)?),
        Value::Array(items) => items.iter().try_for_each(|item| collect(item, found))?,
        Value::Object(table) => table.values().try_for_each(|item| collect(item, found))?,
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

/// Finds `root["key"]`: the way to name a task whose id holds `-` or `.`, which the analysis of
/// the parser does not follow.
fn subscripts<'t>(text: &'t str, root: &'t str) -> impl Iterator<Item = &'t str> {
    text.match_indices(root).filter_map(move |(at, _)| {
        let rest = text[at + root.len()..].trim_start().strip_prefix('[')?.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        rest[1..].split_once(quote).map(|(key, _)| key)
    })
}

fn render_value(
    environment: &Environment<'_>,
    value: &Value,
    context: &Names,
) -> Result<Value, TemplateError> {
    Ok(match value {
        Value::String(text) if is_template(text) => render_text(environment, text, context)?,
        Value::Array(items) => items
            .iter()
            .map(|item| render_value(environment, item, context))
            .collect::<Result<_, _>>()?,
        Value::Object(table) => table
            .iter()
            .map(|(key, item)| Ok((key.clone(), render_value(environment, item, context)?)))
            .collect::<Result<_, _>>()?,
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

fn render_text(
    environment: &Environment<'_>,
    text: &str,
    context: &Names,
) -> Result<Value, TemplateError> {
    let explain = |error: minijinja::Error| {
        let reason = match error.kind() {
            ErrorKind::UndefinedError | ErrorKind::UnknownMethod => missing::explain(text, context),
            _ => None,
        };
        reason.map_or_else(
            || failed(text, &error),
            |reason| TemplateError { template: text.to_owned(), reason },
        )
    };
    let expression = whole_expression(text).map(arithmetic::rewritten_expression);
    let Some(expression) =
        expression.and_then(|inner| environment.compile_expression_owned(inner).ok())
    else {
        return environment
            .render_str(&arithmetic::rewritten(text, syntax()), context.root.clone())
            .map(Value::from)
            .map_err(explain);
    };
    let value = expression.eval(context.root.clone()).map_err(explain)?;
    if value.is_undefined() {
        return Err(explain(minijinja::Error::from(ErrorKind::UndefinedError)));
    }
    serde_json::to_value(&value).map_err(|error| TemplateError {
        template: text.to_owned(),
        reason: format!("its value cannot be handed on: {error}"),
    })
}

/// Returns what stands in the braces of a text that is nothing but `{{ … }}`.
pub(super) fn whole_expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    Some(inner.strip_suffix('-').unwrap_or(inner))
}

fn failed(template: &str, error: &minijinja::Error) -> TemplateError {
    let reason = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    TemplateError { template: template.to_owned(), reason }
}

fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder()
        .keep_trailing_newline(true)
        .build()
        .expect("the delimiters are the usual ones")
}

/// Strict about undefined names, with Airflow's filters for dates and Python's methods of texts,
/// lists and tables.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(syntax());
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.set_formatter(|out, _, value| match value.is_undefined() {
        true => Err(ErrorKind::UndefinedError.into()),
        false => out.write_str(&python_text::str(value)).map_err(wrong),
    });
    arithmetic::add_to(&mut environment);
    environment.add_filter("ds", |at: &minijinja::Value| dated(at, &|at| at.strftime("%Y-%m-%d")));
    environment
        .add_filter("ds_nodash", |at: &minijinja::Value| dated(at, &|at| at.strftime("%Y%m%d")));
    environment.add_filter("ts", |at: &minijinja::Value| dated(at, &|at| Ok(at.iso("T"))));
    environment.add_filter("ts_nodash", |at: &minijinja::Value| {
        dated(at, &|at| at.strftime("%Y%m%dT%H%M%S"))
    });
    environment.add_filter("ts_nodash_with_tz", |at: &minijinja::Value| {
        dated(at, &|at| Ok(at.iso("T").replace(['-', ':'], "")))
    });
    environment.add_filter("tojson", macros::json_text);
    environment
}

/// Applies a filter for dates to an instant or to a text that is one; none stays none.
fn dated(
    value: &minijinja::Value,
    write: &dyn Fn(&Moment) -> Result<String, minijinja::Error>,
) -> Result<minijinja::Value, minijinja::Error> {
    if value.is_none() {
        return Ok(value.clone());
    }
    let text = match value.downcast_object_ref::<Moment>() {
        Some(at) => write(at)?,
        None => write(&Moment::parse(value.as_str().unwrap_or_default())?)?,
    };
    Ok(minijinja::Value::from(text))
}

#[cfg(test)]
mod tests;
