//! Into SQLite: the run's tables are attached, and the rows go over in one statement.

use rusqlite::{Connection, TransactionBehavior};

use super::{LoadArgs, Loaded, Mode, check_key, key_is_not_unique, list, no_column, same};
use crate::connection::OpenConnection;
use crate::connection::sql::{quote, sqlite};
use crate::runtime::attempt::Order;
use crate::runtime::operator::column_type::TypedColumn;
use crate::runtime::operator::error::OperatorError;
use crate::runtime::operator::{observed, tables};

pub(super) fn load(
    order: &Order,
    connection: &OpenConnection,
    args: &LoadArgs,
) -> Result<Loaded, OperatorError> {
    let mut database = sqlite::open(connection, &order.project)?;
    database.execute("attach ?1 as run", [tables::path(order).to_string_lossy()])?;
    let input = tables::typed_columns(&database, "run", &args.input)?;
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    make_table(&transaction, &args.table, &input)?;
    check_columns(&transaction, args, &input)?;
    check_key(&transaction, args, &input)?;
    let rows = fill(&transaction, args, &input)?;
    transaction.commit()?;
    let path = sqlite::path(connection, &order.project)?;
    let table = observed::sqlite_table(&path, &args.table, Some(rows));
    let columns = input.iter().map(|c| (c.name.clone(), c.column_type.declared())).collect();
    Ok(Loaded { rows, table, input, columns })
}

fn make_table(
    database: &Connection,
    table: &str,
    input: &[TypedColumn],
) -> Result<(), OperatorError> {
    let columns: Vec<_> = input
        .iter()
        .map(|column| format!("{} {}", quote(&column.name), column.column_type.declared()))
        .collect();
    let sql = format!("create table if not exists main.{} ({})", quote(table), columns.join(", "));
    Ok(database.execute_batch(&sql)?)
}

fn check_columns(
    database: &Connection,
    args: &LoadArgs,
    input: &[TypedColumn],
) -> Result<(), OperatorError> {
    let target = tables::columns(database, "main", &args.table)?;
    for column in input {
        let Some(known) = target.iter().find(|known| same(&known.name, &column.name)) else {
            let known = target.iter().map(|column| column.name.as_str());
            return Err(no_column(args, &column.name, known));
        };
        let Some(known) = TypedColumn::declared(known) else { continue };
        if column.is_declared && !super::fits(column.column_type, known.column_type) {
            let expected = known.column_type.name();
            return Err(super::misfit(args, column, &expected));
        }
    }
    Ok(())
}

/// Returns how many rows the input has.
fn fill(
    database: &Connection,
    args: &LoadArgs,
    input: &[TypedColumn],
) -> Result<u64, OperatorError> {
    let table = quote(&args.table);
    let columns = list(input.iter().map(|column| column.name.as_str()));
    // In the order of the input: of two rows with one key, the later wins.
    let mut sql = format!(
        "insert into main.{table} ({columns}) select {columns} from run.{} where true order by rowid",
        quote(&args.input)
    );
    match &args.mode {
        Mode::Append => {}
        Mode::Replace => {
            database.execute_batch(&format!("delete from main.{table}"))?;
        }
        Mode::Merge { key } => {
            make_unique(database, &args.table, key)?;
            sql.push_str(&on_conflict(input, key));
        }
    }
    database.execute(&sql, [])?;
    let count = format!("select count(*) from run.{}", quote(&args.input));
    let rows: i64 = database.query_row(&count, [], |row| row.get(0))?;
    Ok(rows.unsigned_abs())
}

fn make_unique(database: &Connection, table: &str, key: &[String]) -> Result<(), OperatorError> {
    let index = format!("{table}_{}_key", key.join("_"));
    let sql = format!(
        "create unique index if not exists main.{} on {} ({})",
        quote(&index),
        quote(table),
        list(key.iter().map(String::as_str))
    );
    database.execute_batch(&sql).map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => key_is_not_unique(table, key),
        _ => error.into(),
    })
}

fn on_conflict(input: &[TypedColumn], key: &[String]) -> String {
    let target = list(key.iter().map(String::as_str));
    let updates: Vec<_> = input
        .iter()
        .filter(|column| !key.iter().any(|name| name.eq_ignore_ascii_case(&column.name)))
        .map(|column| format!("{0} = excluded.{0}", quote(&column.name)))
        .collect();
    if updates.is_empty() {
        return format!(" on conflict ({target}) do nothing");
    }
    format!(" on conflict ({target}) do update set {}", updates.join(", "))
}
