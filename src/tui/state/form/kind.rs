//! How a param is entered, as its JSON Schema has it.

use serde_json::Value;

/// How a param is entered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// One of these, by ◂ ▸; of more than five also from a list.
    Choice(Vec<Value>),
    /// Any of these.
    Set(Vec<Value>),
    Bool,
    Integer,
    Number,
    Text,
    /// Typed unseen, and never shown.
    Secret,
    Date,
    DateTime,
    /// Any JSON, on one line or in the editor.
    Json,
    /// Which of some schemas the field below follows.
    Tabs(Vec<Value>),
}

/// Returns how a schema's value is entered, and what the choices are called.
pub(crate) fn kind_of(schema: &Value, default: Option<&Value>) -> (Kind, Vec<String>) {
    if let Some(choices) = list(schema, "enum") {
        return (Kind::Choice(choices.clone()), Vec::new());
    }
    for key in ["oneOf", "anyOf"] {
        let Some(schemas) = list(schema, key) else { continue };
        let constants: Option<Vec<Value>> =
            schemas.iter().map(|one| one.get("const").cloned()).collect();
        let titles = schemas.iter().enumerate().map(|(at, one)| title(one, at)).collect();
        return match constants {
            Some(constants) => (Kind::Choice(constants), titles),
            None => (Kind::Tabs(schemas.clone()), titles),
        };
    }
    (plain(schema, default), Vec::new())
}

fn list<'a>(schema: &'a Value, key: &str) -> Option<&'a Vec<Value>> {
    schema.get(key).and_then(Value::as_array).filter(|all| !all.is_empty())
}

fn title(schema: &Value, at: usize) -> String {
    let constant = schema.get("const").map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    let word = |key: &str| schema.get(key).and_then(Value::as_str).map(str::to_owned);
    word("title").or(constant).or_else(|| word("type")).unwrap_or_else(|| (at + 1).to_string())
}

fn plain(schema: &Value, default: Option<&Value>) -> Kind {
    let types = type_names(schema);
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let of_items = schema.get("items").and_then(|items| list(items, "enum"));
    match (types.iter().find(|name| **name != "null").copied(), default) {
        (Some("array"), _) if of_items.is_some() => {
            Kind::Set(of_items.cloned().unwrap_or_default())
        }
        (Some("boolean"), _) | (None, Some(Value::Bool(_))) => Kind::Bool,
        (Some("integer"), _) => Kind::Integer,
        (Some("number"), _) => Kind::Number,
        (Some("string"), _) | (None, Some(Value::String(_))) => match format {
            "password" => Kind::Secret,
            "date" => Kind::Date,
            "date-time" => Kind::DateTime,
            _ => Kind::Text,
        },
        (None, Some(Value::Number(n))) if n.is_f64() => Kind::Number,
        (None, Some(Value::Number(_))) => Kind::Integer,
        _ => Kind::Json,
    }
}

/// Returns the types that a schema names.
pub(crate) fn type_names(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Says whether a value may be meant by a schema, as far as its type tells.
pub(crate) fn may_fit(schema: &Value, value: &Value) -> bool {
    let fits = |name: &&str| match *name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    };
    let types = type_names(schema);
    let is_of_enum = list(schema, "enum").is_none_or(|all| all.contains(value));
    is_of_enum && (types.is_empty() || types.iter().any(fits))
}
