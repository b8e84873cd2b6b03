//! Where the answers go: a file, or a table of the run.
//!
//! A file is written beside its place and moved there at the end; a table is one transaction: who
//! looks sees all rows or none, and another try begins anew.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::types::{ToSqlOutput, Value as Sql, ValueRef};
use rusqlite::{Connection, params_from_iter};
use serde_json::{Map, Value};

use super::block::{Block, Held};
use super::score::Part;
use crate::connection::sql::quote;
use crate::ml::Answers;
use crate::ml::batch::most_probable;
use crate::runtime::attempt::Order;
use crate::runtime::operator::error::OperatorError;
use crate::runtime::operator::tables::{self, TableColumn};

/// The column of the class, or of the value.
const PREDICTION: &str = "prediction";

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    JsonLines,
    /// Into a table; there is no text.
    Table,
}

/// What is written of each row: what it was, and what was answered.
pub(super) struct Writing {
    format: Format,
    names: Vec<String>,
    classes: Vec<String>,
    added: Vec<String>,
}

impl Writing {
    /// Refuses an input that has a column of the same name as one that is added.
    pub(super) fn new(
        names: &[String],
        classes: &[String],
        format: Format,
    ) -> Result<Self, OperatorError> {
        let probabilities = classes.iter().map(|class| format!("probability_{class}"));
        let added: Vec<String> =
            std::iter::once(PREDICTION.to_owned()).chain(probabilities).collect();
        if let Some(twice) = added.iter().find(|name| names.contains(name)) {
            return Err(OperatorError::fatal(format!(
                "the input has a column `{twice}` already, which the answers would have; leave it out"
            )));
        }
        Ok(Self { format, names: names.to_vec(), classes: classes.to_vec(), added })
    }

    /// Returns the first line of a file, where it has one.
    fn head(&self) -> Vec<u8> {
        let names = self.names.iter().chain(&self.added);
        match self.format {
            Format::Csv => csv_line(names.map(String::as_bytes)),
            Format::JsonLines | Format::Table => Vec::new(),
        }
    }

    /// Returns the text of rows with their answers.
    pub(super) fn text(&self, block: &Block, rows: &[usize], answers: &Answers) -> Vec<u8> {
        let mut text = Vec::new();
        match self.format {
            Format::Table => {}
            Format::Csv => {
                let mut csv = csv_writer(&mut text);
                for (row, numbers) in rows.iter().zip(answers.iter()) {
                    let cells = block.row(*row).iter().map(|held| block.shown(*held));
                    let added = self.answer(numbers).map(|value| match value {
                        Answer::Class(class) => class.into(),
                        Answer::Number(number) => number.to_string().into(),
                    });
                    written(csv.write_record(cells.chain(added).map(Bytes)));
                }
                written(csv.flush().map_err(Into::into));
                drop(csv);
            }
            Format::JsonLines => {
                for (row, numbers) in rows.iter().zip(answers.iter()) {
                    let cells = block.row(*row).iter().map(|held| block.json(*held));
                    let mut record: Map<String, Value> =
                        self.names.iter().cloned().zip(cells).collect();
                    let added = self.answer(numbers).map(|value| match value {
                        Answer::Class(class) => Value::from(class),
                        Answer::Number(number) => Value::from(number),
                    });
                    record.extend(self.added.iter().cloned().zip(added));
                    text.extend_from_slice(Value::Object(record).to_string().as_bytes());
                    text.push(b'\n');
                }
            }
        }
        text
    }

    /// Returns what is added to a row.
    fn answer<'a>(&'a self, numbers: &'a [f64]) -> impl Iterator<Item = Answer<'a>> {
        let class = self.classes.get(most_probable(numbers));
        let class = class.map(|class| Answer::Class(class));
        class.into_iter().chain(numbers.iter().map(|number| Answer::Number(*number)))
    }
}

enum Answer<'a> {
    Class(&'a str),
    Number(f64),
}

/// A field of CSV.
struct Bytes<'a>(std::borrow::Cow<'a, str>);

impl AsRef<[u8]> for Bytes<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

fn csv_writer(text: &mut Vec<u8>) -> ::csv::Writer<&mut Vec<u8>> {
    ::csv::WriterBuilder::new().from_writer(text)
}

fn csv_line<'a>(fields: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut text = Vec::new();
    let mut csv = csv_writer(&mut text);
    written(csv.write_record(fields));
    written(csv.flush().map_err(Into::into));
    drop(csv);
    text
}

fn written(result: Result<(), ::csv::Error>) {
    result.expect("memory takes what is written, and all rows are equally long");
}

/// Where the answers go.
pub(super) enum Target {
    Output(BufWriter<io::Stdout>),
    File { place: PathBuf, beside: PathBuf, file: BufWriter<File>, format: Format },
    Table { database: Connection, name: String, insert: String },
}

impl Target {
    pub(super) fn standard_output() -> Self {
        Self::Output(BufWriter::new(io::stdout()))
    }

    /// Takes a file by the end of its name.
    pub(super) fn file(place: &Path) -> Result<Self, OperatorError> {
        let end = place.extension().and_then(|end| end.to_str()).unwrap_or_default();
        let format = match end.to_ascii_lowercase().as_str() {
            "csv" => Format::Csv,
            "jsonl" | "ndjson" => Format::JsonLines,
            _ => {
                return Err(OperatorError::fatal(format!(
                    "the output `{}` must end with .csv, .jsonl or .ndjson",
                    place.display()
                )));
            }
        };
        let mut name = std::ffi::OsString::from(".");
        name.push(place.file_name().unwrap_or_default());
        name.push(".tmp");
        let beside = place.with_file_name(name);
        let mut options = fs::OpenOptions::new();
        let file = options.create(true).write(true).truncate(true).mode(0o600).open(&beside);
        let file = file.map_err(|error| unwritten(place, &error))?;
        let file = BufWriter::with_capacity(1 << 18, file);
        Ok(Self::File { place: place.to_owned(), beside, file, format })
    }

    /// Takes the table of the task.
    pub(super) fn table(order: &Order) -> Result<Self, OperatorError> {
        let database = tables::open(order)?;
        Ok(Self::Table { database, name: tables::result_name(order), insert: String::new() })
    }

    pub(super) fn format(&self) -> Format {
        match self {
            Self::Output(_) => Format::Csv,
            Self::File { format, .. } => *format,
            Self::Table { .. } => Format::Table,
        }
    }

    pub(super) fn begin(&mut self, writing: &Writing) -> Result<(), OperatorError> {
        let Self::Table { database, name, insert } = self else {
            return self.write(&writing.head());
        };
        let column = |name: &String, declared: &str| TableColumn {
            name: name.clone(),
            declared_type: declared.to_owned(),
        };
        let declared =
            |at: usize| if at == 0 && !writing.classes.is_empty() { "text" } else { "real" };
        let own = writing.names.iter().map(|name| column(name, ""));
        let added = writing.added.iter().enumerate().map(|(at, name)| column(name, declared(at)));
        let columns: Vec<TableColumn> = own.chain(added).collect();
        database.execute_batch("begin immediate")?;
        tables::make(database, "main", name, &columns)?;
        let places = vec!["?"; columns.len()].join(", ");
        *insert = format!("insert into main.{} values ({places})", quote(name));
        Ok(())
    }

    /// Takes rows with their answers.
    pub(super) fn put(
        &mut self,
        writing: &Writing,
        block: &Block,
        part: &Part,
    ) -> Result<(), OperatorError> {
        let Self::Table { database, insert, .. } = self else { return self.write(&part.text) };
        let mut statement = database.prepare_cached(insert)?;
        for (row, numbers) in part.kept.iter().zip(part.answers.iter()) {
            let cells = block.row(*row).iter().map(|held| sql(block, *held));
            let added = writing.answer(numbers).map(|value| match value {
                Answer::Class(class) => ToSqlOutput::Borrowed(ValueRef::Text(class.as_bytes())),
                Answer::Number(number) => ToSqlOutput::Owned(Sql::Real(number)),
            });
            statement.execute(params_from_iter(cells.chain(added)))?;
        }
        Ok(())
    }

    fn write(&mut self, text: &[u8]) -> Result<(), OperatorError> {
        match self {
            Self::Output(output) => output
                .write_all(text)
                .map_err(|error| OperatorError::io("write to the standard output", &error)),
            Self::File { place, file, .. } => {
                file.write_all(text).map_err(|error| unwritten(place, &error))
            }
            Self::Table { .. } => Ok(()),
        }
    }

    /// Shows all of it.
    pub(super) fn finish(self) -> Result<(), OperatorError> {
        match self {
            Self::Output(mut output) => {
                output.flush().map_err(|e| OperatorError::io("write to the standard output", &e))
            }
            Self::File { place, beside, file, .. } => {
                let done = file
                    .into_inner()
                    .map_err(io::IntoInnerError::into_error)
                    .and_then(|file| file.sync_all())
                    .and_then(|()| fs::rename(&beside, &place));
                done.map_err(|error| unwritten(&place, &error))
            }
            Self::Table { database, .. } => Ok(database.execute_batch("commit")?),
        }
    }
}

fn sql(block: &Block, held: Held) -> ToSqlOutput<'_> {
    match held {
        Held::Null => ToSqlOutput::Owned(Sql::Null),
        Held::Boolean(value) => ToSqlOutput::Owned(Sql::Integer(i64::from(value))),
        Held::Whole(value) => ToSqlOutput::Owned(Sql::Integer(value)),
        Held::Number(value) => ToSqlOutput::Owned(Sql::Real(value)),
        Held::Text { .. } | Held::Untyped { .. } => {
            ToSqlOutput::Owned(Sql::Text(block.shown(held).into_owned()))
        }
    }
}

fn unwritten(place: &Path, error: &io::Error) -> OperatorError {
    OperatorError::io(&format!("write `{}`", place.display()), error)
}
