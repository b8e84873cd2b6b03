//! Between SQL values and the vocabulary: columns by name, times as microseconds, JSON as text.

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, Params, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::store::fault::{self, StoreError};
use crate::types::Timestamp;

type Result<T> = std::result::Result<T, StoreError>;

/// Runs one statement that writes, and returns how many rows it touched. All writes go through
/// here, so that tests can make the n-th of them fail.
pub(crate) fn execute(conn: &Connection, sql: &str, params: impl Params) -> Result<usize> {
    fault::before_write()?;
    Ok(conn.prepare_cached(sql)?.execute(params)?)
}

/// Reads all rows of a query.
pub(crate) fn all<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    conn.prepare_cached(sql)?.query_and_then(params, read)?.collect()
}

/// Reads the first row of a query.
pub(crate) fn first<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    conn.prepare_cached(sql)?.query_and_then(params, read)?.next().transpose()
}

/// Reads one number, such as a count.
pub(crate) fn count(conn: &Connection, sql: &str, params: impl Params) -> Result<u64> {
    let count: i64 = conn.prepare_cached(sql)?.query_row(params, |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Returns an instant as the store keeps it.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// As `micros`, of an instant that may be unknown.
pub(crate) fn opt_micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(micros)
}

/// Returns JSON as the store keeps it.
pub(crate) fn json_text<T: Serialize>(value: &T, column: &'static str) -> Result<String> {
    serde_json::to_string(value).map_err(|source| StoreError::Content { column, source })
}

/// Returns a number as NaN-safe SQL: NaN is NULL.
pub(crate) fn real(value: f64) -> SqlValue {
    if value.is_nan() { SqlValue::Null } else { SqlValue::Real(value) }
}

/// Reads a text, or an id made of one.
pub(crate) fn text<T: From<String>>(row: &Row<'_>, column: &str) -> Result<T> {
    Ok(T::from(row.get::<_, String>(column)?))
}

/// Reads a text that may be NULL.
pub(crate) fn opt_text<T: From<String>>(row: &Row<'_>, column: &str) -> Result<Option<T>> {
    Ok(row.get::<_, Option<String>>(column)?.map(T::from))
}

/// Reads an instant.
pub(crate) fn time(row: &Row<'_>, column: &str) -> Result<Timestamp> {
    instant(row.get(column)?)
}

/// Reads an instant that may be NULL.
pub(crate) fn opt_time(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?.map(instant).transpose()
}

fn instant(micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros)
        .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, micros).into())
}

/// Reads a metric's value: NULL is NaN.
pub(crate) fn number(row: &Row<'_>, column: &str) -> Result<f64> {
    Ok(row.get::<_, Option<f64>>(column)?.unwrap_or(f64::NAN))
}

/// Reads JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &'static str) -> Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|source| StoreError::Content { column, source })
}

/// Reads JSON that may be NULL.
pub(crate) fn opt_json<T: DeserializeOwned>(
    row: &Row<'_>,
    column: &'static str,
) -> Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| {
        serde_json::from_str(&text).map_err(|source| StoreError::Content { column, source })
    })
    .transpose()
}

/// Reads a word of a fixed list, such as a state.
pub(crate) fn word<T: DeserializeOwned>(row: &Row<'_>, column: &'static str) -> Result<T> {
    parse_word(row.get(column)?, column)
}

/// As `word`, where it may be NULL.
pub(crate) fn opt_word<T: DeserializeOwned>(
    row: &Row<'_>,
    column: &'static str,
) -> Result<Option<T>> {
    row.get::<_, Option<String>>(column)?.map(|text| parse_word(text, column)).transpose()
}

fn parse_word<T: DeserializeOwned>(text: String, column: &'static str) -> Result<T> {
    serde_json::from_value(Value::String(text))
        .map_err(|source| StoreError::Content { column, source })
}
