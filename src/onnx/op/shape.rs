//! The same values in another shape, order or kind.

use ndarray::{ArrayD, Axis, IxDyn, concatenate};

use super::{Built, Op, axis, boxed, input, ints};
use crate::attribute::Attributes;
use crate::tensor::{Kind, Tensor, kind};

pub(super) fn build(name: &str, attributes: Attributes<'_>) -> Option<Built> {
    Some(match name {
        "Identity" => boxed(Identity),
        "Cast" => cast(attributes),
        "Concat" => boxed(Concat { along: attributes.int("axis", 0) }),
        "Constant" => constant(attributes),
        "Gather" => boxed(Gather { along: attributes.int("axis", 0) }),
        "Reshape" => boxed(Reshape),
        "Flatten" => boxed(Flatten { at: attributes.int("axis", 1) }),
        "Transpose" => boxed(Transpose { order: attributes.ints("perm").to_vec() }),
        "Squeeze" => boxed(Squeeze { axes: attributes.ints("axes").to_vec() }),
        "Unsqueeze" => boxed(Unsqueeze { axes: attributes.ints("axes").to_vec() }),
        "Shape" => boxed(Shape),
        _ => return None,
    })
}

/// Does the same to numbers and to texts.
fn each(
    tensor: &Tensor,
    numbers: impl FnOnce(&ArrayD<f64>) -> Result<ArrayD<f64>, String>,
    texts: impl FnOnce(&ArrayD<String>) -> Result<ArrayD<String>, String>,
) -> Result<Vec<Tensor>, String> {
    Ok(vec![match tensor {
        Tensor::Numbers(kind, values) => Tensor::Numbers(*kind, numbers(values)?),
        Tensor::Texts(values) => Tensor::Texts(texts(values)?),
    }])
}

#[derive(Debug)]
pub(super) struct Identity;

impl Op for Identity {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        Ok(vec![input(inputs, 0)?.clone()])
    }
}

fn constant(attributes: Attributes<'_>) -> Built {
    let list = |kind, values: Vec<f64>| {
        let shape = IxDyn(&[values.len()]);
        ArrayD::from_shape_vec(shape, values).map(|array| Tensor::numbers(kind, array))
    };
    let one = |kind, value: f64| Tensor::numbers(kind, ArrayD::from_elem(IxDyn(&[]), value));
    let value = if let Some(tensor) = attributes.tensor("value")? {
        tensor
    } else if attributes.has("value_float") {
        one(Kind::Float, attributes.float("value_float", 0.0))
    } else if attributes.has("value_int") {
        one(Kind::Int, attributes.int("value_int", 0) as f64)
    } else if attributes.has("value_ints") {
        let values = attributes.ints("value_ints").iter().map(|value| *value as f64).collect();
        list(Kind::Int, values).map_err(|error| error.to_string())?
    } else {
        list(Kind::Float, attributes.floats("value_floats")?).map_err(|error| error.to_string())?
    };
    boxed(Constant(value))
}

#[derive(Debug)]
struct Constant(Tensor);

impl Op for Constant {
    fn run(&self, _: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        Ok(vec![self.0.clone()])
    }
}

fn cast(attributes: Attributes<'_>) -> Built {
    let to = i32::try_from(attributes.int("to", 1)).unwrap_or(0);
    boxed(Cast { to: kind(to)? })
}

/// To a kind of numbers, or to texts.
#[derive(Debug)]
struct Cast {
    to: Option<Kind>,
}

impl Op for Cast {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let cast = match (input(inputs, 0)?, self.to) {
            (Tensor::Numbers(_, values), Some(kind)) => Tensor::numbers(kind, values.clone()),
            (Tensor::Numbers(_, values), None) => Tensor::Texts(values.map(f64::to_string)),
            (Tensor::Texts(values), None) => Tensor::Texts(values.clone()),
            (Tensor::Texts(values), Some(kind)) => {
                let parse = |text: &String| text.trim().parse::<f64>();
                if let Some(text) = values.iter().find(|text| parse(text).is_err()) {
                    return Err(format!("`{text}` is no number"));
                }
                Tensor::numbers(kind, values.map(|text| parse(text).unwrap_or(f64::NAN)))
            }
        };
        Ok(vec![cast])
    }
}

#[derive(Debug)]
struct Concat {
    along: i64,
}

impl Op for Concat {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let first = input(inputs, 0)?;
        let along = Axis(axis(self.along, first.shape().len())?);
        let all: Vec<&Tensor> = inputs.iter().copied().flatten().collect();
        let of_numbers: Option<Vec<_>> =
            all.iter().map(|t| t.as_numbers().map(ArrayD::view)).collect();
        let of_texts: Option<Vec<_>> = all.iter().map(|t| t.as_texts().map(ArrayD::view)).collect();
        let joined = match (first, of_numbers, of_texts) {
            (Tensor::Numbers(kind, _), Some(parts), _) => {
                concatenate(along, &parts).map(|found| Tensor::Numbers(*kind, found))
            }
            (_, _, Some(parts)) => concatenate(along, &parts).map(Tensor::Texts),
            _ => return Err("numbers and texts in one tensor".to_owned()),
        };
        Ok(vec![joined.map_err(|error| error.to_string())?])
    }
}

#[derive(Debug)]
struct Gather {
    along: i64,
}

impl Op for Gather {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let values = input(inputs, 0)?;
        let along = axis(self.along, values.shape().len())?;
        let places = ints(inputs, 1)?.ok_or("its input 1 is missing")?;
        let places: Vec<usize> =
            places.iter().map(|at| axis(*at, values.shape()[along])).collect::<Result<_, _>>()?;
        let is_one = input(inputs, 1)?.shape().is_empty();
        fn select<T: Clone>(
            values: &ArrayD<T>,
            along: usize,
            places: &[usize],
            is_one: bool,
        ) -> ArrayD<T> {
            let found = values.select(Axis(along), places);
            if is_one { found.index_axis_move(Axis(along), 0) } else { found }
        }
        each(
            values,
            |values| Ok(select(values, along, &places, is_one)),
            |values| Ok(select(values, along, &places, is_one)),
        )
    }
}

/// Takes the shape as it is said: 0 leaves a dimension, -1 is what is left.
fn resolve(said: &[i64], shape: &[usize]) -> Result<Vec<usize>, String> {
    let misfit = || format!("the shape {shape:?} as {said:?}");
    let total: usize = shape.iter().product();
    let sizes = said.iter().enumerate().map(|(at, size)| match *size {
        0 => shape.get(at).copied().map(Some).ok_or_else(misfit),
        -1 => Ok(None),
        size => usize::try_from(size).map(Some).map_err(|_| misfit()),
    });
    let sizes: Vec<Option<usize>> = sizes.collect::<Result<_, _>>()?;
    let known = sizes.iter().flatten().try_fold(1_usize, |all, size| all.checked_mul(*size));
    let known = known.ok_or_else(misfit)?;
    let rest = total.checked_div(known).unwrap_or(0);
    Ok(sizes.into_iter().map(|size| size.unwrap_or(rest)).collect())
}

fn reshape<T: Clone>(values: &ArrayD<T>, shape: &[usize]) -> Result<ArrayD<T>, String> {
    let ordered: Vec<T> = values.iter().cloned().collect();
    ArrayD::from_shape_vec(IxDyn(shape), ordered)
        .map_err(|_| format!("the shape {:?} as {shape:?}", values.shape()))
}

#[derive(Debug)]
struct Reshape;

impl Op for Reshape {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let values = input(inputs, 0)?;
        let said = ints(inputs, 1)?.ok_or("its input 1 is missing")?;
        let shape = resolve(&said, values.shape())?;
        each(values, |values| reshape(values, &shape), |values| reshape(values, &shape))
    }
}

#[derive(Debug)]
struct Flatten {
    at: i64,
}

impl Op for Flatten {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let values = input(inputs, 0)?;
        let at = axis(self.at, values.shape().len() + 1)?;
        let (left, right) = values.shape().split_at(at);
        let shape = [left.iter().product(), right.iter().product()];
        each(values, |values| reshape(values, &shape), |values| reshape(values, &shape))
    }
}

#[derive(Debug)]
struct Transpose {
    /// None: all turned round.
    order: Vec<i64>,
}

impl Op for Transpose {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let values = input(inputs, 0)?;
        let count = values.shape().len();
        let order: Vec<usize> = match self.order.is_empty() {
            true => (0..count).rev().collect(),
            false => self.order.iter().map(|at| axis(*at, count)).collect::<Result<_, _>>()?,
        };
        let mut seen = order.clone();
        seen.sort_unstable();
        if seen != (0..count).collect::<Vec<_>>() {
            return Err(format!("the order {order:?} of {count} dimensions"));
        }
        each(
            values,
            |values| Ok(values.clone().permuted_axes(IxDyn(&order))),
            |values| Ok(values.clone().permuted_axes(IxDyn(&order))),
        )
    }
}

/// Takes dimensions of one away.
#[derive(Debug)]
struct Squeeze {
    axes: Vec<i64>,
}

impl Op for Squeeze {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let values = input(inputs, 0)?;
        let said = ints(inputs, 1)?.unwrap_or_else(|| self.axes.clone());
        let said: Vec<usize> =
            said.iter().map(|at| axis(*at, values.shape().len())).collect::<Result<_, _>>()?;
        let goes = |at: usize, size: usize| match said.is_empty() {
            true => size == 1,
            false => said.contains(&at),
        };
        let left = values.shape().iter().enumerate().filter(|(at, size)| !goes(*at, **size));
        let shape: Vec<usize> = left.map(|(_, size)| *size).collect();
        each(values, |values| reshape(values, &shape), |values| reshape(values, &shape))
    }
}

/// Puts dimensions of one in.
#[derive(Debug)]
struct Unsqueeze {
    axes: Vec<i64>,
}

impl Op for Unsqueeze {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let values = input(inputs, 0)?;
        let said = ints(inputs, 1)?.unwrap_or_else(|| self.axes.clone());
        let count = values.shape().len() + said.len();
        let mut at: Vec<usize> =
            said.iter().map(|at| axis(*at, count)).collect::<Result<_, _>>()?;
        at.sort_unstable();
        let mut shape = values.shape().to_vec();
        at.into_iter().for_each(|at| shape.insert(at.min(shape.len()), 1));
        each(values, |values| reshape(values, &shape), |values| reshape(values, &shape))
    }
}

#[derive(Debug)]
struct Shape;

impl Op for Shape {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let shape: Vec<f64> = input(inputs, 0)?.shape().iter().map(|size| *size as f64).collect();
        let array = ArrayD::from_shape_vec(IxDyn(&[shape.len()]), shape);
        Ok(vec![Tensor::numbers(Kind::Int, array.map_err(|error| error.to_string())?)])
    }
}
