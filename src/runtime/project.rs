//! Reads dags.toml again when it changes; a broken edit leaves the last good version in force.
