//! The operator's own commands: what `$DAG` and the like in their words stand for.

use std::collections::BTreeMap;
use std::iter;

use serde_json::Value;

use crate::keymap::{Bound, Keymap, Place, stroke};
use crate::state::form::Field;
use crate::state::sheet::PluginCall;
use crate::station::Plugin;
use crate::text;

/// Returns the places that a plugin can be meant for, as the configuration writes them.
pub fn place_names() -> Vec<String> {
    Place::ALL.iter().map(|place| place.name()).collect()
}

/// Says what keeps a key from being a plugin's in some places (none: everywhere), as the deck's own
/// keys stand.
pub fn key_problem(key: &str, places: &[String]) -> Option<String> {
    let keys = match stroke::read(key) {
        Ok(keys) => keys,
        Err(problem) => return Some(problem),
    };
    let keymap = Keymap::new(None);
    let meant = |place: &&Place| places.is_empty() || places.contains(&place.name());
    Place::ALL.iter().filter(meant).find_map(|place| {
        let taken = |bound: &&Bound| bound.keys.iter().any(|other| stroke::collide(other, &keys));
        let bound = keymap.at(*place).iter().find(taken)?;
        Some(format!("`{key}` has another meaning in {}: {}", place.name(), bound.help))
    })
}

/// Returns the `$NAMES` in a word, without the `$`; `$$` is a dollar.
pub fn variables(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once('$')?;
            if let Some(tail) = after.strip_prefix('$') {
                rest = tail;
                continue;
            }
            let (name, tail) = named(after);
            rest = tail;
            if !name.is_empty() {
                return Some(name);
            }
        }
    })
}

/// Puts the values of its `$NAMES` into a word; one without a value is an error.
pub(crate) fn filled(word: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        if let Some(tail) = after.strip_prefix('$') {
            filled.push('$');
            rest = tail;
            continue;
        }
        let (name, tail) = named(after);
        rest = tail;
        match values.get(name) {
            Some(value) => filled.push_str(value),
            None if name.is_empty() => filled.push('$'),
            None => return Err(format!("nothing is selected that gives ${name}")),
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Puts the values into the words of the command; each stays one argument.
pub(crate) fn argv(
    plugin: &Plugin,
    values: &BTreeMap<String, String>,
) -> Result<Vec<String>, String> {
    plugin.command.iter().map(|word| filled(word, values)).collect()
}

/// Returns the command line, for people: with what was answered so far.
pub(crate) fn line(call: &PluginCall, fields: &[Field]) -> String {
    let mut values = call.values.clone();
    for field in fields {
        let text = match field.read() {
            Ok(Some(Value::String(text))) => text,
            Ok(Some(value)) => value.to_string(),
            _ => String::new(),
        };
        values.insert(field.name.clone(), text);
    }
    let words = argv(&call.plugin, &values).unwrap_or_else(|_| call.plugin.command.clone());
    words.iter().map(|word| text::shell(word)).collect::<Vec<_>>().join(" ")
}

/// Splits a text behind the name at its beginning.
fn named(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_the_deck_has_is_no_plugins() {
        let places =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(key_problem("ctrl-o", &[]), None);
        assert!(key_problem("j", &[]).unwrap().contains("another meaning in dags: down"));
        assert!(key_problem("t", &places(&["dag-page"])).unwrap().contains("trigger"));
        assert_eq!(key_problem("t", &places(&["approvals"])), None);
        assert!(key_problem("g", &[]).is_some(), "the beginning of a chord");
        assert!(key_problem("hyper-x", &[]).is_some());
    }

    #[test]
    fn names_are_found_and_filled_as_parts_of_one_word() {
        let word = "https://x/$DAG/$RUN?cost=$$5&t=$";
        assert_eq!(variables(word).collect::<Vec<_>>(), ["DAG", "RUN"]);
        let values = BTreeMap::from([
            ("DAG".to_owned(), "a b; rm -rf /".to_owned()),
            ("RUN".to_owned(), "$DAG".to_owned()),
        ]);
        let filled = filled(word, &values).unwrap();
        assert_eq!(filled, "https://x/a b; rm -rf //$DAG?cost=$5&t=$");
        assert!(super::filled("$TASK", &values).unwrap_err().contains("$TASK"));
    }
}
