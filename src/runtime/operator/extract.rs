//! `csv.extract`, `json.extract`, `parquet.extract`: files into a table of the run, row by row; rows
//! that do not fit are rejected beside the attempt, counted and shown, or end it.
//!
//! With a `schema` the table has its columns, in its order; what else the file has is left out.
//! Without one all columns are taken, and their types are the file's own, or else inferred from all
//! rows: the files are read twice. Either way the result says the schema.

mod csv;
mod field;
mod files;
mod json;
mod parquet;
mod rejected;
mod rows;
mod text;

use std::path::Path;

use rusqlite::{Statement, TransactionBehavior};
use serde_json::{Map, Value};

pub(super) use self::field::Cell;
use self::field::Inference;
use self::files::SourceFile;
pub(super) use self::rejected::{BadRow, Rejected, rejects};
pub(super) use self::rows::Files;
use super::args::Args;
use super::column_type::ColumnType;
use super::error::OperatorError;
use super::observed;
use super::tables::{self, TableColumn};
use crate::connection::sql::quote;
use crate::connection::{closest, did_you_mean};
use crate::runtime::attempt::{Order, Private};
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;
use crate::types::io::{ColumnRef, DatasetRef, Observed};

/// A file that is read row by row.
pub(super) trait Cursor {
    /// What all columns are called, for the file of rejected rows.
    fn header(&self) -> Vec<String>;
    /// Moves to the next row; false: there is none.
    fn advance(&mut self) -> Result<bool, OperatorError>;
    /// Says why what it stands on is no row.
    fn complaint(&self) -> Option<String>;
    /// Returns the cell of a wanted column.
    fn cell(&self, at: usize) -> Cell<'_>;
    /// Where it stands: a line, or the number of a row.
    fn position(&self) -> u64;
    /// What is counted so.
    fn unit(&self) -> &'static str {
        "line"
    }
    /// The row as it stands in the file.
    fn raw(&self) -> Vec<String>;
}

/// How the files are read.
enum Format {
    Csv(csv::Options),
    Json(text::Encoding),
    Parquet,
}

impl Format {
    fn open(&self, file: &SourceFile, wanted: &[Wanted]) -> Result<Box<dyn Cursor>, OperatorError> {
        let wanted = Some(wanted);
        match self {
            Self::Csv(options) => Ok(Box::new(csv::Rows::open(file, options, wanted)?)),
            Self::Json(encoding) => Ok(Box::new(json::Rows::open(file, *encoding, wanted)?)),
            Self::Parquet => Ok(Box::new(parquet::Rows::open(file, wanted)?)),
        }
    }
}

struct ExtractArgs {
    source: String,
    /// Empty: inferred.
    schema: Vec<Wanted>,
    rejects: bool,
    /// Texts that stand for nothing, beside the empty one.
    nulls: Vec<String>,
    format: Format,
}

/// A column of the table.
#[derive(Debug, Clone, PartialEq)]
struct Wanted {
    name: String,
    column_type: ColumnType,
}

impl ExtractArgs {
    fn read(args: Args<'_>, format: Format) -> Result<Self, OperatorError> {
        let mut schema = Vec::new();
        for (name, value) in args.table("schema")? {
            let written = value.as_str().unwrap_or_default();
            let column_type = ColumnType::parse(written).ok_or_else(|| {
                OperatorError::fatal(format!(
                    "`schema`: type of `{name}` is {value}; expected one of {}",
                    ColumnType::NAMES
                ))
            })?;
            schema.push(Wanted { name, column_type });
        }
        let rejects = rejects(args, true)?;
        let nulls = args.texts_or_none("null_values")?.unwrap_or_default();
        Ok(Self { source: args.text("source")?, schema, rejects, nulls, format })
    }

    /// Says which columns the table gets.
    fn wanted(&self, files: &[SourceFile], log: &TaskLog) -> Result<Vec<Wanted>, OperatorError> {
        if !self.schema.is_empty() {
            let names = match &self.format {
                Format::Csv(options) => csv::names(&files[0], options, &self.schema)?,
                Format::Parquet => parquet::Rows::names(&files[0])?,
                // Each document has fields of its own.
                Format::Json(_) => Vec::new(),
            };
            tell_left_out(&names, &self.schema, log);
            return Ok(self.schema.clone());
        }
        let nulls = |cell: &Cell<'_>| self.is_null(cell);
        match &self.format {
            Format::Csv(options) => csv::infer(files, options, &nulls),
            Format::Json(encoding) => json::infer(files, *encoding, &nulls),
            Format::Parquet => parquet::infer(files),
        }
    }

    fn is_null(&self, cell: &Cell<'_>) -> bool {
        let is_any = |text: &str| self.nulls.iter().any(|null| null == text);
        match cell {
            Cell::Text(text) => is_any(text.trim()),
            // `NaN`, `inf`, `-inf`.
            Cell::Float(number) => !number.is_finite() && is_any(&number.to_string()),
            _ => false,
        }
    }
}

pub(super) fn csv(
    order: &Order,
    private: &Private,
    log: &TaskLog,
) -> Result<Outcome, OperatorError> {
    let options = csv::Options::read(Args(&order.args))?;
    run(order, private, log, Format::Csv(options))
}

pub(super) fn json(
    order: &Order,
    private: &Private,
    log: &TaskLog,
) -> Result<Outcome, OperatorError> {
    let encoding = text::Encoding::read(Args(&order.args))?;
    run(order, private, log, Format::Json(encoding))
}

pub(super) fn parquet(
    order: &Order,
    private: &Private,
    log: &TaskLog,
) -> Result<Outcome, OperatorError> {
    run(order, private, log, Format::Parquet)
}

/// Says whether a file begins as Parquet does.
pub(super) fn is_parquet(bytes: &[u8]) -> bool {
    bytes.starts_with(parquet::MAGIC)
}

/// Reads a whole Parquet file as a table of texts. What is no number is nothing, as a missing value.
pub(super) fn parquet_as_csv(name: &str, path: &Path) -> Result<Vec<u8>, OperatorError> {
    let mut rows = parquet::Rows::open(&SourceFile::new(name, path), None)?;
    let unwritten = |error: ::csv::Error| OperatorError::fatal(format!("`{name}`: {error}"));
    let mut csv = ::csv::Writer::from_writer(Vec::new());
    let header = rows.header();
    csv.write_record(&header).map_err(unwritten)?;
    while rows.advance()? {
        let texts = (0..header.len()).map(|at| match rows.cell(at) {
            Cell::Null => String::new(),
            Cell::Float(number) if number.is_finite() => format!("{number:?}"),
            Cell::Float(_) => String::new(),
            other => other.to_string(),
        });
        csv.write_record(texts).map_err(unwritten)?;
    }
    csv.into_inner().map_err(|error| OperatorError::fatal(format!("`{name}`: {error}")))
}

fn run(
    order: &Order,
    private: &Private,
    log: &TaskLog,
    format: Format,
) -> Result<Outcome, OperatorError> {
    let args = ExtractArgs::read(Args(&order.args), format)?;
    let files = files::list(&args.source, order, private, log)?;
    let wanted = args.wanted(&files, log)?;
    let columns: Vec<_> = wanted
        .iter()
        .map(|wanted| TableColumn {
            name: wanted.name.clone(),
            declared_type: wanted.column_type.declared(),
        })
        .collect();
    let table = tables::result_name(order);
    let mut database = tables::open(order)?;
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tables::make(&transaction, "main", &table, &columns)?;
    let places = vec!["?"; wanted.len()].join(", ");
    let mut insert =
        transaction.prepare(&format!("insert into main.{} values ({places})", quote(&table)))?;
    let mut rejected = Rejected::new(order, args.rejects, files.len() > 1);
    let mut rows = 0;
    for file in &files {
        let mut cursor = args.format.open(file, &wanted)?;
        rejected.begin(&cursor.header(), cursor.unit())?;
        rows += fill((&args, &wanted), file, &mut *cursor, &mut insert, &mut rejected, log)?;
    }
    drop(insert);
    rejected.finish(log)?;
    transaction.commit()?;
    observe((order, private), &table, rows, &files, &wanted, log)?;
    Ok(told(&table, rows, &rejected, &wanted, log))
}

fn observe(
    (order, private): (&Order, &Private),
    table: &str,
    rows: u64,
    files: &[SourceFile],
    wanted: &[Wanted],
    log: &TaskLog,
) -> Result<(), OperatorError> {
    let inputs: Vec<DatasetRef> = files::observed(files, order, private);
    let columns = wanted.iter().map(|wanted| ColumnRef {
        name: wanted.name.clone(),
        column_type: wanted.column_type.name(),
        origins: observed::taken_from(&inputs, &wanted.name),
    });
    let told = Observed {
        inputs: inputs.clone(),
        outputs: vec![observed::run_table(order, table, Some(rows), columns.collect())],
        checks: Vec::new(),
    };
    observed::write(order, &told, log)
}

fn fill(
    (args, wanted): (&ExtractArgs, &[Wanted]),
    file: &SourceFile,
    cursor: &mut dyn Cursor,
    insert: &mut Statement<'_>,
    rejected: &mut Rejected,
    log: &TaskLog,
) -> Result<u64, OperatorError> {
    let mut rows = 0;
    while cursor.advance()? {
        let complaint = match cursor.complaint() {
            Some(complaint) => Some(complaint),
            None => bind(args, wanted, cursor, insert)?,
        };
        match complaint {
            None => {
                insert.raw_execute()?;
                rows += 1;
            }
            Some(reason) => {
                let bad = BadRow {
                    source: &file.name,
                    unit: cursor.unit(),
                    position: cursor.position(),
                    raw: cursor.raw(),
                    reason: &reason,
                };
                rejected.take(&bad, log)?;
            }
        }
    }
    Ok(rows)
}

/// Says what does not fit, if anything.
fn bind(
    args: &ExtractArgs,
    wanted: &[Wanted],
    cursor: &dyn Cursor,
    insert: &mut Statement<'_>,
) -> Result<Option<String>, OperatorError> {
    for (at, column) in wanted.iter().enumerate() {
        let mut cell = cursor.cell(at);
        if args.is_null(&cell) {
            cell = Cell::Null;
        }
        match field::read(column.column_type, &cell) {
            Some(value) => insert.raw_bind_parameter(at + 1, value)?,
            None => {
                let name = column.column_type.name();
                let article = if column.column_type == ColumnType::Int { "an" } else { "a" };
                return Ok(Some(format!("`{}` is `{cell}`, not {article} {name}", column.name)));
            }
        }
    }
    Ok(None)
}

fn told(table: &str, rows: u64, rejected: &Rejected, wanted: &[Wanted], log: &TaskLog) -> Outcome {
    let schema: Map<String, Value> = wanted
        .iter()
        .map(|wanted| (wanted.name.clone(), Value::String(wanted.column_type.name())))
        .collect();
    let columns = wanted.iter().map(|w| format!("{} {}", w.name, w.column_type.name()));
    log.say(&format!("schema: {}", columns.collect::<Vec<_>>().join(", ")));
    log.say(&format!("{rows} rows in `{table}`, {} rejected", rejected.count()));
    Outcome::output(serde_json::json!({
        "table": table, "rows": rows, "rejected": rejected.count(), "schema": schema,
    }))
}

/// Finds a column of a schema in a file.
fn place_of(column: &str, file: &str, header: &[String]) -> Result<usize, OperatorError> {
    header.iter().position(|found| found == column).ok_or_else(|| {
        let meant = closest(column, header.iter().map(String::as_str));
        OperatorError::Fatal(format!(
            "`schema`: `{file}` has no column `{column}`{} (it has {})",
            did_you_mean(meant.as_deref()),
            header.join(", ")
        ))
    })
}

/// Says in the log which columns a schema leaves out.
fn tell_left_out(names: &[String], schema: &[Wanted], log: &TaskLog) {
    let is_left_out = |column: &&String| !schema.iter().any(|wanted| wanted.name == **column);
    let left_out: Vec<_> = names.iter().filter(is_left_out).map(String::as_str).collect();
    if !left_out.is_empty() {
        log.say(&format!("left out, not in the schema: {}", left_out.join(", ")));
    }
}

/// Makes columns of what their cells have in common.
fn inferred(columns: impl IntoIterator<Item = (String, Inference)>) -> Vec<Wanted> {
    let wanted = columns
        .into_iter()
        .map(|(name, inference)| Wanted { name, column_type: inference.column_type() });
    wanted.collect()
}

#[cfg(test)]
mod tests;
