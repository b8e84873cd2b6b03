//! `dags.toml` as written: the raw document with its spans.
