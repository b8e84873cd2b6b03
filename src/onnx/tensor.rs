//! Tensors: numbers of a kind, or texts.

use ndarray::{ArrayD, IxDyn};

use crate::proto::TensorProto;

/// What a number is elsewhere; here all are `f64`. Whole numbers are exact up to 2⁵³.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Float,
    Double,
    Int,
    Bool,
}

/// A tensor.
#[derive(Debug, Clone, PartialEq)]
pub enum Tensor {
    Numbers(Kind, ArrayD<f64>),
    Texts(ArrayD<String>),
}

/// ONNX's numbers for the types of elements.
pub(crate) const FLOAT: i32 = 1;
const UINT8: i32 = 2;
const INT8: i32 = 3;
const UINT16: i32 = 4;
const INT16: i32 = 5;
const INT32: i32 = 6;
pub(crate) const INT64: i32 = 7;
pub(crate) const STRING: i32 = 8;
pub(crate) const BOOL: i32 = 9;
pub(crate) const DOUBLE: i32 = 11;

/// The kind of a type of elements; `Ok(None)`: texts.
pub(crate) fn kind(data_type: i32) -> Result<Option<Kind>, String> {
    match data_type {
        FLOAT => Ok(Some(Kind::Float)),
        DOUBLE => Ok(Some(Kind::Double)),
        UINT8 | INT8 | UINT16 | INT16 | INT32 | INT64 => Ok(Some(Kind::Int)),
        BOOL => Ok(Some(Kind::Bool)),
        STRING => Ok(None),
        other => Err(format!("tensors of type {other} are not known here")),
    }
}

impl Tensor {
    /// Numbers of a kind, rounded to what it can hold.
    pub fn numbers(kind: Kind, mut values: ArrayD<f64>) -> Self {
        match kind {
            Kind::Float => values.mapv_inplace(|value| f64::from(value as f32)),
            Kind::Int => values.mapv_inplace(f64::trunc),
            Kind::Bool => values.mapv_inplace(|value| f64::from(u8::from(value != 0.0))),
            Kind::Double => {}
        }
        Self::Numbers(kind, values)
    }

    /// Rows of numbers.
    pub fn rows(kind: Kind, values: Vec<f64>, width: usize) -> Option<Self> {
        let rows = values.len().checked_div(width)?;
        let array = ArrayD::from_shape_vec(IxDyn(&[rows, width]), values).ok()?;
        Some(Self::numbers(kind, array))
    }

    /// Rows of texts.
    pub fn texts(values: Vec<String>, width: usize) -> Option<Self> {
        let rows = values.len().checked_div(width)?;
        ArrayD::from_shape_vec(IxDyn(&[rows, width]), values).ok().map(Self::Texts)
    }

    pub fn shape(&self) -> &[usize] {
        match self {
            Self::Numbers(_, values) => values.shape(),
            Self::Texts(values) => values.shape(),
        }
    }

    /// The numbers that it holds.
    pub fn as_numbers(&self) -> Option<&ArrayD<f64>> {
        match self {
            Self::Numbers(_, values) => Some(values),
            Self::Texts(_) => None,
        }
    }

    /// The texts that it holds.
    pub fn as_texts(&self) -> Option<&ArrayD<String>> {
        match self {
            Self::Texts(values) => Some(values),
            Self::Numbers(..) => None,
        }
    }

    /// Reads one from a file.
    pub(crate) fn read(proto: &TensorProto) -> Result<Self, String> {
        if proto.data_location != 0 {
            return Err("its data lies in another file".to_owned());
        }
        let shape: Vec<usize> = proto
            .dims
            .iter()
            .map(|dim| usize::try_from(*dim).map_err(|_| format!("a dimension of {dim}")))
            .collect::<Result<_, _>>()?;
        let misfit = |found: usize| format!("{found} values for the shape {shape:?}");
        match kind(proto.data_type)? {
            Some(kind) => {
                let values = numbers(proto)?;
                let count = values.len();
                let array = ArrayD::from_shape_vec(IxDyn(&shape), values);
                Ok(Self::numbers(kind, array.map_err(|_| misfit(count))?))
            }
            None => {
                let texts: Vec<String> = proto.string_data.iter().map(|t| text(t)).collect();
                let count = texts.len();
                let array = ArrayD::from_shape_vec(IxDyn(&shape), texts);
                Ok(Self::Texts(array.map_err(|_| misfit(count))?))
            }
        }
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn numbers(proto: &TensorProto) -> Result<Vec<f64>, String> {
    let raw = proto.raw_data.as_slice();
    let from_ints = || proto.int32_data.iter().map(|value| f64::from(*value)).collect();
    Ok(match proto.data_type {
        FLOAT if raw.is_empty() => proto.float_data.iter().map(|v| f64::from(*v)).collect(),
        FLOAT => unpack(raw, |bytes| f64::from(f32::from_le_bytes(bytes)))?,
        DOUBLE if raw.is_empty() => proto.double_data.clone(),
        DOUBLE => unpack(raw, f64::from_le_bytes)?,
        INT64 if raw.is_empty() => proto.int64_data.iter().map(|v| *v as f64).collect(),
        INT64 => unpack(raw, |bytes| i64::from_le_bytes(bytes) as f64)?,
        _ if raw.is_empty() => from_ints(),
        INT32 => unpack(raw, |bytes| f64::from(i32::from_le_bytes(bytes)))?,
        INT16 => unpack(raw, |bytes| f64::from(i16::from_le_bytes(bytes)))?,
        UINT16 => unpack(raw, |bytes| f64::from(u16::from_le_bytes(bytes)))?,
        INT8 => unpack(raw, |bytes| f64::from(i8::from_le_bytes(bytes)))?,
        _ => raw.iter().map(|byte| f64::from(*byte)).collect(),
    })
}

/// Reads little-endian numbers of `N` bytes.
fn unpack<const N: usize>(raw: &[u8], read: impl Fn([u8; N]) -> f64) -> Result<Vec<f64>, String> {
    let (numbers, rest) = raw.as_chunks::<N>();
    match rest.is_empty() {
        true => Ok(numbers.iter().map(|bytes| read(*bytes)).collect()),
        false => Err(format!("{} bytes for numbers of {N}", raw.len())),
    }
}
