//! `tables.db` in the run's folder: the tables that the tasks of one run hand on, each named by
//! the task that made it.

use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::column_type::{ColumnType, TypedColumn};
use super::error::OperatorError;
use super::select::{self, Select};
use crate::connection::sql::quote;
use crate::connection::{closest, did_you_mean};
use crate::runtime::attempt::Order;
use crate::types::ids::UNMAPPED;
use crate::types::io::{ColumnOrigin, ColumnRef, DatasetRef};

/// Tasks of one run write one after the other; a large table takes its time, and the task's own
/// timeout is what ends the waiting.
const BUSY_TIMEOUT: Duration = Duration::from_secs(600);

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableColumn {
    pub(super) name: String,
    /// As declared; may be empty.
    pub(super) declared_type: String,
}

/// Opens the run's tables, making the file (mode 0600) where there is none.
pub(super) fn open(order: &Order) -> Result<Connection, OperatorError> {
    let path = path(order);
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| OperatorError::io(&format!("open `{}`", path.display()), &error))?;
    let tables = Connection::open(&path)?;
    tables.busy_timeout(BUSY_TIMEOUT)?;
    // Readers must not wait for a task that loads a large file beside them.
    tables.pragma_update(None, "journal_mode", "wal")?;
    Ok(tables)
}

/// Returns the file.
pub(super) fn path(order: &Order) -> std::path::PathBuf {
    order.run_folder.join("tables.db")
}

/// Returns the name of the table that this task makes.
pub(super) fn result_name(order: &Order) -> String {
    let task = &order.key.task;
    match task.map_index {
        UNMAPPED => task.task_id.to_string(),
        index => format!("{}__{index}", task.task_id),
    }
}

/// Checks that there is such a table.
pub(super) fn find(tables: &Connection, name: &str) -> Result<(), OperatorError> {
    let known = names(tables)?;
    if known.iter().any(|table| table == name) {
        return Ok(());
    }
    let meant = closest(name, known.iter().map(String::as_str));
    let there_are = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(OperatorError::fatal(format!(
        "`input`: this run has no table `{name}`{} (there are: {there_are})",
        did_you_mean(meant.as_deref())
    )))
}

fn names(tables: &Connection) -> Result<Vec<String>, OperatorError> {
    let mut statement = tables.prepare(
        "select name from main.sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name",
    )?;
    let names = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(names)
}

/// Returns the columns of `schema`.`table`, in order; none where there is no such table.
pub(super) fn columns(
    database: &Connection,
    schema: &str,
    table: &str,
) -> Result<Vec<TableColumn>, OperatorError> {
    let mut statement =
        database.prepare("select name, type from pragma_table_info(?1, ?2) order by cid")?;
    let columns = statement
        .query_map([table, schema], |row| {
            Ok(TableColumn { name: row.get(0)?, declared_type: row.get(1)? })
        })?
        .collect::<Result<_, _>>()?;
    Ok(columns)
}

/// Makes a table, in place of what an earlier try left.
pub(super) fn make(
    database: &Connection,
    schema: &str,
    table: &str,
    columns: &[TableColumn],
) -> Result<(), OperatorError> {
    let table = format!("{schema}.{}", quote(table));
    let columns: Vec<_> = columns
        .iter()
        .map(|column| format!("{} {}", quote(&column.name), plain_type(&column.declared_type)))
        .collect();
    let columns = columns.join(", ");
    database.execute_batch(&format!(
        "drop table if exists {table}; create table {table} ({columns});"
    ))?;
    Ok(())
}

/// Returns a type's name where it is one that may stand in a definition unquoted.
fn plain_type(declared: &str) -> &str {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '(' | ')' | ',');
    if declared.chars().all(is_plain) { declared } else { "" }
}

/// Returns the columns that a statement gives, with the types that its tables declare.
pub(super) fn result_columns(statement: &rusqlite::Statement<'_>) -> Vec<TableColumn> {
    let columns = statement.columns();
    let names = unique(statement.column_names());
    let columns = columns.zip(names).map(|(column, name)| TableColumn {
        name,
        declared_type: column.decl_type().unwrap_or_default().to_owned(),
    });
    columns.collect()
}

/// Says what the columns of a `select` are and which columns they come from, as far as SQLite says
/// so; `named` gives the data set of a table of one of the open databases.
pub(super) fn result_origins(
    database: &Connection,
    sql: &str,
    named: impl Fn(&str, &str) -> DatasetRef,
) -> Result<Vec<ColumnRef>, OperatorError> {
    let statement = database.prepare(sql)?;
    let columns = result_columns(&statement);
    let origins = direct_origins(&statement, &named);
    let select = Select::of(sql);
    let count = columns.len();
    let mut left = select::NAMES_MAX;
    let columns = columns.into_iter().zip(origins).enumerate().map(|(at, (column, origin))| {
        let item = select.as_ref().and_then(|select| Some((select, select.item(at, count)?)));
        let origins = match (origin, item) {
            (Some(origin), _) => vec![origin],
            (None, Some((select, item))) => computed(database, select, item, &named, &mut left),
            (None, None) => Vec::new(),
        };
        ColumnRef { name: column.name, column_type: column.declared_type, origins }
    });
    Ok(columns.collect())
}

/// Returns the columns that a statement's columns take over as they are.
fn direct_origins(
    statement: &rusqlite::Statement<'_>,
    named: &impl Fn(&str, &str) -> DatasetRef,
) -> Vec<Option<ColumnOrigin>> {
    let columns = statement.columns_with_metadata();
    let origins = columns.map(|column| {
        let (database, table) = (column.database_name()?, column.table_name()?);
        let DatasetRef { namespace, name, .. } = named(database, table);
        let column = column.origin_name()?.to_owned();
        Some(ColumnOrigin { namespace, name, column, computed: false })
    });
    origins.collect()
}

/// Asks the database which columns the names in a computed item are.
fn computed(
    database: &Connection,
    select: &Select<'_>,
    item: &str,
    named: &impl Fn(&str, &str) -> DatasetRef,
    left: &mut usize,
) -> Vec<ColumnOrigin> {
    let mut found: Vec<ColumnOrigin> = Vec::new();
    for name in select::names(item) {
        if *left == 0 {
            break;
        }
        *left -= 1;
        // What is no column is a word that nobody listed.
        let Ok(statement) = database.prepare(&select.question(name)) else { continue };
        for origin in direct_origins(&statement, named).into_iter().flatten() {
            let origin = ColumnOrigin { computed: true, ..origin };
            if !found.contains(&origin) {
                found.push(origin);
            }
        }
    }
    found
}

/// Tells columns of one name apart as SQLite does: `id`, `id:1`.
pub(super) fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for name in names {
        let is_taken = |name: &str| taken.iter().any(|taken| taken.eq_ignore_ascii_case(name));
        let mut candidate = name.to_owned();
        let mut number = 0;
        while is_taken(&candidate) {
            number += 1;
            candidate = format!("{name}:{number}");
        }
        taken.push(candidate);
    }
    taken
}

/// Returns the columns of a table of `schema` with their types; where one declares none, its values
/// are looked at.
pub(super) fn typed_columns(
    database: &Connection,
    schema: &str,
    table: &str,
) -> Result<Vec<TypedColumn>, OperatorError> {
    let columns = columns(database, schema, table)?;
    columns
        .iter()
        .map(|column| match TypedColumn::declared(column) {
            Some(typed) => Ok(typed),
            None => by_values(database, schema, table, &column.name),
        })
        .collect()
}

fn by_values(
    database: &Connection,
    schema: &str,
    table: &str,
    column: &str,
) -> Result<TypedColumn, OperatorError> {
    let sql = format!("select distinct typeof({}) from {schema}.{}", quote(column), quote(table));
    let mut statement = database.prepare(&sql)?;
    let found: Vec<String> =
        statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let has = |kind: &str| found.iter().any(|found| found == kind);
    let column_type = if has("text") {
        ColumnType::Text
    } else if has("blob") {
        ColumnType::Bytes
    } else if has("real") {
        ColumnType::Float
    } else if has("integer") {
        ColumnType::Int
    } else {
        ColumnType::Text
    };
    Ok(TypedColumn { name: column.to_owned(), column_type, is_declared: false })
}

/// Shows `table` as `input` to the statements of this connection. Other tables of the run go by
/// their own names.
pub(super) fn expose_as_input(tables: &Connection, table: &str) -> Result<(), OperatorError> {
    find(tables, table)?;
    let sql = format!("create temp view input as select * from main.{}", quote(table));
    tables.execute_batch(&sql)?;
    Ok(())
}

/// Checks that `sql` is one statement that only reads; says what is wrong with it, by `key`.
pub(super) fn check_reads_only(
    tables: &mut Connection,
    key: &str,
    sql: &str,
) -> Result<(), OperatorError> {
    tables.authorizer(Some(|context: AuthContext<'_>| match context.action {
        AuthAction::Select
        | AuthAction::Read { .. }
        | AuthAction::Function { .. }
        | AuthAction::Recursive => Authorization::Allow,
        _ => Authorization::Deny,
    }))?;
    let checked = match tables.prepare(sql) {
        Ok(statement) if statement.column_count() > 0 && statement.readonly() => Ok(()),
        Ok(_) => Err(format!("`{key}` must be one `select`")),
        Err(rusqlite::Error::MultipleStatement) => {
            Err(format!("`{key}` must be one statement; there is something after the first"))
        }
        Err(error)
            if error.sqlite_error_code()
                == Some(rusqlite::ErrorCode::AuthorizationForStatementDenied) =>
        {
            Err(format!("`{key}` must be one `select`: it may only read"))
        }
        Err(error) => Err(format!("`{key}`: {}", plain(&error))),
    };
    tables.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
    checked.map_err(OperatorError::Fatal)
}

/// Returns SQLite's own words, without the statement that rusqlite repeats.
pub(super) fn plain(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    }
}
