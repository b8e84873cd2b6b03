//! A CSV file read row by row, each row with its line number.

use std::io::Read;

use ::csv::{ByteRecord, Reader, ReaderBuilder};

use super::field::{Cell, Inference};
use super::files::SourceFile;
use super::text::{self, Encoding};
use super::{Cursor, Wanted, inferred, place_of};
use crate::runtime::operator::args::Args;
use crate::runtime::operator::error::OperatorError;

/// How the file is written.
pub(super) struct Options {
    delimiter: u8,
    quote: u8,
    has_header: bool,
    encoding: Encoding,
}

impl Options {
    pub(super) fn read(args: Args<'_>) -> Result<Self, OperatorError> {
        Ok(Self {
            delimiter: one_byte(args, "delimiter", b',')?,
            quote: one_byte(args, "quote", b'"')?,
            has_header: args.flag("header", true)?,
            encoding: Encoding::read(args)?,
        })
    }
}

fn one_byte(args: Args<'_>, key: &str, default: u8) -> Result<u8, OperatorError> {
    match args.text_or_none(key)?.as_deref() {
        None => Ok(default),
        Some("\\t" | "tab") => Ok(b'\t'),
        Some(one) if one.len() == 1 => Ok(one.as_bytes()[0]),
        Some(_) => Err(OperatorError::fatal(format!("`{key}` must be one character of ASCII"))),
    }
}

/// An open file whose header has been read.
pub(super) struct Rows {
    reader: Reader<Box<dyn Read>>,
    /// As the user named it, for complaints.
    name: String,
    header: Vec<String>,
    /// Where each wanted column stands.
    places: Vec<usize>,
    record: ByteRecord,
    /// The first row, where it is no header and had to be read to know how wide the file is.
    is_held: bool,
}

impl Rows {
    /// Opens the file and reads its header; refuses an empty file and a header that names a
    /// column twice. Without `wanted` all columns are.
    pub(super) fn open(
        file: &SourceFile,
        options: &Options,
        wanted: Option<&[Wanted]>,
    ) -> Result<Self, OperatorError> {
        let unread = |error| OperatorError::io(&format!("read `{}`", file.name), &error);
        let decoded = text::decoded(file.open()?, options.encoding).map_err(unread)?;
        let mut rows = Self {
            reader: ReaderBuilder::new()
                .delimiter(options.delimiter)
                .quote(options.quote)
                .has_headers(false)
                .flexible(true)
                .buffer_capacity(64 << 10)
                .from_reader(decoded),
            name: file.name.clone(),
            header: Vec::new(),
            places: Vec::new(),
            record: ByteRecord::new(),
            is_held: false,
        };
        if !rows.advance()? {
            let what = if options.has_header { ": it has no header" } else { "" };
            return Err(OperatorError::fatal(format!("`{}` is empty{what}", file.name)));
        }
        if options.has_header {
            rows.header = rows.raw().iter().map(|field| field.trim().to_owned()).collect();
            rows.check_header()?;
        } else {
            rows.header = named(rows.record.len(), wanted);
            rows.is_held = true;
        }
        rows.places = rows.places_of(wanted)?;
        Ok(rows)
    }

    fn check_header(&self) -> Result<(), OperatorError> {
        let name = &self.name;
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

    fn places_of(&self, wanted: Option<&[Wanted]>) -> Result<Vec<usize>, OperatorError> {
        let Some(wanted) = wanted else { return Ok((0..self.header.len()).collect()) };
        let place = |wanted: &Wanted| place_of(&wanted.name, &self.name, &self.header);
        wanted.iter().map(place).collect()
    }
}

/// Names the columns of a file without a header: as the schema has them, in its order.
fn named(width: usize, wanted: Option<&[Wanted]>) -> Vec<String> {
    let of_schema = wanted.unwrap_or_default().iter().map(|wanted| wanted.name.clone());
    let given = of_schema.clone().count();
    of_schema.chain((given..width).map(|at| format!("column_{}", at + 1))).collect()
}

impl Cursor for Rows {
    fn header(&self) -> Vec<String> {
        self.header.clone()
    }

    fn advance(&mut self) -> Result<bool, OperatorError> {
        if std::mem::take(&mut self.is_held) {
            return Ok(true);
        }
        // Blank lines are passed over.
        let is_row = self.reader.read_byte_record(&mut self.record).map_err(|error| {
            let text = format!("read `{}`: {error}", self.name);
            match error.kind() {
                ::csv::ErrorKind::Io(io) if io.kind() != std::io::ErrorKind::InvalidData => {
                    OperatorError::Passing(text)
                }
                _ => OperatorError::Fatal(text),
            }
        })?;
        if is_row && std::str::from_utf8(self.record.as_slice()).is_err() {
            let line = self.position();
            return Err(OperatorError::fatal(format!(
                "`{}` is not UTF-8 at line {line}; `encoding` says what else it is",
                self.name
            )));
        }
        Ok(is_row)
    }

    fn complaint(&self) -> Option<String> {
        let (found, width) = (self.record.len(), self.header.len());
        (found != width).then(|| format!("{found} fields where the header has {width}"))
    }

    fn cell(&self, at: usize) -> Cell<'_> {
        let field = self.record.get(self.places[at]).unwrap_or_default();
        // The whole record has been looked at; only a field's edge can lie within a character.
        Cell::Text(String::from_utf8_lossy(field))
    }

    fn position(&self) -> u64 {
        self.record.position().map_or(0, ::csv::Position::line)
    }

    fn raw(&self) -> Vec<String> {
        self.record.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect()
    }
}

/// What all columns of the file are called.
pub(super) fn names(
    file: &SourceFile,
    options: &Options,
    schema: &[Wanted],
) -> Result<Vec<String>, OperatorError> {
    Ok(Rows::open(file, options, Some(schema))?.header)
}

/// Reads all files to tell the types of their columns; the first one's header counts.
pub(super) fn infer(
    files: &[SourceFile],
    options: &Options,
    is_null: &dyn Fn(&Cell<'_>) -> bool,
) -> Result<Vec<Wanted>, OperatorError> {
    let mut header: Vec<String> = Vec::new();
    let mut inferences: Vec<Inference> = Vec::new();
    for file in files {
        let mut rows = Rows::open(file, options, None)?;
        if header.is_empty() {
            header.clone_from(&rows.header);
            inferences.resize(header.len(), Inference::default());
        }
        let wanted = inferred(header.iter().cloned().zip(inferences.iter().copied()));
        rows.places = rows.places_of(Some(&wanted))?;
        while rows.advance()? {
            if rows.complaint().is_some() {
                continue;
            }
            for (at, inference) in inferences.iter_mut().enumerate() {
                let cell = rows.cell(at);
                if !is_null(&cell) {
                    inference.see(&cell, false);
                }
            }
        }
    }
    Ok(inferred(header.into_iter().zip(inferences)))
}
