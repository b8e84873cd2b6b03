//! One row of a list: a list of cells, or a record.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Any, Sink, Take, WRAPPERS};
use crate::ml::batch::{Builder, Given};
use crate::serving::refusal::Refusal;

/// A row: a list in the order of the signature (or of `order`), or a record.
pub(crate) struct Row<'b, 's> {
    sink: Sink<'b, 's>,
    order: Option<&'b [Option<usize>]>,
}

impl<'b, 's> Row<'b, 's> {
    pub(crate) fn new(sink: Sink<'b, 's>) -> Self {
        Self { sink, order: None }
    }

    pub(crate) fn ordered(sink: Sink<'b, 's>, order: &'b [Option<usize>]) -> Self {
        Self { sink, order: Some(order) }
    }
}

impl<'de> Take<'de> for Row<'_, '_> {
    type Out = ();

    fn value<E: Error>(mut self, _: Given<'_>) -> Result<(), E> {
        self.sink.add_row()?;
        self.sink.builder.not_a_row();
        Ok(())
    }

    fn list<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let row = self.sink.add_row()?;
        let mut found = 0;
        loop {
            let column = match self.order {
                None => Some(found),
                Some(order) => order.get(found).copied().flatten(),
            };
            let builder = &mut *self.sink.builder;
            let next = match column {
                Some(column) => list.next_element_seed(Any(Cell { builder, row, column }))?,
                None => list.next_element::<IgnoredAny>()?.map(|_| ()),
            };
            if next.is_none() {
                break;
            }
            found += 1;
        }
        match self.order {
            None => self.sink.builder.listed(found),
            Some(order) if order.len() == found => {}
            Some(order) => {
                let named = order.len();
                let error = format!("row {row}: {found} values where {named} columns are named");
                return Err(self.sink.refuse(Refusal::bad_request(error)));
            }
        }
        Ok(())
    }

    fn record<A: MapAccess<'de>>(mut self, mut record: A) -> Result<(), A::Error> {
        let row = self.sink.add_row()?;
        let mut nth = 0;
        while let Some(name) = record.next_key_seed(Name { sink: self.sink.borrow(), nth })? {
            match name {
                Named::Column(column) => {
                    let builder = &mut *self.sink.builder;
                    record.next_value_seed(Any(Cell { builder, row, column }))?;
                }
                Named::Unknown | Named::Wrapper => {
                    record.next_value::<IgnoredAny>()?;
                }
            }
            nth += 1;
        }
        Ok(())
    }
}

/// What a name means.
pub(super) enum Named {
    Column(usize),
    Wrapper,
    Unknown,
}

/// The name of a record's value.
pub(super) struct Name<'b, 's> {
    pub(super) sink: Sink<'b, 's>,
    pub(super) nth: usize,
}

impl<'de> DeserializeSeed<'de> for Name<'_, '_> {
    type Value = Named;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Named, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_, '_> {
    type Value = Named;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Named, E> {
        let builder = self.sink.builder;
        // A row of a list was begun; the outermost record is one, or holds columns or rows.
        let outermost = builder.rows() == 0;
        if outermost && WRAPPERS.contains(&name) && !builder.has(name) {
            return Ok(Named::Wrapper);
        }
        let row = builder.rows().saturating_sub(1);
        Ok(builder.column(row, self.nth, name).map_or(Named::Unknown, Named::Column))
    }
}

/// One cell.
pub(super) struct Cell<'b, 's> {
    pub(super) builder: &'b mut Builder<'s>,
    pub(super) row: usize,
    pub(super) column: usize,
}

impl<'de> Take<'de> for Cell<'_, '_> {
    type Out = ();

    fn value<E: Error>(self, given: Given<'_>) -> Result<(), E> {
        self.builder.set(self.row, self.column, given);
        Ok(())
    }
}
