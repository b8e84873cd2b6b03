//! The user's systems: lakes, databases, places to send messages to.
//!
//! A connection's URL may hold secrets: errors name the connection and the scheme, never the URL.

pub mod dataset;
pub mod http;
pub mod mail;
pub mod message;
pub mod object;
pub mod queue;
pub mod sql;
pub mod tls;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dag::spec::ConnectionSpec;

/// A connection as it is handed to an attempt: never written to disk.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenConnection {
    pub name: String,
    /// The URL with its secrets.
    pub url: String,
    pub options: BTreeMap<String, String>,
}

impl std::fmt::Debug for OpenConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenConnection({})", self.name)
    }
}

impl OpenConnection {
    /// Opens what `dags.toml` says of it, its secrets with it.
    pub(crate) fn of(spec: &ConnectionSpec) -> Self {
        let options = spec.options.iter();
        Self {
            name: spec.name.clone(),
            url: spec.url.reveal().to_owned(),
            options: options.map(|(key, value)| (key.clone(), value.reveal().to_owned())).collect(),
        }
    }

    /// Returns the URL's scheme, such as `sqlite`.
    pub fn scheme(&self) -> &str {
        self.url.split_once(':').map_or("", |(scheme, _)| scheme)
    }
}

/// A system that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    #[error("there is no connection `{name}`{}", did_you_mean(meant.as_deref()))]
    Unknown { name: String, meant: Option<String> },
    #[error("connection `{name}` is a `{scheme}:` connection where {expected} is needed")]
    Kind { name: String, scheme: String, expected: &'static str },
    #[error(
        "`{uri}` names no place: expected `file:PATH` or `CONNECTION:PATH`, such as `lake:incoming/a.csv`"
    )]
    NotAUri { uri: String },
    #[error("`{uri}` climbs out of its folder: `..` is not taken")]
    ClimbsOut { uri: String },
    #[error("the URL of connection `{name}` is not {expected}")]
    Url { name: String, expected: &'static str },
    #[error("`{key}` of connection `{name}` is not {expected}")]
    Setting { name: String, key: &'static str, expected: &'static str },
    #[error("connection `{name}` is refused: {reason}")]
    Refused { name: String, reason: String },
    #[error("open connection `{name}`")]
    Open { name: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("connection `{name}`: {problem}")]
    Broken { name: String, problem: String },
}

/// Writes an error with its causes, outermost first; a cause that its error repeats is left out.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = error.source();
    }
    text
}

/// Finds a connection by its name.
pub fn find<'a>(
    connections: &'a BTreeMap<String, OpenConnection>,
    name: &str,
) -> Result<&'a OpenConnection, ConnectionError> {
    connections.get(name).ok_or_else(|| ConnectionError::Unknown {
        name: name.to_owned(),
        meant: closest(name, connections.keys().map(String::as_str)),
    })
}

/// Returns the name that was probably meant.
pub fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    /// Below this two names have little in common.
    const LIKENESS_MIN: f64 = 0.8;
    known
        .into_iter()
        .map(|candidate| {
            let likeness = strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase());
            (likeness, candidate)
        })
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}

/// Returns ` (did you mean …?)`, or nothing.
pub fn did_you_mean(meant: Option<&str>) -> String {
    meant.map(|meant| format!(" (did you mean `{meant}`?)")).unwrap_or_default()
}
