//! Databases: SQLite.
