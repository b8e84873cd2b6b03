//! The params of a DAG: a JSON Schema each, defaults, and the check of what a caller gives.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::suggest;
use crate::types::view::ParamProblem;

/// The types of JSON Schema.
const TYPES: [&str; 7] = ["string", "integer", "number", "boolean", "object", "array", "null"];

/// The params of a DAG.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Params {
    /// An object schema: `properties` in the order written, `required` those without a default.
    pub schema: Value,
    pub defaults: Map<String, Value>,
}

impl Params {
    /// Lays `conf` over the defaults and checks the whole. `grid.a` sets a key of the param `grid`
    /// and leaves its others. Unknown names become params too where the DAG takes any, as in
    /// Airflow; else they are problems (with the name that was probably meant).
    pub fn resolve(
        &self,
        conf: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Vec<ParamProblem>> {
        let none = Map::new();
        let properties = self.schema["properties"].as_object().unwrap_or(&none);
        let mut problems = Vec::new();
        let mut given = Map::new();
        let mut further = Map::new();
        for (name, value) in conf {
            if properties.contains_key(name) {
                given.insert(name.clone(), value.clone());
            } else if holder(name, properties).is_none() {
                match self.takes_any() {
                    true => drop(further.insert(name.clone(), value.clone())),
                    false => problems.push(unknown(name, properties)),
                }
            }
        }
        // After the whole ones: `grid.a` goes into the `grid` that came with it.
        for (name, value) in conf.iter().filter(|(name, _)| !properties.contains_key(*name)) {
            let Some((param, path)) = holder(name, properties) else { continue };
            let begun = given.get(param).or_else(|| self.defaults.get(param)).cloned();
            let mut whole = begun.unwrap_or_else(|| Value::Object(Map::new()));
            match set(&mut whole, path, value) {
                Ok(()) => drop(given.insert(param.to_owned(), whole)),
                Err(message) => problems.push(problem(name, &message)),
            }
        }
        let mut resolved = Map::new();
        for (name, schema) in properties {
            let Some(value) = given.get(name).or_else(|| self.defaults.get(name)) else {
                problems.push(problem(name, "is required: it has no default"));
                continue;
            };
            match check(schema, value) {
                Ok(()) => {
                    resolved.insert(name.clone(), value.clone());
                }
                Err(messages) => {
                    problems.extend(messages.iter().map(|message| problem(name, message)));
                }
            }
        }
        resolved.extend(further);
        if problems.is_empty() { Ok(resolved) } else { Err(problems) }
    }

    /// Says whether a caller may give what is not declared.
    fn takes_any(&self) -> bool {
        self.schema["additionalProperties"] != Value::Bool(false)
    }

    /// Says whether the DAG itself says so: its templates may name what is not declared.
    pub(crate) fn is_open(&self) -> bool {
        self.schema["additionalProperties"] == Value::Bool(true)
    }
}

/// Finds the param that a dotted name leads into, and the path inside.
fn holder<'n>(name: &'n str, properties: &Map<String, Value>) -> Option<(&'n str, &'n str)> {
    name.match_indices('.')
        .map(|(at, _)| (&name[..at], &name[at + 1..]))
        .rfind(|(param, _)| properties.contains_key(*param))
}

/// Sets a value inside of a table, making the tables on the way.
fn set(whole: &mut Value, path: &str, value: &Value) -> Result<(), String> {
    let mut place = whole;
    let mut walked = Vec::new();
    for part in path.split('.') {
        let found = shown(place);
        let Value::Object(table) = place else {
            let within = if walked.is_empty() { "it".to_owned() } else { walked.join(".") };
            return Err(format!("cannot be set: `{within}` is {found}, not a table"));
        };
        place = table.entry(part).or_insert_with(|| Value::Object(Map::new()));
        walked.push(part);
    }
    *place = value.clone();
    Ok(())
}

/// Says why a text is no JSON Schema.
pub fn check_schema(schema: &Value) -> Result<(), String> {
    jsonschema::meta::validate(schema).map_err(|error| match error.instance_path().as_str() {
        "/type" => {
            let found = error.instance();
            let name = found.as_str().unwrap_or_default();
            format!("`type` is {}; {}", shown(found), suggest::hint(name, "types", TYPES))
        }
        _ => located(&error),
    })?;
    validator(schema).map(|_| ())
}

/// Says, a line each, what a schema has against a value.
pub fn check(schema: &Value, value: &Value) -> Result<(), Vec<String>> {
    let validator = validator(schema).map_err(|message| vec![message])?;
    let messages: Vec<String> = validator.iter_errors(value).map(|error| located(&error)).collect();
    if messages.is_empty() { Ok(()) } else { Err(messages) }
}

fn validator(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .map_err(|error| located(&error))
}

fn problem(param: &str, message: &str) -> ParamProblem {
    ParamProblem { param: param.to_owned(), message: message.to_owned() }
}

fn unknown(name: &str, properties: &Map<String, Value>) -> ParamProblem {
    let hint = suggest::hint(name, "params", properties.keys().map(String::as_str));
    problem(name, &format!("is not a param of this DAG; {hint}"))
}

/// Words an error, with the place inside the value where it is not the value itself.
fn located(error: &ValidationError<'_>) -> String {
    match error.instance_path().as_str() {
        "" => worded(error),
        path => format!("`{}` {}", path.trim_start_matches('/').replace('/', "."), worded(error)),
    }
}

/// Says what is allowed rather than what is wrong.
fn worded(error: &ValidationError<'_>) -> String {
    let found = error.instance();
    #[allow(clippy::wildcard_enum_match_arm, reason = "the rest is worded by the library")]
    match error.kind() {
        ValidationErrorKind::Enum { options } => {
            let options: Vec<String> =
                options.as_array().map(|all| all.iter().map(shown).collect()).unwrap_or_default();
            let meant = found.as_str().and_then(|text| {
                let known = options.iter().map(|option| option.trim_matches('`'));
                suggest::closest(text, known)
            });
            let meant = meant.map(|meant| format!("; did you mean `{meant}`?"));
            let meant = meant.unwrap_or_default();
            format!("is {}; allowed: {}{meant}", shown(found), options.join(", "))
        }
        ValidationErrorKind::Type { kind } => {
            format!("is {}; expected {}", shown(found), types(kind))
        }
        ValidationErrorKind::Minimum { limit } => {
            format!("is {}; at least {limit} is allowed", shown(found))
        }
        ValidationErrorKind::Maximum { limit } => {
            format!("is {}; at most {limit} is allowed", shown(found))
        }
        ValidationErrorKind::ExclusiveMinimum { limit } => {
            format!("is {}; more than {limit} is allowed", shown(found))
        }
        ValidationErrorKind::ExclusiveMaximum { limit } => {
            format!("is {}; less than {limit} is allowed", shown(found))
        }
        ValidationErrorKind::Required { property } => format!("lacks {}", shown(property)),
        ValidationErrorKind::Pattern { pattern } => {
            format!("is {}; it must match `{pattern}`", shown(found))
        }
        _ => error.to_string(),
    }
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(some) => {
            some.iter().map(|one| one.to_string()).collect::<Vec<_>>().join(" or ")
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        Value::Null | Value::Bool(_) | Value::Number(_) => format!("`{value}`"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
    }
}

#[cfg(test)]
mod tests;
