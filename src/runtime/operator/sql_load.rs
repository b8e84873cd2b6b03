//! `sql.load`: a table of the run into a database, in one transaction.
//!
//! `merge` keeps a unique index on the key, so that a row is known again: loading the same rows
//! twice leaves the same table.

use rusqlite::{Connection, TransactionBehavior};
use serde_json::json;

use super::args::Args;
use super::error::OperatorError;
use super::tables::{self, TableColumn};
use crate::connection::sql::{self, quote};
use crate::connection::{closest, did_you_mean, find};
use crate::runtime::attempt::{Order, Private};
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;

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
    let mut database = sql::open(connection, &order.project)?;
    database.execute("attach ?1 as run", [tables::path(order).to_string_lossy()])?;
    let input = tables::columns(&database, "run", &args.input)?;
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    make_table(&transaction, &args.table, &input)?;
    check_columns(&transaction, &args, &input)?;
    let rows = load(&transaction, &args, &input)?;
    transaction.commit()?;
    log.say(&format!("{rows} rows into `{}` of `{}`", args.table, args.connection));
    Ok(Outcome::output(json!({ "table": args.table, "rows": rows })))
}

fn make_table(
    database: &Connection,
    table: &str,
    input: &[TableColumn],
) -> Result<(), OperatorError> {
    let columns: Vec<_> = input
        .iter()
        .map(|column| format!("{} {}", quote(&column.name), declared(&column.declared_type)))
        .collect();
    let sql = format!("create table if not exists main.{} ({})", quote(table), columns.join(", "));
    Ok(database.execute_batch(&sql)?)
}

/// Returns a type's name where it is one that may stand in a definition unquoted.
fn declared(declared_type: &str) -> &str {
    let is_plain = declared_type.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ');
    if is_plain { declared_type } else { "" }
}

fn check_columns(
    database: &Connection,
    args: &LoadArgs,
    input: &[TableColumn],
) -> Result<(), OperatorError> {
    let target = tables::columns(database, "main", &args.table)?;
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    for column in input {
        if !target.iter().any(|known| same(&known.name, &column.name)) {
            let names: Vec<_> = target.iter().map(|column| column.name.as_str()).collect();
            return Err(OperatorError::Fatal(format!(
                "table `{}` has no column `{}` (it has {}): add it, or leave it out of the input",
                args.table,
                column.name,
                names.join(", ")
            )));
        }
    }
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

fn load(
    database: &Connection,
    args: &LoadArgs,
    input: &[TableColumn],
) -> Result<usize, OperatorError> {
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
    Ok(database.execute(&sql, [])?)
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
        Some(rusqlite::ErrorCode::ConstraintViolation) => OperatorError::Fatal(format!(
            "`key`: table `{table}` already holds several rows with the same {}",
            key.join(", ")
        )),
        _ => error.into(),
    })
}

fn on_conflict(input: &[TableColumn], key: &[String]) -> String {
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

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(quote).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
