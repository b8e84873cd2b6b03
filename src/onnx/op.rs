//! What nodes compute. Each operator reads its attributes once, when the graph is read.

mod classes;
mod linear;
mod math;
mod prepare;
mod reduce;
mod shape;
mod trees;
mod vectors;

use std::fmt;

use ndarray::{ArrayD, ArrayView2, Ix2};

use crate::attribute::Attributes;
use crate::tensor::{Kind, Tensor};

/// What a node computes; what is wrong is a sentence.
pub(crate) trait Op: fmt::Debug + Send + Sync {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String>;

    /// The classes that its scores are of, in their order.
    fn classes(&self) -> Option<&[String]> {
        None
    }
}

pub(crate) type Built = Result<Box<dyn Op>, String>;

/// Makes an operator; `None`: it is not known.
pub(crate) fn build(domain: &str, name: &str, attributes: Attributes<'_>) -> Option<Built> {
    match domain {
        "" => math::build(name, attributes)
            .or_else(|| reduce::build(name, attributes))
            .or_else(|| shape::build(name, attributes)),
        "ai.onnx.ml" => prepare::build(name, attributes)
            .or_else(|| linear::build(name, attributes))
            .or_else(|| trees::build(name, attributes))
            .or_else(|| vectors::build(name, attributes)),
        _ => None,
    }
}

fn boxed(op: impl Op + 'static) -> Built {
    Ok(Box::new(op))
}

/// An input that must be there.
fn input<'a>(inputs: &[Option<&'a Tensor>], at: usize) -> Result<&'a Tensor, String> {
    inputs.get(at).copied().flatten().ok_or_else(|| format!("its input {at} is missing"))
}

/// An input of numbers.
fn numbers<'a>(
    inputs: &[Option<&'a Tensor>],
    at: usize,
) -> Result<(Kind, &'a ArrayD<f64>), String> {
    match input(inputs, at)? {
        Tensor::Numbers(kind, values) => Ok((*kind, values)),
        Tensor::Texts(_) => Err(format!("its input {at} holds texts, not numbers")),
    }
}

/// Rows of numbers; a list is one row each of one number.
fn table(values: &ArrayD<f64>) -> Result<ArrayView2<'_, f64>, String> {
    let view = match values.ndim() {
        1 => values.view().insert_axis(ndarray::Axis(1)),
        _ => values.view(),
    };
    view.into_dimensionality::<Ix2>()
        .map_err(|_| format!("a table is needed, not the shape {:?}", values.shape()))
}

/// Whole numbers, such as axes and shapes, from an input.
fn ints(inputs: &[Option<&Tensor>], at: usize) -> Result<Option<Vec<i64>>, String> {
    match inputs.get(at).copied().flatten() {
        None => Ok(None),
        Some(Tensor::Numbers(_, values)) => Ok(Some(values.iter().map(|v| *v as i64).collect())),
        Some(Tensor::Texts(_)) => Err(format!("its input {at} holds texts, not numbers")),
    }
}

/// An axis, counted from the end where it is negative.
fn axis(axis: i64, dimensions: usize) -> Result<usize, String> {
    let count = i64::try_from(dimensions).unwrap_or(i64::MAX);
    let from_start = if axis < 0 { axis + count } else { axis };
    usize::try_from(from_start)
        .ok()
        .filter(|found| *found < dimensions)
        .ok_or_else(|| format!("axis {axis} of {dimensions} dimensions"))
}
