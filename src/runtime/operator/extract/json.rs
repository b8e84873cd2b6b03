//! A JSON file read row by row: a document on each line, or one list of them.
//!
//! Only the document at hand is in memory. A field that is missing is null; one that holds a list
//! or a table is its JSON.

use std::io::{BufRead, BufReader, Read};

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::field::{Cell, Inference};
use super::files::SourceFile;
use super::text::{self, Encoding};
use super::{Cursor, Wanted, inferred};
use crate::runtime::operator::error::OperatorError;

/// A document that is longer is none.
const DOCUMENT_LEN_MAX: usize = 64 << 20;

/// An open file.
pub(super) struct Rows {
    reader: BufReader<Box<dyn Read>>,
    name: String,
    wanted: Vec<String>,
    /// A list of documents, not a document on each line.
    is_list: bool,
    /// Of lines the line, of a list the number of the document; from 1.
    position: u64,
    bytes: Vec<u8>,
    row: Result<Map<String, Value>, String>,
}

impl Rows {
    pub(super) fn open(
        file: &SourceFile,
        encoding: Encoding,
        wanted: Option<&[Wanted]>,
    ) -> Result<Self, OperatorError> {
        let unread = |error| OperatorError::io(&format!("read `{}`", file.name), &error);
        let decoded = text::decoded(file.open()?, encoding).map_err(unread)?;
        let mut rows = Self {
            reader: BufReader::with_capacity(64 << 10, decoded),
            name: file.name.clone(),
            wanted: wanted.unwrap_or_default().iter().map(|wanted| wanted.name.clone()).collect(),
            is_list: false,
            position: 0,
            bytes: Vec::new(),
            row: Ok(Map::new()),
        };
        if rows.peek_past_blanks()? == Some(b'[') {
            rows.reader.consume(1);
            rows.is_list = true;
        }
        Ok(rows)
    }

    /// Looks at the next byte that is no blank.
    fn peek_past_blanks(&mut self) -> Result<Option<u8>, OperatorError> {
        loop {
            let (found, blanks, lines) = {
                let piece = self.reader.fill_buf();
                let piece = piece.map_err(|error| unread(&self.name, &error))?;
                if piece.is_empty() {
                    return Ok(None);
                }
                let blanks = piece.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                let lines = piece[..blanks].iter().filter(|byte| **byte == b'\n').count();
                (piece.get(blanks).copied(), blanks, lines)
            };
            self.reader.consume(blanks);
            if !self.is_list {
                self.position += lines as u64;
            }
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    fn next_line(&mut self) -> Result<bool, OperatorError> {
        if self.peek_past_blanks()?.is_none() {
            return Ok(false);
        }
        let mut line = (&mut self.reader).take(DOCUMENT_LEN_MAX as u64);
        line.read_until(b'\n', &mut self.bytes).map_err(|error| unread(&self.name, &error))?;
        self.position += 1;
        Ok(true)
    }

    /// Reads to the comma or bracket behind the next document of the list.
    fn next_of_list(&mut self) -> Result<bool, OperatorError> {
        let broken = |what: &str, at: u64| {
            OperatorError::fatal(format!("`{}`: {what} at document {at} of the list", self.name))
        };
        let (mut depth, mut in_text, mut escaped) = (0_u32, false, false);
        loop {
            let piece = self.reader.fill_buf().map_err(|error| unread(&self.name, &error))?;
            if piece.is_empty() {
                return Err(broken("the file ends", self.position + 1));
            }
            let mut end = None;
            for (at, byte) in piece.iter().enumerate() {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if in_text => escaped = true,
                    b'"' => in_text = !in_text,
                    _ if in_text => {}
                    b',' | b']' if depth == 0 => {
                        end = Some((at, *byte));
                        break;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            let taken = end.map_or(piece.len(), |(at, _)| at);
            self.bytes.extend_from_slice(&piece[..taken]);
            if self.bytes.len() > DOCUMENT_LEN_MAX {
                return Err(broken("too long a document", self.position + 1));
            }
            let Some((_, byte)) = end else {
                self.reader.consume(taken);
                continue;
            };
            let is_blank = self.bytes.iter().all(u8::is_ascii_whitespace);
            if byte == b']' {
                // Stays where it is: the next call finds it again, with nothing before it.
                self.reader.consume(taken);
                self.position += u64::from(!is_blank);
                return Ok(!is_blank);
            }
            self.reader.consume(taken + 1);
            self.position += 1;
            return Ok(true);
        }
    }
}

fn unread(name: &str, error: &std::io::Error) -> OperatorError {
    OperatorError::io(&format!("read `{name}`"), error)
}

impl Cursor for Rows {
    fn header(&self) -> Vec<String> {
        vec!["document".to_owned()]
    }

    fn advance(&mut self) -> Result<bool, OperatorError> {
        self.bytes.clear();
        let is_row = if self.is_list { self.next_of_list()? } else { self.next_line()? };
        self.row = match serde_json::from_slice(&self.bytes) {
            Ok(Value::Object(row)) => Ok(row),
            Ok(_) => Err("it is no table".to_owned()),
            Err(error) => Err(format!("it is no JSON: {error}")),
        };
        Ok(is_row)
    }

    fn complaint(&self) -> Option<String> {
        self.row.as_ref().err().cloned()
    }

    fn cell(&self, at: usize) -> Cell<'_> {
        let row = self.row.as_ref().ok();
        row.and_then(|row| row.get(&self.wanted[at])).map_or(Cell::Null, cell_of)
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn raw(&self) -> Vec<String> {
        vec![String::from_utf8_lossy(&self.bytes).trim().to_owned()]
    }
}

fn cell_of(value: &Value) -> Cell<'_> {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(flag) => Cell::Bool(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Cell::Int(whole),
            (None, Some(real)) => Cell::Float(real),
            (None, None) => Cell::Text(number.to_string().into()),
        },
        Value::String(text) => Cell::Text(text.into()),
        Value::Array(_) | Value::Object(_) => Cell::Text(value.to_string().into()),
    }
}

/// Reads all files to tell the columns, in the order in which they come first, and their types.
pub(super) fn infer(
    files: &[SourceFile],
    encoding: Encoding,
    is_null: &dyn Fn(&Cell<'_>) -> bool,
) -> Result<Vec<Wanted>, OperatorError> {
    let mut columns: IndexMap<String, Inference> = IndexMap::new();
    for file in files {
        let mut rows = Rows::open(file, encoding, None)?;
        while rows.advance()? {
            let Ok(row) = &rows.row else { continue };
            for (name, value) in row {
                let cell = cell_of(value);
                if !columns.contains_key(name) {
                    columns.insert(name.clone(), Inference::default());
                }
                if let Some(inference) = columns.get_mut(name).filter(|_| !is_null(&cell)) {
                    inference.see(&cell, true);
                }
            }
        }
    }
    if columns.is_empty() {
        let name = files.first().map_or("the source", |file| &file.name);
        return Err(OperatorError::fatal(format!("`{name}` has no fields to make columns of")));
    }
    Ok(inferred(columns))
}
