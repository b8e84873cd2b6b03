//! `csv.extract`: a CSV file into a table of the run; rows that do not fit are rejected beside
//! the attempt, counted and shown, or end it.
//!
//! With a `schema` the table has its columns, in its order; columns of the file that it does not
//! name are left out. Without one all columns are taken, and their types inferred from all rows.

mod column_type;
mod source;

use std::os::unix::fs::OpenOptionsExt;

use rusqlite::types::Value as Sql;
use rusqlite::{Transaction, TransactionBehavior, params_from_iter};
use serde_json::json;

use self::column_type::{ColumnType, Inference};
use self::source::{Row, Source};
use super::args::Args;
use super::error::OperatorError;
use super::object::local_file;
use super::tables;
use crate::connection::sql::quote;
use crate::connection::{closest, did_you_mean};
use crate::runtime::attempt::{Order, Private};
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;

/// So many rejected rows are told in the log; all are in `rejected.csv`.
const REJECTED_TOLD_MAX: u64 = 20;

struct ExtractArgs {
    source: String,
    /// Empty: inferred.
    schema: Vec<(String, ColumnType)>,
    rejects: bool,
    delimiter: u8,
}

impl ExtractArgs {
    fn read(args: Args<'_>) -> Result<Self, OperatorError> {
        let mut schema = Vec::new();
        for (column, value) in args.table("schema")? {
            let written = value.as_str().unwrap_or_default();
            let column_type = ColumnType::parse(written).ok_or_else(|| {
                OperatorError::fatal(format!(
                    "`schema`: type of `{column}` is {value}; expected one of {}",
                    ColumnType::NAMES
                ))
            })?;
            schema.push((column, column_type));
        }
        let rejects = match args.text_or_none("on_bad_row")?.as_deref() {
            None | Some("reject") => true,
            Some("fail") => false,
            Some(other) => {
                return Err(OperatorError::fatal(format!(
                    "`on_bad_row` is `{other}`; expected `reject` or `fail`"
                )));
            }
        };
        let delimiter = args.text_or_none("delimiter")?.unwrap_or_else(|| ",".to_owned());
        let delimiter = match delimiter.as_str() {
            "\\t" | "tab" => b'\t',
            one if one.len() == 1 => one.as_bytes()[0],
            _ => return Err(OperatorError::fatal("`delimiter` must be one character")),
        };
        Ok(Self { source: args.text("source")?, schema, rejects, delimiter })
    }
}

/// Where a column of the table is found in the file.
struct Wanted {
    at: usize,
    name: String,
    column_type: ColumnType,
}

pub(super) fn run(
    order: &Order,
    private: &Private,
    log: &TaskLog,
) -> Result<Outcome, OperatorError> {
    let args = ExtractArgs::read(Args(&order.args))?;
    let path = local_file(order, private, log, &args.source)?;
    let open = || Source::open(&args.source, &path, args.delimiter);
    let mut source = open()?;
    let wanted = if args.schema.is_empty() {
        infer(open()?)?
    } else {
        by_schema(&args, &source.header, log)?
    };
    let table = tables::result_name(order);
    let mut database = tables::open(order)?;
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    make_table(&transaction, &table, &wanted)?;
    let mut rejected = Rejected::new(order, &args, &source.header)?;
    let rows = fill(&transaction, &table, &wanted, &mut source, &mut rejected, log)?;
    rejected.finish(log)?;
    transaction.commit()?;
    log.say(&format!("{rows} rows in `{table}`, {} rejected", rejected.count));
    Ok(Outcome::output(json!({ "table": table, "rows": rows, "rejected": rejected.count })))
}

fn by_schema(
    args: &ExtractArgs,
    header: &[String],
    log: &TaskLog,
) -> Result<Vec<Wanted>, OperatorError> {
    let mut wanted = Vec::new();
    for (name, column_type) in &args.schema {
        let Some(at) = header.iter().position(|column| column == name) else {
            let meant = closest(name, header.iter().map(String::as_str));
            return Err(OperatorError::Fatal(format!(
                "`schema`: `{}` has no column `{name}`{} (it has {})",
                args.source,
                did_you_mean(meant.as_deref()),
                header.join(", ")
            )));
        };
        wanted.push(Wanted { at, name: name.clone(), column_type: *column_type });
    }
    let left_out: Vec<_> = header
        .iter()
        .filter(|column| !args.schema.iter().any(|(name, _)| name == *column))
        .map(String::as_str)
        .collect();
    if !left_out.is_empty() {
        log.say(&format!("left out, not in the schema: {}", left_out.join(", ")));
    }
    Ok(wanted)
}

fn infer(mut source: Source) -> Result<Vec<Wanted>, OperatorError> {
    let width = source.header.len();
    let mut inferences = vec![Inference::default(); width];
    while let Some(row) = source.next()? {
        if row.fields.len() == width {
            inferences.iter_mut().zip(&row.fields).for_each(|(column, field)| column.see(field));
        }
    }
    let columns = source.header.into_iter().zip(inferences).enumerate();
    Ok(columns
        .map(|(at, (name, inference))| Wanted { at, name, column_type: inference.column_type() })
        .collect())
}

fn make_table(
    transaction: &Transaction<'_>,
    table: &str,
    wanted: &[Wanted],
) -> Result<(), OperatorError> {
    let columns: Vec<_> = wanted
        .iter()
        .map(|column| format!("{} {}", quote(&column.name), column.column_type.declared()))
        .collect();
    let table = quote(table);
    transaction.execute_batch(&format!(
        "drop table if exists {table}; create table {table} ({});",
        columns.join(", ")
    ))?;
    Ok(())
}

fn fill(
    transaction: &Transaction<'_>,
    table: &str,
    wanted: &[Wanted],
    source: &mut Source,
    rejected: &mut Rejected,
    log: &TaskLog,
) -> Result<u64, OperatorError> {
    let places = vec!["?"; wanted.len()].join(", ");
    let sql = format!("insert into {} values ({places})", quote(table));
    let mut insert = transaction.prepare(&sql)?;
    let width = source.header.len();
    let mut rows = 0;
    while let Some(row) = source.next()? {
        match convert(&row, wanted, width) {
            Ok(values) => {
                insert.execute(params_from_iter(values))?;
                rows += 1;
            }
            Err(reason) => rejected.take(&row, &reason, log)?,
        }
    }
    Ok(rows)
}

fn convert(row: &Row, wanted: &[Wanted], width: usize) -> Result<Vec<Sql>, String> {
    if row.fields.len() != width {
        return Err(format!("{} fields where the header has {width}", row.fields.len()));
    }
    wanted
        .iter()
        .map(|column| {
            let field = &row.fields[column.at];
            column.column_type.read(field).ok_or_else(|| {
                format!("`{}` is `{field}`, not {}", column.name, article(column.column_type))
            })
        })
        .collect()
}

fn article(column_type: ColumnType) -> String {
    let name = column_type.name();
    if column_type == ColumnType::Int { format!("an {name}") } else { format!("a {name}") }
}

/// The rows that did not fit: `rejected.csv` in the attempt's folder.
struct Rejected {
    source: String,
    may_reject: bool,
    writer: csv::Writer<std::fs::File>,
    count: u64,
}

impl Rejected {
    fn new(order: &Order, args: &ExtractArgs, header: &[String]) -> Result<Self, OperatorError> {
        let path = order.folder.join("rejected.csv");
        let file = std::fs::OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| OperatorError::io(&format!("write `{}`", path.display()), &error))?;
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
        let columns = ["line", "reason"].into_iter().chain(header.iter().map(String::as_str));
        writer.write_record(columns).map_err(|error| unwritten(&error))?;
        Ok(Self { source: args.source.clone(), may_reject: args.rejects, writer, count: 0 })
    }

    fn take(&mut self, row: &Row, reason: &str, log: &TaskLog) -> Result<(), OperatorError> {
        let line = row.line;
        if !self.may_reject {
            return Err(OperatorError::Fatal(format!("`{}`, line {line}: {reason}", self.source)));
        }
        self.count += 1;
        if self.count <= REJECTED_TOLD_MAX {
            log.say(&format!("rejected line {line}: {reason}"));
        }
        let line = line.to_string();
        let fields =
            [line.as_str(), reason].into_iter().chain(row.fields.iter().map(String::as_str));
        self.writer.write_record(fields).map_err(|error| unwritten(&error))
    }

    fn finish(&mut self, log: &TaskLog) -> Result<(), OperatorError> {
        if self.count > REJECTED_TOLD_MAX {
            log.say(&format!("… and {} more, all in rejected.csv", self.count - REJECTED_TOLD_MAX));
        }
        self.writer.flush().map_err(|error| OperatorError::io("write `rejected.csv`", &error))
    }
}

fn unwritten(error: &csv::Error) -> OperatorError {
    OperatorError::passing(format!("write `rejected.csv`: {error}"))
}

#[cfg(test)]
mod tests;
