//! `conn.NAME`: where a connection leads, part by part, never its password.
//!
//! A part that comes from the environment or a file is a placeholder (`${conn:db.host}`) until
//! right before the operator runs, as secret variables are.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use minijinja::Value;
use minijinja::value::{Enumerator, Object};

use crate::dag::Deck;
use crate::dag::spec::ConnectionSpec;
use crate::dag::template::wrong;

/// The connections of a deck, as templates may see them.
#[derive(Debug, Default)]
pub(in crate::runtime::act) struct Connections {
    shown: IndexMap<String, Value>,
    /// From placeholder to value.
    secrets: BTreeMap<String, String>,
}

impl Connections {
    pub(in crate::runtime::act) fn new(deck: &Deck) -> Self {
        let mut all = Self::default();
        for spec in deck.connections.values() {
            let parts = all.parts(spec);
            all.shown.insert(spec.name.clone(), Value::from_object(Shown { parts }));
        }
        all
    }

    pub(super) fn shown(&self) -> Value {
        Value::from_pairs(self.shown.iter().map(|(name, value)| (name.as_str(), value.clone())))
    }

    /// Returns the placeholders that a text holds, with their values.
    pub(in crate::runtime::act) fn secrets_in<'a>(
        &'a self,
        text: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a String)> {
        self.secrets.iter().filter(move |(placeholder, _)| text.contains(placeholder.as_str()))
    }

    fn parts(&mut self, spec: &ConnectionSpec) -> IndexMap<&'static str, Value> {
        let written = split(spec.url.as_written());
        let mut parts = IndexMap::from([
            ("conn_id", Value::from(spec.name.as_str())),
            ("name", Value::from(spec.name.as_str())),
            ("url", Value::from(spec.url.as_written())),
        ]);
        for (part, resolved) in split(spec.url.reveal()) {
            let as_written = written.get(part).cloned().flatten();
            let shown = match resolved {
                Some(resolved) if Some(&resolved) == as_written.as_ref() => Value::from(resolved),
                Some(resolved) => {
                    let placeholder = format!("${{conn:{}.{part}}}", spec.name);
                    self.secrets.insert(placeholder.clone(), resolved);
                    Value::from(placeholder)
                }
                None => Value::from(()),
            };
            parts.insert(part, shown);
        }
        let open = spec.options.iter().filter(|(_, option)| !option.is_secret());
        let extra = open.map(|(key, option)| (key.as_str(), Value::from(option.reveal())));
        parts.insert("extra", Value::from_pairs(extra));
        parts
    }
}

/// Takes `type://login:password@host:port/schema` or `type:path` apart. The password is left
/// out.
fn split(url: &str) -> BTreeMap<&'static str, Option<String>> {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut parts = BTreeMap::new();
    let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
    parts.insert("conn_type", text(scheme));
    let Some(rest) = rest.strip_prefix("//") else {
        parts.extend([("host", text(rest)), ("login", None), ("port", None), ("schema", None)]);
        return parts;
    };
    let (authority, schema) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, address) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.contains('}') => (host, port),
        _ => (address, ""),
    };
    parts.insert("login", text(login.split(':').next().unwrap_or_default()));
    parts.extend([("host", text(host)), ("port", text(port)), ("schema", text(schema))]);
    parts
}

/// One connection.
#[derive(Debug)]
struct Shown {
    parts: IndexMap<&'static str, Value>,
}

impl Object for Shown {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        if matches!(key, "password" | "get_password" | "get_uri") {
            let help = "an operator that takes `connection` is handed it";
            return Some(wrong(format!("`{key}` of a connection is secret; {help}")).into());
        }
        self.parts.get(key).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.parts.keys().map(|key| Value::from(*key)).collect())
    }
}
