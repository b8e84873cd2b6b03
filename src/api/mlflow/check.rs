//! What MLflow takes as a name, a key or a value, and the words in which it refuses others.

use serde_json::Value;

use crate::api::mlflow::wire::Refusal;

pub(super) const KEY_LEN_MAX: usize = 250;
pub(super) const PARAM_LEN_MAX: usize = 6_000;
pub(super) const TAG_LEN_MAX: usize = 8_000;
pub(super) const EXPERIMENT_TAG_LEN_MAX: usize = 20_000;
const EXPERIMENT_NAME_LEN_MAX: usize = 500;

/// Checks the key of a metric, a param or a tag, which may become the name of a file; `path` says
/// where in the request it stands.
pub(super) fn key(path: &str, key: &str) -> Result<(), Refusal> {
    let is_taken = |c: char| c.is_alphanumeric() || "_-. :/".contains(c);
    if !key.chars().all(is_taken) {
        return Err(invalid(
            path,
            key,
            "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), \
             spaces ( ), colon(:) and slashes (/).",
        ));
    }
    let normal = normal(key);
    if normal != key || normal == "." || normal.starts_with("..") || normal.starts_with('/') {
        return Err(invalid(
            path,
            key,
            &format!(
                "Names may be treated as files in certain cases, and must not resolve to other \
                 names when treated as such. This name would resolve to '{normal}'"
            ),
        ));
    }
    Ok(())
}

/// Refuses a text that is longer than `max` characters.
pub(super) fn length(what: &str, max: usize, text: &str) -> Result<(), Refusal> {
    if text.len() <= max || text.chars().count() <= max {
        return Ok(());
    }
    Err(Refusal::invalid(format!("'{what}' exceeds the maximum length of {max} characters")))
}

/// Cuts a text to `max` characters, as MLflow does with the values of params and tags.
pub(super) fn cut(mut text: String, max: usize) -> String {
    if let Some((at, _)) = text.char_indices().nth(max) {
        text.truncate(at);
    }
    text
}

pub(super) fn experiment_name(name: &str) -> Result<(), Refusal> {
    length("name", EXPERIMENT_NAME_LEN_MAX, name)
}

pub(super) fn experiment_tag((key, value): &(String, String)) -> Result<(), Refusal> {
    self::key("key", key)?;
    length("key", KEY_LEN_MAX, key)?;
    length("value", EXPERIMENT_TAG_LEN_MAX, value)
}

/// An id that no run can have is refused, and not looked for.
pub(super) fn run_id(id: &str) -> Result<(), Refusal> {
    let is_taken = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let begins_well = id.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins_well && id.chars().all(is_taken) && id.chars().count() <= 256 {
        return Ok(());
    }
    Err(Refusal::invalid(format!("Invalid value {} for parameter 'run_id' supplied.", json(id))))
}

pub(super) fn invalid(path: &str, value: &str, why: &str) -> Refusal {
    let value = json(value);
    Refusal::invalid(format!("Invalid value {value} for parameter '{path}' supplied: {why}"))
}

fn json(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// Returns what a name is as a path, as `posixpath.normpath` has it.
fn normal(name: &str) -> String {
    let root = match name {
        _ if name.starts_with("//") && !name.starts_with("///") => "//",
        _ if name.starts_with('/') => "/",
        _ => "",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match (part, parts.last()) {
            ("..", Some(&last)) if last != ".." => drop(parts.pop()),
            ("..", None) if !root.is_empty() => {}
            _ => parts.push(part),
        }
    }
    match format!("{root}{}", parts.join("/")) {
        empty if empty.is_empty() => ".".to_owned(),
        normal => normal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_may_be_the_name_of_a_file() {
        for good in ["loss", "a/b", "val loss", "a.b-c_d:e", "été", "...a"] {
            assert_eq!(key("name", good).is_ok(), good != "...a", "{good}");
        }
        for (bad, words) in [
            ("a//b", "resolve to 'a/b'"),
            ("./a", "resolve to 'a'"),
            ("../a", "resolve to '../a'"),
            ("/a", "resolve to '/a'"),
            ("a/", "resolve to 'a'"),
            ("a/..", "resolve to '.'"),
            ("", "resolve to '.'"),
            ("a\n", "may only contain"),
            ("a;b", "may only contain"),
        ] {
            let refusal = key("name", bad).unwrap_err();
            assert!(refusal.message.contains(words), "{bad}: {}", refusal.message);
        }
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        assert!(length("key", 3, "été").is_ok());
        let refusal = length("key", 2, "été").unwrap_err();
        assert_eq!(refusal.message, "'key' exceeds the maximum length of 2 characters");
        assert_eq!(cut("été".into(), 2), "ét");
        assert_eq!(cut("été".into(), 3), "été");
    }
}
