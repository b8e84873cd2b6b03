//! One look at a server from inside the daemon: the first row that a query gives.

use std::path::Path;
use std::time::Duration;

use futures_util::TryStreamExt;
use serde_json::{Map, Value};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use super::types;
use crate::connection::OpenConnection;
use crate::connection::sql::postgres::Target;
use crate::runtime::operator::column_type::ColumnType;
use crate::runtime::operator::error::OperatorError;

/// A look that takes longer is given up, and its statement with it.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Asks, and returns the first row by the names of its columns.
pub(crate) async fn first_row(
    connection: &OpenConnection,
    project: &Path,
    query: &str,
) -> Result<Option<Map<String, Value>>, OperatorError> {
    let session = Target::read(connection, project, "dagdeck sensor")?.connect().await?;
    let found = tokio::time::timeout(TIMEOUT, ask(&session.client, query)).await;
    if found.is_err() {
        session.canceller().cancel().await;
    }
    let late = || OperatorError::Passing(format!("no answer within {} s", TIMEOUT.as_secs()));
    found.unwrap_or_else(|_| Err(late()))
}

async fn ask(client: &Client, query: &str) -> Result<Option<Map<String, Value>>, OperatorError> {
    // What its columns are is known before: the rows come as text.
    let prepared = client.prepare(query).await?;
    let kinds: Vec<Type> = prepared.columns().iter().map(|column| column.type_().clone()).collect();
    let mut rows = std::pin::pin!(client.simple_query_raw(query).await?);
    while let Some(message) = rows.try_next().await? {
        if let SimpleQueryMessage::Row(row) = message {
            return Ok(Some(as_json(&row, &kinds)));
        }
    }
    Ok(None)
}

fn as_json(row: &SimpleQueryRow, kinds: &[Type]) -> Map<String, Value> {
    let columns = row.columns().iter().zip(kinds).enumerate();
    columns
        .map(|(at, (column, kind))| {
            let value = row.get(at).map_or(Value::Null, |text| value(text, kind));
            (column.name().to_owned(), value)
        })
        .collect()
}

fn value(text: &str, kind: &Type) -> Value {
    let found = match types::of_server(kind, -1) {
        ColumnType::Int => text.parse::<i64>().ok().map(Value::from),
        ColumnType::Float | ColumnType::Decimal(_) => text.parse::<f64>().ok().map(Value::from),
        ColumnType::Bool => Some(Value::Bool(text == "t")),
        ColumnType::Text if matches!(*kind, Type::JSON | Type::JSONB) => {
            serde_json::from_str(text).ok()
        }
        _ => None,
    };
    found.filter(|found| !found.is_null()).unwrap_or_else(|| Value::String(text.to_owned()))
}
