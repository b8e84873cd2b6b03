//! The rows of files one after the other, whatever they are written in: the end of the first one's
//! name says it.

use std::path::Path;

use serde_json::Map;

use super::files::{self, SourceFile};
use super::{Cursor, Format, Wanted, csv, json, parquet, text};
use crate::runtime::attempt::{Order, Private};
use crate::runtime::operator::args::Args;
use crate::runtime::operator::column_type::ColumnType;
use crate::runtime::operator::error::OperatorError;
use crate::runtime::task_log::TaskLog;
use crate::types::io::DatasetRef;

/// Files with the same columns.
pub(in crate::runtime::operator) struct Files {
    files: Vec<SourceFile>,
    format: Format,
    wanted: Vec<Wanted>,
    names: Vec<String>,
    /// The file that is read, from 1.
    at: usize,
    cursor: Option<Box<dyn Cursor>>,
}

impl Files {
    /// Finds the files that a source names, as the extracts do.
    pub(in crate::runtime::operator) fn of_task(
        order: &Order,
        private: &Private,
        log: &TaskLog,
        source: &str,
    ) -> Result<Self, OperatorError> {
        Self::new(files::list(source, order, private, log)?)
    }

    /// Takes one file of this machine.
    pub(in crate::runtime::operator) fn of_file(path: &Path) -> Result<Self, OperatorError> {
        Self::new(vec![SourceFile::new(&path.display().to_string(), path)])
    }

    fn new(files: Vec<SourceFile>) -> Result<Self, OperatorError> {
        let format = format(&files[0])?;
        let named = |names: Vec<String>| {
            let wanted = |name| Wanted { name, column_type: ColumnType::Text };
            names.into_iter().map(wanted).collect()
        };
        let wanted: Vec<Wanted> = match &format {
            Format::Csv(options) => named(csv::names(&files[0], options, &[])?),
            Format::Parquet => named(parquet::Rows::names(&files[0])?),
            // Each document has fields of its own: all are looked at.
            Format::Json(encoding) => json::infer(&files, *encoding, &|_| false)?,
        };
        let names = wanted.iter().map(|wanted| wanted.name.clone()).collect();
        Ok(Self { files, format, wanted, names, at: 0, cursor: None })
    }

    /// Returns the names of the columns.
    pub(in crate::runtime::operator) fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the number of files.
    pub(in crate::runtime::operator) fn len(&self) -> usize {
        self.files.len()
    }

    /// Says whether the files know types; else all is text.
    pub(in crate::runtime::operator) fn is_typed(&self) -> bool {
        !matches!(self.format, Format::Csv(_))
    }

    /// What rows are counted as.
    pub(in crate::runtime::operator) fn unit(&self) -> &'static str {
        match self.format {
            Format::Parquet => "row",
            Format::Csv(_) | Format::Json(_) => "line",
        }
    }

    /// Returns the name of the file that is read.
    pub(in crate::runtime::operator) fn name(&self) -> &str {
        &self.files[self.at.saturating_sub(1)].name
    }

    /// Moves to the next row and returns what stands on it; none at the end of a file, and with
    /// `may_turn` only at the end of all.
    pub(in crate::runtime::operator) fn next(
        &mut self,
        may_turn: bool,
    ) -> Result<Option<&dyn Cursor>, OperatorError> {
        loop {
            let has_row = match &mut self.cursor {
                Some(cursor) => cursor.advance()?,
                None => false,
            };
            if has_row {
                return Ok(self.cursor.as_deref());
            }
            self.cursor = None;
            if !may_turn || self.at == self.files.len() {
                return Ok(None);
            }
            self.at += 1;
            self.cursor = Some(self.format.open(&self.files[self.at - 1], &self.wanted)?);
        }
    }

    /// Tells what was read.
    pub(in crate::runtime::operator) fn observed(
        &self,
        order: &Order,
        private: &Private,
    ) -> Vec<DatasetRef> {
        files::observed(&self.files, order, private)
    }
}

fn format(file: &SourceFile) -> Result<Format, OperatorError> {
    let end = Path::new(&file.name).extension().and_then(|end| end.to_str()).unwrap_or_default();
    let nothing = Map::new();
    match end.to_ascii_lowercase().as_str() {
        "csv" => Ok(Format::Csv(csv::Options::read(Args(&nothing))?)),
        "json" | "jsonl" | "ndjson" => Ok(Format::Json(text::Encoding::read(Args(&nothing))?)),
        "parquet" => Ok(Format::Parquet),
        _ => Err(OperatorError::fatal(format!(
            "`{}`: the end of its name says nothing; expected .csv, .json, .jsonl, .ndjson or \
             .parquet",
            file.name
        ))),
    }
}
