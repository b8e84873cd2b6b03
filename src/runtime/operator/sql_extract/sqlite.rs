//! Out of SQLite: the run's tables are attached, and the rows go over in one statement.

use rusqlite::Connection;

use crate::connection::OpenConnection;
use crate::connection::sql::{quote, sqlite};
use crate::runtime::attempt::Order;
use crate::runtime::operator::error::OperatorError;
use crate::runtime::operator::{observed, tables};
use crate::types::io::ColumnRef;

pub(super) fn extract(
    order: &Order,
    connection: &OpenConnection,
    sql: &str,
) -> Result<(u64, Vec<ColumnRef>), OperatorError> {
    // Makes the file where there is none.
    drop(tables::open(order)?);
    let mut database = sqlite::open(connection, &order.project)?;
    tables::check_reads_only(&mut database, "sql", sql)?;
    database.execute("attach ?1 as run", [tables::path(order).to_string_lossy()])?;
    let table = tables::result_name(order);
    let path = sqlite::path(connection, &order.project)?;
    let (columns, origins) = {
        let statement = database.prepare(sql)?;
        let named = |_: &str, table: &str| observed::sqlite_table(&path, table, None);
        let origins = tables::result_origins(&database, sql, named)?;
        (tables::result_columns(&statement), origins)
    };
    // Deferred: the database that is read is not locked for others who write.
    let transaction = database.transaction()?;
    tables::make(&transaction, "run", &table, &columns)?;
    let rows = fill(&transaction, &table, sql)?;
    transaction.commit()?;
    Ok((rows, origins))
}

fn fill(database: &Connection, table: &str, sql: &str) -> Result<u64, OperatorError> {
    let insert = format!("insert into run.{} {sql}", quote(table));
    let rows = database.execute(&insert, []).map_err(|error| match OperatorError::from(error) {
        OperatorError::Fatal(text) => OperatorError::fatal(format!("`sql`: {text}")),
        other => other,
    })?;
    Ok(rows as u64)
}
