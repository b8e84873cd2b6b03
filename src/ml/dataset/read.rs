//! CSV to a data set; every error names the line.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use super::column::{self, infer, number};
use super::{Column, Dataset, DatasetError, Split, Target, date};
use crate::dag::spec::{LearningTask, SplitSpec, TableSpec};

/// Fewer rows than this say nothing about a model.
const ROWS_MIN: usize = 10;
/// A class needs a row to learn from and a row to be tested on.
const CLASS_ROWS_MIN: usize = 2;

/// A CSV file as text: fields trimmed, each row with the line it starts at.
struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    lines: Vec<u64>,
}

/// Reads CSV: a header, comma-separated; empty fields are missing values.
pub fn read_csv(name: &str, spec: &TableSpec, bytes: &[u8]) -> Result<Dataset, DatasetError> {
    let table = read_table(name, bytes)?;
    let TableSpec { target, ignore, .. } = spec;
    let at = position(name, &table.header, target)?;
    for column in ignore.iter().chain(spec.types.keys()) {
        position(name, &table.header, column)?;
    }
    if table.rows.len() < ROWS_MIN {
        return Err(DatasetError::TooFewRows {
            name: name.to_owned(),
            rows: table.rows.len(),
            needed: ROWS_MIN,
        });
    }
    let target_values = match spec.task {
        LearningTask::Classification => class_target(name, target, at, &table)?,
        LearningTask::Regression => number_target(name, target, at, &table)?,
    };
    let features: Vec<Column> = (0..table.header.len())
        .filter(|index| *index != at && !ignore.contains(&table.header[*index]))
        .map(|index| feature(name, spec, &table, index))
        .collect::<Result<_, _>>()?;
    if features.is_empty() {
        return Err(DatasetError::NoFeatures { name: name.to_owned(), target: target.to_owned() });
    }
    Ok(Dataset {
        name: name.to_owned(),
        task: spec.task,
        target: target.to_owned(),
        features,
        target_values,
        split: split(name, &spec.split, &table)?,
        digest: hex(&Sha256::digest(bytes)),
    })
}

fn read_table(name: &str, bytes: &[u8]) -> Result<Table, DatasetError> {
    let text = std::str::from_utf8(bytes).map_err(|error| DatasetError::NotUtf8 {
        name: name.to_owned(),
        line: line_of(&bytes[..error.valid_up_to()]),
    })?;
    // Spreadsheets like to begin a file with a byte order mark; it is no part of the first name.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let mut next = || {
        // The text is UTF-8 and rows may be ragged for the reader: nothing is left to fail.
        records.next().map(|record| record.expect("reading UTF-8 from memory cannot fail"))
    };
    let header: Vec<String> = match next() {
        Some(record) => record.iter().map(str::to_owned).collect(),
        None => return Err(DatasetError::Empty { name: name.to_owned() }),
    };
    let mut seen = HashSet::new();
    if let Some(twice) = header.iter().find(|column| !seen.insert(column.as_str())) {
        return Err(DatasetError::DuplicateColumn { name: name.to_owned(), column: twice.clone() });
    }
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    while let Some(record) = next() {
        let line = record.position().map_or(0, |start| line_at(text, start));
        if record.len() != header.len() {
            return Err(DatasetError::Ragged {
                name: name.to_owned(),
                line,
                found: record.len(),
                expected: header.len(),
            });
        }
        rows.push(record.iter().map(str::to_owned).collect());
        lines.push(line);
    }
    Ok(Table { header, rows, lines })
}

/// Returns the line a record is on; the reader's position is before the blank lines it skipped.
fn line_at(text: &str, start: &csv::Position) -> u64 {
    let rest = usize::try_from(start.byte()).ok().and_then(|byte| text.as_bytes().get(byte..));
    let blank = rest.unwrap_or_default().iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    start.line() + blank.filter(|byte| **byte == b'\n').count() as u64
}

fn feature(
    name: &str,
    spec: &TableSpec,
    table: &Table,
    index: usize,
) -> Result<Column, DatasetError> {
    let column = table.header[index].clone();
    let fields = table.rows.iter().map(|row| row[index].as_str());
    let values = match spec.types.get(&column) {
        None => infer(fields),
        Some(kind) => column::read(fields, *kind).map_err(|misfit| DatasetError::NotOfType {
            name: name.to_owned(),
            line: table.lines[misfit.row],
            column: column.clone(),
            value: misfit.value,
            expected: misfit.expected,
        })?,
    };
    Ok(Column { name: column, values })
}

/// Reads what rows are held out by.
fn split(name: &str, spec: &SplitSpec, table: &Table) -> Result<Split, DatasetError> {
    let fields = |column: &str| {
        let at = position(name, &table.header, column)?;
        Ok::<_, DatasetError>(table.rows.iter().map(move |row| row[at].as_str()))
    };
    Ok(match spec {
        SplitSpec::Stratified => Split::Stratified,
        SplitSpec::Time { column } => {
            let key = |(row, field): (usize, &str)| {
                number(field).or_else(|| date::parse(field)).ok_or_else(|| {
                    DatasetError::NotOfType {
                        name: name.to_owned(),
                        line: table.lines[row],
                        column: column.clone(),
                        value: field.to_owned(),
                        expected: "a date or a number, by which rows are held out",
                    }
                })
            };
            let keys = fields(column)?.enumerate().map(key).collect::<Result<_, _>>()?;
            Split::Time { column: column.clone(), keys }
        }
        SplitSpec::Group { column } => {
            let mut known: HashMap<&str, usize> = HashMap::new();
            let groups = fields(column)?.map(|field| {
                let next = known.len();
                *known.entry(field).or_insert(next)
            });
            Split::Group { groups: groups.collect(), column: column.clone() }
        }
    })
}

/// Counts lines up to the end of `before`, from 1.
fn line_of(before: &[u8]) -> u64 {
    before.iter().fold(1, |line, byte| line + u64::from(*byte == b'\n'))
}

fn position(name: &str, header: &[String], column: &str) -> Result<usize, DatasetError> {
    header.iter().position(|found| found == column).ok_or_else(|| DatasetError::NoColumn {
        name: name.to_owned(),
        column: column.to_owned(),
        columns: header.to_vec(),
    })
}

/// Returns the target's fields with their lines, none of them missing.
fn target_fields<'a>(
    name: &str,
    target: &str,
    at: usize,
    table: &'a Table,
) -> Result<Vec<(&'a str, u64)>, DatasetError> {
    let fields = table.rows.iter().zip(&table.lines).map(|(row, line)| (row[at].as_str(), *line));
    let fields: Vec<_> = fields.collect();
    match fields.iter().find(|(field, _)| field.is_empty()) {
        Some((_, line)) => Err(DatasetError::NoTarget {
            name: name.to_owned(),
            line: *line,
            column: target.to_owned(),
        }),
        None => Ok(fields),
    }
}

fn class_target(
    name: &str,
    target: &str,
    at: usize,
    table: &Table,
) -> Result<Target, DatasetError> {
    let fields = target_fields(name, target, at, table)?;
    let mut classes: Vec<String> = fields.iter().map(|(field, _)| (*field).to_owned()).collect();
    classes.sort();
    classes.dedup();
    if let [value] = classes.as_slice() {
        return Err(constant(name, target, value));
    }
    let rows: Vec<usize> = fields
        .iter()
        .map(|(field, _)| classes.partition_point(|class| class.as_str() < *field))
        .collect();
    for (index, class) in classes.iter().enumerate() {
        let count = rows.iter().filter(|row| **row == index).count();
        if count < CLASS_ROWS_MIN {
            return Err(DatasetError::RareClass {
                name: name.to_owned(),
                class: class.clone(),
                rows: count,
                needed: CLASS_ROWS_MIN,
            });
        }
    }
    Ok(Target::Classes { classes, rows })
}

fn number_target(
    name: &str,
    target: &str,
    at: usize,
    table: &Table,
) -> Result<Target, DatasetError> {
    let mut values = Vec::with_capacity(table.rows.len());
    for (field, line) in target_fields(name, target, at, table)? {
        match field.parse::<f64>() {
            Ok(value) if value.is_finite() => values.push(value),
            _ => {
                return Err(DatasetError::TargetNotNumber {
                    name: name.to_owned(),
                    line,
                    column: target.to_owned(),
                    value: field.to_owned(),
                });
            }
        }
    }
    if values.iter().all(|value| *value == values[0]) {
        return Err(constant(name, target, &values[0].to_string()));
    }
    Ok(Target::Numbers(values))
}

fn constant(name: &str, target: &str, value: &str) -> DatasetError {
    DatasetError::ConstantTarget {
        name: name.to_owned(),
        column: target.to_owned(),
        value: value.to_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
