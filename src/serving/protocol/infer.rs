//! `POST /v2/models/{name}/infer`: the Open Inference Protocol, tensors in JSON or binary.
//!
//! A model takes a tensor for each of its columns, by the column's name and of the shape `[n]` or
//! `[n, 1]`; where all columns are numbers, also one matrix `[n, columns]` of any name. It answers
//! with `label` and `probabilities`, or with `value`.

mod tensor;
mod write;

use hyper::HeaderMap;
use hyper::body::Bytes;
use hyper::header::HeaderName;
use serde::Deserialize;
use serde_json::{Map, Value};

use self::tensor::{Elements, Tensor};
pub(super) use self::write::Form;
use crate::ml::batch::{Batch, Builder, Rules};
use crate::ml::model::{ColumnSpec, DataType};
use crate::ml::{Predictor, Signature};
use crate::serving::refusal::{Refusal, Refused};

/// How many bytes of the body are JSON; raw tensors follow.
pub(crate) const HEADER_LENGTH: HeaderName =
    HeaderName::from_static("inference-header-content-length");

/// What tensors a model answers with.
pub(crate) const LABEL: &str = "label";
pub(crate) const PROBABILITIES: &str = "probabilities";
pub(crate) const VALUE: &str = "value";

/// The datatype of a column's tensor.
pub(crate) fn datatype(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Double => "FP64",
        DataType::Long => "INT64",
        DataType::Boolean => "BOOL",
        DataType::String | DataType::Datetime => "BYTES",
    }
}

/// Says whether rows can come as one matrix.
pub(crate) fn takes_matrix(inputs: &[ColumnSpec]) -> bool {
    inputs.iter().all(|column| matches!(column.data_type, DataType::Double | DataType::Long))
}

#[derive(Deserialize)]
struct InferBody {
    id: Option<String>,
    parameters: Option<Map<String, Value>>,
    inputs: Vec<TensorBody>,
    outputs: Option<Vec<OutputBody>>,
}

#[derive(Deserialize)]
struct TensorBody {
    name: String,
    shape: Vec<u64>,
    datatype: String,
    parameters: Option<Map<String, Value>>,
    data: Option<Elements>,
}

#[derive(Deserialize)]
struct OutputBody {
    name: String,
    parameters: Option<Map<String, Value>>,
}

pub(super) fn read(
    headers: &HeaderMap,
    body: &Bytes,
    predictor: &dyn Predictor,
    rules: Rules,
) -> Result<(Batch, Form), Refused> {
    let (json, raw) = parts(headers, body).map_err(Refused::unread)?;
    let infer = parse(json).map_err(Refused::unread)?;
    let classes = predictor.classes();
    let form = Form::of(infer.id, &infer.parameters, infer.outputs, classes);
    let form = form.map_err(Refused::unread)?;
    let tensors = tensors(infer.inputs, raw).map_err(Refused::unread)?;
    let signature = predictor.signature();
    let mut builder = Builder::new(signature, rules);
    fill(&mut builder, &tensors, signature, rules).map_err(Refused::unread)?;
    let batch = builder.finish().map_err(|faults| Refused::by_version(&faults))?;
    Ok((batch, form))
}

/// Divides a body into JSON and what follows.
fn parts<'a>(headers: &HeaderMap, body: &'a Bytes) -> Result<(&'a [u8], &'a [u8]), Refusal> {
    let Some(given) = headers.get(HEADER_LENGTH) else { return Ok((body, &[])) };
    let length = given.to_str().ok().and_then(|text| text.trim().parse().ok());
    let divided = length.and_then(|length| body.split_at_checked(length));
    divided.ok_or_else(|| {
        Refusal::bad_request(format!(
            "Inference-Header-Content-Length is a number of bytes up to the body's {}",
            body.len()
        ))
    })
}

fn parse(json: &[u8]) -> Result<InferBody, Refusal> {
    let read = serde_json::from_slice(json);
    read.or_else(|error| match crate::serving::read::json::without_nan(json) {
        Some(mended) => serde_json::from_slice(&mended).map_err(|error| Refusal::of_json(&error)),
        None => Err(Refusal::of_json(&error)),
    })
}

fn tensors(bodies: Vec<TensorBody>, mut raw: &[u8]) -> Result<Vec<Tensor<'_>>, Refusal> {
    let mut tensors = Vec::with_capacity(bodies.len());
    for body in bodies {
        if tensors.iter().any(|tensor: &Tensor<'_>| tensor.name == body.name) {
            return Err(Refusal::bad_request(format!("input `{}` is given twice", body.name)));
        }
        tensors.push(Tensor::of(body, &mut raw)?);
    }
    match raw.is_empty() {
        true => Ok(tensors),
        false => {
            let error = format!("{} bytes of the body belong to no input", raw.len());
            Err(Refusal::bad_request(error))
        }
    }
}

fn fill(
    builder: &mut Builder<'_>,
    tensors: &[Tensor<'_>],
    signature: &Signature,
    rules: Rules,
) -> Result<(), Refusal> {
    let Some(first) = tensors.first() else {
        return Err(Refusal::bad_request("there are no inputs"));
    };
    let rows = first.rows()?;
    builder.add_rows(rows).map_err(|fault| Refusal::of_input(&fault))?;
    let width = builder.width();
    if let ([matrix], true) = (tensors, takes_matrix(&signature.inputs))
        && matrix.shape.len() == 2
        && (width > 1 || !builder.has(&matrix.name))
    {
        return fill_matrix(builder, matrix, rows);
    }
    for (nth, tensor) in tensors.iter().enumerate() {
        if tensor.rows()? != rows {
            return Err(Refusal::bad_request(format!(
                "input `{}` has the shape {:?}, and `{}` has {rows} rows",
                tensor.name, tensor.shape, first.name
            )));
        }
        let Some(column) = builder.column(0, nth, &tensor.name) else {
            match rules.ignore_unknown {
                true => continue,
                false => return Err(unknown(&tensor.name, signature)),
            }
        };
        if tensor.len()? != rows {
            let (name, shape) = (&tensor.name, &tensor.shape);
            let error = format!("input `{name}` has the shape {shape:?} where [n] is expected");
            return Err(Refusal::bad_request(error));
        }
        tensor.each(|row, given| builder.set(row, column, given))?;
    }
    Ok(())
}

fn fill_matrix(builder: &mut Builder<'_>, matrix: &Tensor<'_>, rows: usize) -> Result<(), Refusal> {
    let width = builder.width();
    if matrix.len()? != rows.saturating_mul(width) {
        return Err(Refusal::bad_request(format!(
            "input `{}` has the shape {:?} where [n, {width}] is expected",
            matrix.name, matrix.shape
        )));
    }
    matrix.each(|at, given| builder.set(at / width, at % width, given))
}

fn unknown(name: &str, signature: &Signature) -> Refusal {
    let known: Vec<&str> = signature.inputs.iter().map(|column| column.name.as_str()).collect();
    Refusal::bad_request(format!("there is no input `{name}`; there are {}", known.join(", ")))
}

/// Says that the server cannot do what a parameter asks for.
fn refuse_parameters(parameters: &Option<Map<String, Value>>) -> Result<(), Refusal> {
    for name in parameters.iter().flatten().map(|(name, _)| name.as_str()) {
        if name.starts_with("shared_memory") || name == "classification" {
            return Err(Refusal::bad_request(format!("the parameter `{name}` is not supported")));
        }
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Elements {
    fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        tensor::elements(reader)
    }
}
