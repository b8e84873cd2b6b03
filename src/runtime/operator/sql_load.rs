//! `sql.load`: a table of the run into a database, in one transaction.
//!
//! `append` adds the rows, `replace` leaves only them, `merge` replaces rows with a known key: it
//! keeps a unique index on the key, so that loading the same rows twice leaves the same table. A
//! table that is not there is made; one that is there must fit. What ends half-way leaves the table
//! as it was.

mod postgres;
mod sqlite;

use rusqlite::Connection;
use serde_json::json;

use super::args::Args;
use super::column_type::{ColumnType, TypedColumn};
use super::error::OperatorError;
use super::{observed, tables};
use crate::connection::sql::{self, quote};
use crate::connection::{closest, did_you_mean, find};
use crate::runtime::attempt::{Order, Private};
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;
use crate::types::io::{ColumnOrigin, ColumnRef, DatasetRef, Observed};

#[derive(Debug, Clone, PartialEq)]
enum Mode {
    Append,
    Replace,
    Merge { key: Vec<String> },
}

struct LoadArgs {
    input: String,
    connection: String,
    table: String,
    mode: Mode,
}

impl LoadArgs {
    fn read(args: Args<'_>) -> Result<Self, OperatorError> {
        let key = args.texts_or_none("key")?.unwrap_or_default();
        let mode = match args.text_or_none("mode")?.as_deref() {
            None | Some("append") => Mode::Append,
            Some("replace") => Mode::Replace,
            Some("merge") if key.is_empty() => {
                return Err(OperatorError::fatal("`key` is missing: `merge` needs it"));
            }
            Some("merge") => Mode::Merge { key },
            Some(other) => {
                return Err(OperatorError::fatal(format!(
                    "`mode` is `{other}`; expected `append`, `replace` or `merge`"
                )));
            }
        };
        let table = args.text("table")?;
        if table.is_empty() {
            return Err(OperatorError::fatal("`table` is empty"));
        }
        Ok(Self { input: args.text("input")?, connection: args.text("connection")?, table, mode })
    }
}

pub(super) fn run(
    order: &Order,
    private: &Private,
    log: &TaskLog,
) -> Result<Outcome, OperatorError> {
    let args = LoadArgs::read(Args(&order.args))?;
    tables::find(&tables::open(order)?, &args.input)?;
    let connection = find(&private.connections, &args.connection)?;
    let loaded = match sql::kind(connection)? {
        sql::Kind::Sqlite => sqlite::load(order, connection, &args)?,
        sql::Kind::Postgres => postgres::load(order, connection, &args)?,
    };
    let rows = loaded.rows;
    observe(order, &args, loaded, log)?;
    log.say(&format!("{rows} rows into `{}` of `{}`", args.table, args.connection));
    Ok(Outcome::output(json!({ "table": args.table, "rows": rows })))
}

/// What has been loaded, and into which columns of what.
struct Loaded {
    rows: u64,
    /// Without its columns.
    table: DatasetRef,
    input: Vec<TypedColumn>,
    /// As the table has them, one for each of the input.
    columns: Vec<(String, String)>,
}

fn observe(
    order: &Order,
    args: &LoadArgs,
    loaded: Loaded,
    log: &TaskLog,
) -> Result<(), OperatorError> {
    let read = observed::run_table(order, &args.input, Some(loaded.rows), Vec::new());
    let columns = loaded.columns.into_iter().zip(&loaded.input);
    let columns = columns.map(|((name, column_type), from)| ColumnRef {
        name,
        column_type,
        origins: vec![ColumnOrigin {
            namespace: read.namespace.clone(),
            name: read.name.clone(),
            column: from.name.clone(),
            computed: false,
        }],
    });
    let written = DatasetRef { columns: columns.collect(), ..loaded.table };
    let told = Observed { inputs: vec![read], outputs: vec![written], checks: Vec::new() };
    observed::write(order, &told, log)
}

/// Checks that the key's columns are in the input, and that no row is without one. The input is in
/// `run` of this database.
fn check_key(
    database: &Connection,
    args: &LoadArgs,
    input: &[TypedColumn],
) -> Result<(), OperatorError> {
    let Mode::Merge { key } = &args.mode else { return Ok(()) };
    for name in key {
        if !input.iter().any(|column| same(&column.name, name)) {
            let meant = closest(name, input.iter().map(|column| column.name.as_str()));
            return Err(OperatorError::Fatal(format!(
                "`key`: the input has no column `{name}`{}",
                did_you_mean(meant.as_deref())
            )));
        }
        let sql = format!(
            "select count(*) from run.{} where {} is null",
            quote(&args.input),
            quote(name)
        );
        let missing: i64 = database.query_row(&sql, [], |row| row.get(0))?;
        if missing > 0 {
            return Err(OperatorError::Fatal(format!(
                "`key`: {missing} rows have no value in `{name}`; they could not be known again"
            )));
        }
    }
    Ok(())
}

/// Complains about a column of the input that the table does not have.
fn no_column<'a>(
    args: &LoadArgs,
    column: &str,
    known: impl Iterator<Item = &'a str>,
) -> OperatorError {
    let known: Vec<_> = known.collect();
    OperatorError::Fatal(format!(
        "table `{}` has no column `{column}` (it has {}): add it, or leave it out of the input",
        args.table,
        known.join(", ")
    ))
}

/// Says whether values of one type go into a column of another and lose nothing.
fn fits(found: ColumnType, taken: ColumnType) -> bool {
    use ColumnType::{Bool, Bytes, Date, Decimal, Float, Int, Text, Timestamp, TimestampTz};
    match (found, taken) {
        (Bytes, Bytes) => true,
        (Bytes, _) | (_, Bytes) => false,
        (_, Text) => true,
        (Int, Int | Float | Decimal(_))
        | (Float | Decimal(_), Float | Decimal(_))
        | (Bool, Bool)
        | (Date, Date | Timestamp)
        | (Timestamp, Timestamp)
        | (TimestampTz, TimestampTz) => true,
        (Int | Float | Decimal(_) | Bool | Date | Timestamp | TimestampTz | Text, _) => false,
    }
}

/// Complains about a column whose values do not fit.
fn misfit(args: &LoadArgs, column: &TypedColumn, expected: &str) -> OperatorError {
    OperatorError::Fatal(format!(
        "column `{}` of table `{}` is {expected}; in the input it is {}",
        column.name,
        args.table,
        column.column_type.name()
    ))
}

/// Complains about rows that a unique index on the key does not allow.
fn key_is_not_unique(table: &str, key: &[String]) -> OperatorError {
    let key = key.join(", ");
    OperatorError::Fatal(format!(
        "`key`: table `{table}` already holds several rows with the same {key}"
    ))
}

/// Says whether two names mean one column, as databases take them.
fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(quote).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
