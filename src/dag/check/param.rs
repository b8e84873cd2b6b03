//! Params: a JSON Schema each.

use serde_json::{Map, Value};

use crate::check::Context;
use crate::check::fields::Fields;
use crate::check::names::check_id;
use crate::file::{Entry, Table};
use crate::params::{self, Params};
use crate::suggest;

/// The keywords that a param may have: those of JSON Schema that speak of one value, and
/// Airflow's for its form.
const KEYWORDS: &[&str] = &[
    "type",
    "enum",
    "const",
    "default",
    "title",
    "description",
    "description_md",
    "examples",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "items",
    "prefixItems",
    "contains",
    "minItems",
    "maxItems",
    "uniqueItems",
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "required",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "section",
    "values_display",
    "suggested_values",
];

/// Checks `param.*` of a DAG.
pub(super) fn params(context: Context<'_>, dag: &mut Fields<'_>) -> Params {
    let mut properties = Map::new();
    let mut defaults = Map::new();
    let mut required = Vec::new();
    let empty = Table::default();
    let table = dag.table("param").map_or(&empty, |(table, _)| table);
    for (name, entry) in &table.0 {
        check_id(context.report, "param", name, entry.key);
        let what = format!("param `{name}` of {}", dag.what());
        let Some(schema) = entry.node.as_table() else {
            let message = format!("{what} is {}; expected a table", entry.node.kind());
            let help = "write `{ type = \"integer\", default = 3 }`".to_owned();
            context.report.error(entry.node.span, "wrong-type", message, help);
            continue;
        };
        let schema = one(context, &what, entry, schema);
        match schema.get("default") {
            Some(default) => {
                defaults.insert(name.clone(), default.clone());
            }
            None => required.push(Value::from(name.as_str())),
        }
        properties.insert(name.clone(), schema);
    }
    // Whoever declares params wants slips of the pen to be found; a DAG without any takes
    // whatever comes, as Airflow's do.
    let own = dag.flag("additional_params");
    let is_closed = !properties.is_empty();
    let mut schema = serde_json::json!({
        "type": "object",
        "properties": properties,
        "required": required,
    });
    if own.is_some() || is_closed {
        schema["additionalProperties"] = own.unwrap_or(false).into();
    }
    Params { schema, defaults }
}

fn one(context: Context<'_>, what: &str, entry: &Entry, table: &Table) -> Value {
    let schema = table.to_json();
    for (key, entry) in table.0.iter().filter(|(key, _)| !KEYWORDS.contains(&key.as_str())) {
        let meant = suggest::closest(key, KEYWORDS.iter().copied());
        let help = meant.map_or_else(
            || "a param is described by the keywords of JSON Schema".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        );
        let message = format!("{what} has no key `{key}`");
        context.report.error(entry.key, "unknown-key", message, help);
    }
    if let Err(reason) = params::check_schema(&schema) {
        let message = format!("{what} is no JSON Schema: {reason}");
        context.report.error(entry.key, "bad-param-schema", message, None);
    } else if let Some(text) = secret_in(&schema) {
        let message = format!("{what} holds `{text}`: params are shown and kept");
        let help = "a secret is a `[variable]` or a `[connection]`".to_owned();
        context.report.error(entry.key, "secret-param", message, help);
    } else if let (Some(default), Some(written)) = (schema.get("default"), table.0.get("default"))
        && let Err(reasons) = params::check(&schema, default)
    {
        for reason in reasons {
            let message = format!("the default of {what} does not fit its schema: {reason}");
            context.report.error(written.node.span, "bad-default", message, None);
        }
    }
    schema
}

/// Finds a reference to a secret in what a param says of its values.
fn secret_in(schema: &Value) -> Option<String> {
    let of_values = ["default", "enum", "const", "examples", "suggested_values"];
    of_values.iter().find_map(|key| schema.get(key).and_then(secret_text))
}

fn secret_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            ["${env:", "${file:"].iter().any(|mark| text.contains(mark)).then(|| text.clone())
        }
        Value::Array(items) => items.iter().find_map(secret_text),
        Value::Object(items) => items.values().find_map(secret_text),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
