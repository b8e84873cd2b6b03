//! A CSV file read row by row, each row with its line number.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use csv::{ByteRecord, Reader, ReaderBuilder};

use crate::runtime::operator::error::OperatorError;

/// An open file whose header has been read.
pub(super) struct Source {
    reader: Reader<Box<dyn Read>>,
    /// As the user named it, for complaints.
    name: String,
    pub(super) header: Vec<String>,
    record: ByteRecord,
}

/// A row as it stands in the file.
pub(super) struct Row {
    /// Where it begins, from 1.
    pub(super) line: u64,
    pub(super) fields: Vec<String>,
}

impl Source {
    /// Opens the file and reads its header; refuses an empty file and a header that names a
    /// column twice.
    pub(super) fn open(name: &str, path: &Path, delimiter: u8) -> Result<Self, OperatorError> {
        let file = File::open(path)
            .map_err(|error| OperatorError::io(&format!("open `{name}`"), &error))?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(OperatorError::fatal(format!("`{name}` is a folder, not a file")));
        }
        let reader: Box<dyn Read> = Box::new(BufReader::new(file));
        let mut source = Self {
            reader: ReaderBuilder::new()
                .delimiter(delimiter)
                .has_headers(false)
                .flexible(true)
                .from_reader(reader),
            name: name.to_owned(),
            header: Vec::new(),
            record: ByteRecord::new(),
        };
        let Some(header) = source.next()? else {
            return Err(OperatorError::fatal(format!("`{name}` is empty: it has no header")));
        };
        source.header = header.fields.iter().map(|field| field.trim().to_owned()).collect();
        source.check_header()?;
        Ok(source)
    }

    fn check_header(&mut self) -> Result<(), OperatorError> {
        let name = &self.name;
        if let Some(first) = self.header.first_mut() {
            // A byte order mark is not a part of the first name.
            *first = first.trim_start_matches('\u{feff}').trim_matches('"').to_owned();
        }
        for (at, column) in self.header.iter().enumerate() {
            if column.is_empty() {
                let at = at + 1;
                return Err(OperatorError::Fatal(format!(
                    "`{name}`: column {at} of the header has no name"
                )));
            }
            if self.header[..at].iter().any(|before| before.eq_ignore_ascii_case(column)) {
                return Err(OperatorError::Fatal(format!(
                    "`{name}`: the header names `{column}` twice"
                )));
            }
        }
        Ok(())
    }

    /// Returns the next row; blank lines are passed over.
    pub(super) fn next(&mut self) -> Result<Option<Row>, OperatorError> {
        let read = self.reader.read_byte_record(&mut self.record);
        let is_row = read.map_err(|error| {
            let passing = matches!(error.kind(), csv::ErrorKind::Io(_));
            let text = format!("read `{}`: {error}", self.name);
            if passing { OperatorError::Passing(text) } else { OperatorError::Fatal(text) }
        })?;
        if !is_row {
            return Ok(None);
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        let fields = self
            .record
            .iter()
            .map(|field| String::from_utf8(field.to_vec()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| {
                OperatorError::fatal(format!("`{}` is not UTF-8 at line {line}", self.name))
            })?;
        Ok(Some(Row { line, fields }))
    }
}
