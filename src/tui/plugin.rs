//! The operator's own commands: what `$DAG` and the like in their words stand for.

use std::collections::BTreeMap;
use std::iter;

/// The places that a plugin can be meant for, as the configuration writes them.
pub const PLACE_NAMES: [&str; 22] = [
    "dags",
    "dag-page",
    "runs",
    "tasks",
    "graph",
    "log",
    "form",
    "assets",
    "asset-page",
    "experiments",
    "tracking-runs",
    "tracking-run",
    "models",
    "model-page",
    "serving",
    "events",
    "system",
    "errors",
    "versions",
    "diff",
    "backfills",
    "approvals",
];

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

/// Splits a text behind the name at its beginning.
fn named(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

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
