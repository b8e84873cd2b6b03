//! An operator's arguments as rendered, read by key; every complaint names the key.
//!
//! Templates often give text where a number or a truth value is meant: such text is taken.

use std::time::Duration;

use serde_json::{Map, Value};

use super::error::OperatorError;

/// The rendered arguments of one attempt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Args<'a>(pub(super) &'a Map<String, Value>);

type Result<T> = std::result::Result<T, OperatorError>;

impl<'a> Args<'a> {
    /// Returns the value; a key that was rendered to null counts as left out.
    pub(super) fn get(self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn needed<T>(key: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| OperatorError::fatal(format!("`{key}` is missing")))
    }

    pub(super) fn text(self, key: &str) -> Result<String> {
        Self::needed(key, self.text_or_none(key)?)
    }

    /// Numbers and truth values are taken as they are written.
    pub(super) fn text_or_none(self, key: &str) -> Result<Option<String>> {
        self.get(key).map(|value| as_text(key, value)).transpose()
    }

    pub(super) fn integer_or_none(self, key: &str) -> Result<Option<i64>> {
        self.get(key)
            .map(|value| {
                let found = match value {
                    Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
                    Value::String(text) => text.trim().parse().ok(),
                    _ => None,
                };
                found.ok_or_else(|| unfit(key, value, "a whole number"))
            })
            .transpose()
    }

    pub(super) fn number_or_none(self, key: &str) -> Result<Option<f64>> {
        self.get(key)
            .map(|value| {
                let found = match value {
                    Value::Number(number) => number.as_f64(),
                    Value::String(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
                    _ => None,
                };
                found.ok_or_else(|| unfit(key, value, "a number"))
            })
            .transpose()
    }

    pub(super) fn flag(self, key: &str, default: bool) -> Result<bool> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(text)) if text.trim().eq_ignore_ascii_case("true") => Ok(true),
            Some(Value::String(text)) if text.trim().eq_ignore_ascii_case("false") => Ok(false),
            Some(other) => Err(unfit(key, other, "true or false")),
        }
    }

    /// A single text is a list of one.
    pub(super) fn texts_or_none(self, key: &str) -> Result<Option<Vec<String>>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Array(items)) => {
                items.iter().map(|item| as_text(key, item)).collect::<Result<_>>().map(Some)
            }
            Some(text @ Value::String(_)) => Ok(Some(vec![as_text(key, text)?])),
            Some(other) => Err(unfit(key, other, "a list of texts")),
        }
    }

    pub(super) fn table(self, key: &str) -> Result<Map<String, Value>> {
        match self.get(key) {
            None => Ok(Map::new()),
            Some(Value::Object(table)) => Ok(table.clone()),
            Some(other) => Err(unfit(key, other, "a table")),
        }
    }

    pub(super) fn duration_or_none(self, key: &str) -> Result<Option<Duration>> {
        self.get(key).map(|value| duration(key, value)).transpose()
    }
}

/// Reads `10s`, `250ms`, `5m`, `1h`, `1h 30m`, `2d`, or a number of seconds.
pub(super) fn duration(key: &str, value: &Value) -> Result<Duration> {
    let wrong = || unfit(key, value, "a duration such as `10s`, `5m` or `1h`");
    let secs = match value {
        Value::Number(number) => number.as_f64().ok_or_else(wrong)?,
        Value::String(text) => match text.trim().parse::<f64>() {
            Ok(secs) => secs,
            Err(_) => parse_duration(text).ok_or_else(wrong)?,
        },
        _ => return Err(wrong()),
    };
    Duration::try_from_secs_f64(secs).map_err(|_| wrong())
}

fn parse_duration(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    let mut secs = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        secs += number
            * match &rest[..letters] {
                "ms" => 0.001,
                "s" | "sec" | "secs" => 1.0,
                "m" | "min" | "mins" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = rest[letters..].trim_start();
    }
    Some(secs)
}

fn as_text(key: &str, value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        other => Err(unfit(key, other, "text")),
    }
}

fn whole(number: f64) -> Option<i64> {
    #[allow(clippy::cast_possible_truncation, reason = "within ±2^53 and without a fraction")]
    let integer = number as i64;
    (number.fract() == 0.0 && number.abs() < 9.0e15).then_some(integer)
}

/// Complains about a value that was rendered to the wrong thing.
pub(super) fn unfit(key: &str, value: &Value, expected: &str) -> OperatorError {
    let mut found = value.to_string();
    if found.chars().count() > 80 {
        found = format!("{}…", found.chars().take(80).collect::<String>());
    }
    OperatorError::fatal(format!("`{key}` is {found}; expected {expected}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[allow(clippy::needless_pass_by_value, reason = "`json!` reads best where it is called")]
    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn text_that_templates_gave_is_taken_as_what_is_meant() {
        let args = map(json!({ "a": "5", "b": "TRUE", "c": 2.0, "d": "0.25", "e": 7 }));
        let args = Args(&args);
        assert_eq!(args.integer_or_none("a").unwrap(), Some(5));
        assert!(args.flag("b", false).unwrap());
        assert_eq!(args.integer_or_none("c").unwrap(), Some(2));
        assert_eq!(args.number_or_none("d").unwrap(), Some(0.25));
        assert_eq!(args.text("e").unwrap(), "7");
    }

    #[test]
    fn a_complaint_names_the_key_and_what_it_was_rendered_to() {
        let args = map(json!({ "trials": "many", "source": { "a": 1 } }));
        let args = Args(&args);
        assert_eq!(
            args.integer_or_none("trials").unwrap_err().to_string(),
            "`trials` is \"many\"; expected a whole number"
        );
        assert_eq!(
            args.text("source").unwrap_err().to_string(),
            "`source` is {\"a\":1}; expected text"
        );
        assert_eq!(args.text("sql").unwrap_err().to_string(), "`sql` is missing");
    }

    #[test]
    fn durations_are_read_with_units_or_as_seconds() {
        let read = |value: Value| duration("step", &value).map(|d| d.as_secs_f64());
        assert_eq!(read(json!("2s")), Ok(2.0));
        assert_eq!(read(json!("1h 30m")), Ok(5400.0));
        assert_eq!(read(json!("250ms")), Ok(0.25));
        assert_eq!(read(json!(1.5)), Ok(1.5));
        assert!(read(json!("soon")).is_err());
        assert!(read(json!(-1)).is_err());
        assert!(read(json!("")).is_err());
    }
}
