//! Sums, means and greatest numbers along dimensions.

use ndarray::{ArrayD, ArrayView1, Axis};

use super::{Built, Op, axis, boxed, ints, numbers};
use crate::attribute::Attributes;
use crate::tensor::{Kind, Tensor};

pub(super) fn build(name: &str, attributes: Attributes<'_>) -> Option<Built> {
    let keeps = attributes.int("keepdims", 1) != 0;
    if name == "ArgMax" || name == "ArgMin" {
        let along = attributes.int("axis", 0);
        return Some(boxed(Arg { along, keeps, greatest: name == "ArgMax" }));
    }
    let function: fn(ArrayView1<'_, f64>) -> f64 = match name {
        "ReduceSum" => |lane| lane.sum(),
        "ReduceMean" => |lane| lane.sum() / lane.len() as f64,
        "ReduceMax" => |lane| lane.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        "ReduceMin" => |lane| lane.iter().copied().fold(f64::INFINITY, f64::min),
        "ReduceProd" => |lane| lane.product(),
        "ReduceL1" => |lane| lane.iter().map(|value| value.abs()).sum(),
        "ReduceL2" => |lane| lane.dot(&lane).sqrt(),
        "ReduceSumSquare" => |lane| lane.dot(&lane),
        "ReduceLogSumExp" => |lane| {
            let most = lane.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            most + lane.iter().map(|value| (value - most).exp()).sum::<f64>().ln()
        },
        _ => return None,
    };
    Some(boxed(Reduce { function, axes: attributes.ints("axes").to_vec(), keeps }))
}

#[derive(Debug)]
struct Reduce {
    function: fn(ArrayView1<'_, f64>) -> f64,
    /// None: all, unless an input says which.
    axes: Vec<i64>,
    keeps: bool,
}

impl Op for Reduce {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let (kind, values) = numbers(inputs, 0)?;
        let said = ints(inputs, 1)?.unwrap_or_else(|| self.axes.clone());
        let mut axes: Vec<usize> = match said.is_empty() {
            true => (0..values.ndim()).collect(),
            false => said.iter().map(|at| axis(*at, values.ndim())).collect::<Result<_, _>>()?,
        };
        axes.sort_unstable();
        axes.dedup();
        let mut found: ArrayD<f64> = values.clone();
        for at in axes.into_iter().rev() {
            found = found.map_axis(Axis(at), self.function);
            if self.keeps {
                found.insert_axis_inplace(Axis(at));
            }
        }
        Ok(vec![Tensor::numbers(kind, found)])
    }
}

/// Where the greatest number is, or the least; the first of equals.
#[derive(Debug)]
struct Arg {
    along: i64,
    keeps: bool,
    greatest: bool,
}

impl Op for Arg {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let (_, values) = numbers(inputs, 0)?;
        let along = Axis(axis(self.along, values.ndim())?);
        let mut found = values.map_axis(along, |lane| {
            let mut best = 0;
            for (at, value) in lane.iter().enumerate() {
                let is_better =
                    if self.greatest { *value > lane[best] } else { *value < lane[best] };
                best = if is_better { at } else { best };
            }
            best as f64
        });
        if self.keeps {
            found.insert_axis_inplace(along);
        }
        Ok(vec![Tensor::numbers(Kind::Int, found)])
    }
}
