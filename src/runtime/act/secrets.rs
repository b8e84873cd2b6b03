//! Keeps secrets out of what is written: placeholders for variables, texts to be masked.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::dag::Deck;
use crate::dag::secret::{Secret, is_sensitive_name, plain_password};
use crate::dag::spec::ConnectionSpec;

/// A shorter text would mask half the log.
const MASKED_LEN_MIN: usize = 3;

/// The variables of a deck, as templates may see them.
pub(super) struct Variables {
    /// By name: the value, or a placeholder where it is secret.
    pub(super) shown: Map<String, Value>,
    /// From placeholder to value.
    pub(super) secrets: BTreeMap<String, String>,
    /// Texts to be masked.
    pub(super) mask: Vec<String>,
}

impl Variables {
    pub(super) fn new(deck: &Deck) -> Self {
        let mut variables = Self { shown: Map::new(), secrets: BTreeMap::new(), mask: Vec::new() };
        for (name, secret) in &deck.variables {
            let is_plain = is_sensitive_name(name) && !secret.is_secret();
            let shown = if secret.is_secret() || is_plain {
                let placeholder = format!("${{var:{name}}}");
                variables.secrets.insert(placeholder.clone(), secret.reveal().to_owned());
                variables.mask.extend(if is_plain { whole(secret) } else { parts(secret) });
                placeholder
            } else {
                secret.reveal().to_owned()
            };
            variables.shown.insert(name.clone(), Value::String(shown));
        }
        variables
    }
}

impl Variables {
    /// Adds further placeholders with their values.
    pub(super) fn add<'a>(&mut self, more: impl Iterator<Item = (&'a String, &'a String)>) {
        for (placeholder, value) in more {
            self.secrets.insert(placeholder.clone(), value.clone());
            if value.chars().count() >= MASKED_LEN_MIN {
                self.mask.push(value.clone());
            }
        }
    }
}

/// Returns what must not be shown of a connection: what its references stand for, and what is
/// written plainly under a name that is sensitive.
pub(super) fn of_connection(spec: &ConnectionSpec) -> Vec<String> {
    let references = std::iter::once(&spec.url).chain(spec.options.values()).flat_map(parts);
    let is_plain =
        |(name, value): &(&String, &Secret)| is_sensitive_name(name) && !value.is_secret();
    let options = spec.options.iter().filter(is_plain).flat_map(|(_, value)| whole(value));
    let password = plain_password(spec.url.as_written()).map(Secret::plain);
    references.chain(options).chain(password.iter().flat_map(whole)).collect()
}

/// Returns the whole of a plain text, unless it is so short that it would mask half the log.
fn whole(secret: &Secret) -> Vec<String> {
    let text = secret.reveal();
    if text.chars().count() < MASKED_LEN_MIN { Vec::new() } else { vec![text.to_owned()] }
}

/// Returns what the references of a secret stand for: of `postgres://etl:${env:PW}@db`, only
/// the password. Where that cannot be told apart, the whole.
fn parts(secret: &Secret) -> Vec<String> {
    if !secret.is_secret() {
        return Vec::new();
    }
    let found = values(secret.as_written(), secret.reveal());
    let found = found.unwrap_or_else(|| vec![secret.reveal().to_owned()]);
    found.into_iter().filter(|part| part.chars().count() >= MASKED_LEN_MIN).collect()
}

/// Walks the written and the resolved text side by side: what stands between the literal parts
/// is what the references gave.
fn values(written: &str, resolved: &str) -> Option<Vec<String>> {
    let (before, mut rest) = written.split_once("${")?;
    let mut resolved = resolved.strip_prefix(before)?;
    let mut found = Vec::new();
    loop {
        let (_, after) = rest.split_once('}')?;
        let (literal, next) = match after.split_once("${") {
            Some((literal, next)) => (literal, Some(next)),
            None => (after, None),
        };
        let end = match (literal.is_empty(), next) {
            (true, Some(_)) => return None,
            (false, Some(_)) => resolved.find(literal)?,
            (_, None) => resolved.strip_suffix(literal)?.len(),
        };
        found.push(resolved[..end].to_owned());
        resolved = &resolved[end + literal.len()..];
        match next {
            Some(next) => rest = next,
            None => return Some(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(written: &str, resolved: &str) -> Vec<String> {
        parts(&Secret::new(written, resolved))
    }

    #[test]
    fn only_what_a_reference_stands_for_is_masked() {
        assert_eq!(found("${env:PW}", "hunter2"), ["hunter2"]);
        assert_eq!(found("postgres://etl:${env:PW}@db", "postgres://etl:hunter2@db"), ["hunter2"]);
        assert_eq!(found("${env:U}:${file:p}@x", "ada:se:cret@x"), ["ada", "se:cret"]);
    }

    #[test]
    fn where_parts_cannot_be_told_apart_the_whole_is_masked() {
        assert_eq!(found("${env:A}${env:B}", "hunter2"), ["hunter2"]);
        assert_eq!(found("x${env:A}", "other"), ["other"]);
    }

    #[test]
    fn what_is_written_plainly_under_a_sensitive_name_is_masked_too() {
        let spec = ConnectionSpec {
            name: "c".into(),
            url: Secret::plain("http://ada:hunter2@h/"),
            kind: crate::dag::spec::ConnectionKind::Webhook,
            options: [("api_key", "abcdef"), ("region", "north")]
                .map(|(key, value)| (key.to_owned(), Secret::plain(value)))
                .into_iter()
                .collect(),
        };
        assert_eq!(of_connection(&spec), ["abcdef", "hunter2"]);
    }

    #[test]
    fn plain_and_tiny_texts_are_not_masked() {
        assert_eq!(parts(&Secret::plain("open")), Vec::<String>::new());
        assert_eq!(found("${env:A}", "a"), Vec::<String>::new());
    }
}
