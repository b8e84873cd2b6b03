//! Databases: SQLite in a file, PostgreSQL on a server. What an operator says of one holds for the
//! other.

pub mod postgres;
pub mod sqlite;
mod tls;

use crate::connection::{ConnectionError, OpenConnection};

/// What a connection to a database looks like.
const EXPECTED: &str = "a database (`sqlite:PATH` or `postgres://…`)";

/// Which kind of database a connection leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// Tells the kind by the URL's scheme.
pub fn kind(connection: &OpenConnection) -> Result<Kind, ConnectionError> {
    match connection.scheme() {
        "sqlite" => Ok(Kind::Sqlite),
        "postgres" | "postgresql" => Ok(Kind::Postgres),
        scheme => Err(ConnectionError::Kind {
            name: connection.name.clone(),
            scheme: scheme.to_owned(),
            expected: EXPECTED,
        }),
    }
}

/// Quotes an identifier, whatever it holds.
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_an_identifier_is_doubled() {
        assert_eq!(quote("a\"b"), "\"a\"\"b\"");
    }
}
