//! The user's systems: lakes, databases, places to send messages to.

pub mod message;
pub mod object;
pub mod sql;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
