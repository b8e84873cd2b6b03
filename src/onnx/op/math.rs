//! Arithmetic: number by number, with broadcasting, and products of matrices.

use ndarray::{Array2, ArrayD, ArrayView1, ArrayView2, Axis, IxDyn, Zip};

use super::{Built, Op, boxed, input, numbers, table};
use crate::attribute::Attributes;
use crate::tensor::{Kind, Tensor};

pub(super) fn build(name: &str, attributes: Attributes<'_>) -> Option<Built> {
    if let Some(function) = of_one(name) {
        return Some(boxed(One(function)));
    }
    if let Some((function, says)) = of_two(name) {
        return Some(boxed(Two { function, says }));
    }
    Some(match name {
        "Clip" => {
            let bound = |name: &str| attributes.has(name).then(|| attributes.float(name, 0.0));
            boxed(Clip { min: bound("min"), max: bound("max") })
        }
        "MatMul" => boxed(MatMul),
        "Gemm" => boxed(Gemm {
            alpha: attributes.float("alpha", 1.0),
            beta: attributes.float("beta", 1.0),
            transposed: [attributes.int("transA", 0) != 0, attributes.int("transB", 0) != 0],
        }),
        "Where" => boxed(Where),
        "Softmax" => boxed(Softmax),
        _ => return None,
    })
}

fn of_one(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "Abs" => f64::abs,
        "Ceil" => f64::ceil,
        "Exp" => f64::exp,
        "Floor" => f64::floor,
        "IsNaN" => |x| f64::from(u8::from(x.is_nan())),
        "Log" => f64::ln,
        "Neg" => |x| -x,
        "Not" => |x| f64::from(u8::from(x == 0.0)),
        "Reciprocal" => f64::recip,
        "Relu" => |x| x.max(0.0),
        "Sigmoid" => logistic,
        "Sign" => |x| if x == 0.0 { 0.0 } else { x.signum() },
        "Sqrt" => f64::sqrt,
        "Tanh" => f64::tanh,
        _ => return None,
    })
}

/// Yes is 1, no is 0.
type OfTwo = fn(f64, f64) -> f64;

/// A function of two numbers, and whether it answers yes or no.
fn of_two(name: &str) -> Option<(OfTwo, bool)> {
    Some(match name {
        "Add" => (|a, b| a + b, false),
        "Sub" => (|a, b| a - b, false),
        "Mul" => (|a, b| a * b, false),
        "Div" => (|a, b| a / b, false),
        "Pow" => (f64::powf, false),
        "Max" => (f64::max, false),
        "Min" => (f64::min, false),
        "And" => (|a, b| f64::from(u8::from(a != 0.0 && b != 0.0)), true),
        "Or" => (|a, b| f64::from(u8::from(a != 0.0 || b != 0.0)), true),
        "Equal" => (|a, b| f64::from(u8::from(a == b)), true),
        "Less" => (|a, b| f64::from(u8::from(a < b)), true),
        "LessOrEqual" => (|a, b| f64::from(u8::from(a <= b)), true),
        "Greater" => (|a, b| f64::from(u8::from(a > b)), true),
        "GreaterOrEqual" => (|a, b| f64::from(u8::from(a >= b)), true),
        _ => return None,
    })
}

/// `1 / (1 + e⁻ˣ)`, without overflow.
pub(super) fn logistic(x: f64) -> f64 {
    match x >= 0.0 {
        true => 1.0 / (1.0 + (-x).exp()),
        false => x.exp() / (1.0 + x.exp()),
    }
}

/// Makes probabilities of scores.
pub(super) fn softmax(scores: &mut [f64]) {
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - most).exp();
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

#[derive(Debug)]
struct One(fn(f64) -> f64);

impl Op for One {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let (kind, values) = numbers(inputs, 0)?;
        Ok(vec![Tensor::numbers(kind, values.mapv(self.0))])
    }
}

#[derive(Debug)]
struct Two {
    function: OfTwo,
    /// It answers yes or no.
    says: bool,
}

impl Op for Two {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        if let (Tensor::Texts(a), Tensor::Texts(b), true) =
            (input(inputs, 0)?, input(inputs, 1)?, self.says)
        {
            let equal = broadcast(a, b, |a, b| f64::from(u8::from(a == b)))?;
            return Ok(vec![Tensor::numbers(Kind::Bool, equal)]);
        }
        let (kind, first) = numbers(inputs, 0)?;
        let mut found = first.clone();
        // `Max` and `Min` take any number of inputs.
        for at in 1..inputs.len() {
            found = broadcast(&found, numbers(inputs, at)?.1, |a, b| (self.function)(*a, *b))?;
        }
        let kind = if self.says { Kind::Bool } else { kind };
        Ok(vec![Tensor::numbers(kind, found)])
    }
}

/// Combines two arrays, each stretched along the dimensions in which it has one value.
fn broadcast<A, B, C: Clone + Default>(
    a: &ArrayD<A>,
    b: &ArrayD<B>,
    combine: impl Fn(&A, &B) -> C,
) -> Result<ArrayD<C>, String> {
    let misfit = || format!("the shapes {:?} and {:?} do not fit", a.shape(), b.shape());
    let dimensions = a.ndim().max(b.ndim());
    let of = |shape: &[usize], at: usize| {
        (at + shape.len()).checked_sub(dimensions).map_or(1, |own| shape[own])
    };
    let shape = (0..dimensions).map(|at| match (of(a.shape(), at), of(b.shape(), at)) {
        (1, other) | (other, 1) => Some(other),
        (one, other) => (one == other).then_some(one),
    });
    let shape: Vec<usize> = shape.collect::<Option<_>>().ok_or_else(misfit)?;
    let mut found = ArrayD::from_elem(IxDyn(&shape), C::default());
    let a = a.broadcast(IxDyn(&shape)).ok_or_else(misfit)?;
    let b = b.broadcast(IxDyn(&shape)).ok_or_else(misfit)?;
    Zip::from(&mut found).and(&a).and(&b).for_each(|found, a, b| *found = combine(a, b));
    Ok(found)
}

/// Bounds come as attributes, or as inputs.
#[derive(Debug)]
struct Clip {
    min: Option<f64>,
    max: Option<f64>,
}

impl Op for Clip {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let (kind, values) = numbers(inputs, 0)?;
        let given = |at: usize, attribute: Option<f64>| match inputs.get(at) {
            Some(Some(Tensor::Numbers(_, bound))) => bound.first().copied(),
            _ => attribute,
        };
        let (min, max) = (given(1, self.min), given(2, self.max));
        let clipped = values.mapv(|value| {
            let raised = min.map_or(value, |min| value.max(min));
            max.map_or(raised, |max| raised.min(max))
        });
        Ok(vec![Tensor::numbers(kind, clipped)])
    }
}

#[derive(Debug)]
struct MatMul;

impl Op for MatMul {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let ((kind, a), (_, b)) = (numbers(inputs, 0)?, numbers(inputs, 1)?);
        let is_vector = b.ndim() == 1;
        let found = product(table(a)?, table(b)?)?;
        let found = match is_vector {
            true => found.index_axis_move(Axis(1), 0).into_dyn(),
            false => found.into_dyn(),
        };
        Ok(vec![Tensor::numbers(kind, found)])
    }
}

fn product(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
    match a.ncols() == b.nrows() {
        true => Ok(a.dot(&b)),
        false => Err(format!("the shapes {:?} and {:?} do not multiply", a.shape(), b.shape())),
    }
}

#[derive(Debug)]
struct Gemm {
    alpha: f64,
    beta: f64,
    transposed: [bool; 2],
}

impl Op for Gemm {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let ((kind, a), (_, b)) = (numbers(inputs, 0)?, numbers(inputs, 1)?);
        let turned = |view: ArrayView2<'_, f64>, turn: bool| match turn {
            true => view.reversed_axes().to_owned(),
            false => view.to_owned(),
        };
        let a = turned(table(a)?, self.transposed[0]);
        let b = turned(table(b)?, self.transposed[1]);
        let mut found = (product(a.view(), b.view())? * self.alpha).into_dyn();
        if inputs.get(2).is_some_and(Option::is_some) {
            found = broadcast(&found, numbers(inputs, 2)?.1, |x, c| x + self.beta * c)?;
        }
        Ok(vec![Tensor::numbers(kind, found)])
    }
}

#[derive(Debug)]
struct Where;

impl Op for Where {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let (_, condition) = numbers(inputs, 0)?;
        let ((kind, yes), (_, no)) = (numbers(inputs, 1)?, numbers(inputs, 2)?);
        let left = broadcast(condition, yes, |is, yes| (*is != 0.0).then_some(*yes))?;
        let found = broadcast(&left, no, |yes, no| yes.unwrap_or(*no))?;
        Ok(vec![Tensor::numbers(kind, found)])
    }
}

/// Along the last dimension: of a table both meanings that the operator has had are that.
#[derive(Debug)]
struct Softmax;

impl Op for Softmax {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let (kind, values) = numbers(inputs, 0)?;
        let mut found = table(values)?.to_owned();
        for mut row in found.rows_mut() {
            let mut scores = row.to_vec();
            softmax(&mut scores);
            row.assign(&ArrayView1::from(&scores));
        }
        Ok(vec![Tensor::numbers(kind, found.into_dyn())])
    }
}
