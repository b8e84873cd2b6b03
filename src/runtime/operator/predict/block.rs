//! Some rows of the input, taken out of where they are read.

use serde_json::Value;

use crate::ml::batch::Given;
use crate::ml::model::DataType;
use crate::runtime::operator::extract::Cell;

/// A cell; its text lies in [`Block`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Held {
    Null,
    Boolean(bool),
    Whole(i64),
    Number(f64),
    Text {
        start: usize,
        len: usize,
    },
    /// Text of a file that knows no types: what it is depends on who asks.
    Untyped {
        start: usize,
        len: usize,
    },
}

/// Rows one after the other.
#[derive(Debug, Default)]
pub(super) struct Block {
    width: usize,
    cells: Vec<Held>,
    texts: String,
    /// Where each row stands in the input.
    pub(super) positions: Vec<u64>,
    /// Rows that cannot be read, by their place here (ascending), and why.
    pub(super) unreadable: Vec<(usize, String)>,
}

impl Block {
    pub(super) fn new(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    /// Returns how many rows there are.
    pub(super) fn len(&self) -> usize {
        self.positions.len()
    }

    /// Returns the cells of a row.
    pub(super) fn row(&self, row: usize) -> &[Held] {
        &self.cells[row * self.width..(row + 1) * self.width]
    }

    /// Adds a cell of the row that is being read.
    pub(super) fn push(&mut self, cell: Cell<'_>, is_typed: bool) {
        let held = match cell {
            Cell::Null => Held::Null,
            Cell::Bool(value) => Held::Boolean(value),
            Cell::Int(value) => Held::Whole(value),
            Cell::Float(value) => Held::Number(value),
            Cell::Text(text) => self.text(&text, is_typed),
            other @ (Cell::Bytes(_) | Cell::Date(_) | Cell::Civil(_) | Cell::Instant(_)) => {
                self.text(&other.to_string(), true)
            }
        };
        self.cells.push(held);
    }

    fn text(&mut self, text: &str, is_typed: bool) -> Held {
        let (start, len) = (self.texts.len(), text.len());
        self.texts.push_str(text);
        match is_typed {
            true => Held::Text { start, len },
            false => Held::Untyped { start, len },
        }
    }

    /// Ends the row that is being read.
    pub(super) fn end_row(&mut self, position: u64) {
        self.positions.push(position);
    }

    /// Says of a row that it is none; it keeps its place.
    pub(super) fn end_unreadable(&mut self, position: u64, reason: String) {
        self.cells.resize((self.len() + 1) * self.width, Held::Null);
        self.unreadable.push((self.len(), reason));
        self.positions.push(position);
    }

    fn at(&self, start: usize, len: usize) -> &str {
        &self.texts[start..start + len]
    }

    /// Returns what a cell is to a column of a model.
    pub(super) fn given(&self, held: Held, data_type: Option<DataType>) -> Given<'_> {
        match held {
            Held::Null => Given::Null,
            Held::Boolean(value) => Given::Boolean(value),
            Held::Whole(value) => Given::Whole(value),
            Held::Number(value) if value.is_nan() => Given::Null,
            Held::Number(value) => Given::Number(value),
            Held::Text { start, len } => Given::Text(self.at(start, len)),
            Held::Untyped { start, len } => Given::of_text(self.at(start, len), data_type),
        }
    }

    /// Returns a cell as text; nothing for null.
    pub(super) fn shown(&self, held: Held) -> std::borrow::Cow<'_, str> {
        match held {
            Held::Null => "".into(),
            Held::Boolean(value) => if value { "true" } else { "false" }.into(),
            Held::Whole(value) => value.to_string().into(),
            Held::Number(value) if value.is_finite() => value.to_string().into(),
            Held::Number(_) => "".into(),
            Held::Text { start, len } | Held::Untyped { start, len } => self.at(start, len).into(),
        }
    }

    /// Returns a cell as JSON. Text without a type is a number where it is written as JSON writes
    /// numbers.
    pub(super) fn json(&self, held: Held) -> Value {
        match held {
            Held::Null => Value::Null,
            Held::Boolean(value) => Value::Bool(value),
            Held::Whole(value) => Value::from(value),
            Held::Number(value) => Value::from(value),
            Held::Text { start, len } => Value::from(self.at(start, len)),
            Held::Untyped { start, len } => {
                let text = self.at(start, len);
                match text.as_bytes().first() {
                    None => Value::Null,
                    Some(b'-' | b'0'..=b'9') => {
                        let number = serde_json::from_str::<serde_json::Number>(text);
                        number.map_or_else(|_| Value::from(text), Value::Number)
                    }
                    Some(_) => Value::from(text),
                }
            }
        }
    }
}
