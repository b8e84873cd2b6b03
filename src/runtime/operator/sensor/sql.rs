//! `sensor.sql`: asks a database until the first cell is true, or what is expected.

use rusqlite::types::ValueRef;
use serde_json::{Map, Value, json};

use super::expect::{Expect, holds};
use super::{Look, OperatorError, Poke, off_thread};
use crate::connection::{OpenConnection, find, sql};
use crate::runtime::operator::args::Args;
use crate::runtime::operator::postgres;

pub(super) async fn poke(look: &Look<'_>) -> Result<Poke, OperatorError> {
    let args = Args(look.args);
    let (connection, query) = (args.text("connection")?, args.text("sql")?);
    let expect = Expect::read_expression(args.get("expect"))?;
    let connection = find(&look.private.connections, &connection)?.clone();
    let name = connection.name.clone();
    let row = match sql::kind(&connection)? {
        sql::Kind::Sqlite => in_file(look, connection, query).await,
        sql::Kind::Postgres => postgres::first_row(&connection, look.project, &query).await,
    };
    // What is missing or wrong now may come: a table is made by somebody else.
    let row = row.map_err(|error| OperatorError::Passing(format!("ask `{name}`: {error}")))?;
    let Some(row) = row else { return Ok(Poke::waits("the query gives no row")) };
    let value = row.values().next().cloned().unwrap_or_default();
    let is_so = match &expect {
        Some(expression) => holds(expression, &json!({ "value": value, "row": row }))?,
        None => is_true(&value),
    };
    if is_so {
        return Ok(Poke::Found(json!({ "value": value, "row": row })));
    }
    Ok(Poke::waits(format!("the query gives `{value}`")))
}

async fn in_file(
    look: &Look<'_>,
    connection: OpenConnection,
    query: String,
) -> Result<Option<Map<String, Value>>, OperatorError> {
    let project = look.project.to_path_buf();
    off_thread(move || Ok(first_row(&sql::sqlite::open(&connection, &project)?, &query)?)).await
}

fn first_row(
    database: &rusqlite::Connection,
    query: &str,
) -> rusqlite::Result<Option<Map<String, Value>>> {
    let mut statement = database.prepare(query)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut found = Map::new();
    for (at, name) in names.into_iter().enumerate() {
        let value = match row.get_ref(at)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => number.into(),
            ValueRef::Real(number) => number.into(),
            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
            ValueRef::Blob(blob) => format!("{} bytes", blob.len()).into(),
        };
        found.insert(name, value);
    }
    Ok(Some(found))
}

/// As Airflow: nothing, zero (also as text) and an empty text are not what is waited for.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !matches!(text.as_str(), "" | "0"),
        Value::Array(_) | Value::Object(_) => true,
    }
}
