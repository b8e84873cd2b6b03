//! One tensor of a request: what it says of itself, and its elements, from JSON or raw.

use std::borrow::Cow;

use half::f16;
use serde::Deserializer;
use serde::de::{DeserializeSeed as _, Error, SeqAccess};

use super::{TensorBody, refuse_parameters};
use crate::ml::batch::Given;
use crate::serving::read::json::{Any, Take};
use crate::serving::refusal::Refusal;

/// Elements of JSON, flat or nested: numbers alone take 8 bytes each.
#[derive(Debug)]
pub(super) enum Elements {
    Numbers(Vec<f64>),
    Mixed(Vec<Element>),
}

#[derive(Debug)]
pub(super) enum Element {
    Null,
    Boolean(bool),
    Number(f64),
    Text(String),
}

/// Reads `data`.
pub(super) fn elements<'de, D: Deserializer<'de>>(reader: D) -> Result<Elements, D::Error> {
    let mut elements = Elements::Numbers(Vec::new());
    Any(Flatten(&mut elements)).deserialize(reader)?;
    Ok(elements)
}

struct Flatten<'a>(&'a mut Elements);

impl<'de> Take<'de> for Flatten<'_> {
    type Out = ();

    fn value<E: Error>(self, given: Given<'_>) -> Result<(), E> {
        let element = match given {
            Given::Null => Element::Null,
            Given::Boolean(value) => Element::Boolean(value),
            Given::Whole(value) => Element::Number(value as f64),
            Given::Number(value) => Element::Number(value),
            Given::Text(text) => Element::Text(text.to_owned()),
            Given::List | Given::Record => return Err(E::custom("a record in a tensor")),
        };
        match (&mut *self.0, element) {
            (Elements::Numbers(numbers), Element::Number(value)) => numbers.push(value),
            (Elements::Numbers(numbers), other) => {
                let numbers = std::mem::take(numbers).into_iter().map(Element::Number);
                *self.0 = Elements::Mixed(numbers.chain([other]).collect());
            }
            (Elements::Mixed(elements), element) => elements.push(element),
        }
        Ok(())
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Any(Flatten(self.0)))?.is_some() {}
        Ok(())
    }
}

impl Elements {
    fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Mixed(elements) => elements.len(),
        }
    }
}

/// The datatypes of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Datatype {
    Bool,
    /// Whole numbers: bytes, and whether they bear a sign.
    Whole(usize, bool),
    Fraction(usize),
    Bytes,
}

impl Datatype {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "BOOL" => Self::Bool,
            "UINT8" => Self::Whole(1, false),
            "UINT16" => Self::Whole(2, false),
            "UINT32" => Self::Whole(4, false),
            "UINT64" => Self::Whole(8, false),
            "INT8" => Self::Whole(1, true),
            "INT16" => Self::Whole(2, true),
            "INT32" => Self::Whole(4, true),
            "INT64" => Self::Whole(8, true),
            "FP16" => Self::Fraction(2),
            "FP32" => Self::Fraction(4),
            "FP64" => Self::Fraction(8),
            "BYTES" => Self::Bytes,
            _ => return None,
        })
    }
}

enum Data<'a> {
    Json(Elements),
    Raw(&'a [u8]),
}

/// A tensor whose data fit its shape.
pub(super) struct Tensor<'a> {
    pub(super) name: String,
    pub(super) shape: Vec<u64>,
    datatype: (String, Datatype),
    data: Data<'a>,
}

impl<'a> Tensor<'a> {
    /// Takes a tensor, raw data from the start of `raw`.
    pub(super) fn of(body: TensorBody, raw: &mut &'a [u8]) -> Result<Self, Refusal> {
        let TensorBody { name, shape, datatype, parameters, data } = body;
        refuse_parameters(&parameters)?;
        let known = Datatype::of(&datatype).ok_or_else(|| {
            Refusal::bad_request(format!("input `{name}`: there is no datatype `{datatype}`"))
        })?;
        let size = parameters.iter().flatten().find(|(key, _)| *key == "binary_data_size");
        let data = match (size, data) {
            (Some(_), Some(_)) => {
                let error = format!("input `{name}` has both `data` and binary data");
                return Err(Refusal::bad_request(error));
            }
            (None, None) => {
                return Err(Refusal::bad_request(format!("input `{name}` has no data")));
            }
            (None, Some(elements)) => Data::Json(elements),
            (Some((_, size)), None) => {
                let size = size.as_u64().and_then(|size| usize::try_from(size).ok());
                let divided = size.and_then(|size| raw.split_at_checked(size));
                let (own, rest) = divided.ok_or_else(|| {
                    Refusal::bad_request(format!(
                        "input `{name}`: `binary_data_size` is a number of bytes, of which {} \
                         are left",
                        raw.len()
                    ))
                })?;
                *raw = rest;
                Data::Raw(own)
            }
        };
        let tensor = Self { name, shape, datatype: (datatype, known), data };
        tensor.check()?;
        Ok(tensor)
    }

    /// Returns the first dimension.
    pub(super) fn rows(&self) -> Result<usize, Refusal> {
        match self.shape.first().copied().and_then(|rows| usize::try_from(rows).ok()) {
            None | Some(0) => Err(Refusal::bad_request(format!(
                "input `{}` has the shape {:?}, which has no rows",
                self.name, self.shape
            ))),
            Some(rows) => Ok(rows),
        }
    }

    /// Returns how many elements there are.
    pub(super) fn len(&self) -> Result<usize, Refusal> {
        let product = self.shape.iter().try_fold(1_u64, |product, n| product.checked_mul(*n));
        product.and_then(|product| usize::try_from(product).ok()).ok_or_else(|| {
            Refusal::bad_request(format!("input `{}`: the shape is too large", self.name))
        })
    }

    fn check(&self) -> Result<(), Refusal> {
        let expected = self.len()?;
        let found = match (&self.data, self.datatype.1) {
            (Data::Json(elements), _) => elements.len(),
            (Data::Raw(raw), Datatype::Bytes) => self.texts(raw).count_checked()?,
            (Data::Raw(raw), Datatype::Bool) => raw.len(),
            (Data::Raw(raw), Datatype::Whole(size, _) | Datatype::Fraction(size)) => {
                if raw.len() % size != 0 {
                    let error = format!("{} bytes are no whole number of elements", raw.len());
                    return Err(self.wrong(&error));
                }
                raw.len() / size
            }
        };
        match found == expected {
            true => Ok(()),
            false => Err(self.wrong(&format!(
                "{found} elements where the shape {:?} has {expected}",
                self.shape
            ))),
        }
    }

    fn wrong(&self, what: &str) -> Refusal {
        Refusal::bad_request(format!("input `{}` ({}): {what}", self.name, self.datatype.0))
    }

    fn texts<'t>(&'t self, raw: &'a [u8]) -> Texts<'t, 'a> {
        Texts { tensor: self, rest: raw }
    }

    /// Gives each element, in the order of rows.
    pub(super) fn each(&self, mut take: impl FnMut(usize, Given<'_>)) -> Result<(), Refusal> {
        match &self.data {
            Data::Json(Elements::Numbers(numbers)) => {
                for (at, value) in numbers.iter().enumerate() {
                    take(at, self.number(*value)?);
                }
            }
            Data::Json(Elements::Mixed(elements)) => {
                for (at, element) in elements.iter().enumerate() {
                    take(at, self.element(element)?);
                }
            }
            Data::Raw(raw) => match self.datatype.1 {
                Datatype::Bool => {
                    raw.iter().enumerate().for_each(|(at, b)| take(at, Given::Boolean(*b != 0)));
                }
                Datatype::Bytes => {
                    for (at, text) in self.texts(raw).enumerate() {
                        take(at, Given::Text(&text?));
                    }
                }
                Datatype::Whole(size, signed) => {
                    let elements = raw.chunks_exact(size).enumerate();
                    elements.for_each(|(at, bytes)| take(at, whole(bytes, signed)));
                }
                Datatype::Fraction(size) => {
                    let elements = raw.chunks_exact(size).enumerate();
                    elements.for_each(|(at, bytes)| take(at, fraction(bytes)));
                }
            },
        }
        Ok(())
    }

    fn number(&self, value: f64) -> Result<Given<'static>, Refusal> {
        match self.datatype.1 {
            Datatype::Fraction(_) => Ok(Given::Number(value)),
            Datatype::Whole(..) if value.fract() == 0.0 => Ok(Given::Number(value)),
            Datatype::Bool if value == 0.0 || value == 1.0 => Ok(Given::Boolean(value == 1.0)),
            Datatype::Whole(..) | Datatype::Bool | Datatype::Bytes => {
                Err(self.wrong(&format!("the number {value} is no such element")))
            }
        }
    }

    fn element<'e>(&self, element: &'e Element) -> Result<Given<'e>, Refusal> {
        match (element, self.datatype.1) {
            (Element::Null, _) => Ok(Given::Null),
            (Element::Boolean(value), Datatype::Bool) => Ok(Given::Boolean(*value)),
            (Element::Boolean(value), _) => {
                Err(self.wrong(&format!("the boolean {value} is no such element")))
            }
            (Element::Number(value), _) => self.number(*value),
            (Element::Text(text), Datatype::Bytes) => Ok(Given::Text(text)),
            (Element::Text(_), _) => Err(self.wrong("a string is no such element")),
        }
    }
}

/// Raw strings, each after its length in four bytes.
struct Texts<'t, 'a> {
    tensor: &'t Tensor<'a>,
    rest: &'a [u8],
}

impl Texts<'_, '_> {
    /// Counts the strings; refuses where they do not end with the bytes.
    fn count_checked(self) -> Result<usize, Refusal> {
        let mut count = 0;
        for text in self {
            text?;
            count += 1;
        }
        Ok(count)
    }
}

impl<'a> Iterator for Texts<'_, 'a> {
    type Item = Result<Cow<'a, str>, Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let divided = self
            .rest
            .split_first_chunk()
            .and_then(|(len, rest)| rest.split_at_checked(u32::from_le_bytes(*len) as usize));
        let Some((text, rest)) = divided else {
            self.rest = &[];
            return Some(Err(self.tensor.wrong("the bytes end within an element")));
        };
        self.rest = rest;
        Some(match std::str::from_utf8(text) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_) => {
                self.rest = &[];
                Err(self.tensor.wrong("an element is not UTF-8"))
            }
        })
    }
}

/// Reads a whole number, little-endian.
fn whole(bytes: &[u8], signed: bool) -> Given<'static> {
    let mut wide = [0_u8; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    let unused = 64 - 8 * bytes.len() as u32;
    let value = u64::from_le_bytes(wide);
    match signed {
        // The sign moves up with the bytes, and down again.
        true => Given::Whole((value << unused).cast_signed() >> unused),
        false => i64::try_from(value).map_or(Given::Number(value as f64), Given::Whole),
    }
}

/// Reads a fraction, little-endian; NaN is a missing value.
fn fraction(bytes: &[u8]) -> Given<'static> {
    let value = match *bytes {
        [a, b] => f64::from(f16::from_le_bytes([a, b])),
        [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => f64::NAN,
    };
    if value.is_nan() { Given::Null } else { Given::Number(value) }
}
