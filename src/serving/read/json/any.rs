//! One value of JSON, whatever it is: serde's many visits as three.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::ml::batch::Given;

/// What takes a value, a list or a record.
pub(crate) trait Take<'de>: Sized {
    type Out;

    fn value<E: Error>(self, given: Given<'_>) -> Result<Self::Out, E>;

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Out, A::Error> {
        drain(list)?;
        self.value(Given::List)
    }

    fn record<A: MapAccess<'de>>(self, record: A) -> Result<Self::Out, A::Error> {
        drain_map(record)?;
        self.value(Given::Record)
    }
}

/// Hands whatever comes to what takes it.
pub(crate) struct Any<T>(pub(crate) T);

impl<'de, T: Take<'de>> DeserializeSeed<'de> for Any<T> {
    type Value = T::Out;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<T::Out, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de, T: Take<'de>> Visitor<'de> for Any<T> {
    type Value = T::Out;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<T::Out, E> {
        self.0.value(Given::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T::Out, E> {
        self.0.value(Given::Boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T::Out, E> {
        self.0.value(Given::Whole(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T::Out, E> {
        let whole = i64::try_from(value);
        self.0.value(whole.map_or(Given::Number(value as f64), Given::Whole))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T::Out, E> {
        self.0.value(Given::Number(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T::Out, E> {
        self.0.value(Given::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T::Out, A::Error> {
        self.0.list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, record: A) -> Result<T::Out, A::Error> {
        self.0.record(record)
    }
}

fn drain<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

fn drain_map<'de, A: MapAccess<'de>>(mut record: A) -> Result<(), A::Error> {
    while record.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}
