//! Out of PostgreSQL: by COPY, in a transaction that may only read.

use std::borrow::Cow;

use futures_util::TryStreamExt;
use rusqlite::{Connection, Statement, TransactionBehavior};
use tokio_postgres::{Client, Transaction};

use crate::connection::OpenConnection;
use crate::connection::sql::postgres::Target;
use crate::connection::sql::quote;
use crate::runtime::attempt::Order;
use crate::runtime::operator::column_type::ColumnType;
use crate::runtime::operator::error::OperatorError;
use crate::runtime::operator::postgres::{copy, target, types, with_session};
use crate::runtime::operator::select::{self, Select};
use crate::runtime::operator::tables::{self, TableColumn};
use crate::types::io::{ColumnOrigin, ColumnRef};

pub(super) fn extract(
    order: &Order,
    connection: &OpenConnection,
    sql: &str,
) -> Result<(u64, Vec<ColumnRef>), OperatorError> {
    let mut database = tables::open(order)?;
    let table = tables::result_name(order);
    let target = target(order, connection)?;
    let from = &target;
    with_session(from, async move |client| {
        let columns = columns(client, sql).await?;
        let origins = origins(client, from, sql, &columns).await?;
        let reading = client.build_transaction().read_only(true).start().await?;
        let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let declared: Vec<_> = columns.iter().map(|(column, _)| column.clone()).collect();
        tables::make(&transaction, "main", &table, &declared)?;
        let types: Vec<_> = columns.iter().map(|(_, column_type)| *column_type).collect();
        let rows = fill(&reading, &transaction, &table, &types, sql).await?;
        transaction.commit()?;
        Ok((rows, origins))
    })
}

/// Asks the server what the statement gives; it takes one statement only.
async fn columns(
    client: &Client,
    sql: &str,
) -> Result<Vec<(TableColumn, ColumnType)>, OperatorError> {
    let prepared = client.prepare(sql).await?;
    if prepared.columns().is_empty() {
        return Err(OperatorError::fatal("`sql` must be one `select`"));
    }
    let names = tables::unique(prepared.columns().iter().map(|column| column.name()));
    let columns = prepared.columns().iter().zip(names).map(|(column, name)| {
        let column_type = types::of_server(column.type_(), column.type_modifier());
        (TableColumn { name, declared_type: column_type.declared() }, column_type)
    });
    Ok(columns.collect())
}

/// Says which columns of which tables the result comes from, as the server tells: those that are
/// taken over as they are, and those that the names in a computed one are.
async fn origins(
    client: &Client,
    target: &Target,
    sql: &str,
    columns: &[(TableColumn, ColumnType)],
) -> Result<Vec<ColumnRef>, OperatorError> {
    let prepared = client.prepare(sql).await?;
    let select = Select::of(sql);
    let mut left = select::NAMES_MAX;
    let mut found = Vec::new();
    for (at, (column, (made, _))) in prepared.columns().iter().zip(columns).enumerate() {
        let mut origins: Vec<_> = origin(client, target, column).await?.into_iter().collect();
        let item =
            select.as_ref().and_then(|select| Some((select, select.item(at, columns.len())?)));
        if let (true, Some((select, item))) = (origins.is_empty(), item) {
            for name in select::names(item) {
                left = left.saturating_sub(1);
                // What is no column is a word that nobody listed.
                let question = select.question(name);
                let Ok(asked) = client.prepare(&question).await else { continue };
                let Some(first) = asked.columns().first().filter(|_| left > 0) else { continue };
                if let Some(from) = origin(client, target, first).await? {
                    origins.push(ColumnOrigin { computed: true, ..from });
                }
            }
        }
        let (name, column_type) = (made.name.clone(), made.declared_type.clone());
        found.push(ColumnRef { name, column_type, origins });
    }
    Ok(found)
}

/// Returns the column that a result's column is.
async fn origin(
    client: &Client,
    target: &Target,
    column: &tokio_postgres::Column,
) -> Result<Option<ColumnOrigin>, OperatorError> {
    let asked = "
        select c.relnamespace::regnamespace::text, c.relname::text, a.attname::text
        from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.oid = $1 and a.attnum = $2";
    let (Some(table), Some(number)) = (column.table_oid(), column.column_id()) else {
        return Ok(None);
    };
    let Some(row) = client.query_opt(asked, &[&table, &number]).await? else { return Ok(None) };
    let (schema, table): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let (namespace, name) = target.dataset(&schema, &table);
    Ok(Some(ColumnOrigin { namespace, name, column: row.try_get(2)?, computed: false }))
}

async fn fill(
    reading: &Transaction<'_>,
    database: &Connection,
    table: &str,
    types: &[ColumnType],
    sql: &str,
) -> Result<u64, OperatorError> {
    // The line break ends a comment that the statement may end with.
    let mut pieces = std::pin::pin!(reading.copy_out(&format!("copy ({sql}\n) to stdout")).await?);
    let places = vec!["?"; types.len()].join(", ");
    let mut insert =
        database.prepare(&format!("insert into main.{} values ({places})", quote(table)))?;
    let mut rows = 0;
    let mut begun: Vec<u8> = Vec::new();
    while let Some(piece) = pieces.try_next().await? {
        let mut rest = &piece[..];
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            begun.extend_from_slice(&rest[..end]);
            insert_line(&mut insert, &begun, types)?;
            begun.clear();
            rest = &rest[end + 1..];
            rows += 1;
        }
        begun.extend_from_slice(rest);
    }
    Ok(rows)
}

fn insert_line(
    insert: &mut Statement<'_>,
    line: &[u8],
    types: &[ColumnType],
) -> Result<(), OperatorError> {
    for (at, (field, column_type)) in copy::fields(line).zip(types).enumerate() {
        bind(insert, at + 1, field, *column_type)?;
    }
    insert.raw_execute()?;
    Ok(())
}

/// What is not as its type has it (`infinity`, `NaN`) is kept as text.
fn bind(
    insert: &mut Statement<'_>,
    at: usize,
    field: Option<Cow<'_, [u8]>>,
    column_type: ColumnType,
) -> Result<(), OperatorError> {
    let Some(field) = field else { return Ok(insert.raw_bind_parameter(at, None::<i64>)?) };
    let text = String::from_utf8_lossy(&field);
    let bound = match column_type {
        ColumnType::Int => text.parse::<i64>().ok().map(|n| insert.raw_bind_parameter(at, n)),
        ColumnType::Float => {
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            number.map(|n| insert.raw_bind_parameter(at, n))
        }
        ColumnType::Bool => Some(insert.raw_bind_parameter(at, text == "t")),
        ColumnType::Bytes => bytes(&text).map(|bytes| insert.raw_bind_parameter(at, bytes)),
        ColumnType::Timestamp => Some(insert.raw_bind_parameter(at, text.replacen(' ', "T", 1))),
        ColumnType::TimestampTz => {
            let instant = text.replacen(' ', "T", 1);
            let utc = instant.strip_suffix("+00").map(|civil| format!("{civil}Z"));
            Some(insert.raw_bind_parameter(at, utc.unwrap_or(instant)))
        }
        ColumnType::Decimal(_) | ColumnType::Text | ColumnType::Date => None,
    };
    Ok(bound.unwrap_or_else(|| insert.raw_bind_parameter(at, &*text))?)
}

/// Reads `\x00ff`.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8]| u8::try_from(digit(pair[0])? * 16 + digit(*pair.get(1)?)?).ok();
    digits.chunks(2).map(byte).collect()
}
