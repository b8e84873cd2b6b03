//! Rows in JSON, read straight into a batch: nothing is kept of the text but its cells.
//!
//! | body | rows |
//! |---|---|
//! | `[[1, "a"], [2, "b"]]`, `[1, "a"]` | lists in the order of the signature; one of them |
//! | `[{"x": 1, "y": "a"}]`, `{"x": 1, "y": "a"}` | records by name; one of them |
//! | `{"x": [1, 2], "y": ["a", "b"]}` | columns by name |
//! | `{"rows": …}`, `{"records": …}`, `{"columns": …}` | any of these |

mod any;
mod row;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess};

pub(crate) use self::any::{Any, Take};
pub(crate) use self::row::Row;
use self::row::{Cell, Name, Named};

use crate::ml::batch::{Builder, Given};
use crate::serving::refusal::Refusal;

/// Names that hold rows and are no columns, unless the model has a column of that name.
const WRAPPERS: [&str; 3] = ["rows", "records", "columns"];

/// Where rows go, and why the reading stopped.
pub(crate) struct Sink<'b, 's> {
    pub(crate) builder: &'b mut Builder<'s>,
    pub(crate) stop: &'b mut Option<Refusal>,
}

impl<'s> Sink<'_, 's> {
    pub(crate) fn borrow(&mut self) -> Sink<'_, 's> {
        Sink { builder: self.builder, stop: self.stop }
    }

    fn add_row<E: Error>(&mut self) -> Result<usize, E> {
        self.builder.add_rows(1).map_err(|error| self.refuse(Refusal::of_input(&error)))?;
        Ok(self.builder.rows() - 1)
    }

    /// Stops the reading for another reason than broken JSON.
    pub(crate) fn refuse<E: Error>(&mut self, refusal: Refusal) -> E {
        self.stop.get_or_insert(refusal);
        E::custom("refused")
    }
}

/// Reads a document by a seed.
pub(crate) fn document<'de, T>(
    body: &'de [u8],
    seed: impl DeserializeSeed<'de, Value = T>,
) -> Result<T, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = seed.deserialize(&mut reader)?;
    reader.end()?;
    Ok(read)
}

/// Writes null in the place of NaN, which Python writes where a value is missing; `None` where
/// there is none.
pub(crate) fn without_nan(body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut from, mut at, mut in_text) = (0, 0, false);
    while let Some(byte) = body.get(at) {
        match byte {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'N' if !in_text && body[at..].starts_with(b"NaN") => {
                out.extend_from_slice(&body[from..at]);
                out.extend_from_slice(b"null");
                at += 2;
                from = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    (from > 0).then(|| {
        out.extend_from_slice(&body[from..]);
        out
    })
}

/// Any of the shapes; `wrapped`: it stands under a name already.
pub(crate) struct Rows<'b, 's> {
    pub(crate) sink: Sink<'b, 's>,
    pub(crate) wrapped: bool,
}

const NO_ROWS: &str = "the body holds no rows";
const NOT_ROWS: &str =
    "the body is neither a list of rows, nor one row (a list of values or a record)";

impl<'de> Take<'de> for Rows<'_, '_> {
    type Out = ();

    fn value<E: Error>(mut self, _: Given<'_>) -> Result<(), E> {
        Err(self.sink.refuse(Refusal::bad_request(NOT_ROWS)))
    }

    fn list<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let mut kind = Kind::Unknown;
        let mut nth = 0;
        while let Some(next) =
            list.next_element_seed(Any(Element { sink: self.sink.borrow(), kind, nth }))?
        {
            kind = next;
            nth += 1;
        }
        match kind {
            Kind::Unknown => Err(self.sink.refuse(Refusal::bad_request(NO_ROWS))),
            Kind::One if self.sink.builder.width() != 1 => {
                self.sink.builder.listed(nth);
                Ok(())
            }
            Kind::One | Kind::Many => Ok(()),
        }
    }

    fn record<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut kind = Kind::Unknown;
        let mut len = None;
        let mut nth = 0;
        while let Some(name) = map.next_key_seed(Name { sink: self.sink.borrow(), nth })? {
            let column = match name {
                Named::Column(column) => column,
                Named::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                Named::Wrapper if nth == 0 && !self.wrapped => {
                    map.next_value_seed(Any(Rows { sink: self.sink.borrow(), wrapped: true }))?;
                    let beside = map.next_key::<IgnoredAny>()?;
                    return match beside {
                        None => Ok(()),
                        Some(_) => {
                            let error = "nothing is taken beside the rows under their name";
                            Err(self.sink.refuse(Refusal::bad_request(error)))
                        }
                    };
                }
                Named::Wrapper => {
                    let error = "rows stand under one name, alone";
                    return Err(self.sink.refuse(Refusal::bad_request(error)));
                }
            };
            let sink = self.sink.borrow();
            let (next, found) = map.next_value_seed(Any(Entry { sink, kind, column }))?;
            kind = next;
            if next == Kind::Many && *len.get_or_insert(found) != found {
                let known = len.unwrap_or_default();
                let error = format!("a column has {found} values where another has {known}");
                return Err(self.sink.refuse(Refusal::bad_request(error)));
            }
            nth += 1;
        }
        if kind == Kind::Many && len == Some(0) {
            return Err(self.sink.refuse(Refusal::bad_request(NO_ROWS)));
        }
        if self.sink.builder.rows() == 0 {
            self.sink.add_row()?;
        }
        Ok(())
    }
}

/// What a list or a record turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unknown,
    /// One row.
    One,
    /// A list of rows; a record of columns.
    Many,
}

/// An element of the outermost list: a row, or a value of the only one.
struct Element<'b, 's> {
    sink: Sink<'b, 's>,
    kind: Kind,
    nth: usize,
}

impl<'de> Take<'de> for Element<'_, '_> {
    type Out = Kind;

    fn value<E: Error>(mut self, given: Given<'_>) -> Result<Kind, E> {
        if self.kind == Kind::Many {
            self.sink.add_row()?;
            self.sink.builder.not_a_row();
            return Ok(Kind::Many);
        }
        // Of a model of one column every value is a row.
        let one_column = self.sink.builder.width() == 1;
        if self.nth == 0 || one_column {
            self.sink.add_row()?;
        }
        let (row, column) = if one_column { (self.nth, 0) } else { (0, self.nth) };
        self.sink.builder.set(row, column, given);
        Ok(Kind::One)
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Kind, A::Error> {
        if self.kind == Kind::One {
            return Misplaced(self).list(list);
        }
        Row::new(self.sink).list(list)?;
        Ok(Kind::Many)
    }

    fn record<A: MapAccess<'de>>(self, record: A) -> Result<Kind, A::Error> {
        if self.kind == Kind::One {
            return Misplaced(self).record(record);
        }
        Row::new(self.sink).record(record)?;
        Ok(Kind::Many)
    }
}

/// A list or a record where a value is expected: it is passed over and told as such.
struct Misplaced<T>(T);

impl<'de, T: Take<'de>> Take<'de> for Misplaced<T> {
    type Out = T::Out;

    fn value<E: Error>(self, given: Given<'_>) -> Result<T::Out, E> {
        self.0.value(given)
    }
}

/// A value of the outermost record: a cell of the only row, or a whole column. Returns which, and
/// how many values there were.
struct Entry<'b, 's> {
    sink: Sink<'b, 's>,
    kind: Kind,
    column: usize,
}

impl<'de> Take<'de> for Entry<'_, '_> {
    type Out = (Kind, usize);

    fn value<E: Error>(mut self, given: Given<'_>) -> Result<(Kind, usize), E> {
        if self.kind == Kind::Many {
            let error = "one value where other columns are lists of values";
            return Err(self.sink.refuse(Refusal::bad_request(error)));
        }
        if self.sink.builder.rows() == 0 {
            self.sink.add_row()?;
        }
        self.sink.builder.set(0, self.column, given);
        Ok((Kind::One, 1))
    }

    fn list<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Self::Out, A::Error> {
        if self.kind == Kind::One {
            return Misplaced(self).list(list);
        }
        let mut row = 0;
        loop {
            let column = self.column;
            if row < self.sink.builder.rows() {
                let builder = &mut *self.sink.builder;
                if list.next_element_seed(Any(Cell { builder, row, column }))?.is_none() {
                    break;
                }
            } else {
                let added = Added { sink: self.sink.borrow(), row, column };
                if list.next_element_seed(added)?.is_none() {
                    break;
                }
            }
            row += 1;
        }
        Ok((Kind::Many, row))
    }
}

/// A cell of a row that comes about with it.
struct Added<'b, 's> {
    sink: Sink<'b, 's>,
    row: usize,
    column: usize,
}

impl<'de> DeserializeSeed<'de> for Added<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, reader: D) -> Result<(), D::Error> {
        self.sink.add_row()?;
        let (row, column) = (self.row, self.column);
        Any(Cell { builder: self.sink.builder, row, column }).deserialize(reader)
    }
}
