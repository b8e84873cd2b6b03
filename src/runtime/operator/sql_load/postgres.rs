//! Into PostgreSQL: the rows go over by COPY, all in one transaction.
//!
//! `append` and `replace` copy right into the table: the transaction alone keeps it as it was until
//! the end, and those who read it are not held up. `merge` copies into a temporary table first.

use std::pin::pin;

use futures_util::SinkExt;
use hyper::body::Bytes;
use rusqlite::Connection;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Transaction};

use super::{
    LoadArgs, Loaded, Mode, check_key, fits, key_is_not_unique, list, misfit, no_column, same,
};
use crate::connection::OpenConnection;
use crate::connection::sql::quote;
use crate::runtime::attempt::Order;
use crate::runtime::operator::column_type::{ColumnType, TypedColumn};
use crate::runtime::operator::error::OperatorError;
use crate::runtime::operator::postgres::{copy, target, types, with_session};
use crate::runtime::operator::tables;
use crate::types::io::DatasetRef;

/// How much is handed over at a time. One piece is made while the server reads another: what lies
/// between is bounded by this and by the socket's buffer.
const PIECE_LEN: usize = 256 << 10;

/// The temporary table of `merge`, with a number for each row in the order of the input.
const STAGE: &str = "pg_temp.dagdeck_stage";
const STAGE_ROW: &str = "dagdeck_row";

/// A column of the server's table that the input fills.
struct Filled {
    /// As the server has it.
    name: String,
    /// As the server writes it, such as `numeric(12,2)`.
    declared: String,
    taken: ColumnType,
}

pub(super) fn load(
    order: &Order,
    connection: &OpenConnection,
    args: &LoadArgs,
) -> Result<Loaded, OperatorError> {
    let database = Connection::open_in_memory()?;
    database.execute("attach ?1 as run", [tables::path(order).to_string_lossy()])?;
    let input = tables::typed_columns(&database, "run", &args.input)?;
    check_key(&database, args, &input)?;
    let target = target(order, connection)?;
    let (from, to) = (&input, &target);
    let (rows, table, columns) = with_session(to, async move |client| {
        let (rows, schema, filled) = in_transaction(client, args, from, &database).await?;
        let columns: Vec<_> = filled.into_iter().map(|c| (c.name, c.declared)).collect();
        let bare = args.table.split_once('.').map_or(args.table.as_str(), |(_, table)| table);
        Ok((rows, to.dataset(&schema, bare), columns))
    })?;
    let (namespace, name) = table;
    let table = DatasetRef { rows: Some(rows), ..DatasetRef::new(namespace, name) };
    Ok(Loaded { rows, table, input, columns })
}

async fn in_transaction(
    client: &mut Client,
    args: &LoadArgs,
    input: &[TypedColumn],
    database: &Connection,
) -> Result<(u64, String, Vec<Filled>), OperatorError> {
    let transaction = client.transaction().await?;
    let table = quoted_table(&args.table);
    // One load of a table after the other: two that make it, or merge into it, would not know of
    // each other.
    transaction.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", &[&table]).await?;
    let filled = match known_columns(&transaction, &table).await? {
        known if known.is_empty() => make_table(&transaction, &table, input).await?,
        known => check_columns(args, input, known)?,
    };
    let rows = match &args.mode {
        Mode::Append => copy_into(&transaction, &table, args, input, &filled, database).await?,
        Mode::Replace => {
            transaction.batch_execute(&format!("delete from {table}")).await?;
            copy_into(&transaction, &table, args, input, &filled, database).await?
        }
        Mode::Merge { key } => {
            let key = key_columns(key, input, &filled);
            make_stage(&transaction, &filled).await?;
            let rows = copy_into(&transaction, STAGE, args, input, &filled, database).await?;
            make_unique(&transaction, args, &table, &key).await?;
            merge(&transaction, &table, &filled, &key).await?;
            rows
        }
    };
    let schema = "select relnamespace::regnamespace::text from pg_class
        where oid = to_regclass($1::text)";
    let schema = transaction.query_one(schema, &[&table]).await?.try_get(0)?;
    transaction.commit().await?;
    Ok((rows, schema, filled))
}

/// A point stands between schema and table.
fn quoted_table(name: &str) -> String {
    match name.split_once('.') {
        Some((schema, table)) => format!("{}.{}", quote(schema), quote(table)),
        None => quote(name),
    }
}

/// A column as the server's catalogue has it.
struct Known {
    column: Filled,
    is_generated: bool,
}

/// Returns the columns of a table; none where it is not there.
async fn known_columns(
    transaction: &Transaction<'_>,
    table: &str,
) -> Result<Vec<Known>, OperatorError> {
    let sql = "
        select a.attname::text, format_type(a.atttypid, a.atttypmod),
               case when t.typtype = 'd' then t.typbasetype else a.atttypid end, a.atttypmod,
               a.attgenerated <> '' or a.attidentity = 'a'
        from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = to_regclass($1::text) and a.attnum > 0 and not a.attisdropped
        order by a.attnum";
    let rows = transaction.query(sql, &[&table]).await?;
    rows.iter()
        .map(|row| {
            let kind = Type::from_oid(row.try_get(2)?).unwrap_or(Type::TEXT);
            let taken = types::of_server(&kind, row.try_get(3)?);
            let column = Filled { name: row.try_get(0)?, declared: row.try_get(1)?, taken };
            Ok(Known { column, is_generated: row.try_get(4)? })
        })
        .collect()
}

async fn make_table(
    transaction: &Transaction<'_>,
    table: &str,
    input: &[TypedColumn],
) -> Result<Vec<Filled>, OperatorError> {
    let filled: Vec<_> = input
        .iter()
        .map(|column| Filled {
            name: column.name.clone(),
            declared: types::declared(column.column_type),
            taken: column.column_type,
        })
        .collect();
    transaction.batch_execute(&format!("create table {table} ({})", definitions(&filled))).await?;
    Ok(filled)
}

fn definitions(columns: &[Filled]) -> String {
    let columns = columns.iter().map(|c| format!("{} {}", quote(&c.name), c.declared));
    columns.collect::<Vec<_>>().join(", ")
}

/// Finds the column of the table for each of the input.
fn check_columns(
    args: &LoadArgs,
    input: &[TypedColumn],
    mut known: Vec<Known>,
) -> Result<Vec<Filled>, OperatorError> {
    let mut filled = Vec::new();
    for column in input {
        let exact = known.iter().position(|known| known.column.name == column.name);
        let alike = || known.iter().position(|known| same(&known.column.name, &column.name));
        let Some(at) = exact.or_else(alike) else {
            let names = filled.iter().chain(known.iter().map(|known| &known.column));
            return Err(no_column(args, &column.name, names.map(|c: &Filled| c.name.as_str())));
        };
        let Known { column: found, is_generated } = known.remove(at);
        if is_generated {
            return Err(OperatorError::Fatal(format!(
                "column `{}` of table `{}` is made by the database: leave it out of the input",
                found.name, args.table
            )));
        }
        if column.is_declared && !fits(column.column_type, found.taken) {
            return Err(misfit(args, column, &found.declared));
        }
        filled.push(found);
    }
    Ok(filled)
}

async fn copy_into(
    transaction: &Transaction<'_>,
    table: &str,
    args: &LoadArgs,
    input: &[TypedColumn],
    filled: &[Filled],
    database: &Connection,
) -> Result<u64, OperatorError> {
    let columns = list(filled.iter().map(|column| column.name.as_str()));
    let sql = format!("copy {table} ({columns}) from stdin");
    let mut sink = pin!(transaction.copy_in::<_, Bytes>(&sql).await?);
    let names = list(input.iter().map(|column| column.name.as_str()));
    let sql = format!("select {names} from run.{} order by rowid", quote(&args.input));
    let mut statement = database.prepare(&sql)?;
    let mut found = statement.query([])?;
    let mut piece = Vec::with_capacity(PIECE_LEN + PIECE_LEN / 8);
    let mut rows = 0;
    while let Some(row) = found.next()? {
        for (at, column) in filled.iter().enumerate() {
            if at > 0 {
                piece.push(b'\t');
            }
            copy::write_field(&mut piece, row.get_ref(at)?, column.taken);
        }
        piece.push(b'\n');
        rows += 1;
        if piece.len() >= PIECE_LEN {
            let next = Vec::with_capacity(piece.capacity());
            sink.send(Bytes::from(std::mem::replace(&mut piece, next))).await?;
        }
    }
    sink.send(Bytes::from(piece)).await?;
    sink.as_mut().finish().await?;
    Ok(rows)
}

/// Returns the names of the key's columns as the table has them.
fn key_columns(key: &[String], input: &[TypedColumn], filled: &[Filled]) -> Vec<String> {
    let of = |name: &String| {
        let at = input.iter().position(|column| same(&column.name, name));
        at.and_then(|at| filled.get(at)).map_or_else(|| name.clone(), |found| found.name.clone())
    };
    key.iter().map(of).collect()
}

async fn make_stage(transaction: &Transaction<'_>, filled: &[Filled]) -> Result<(), OperatorError> {
    let sql = format!(
        "create temp table {STAGE} ({}, {STAGE_ROW} bigint generated always as identity) \
         on commit drop",
        definitions(filled)
    );
    Ok(transaction.batch_execute(&sql).await?)
}

/// Sees to it that no two rows of the table have the same key.
async fn make_unique(
    transaction: &Transaction<'_>,
    args: &LoadArgs,
    table: &str,
    key: &[String],
) -> Result<(), OperatorError> {
    let sql = "
        select exists (
            select from pg_index i
            where i.indrelid = to_regclass($1::text) and i.indisunique and i.indisvalid
              and i.indimmediate and i.indpred is null and i.indexprs is null
              and (select array_agg(a.attname::text order by a.attname::text)
                   from pg_attribute a
                   where a.attrelid = i.indrelid
                     and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1]))
                  = (select array_agg(k order by k) from unnest($2::text[]) k))";
    let is_unique: bool = transaction.query_one(sql, &[&table, &key]).await?.try_get(0)?;
    if is_unique {
        return Ok(());
    }
    let columns = list(key.iter().map(String::as_str));
    let sql = format!("create unique index on {table} ({columns})");
    transaction.batch_execute(&sql).await.map_err(|error| {
        if error.code() == Some(&SqlState::UNIQUE_VIOLATION) {
            return key_is_not_unique(&args.table, key);
        }
        error.into()
    })
}

/// Of two rows with one key, the later wins.
async fn merge(
    transaction: &Transaction<'_>,
    table: &str,
    filled: &[Filled],
    key: &[String],
) -> Result<(), OperatorError> {
    let columns = list(filled.iter().map(|column| column.name.as_str()));
    let on = list(key.iter().map(String::as_str));
    let updates: Vec<_> = filled
        .iter()
        .filter(|column| !key.contains(&column.name))
        .map(|column| format!("{0} = excluded.{0}", quote(&column.name)))
        .collect();
    let action = match updates.as_slice() {
        [] => "nothing".to_owned(),
        updates => format!("update set {}", updates.join(", ")),
    };
    let sql = format!(
        "insert into {table} ({columns}) \
         select distinct on ({on}) {columns} from {STAGE} order by {on}, {STAGE_ROW} desc \
         on conflict ({on}) do {action}"
    );
    Ok(transaction.batch_execute(&sql).await?)
}
