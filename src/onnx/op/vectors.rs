//! Support vectors: `SVMRegressor`, and `SVMClassifier` with probabilities, as libsvm computes
//! them (Wu, Lin and Weng 2004, "Probability estimates for multi-class classification by pairwise
//! coupling").

use ndarray::{Array2, ArrayView1};

use super::classes::{Classes, greatest};
use super::math::logistic;
use super::{Built, Op, boxed, numbers, table};
use crate::attribute::Attributes;
use crate::tensor::{Kind, Tensor};

/// Probabilities of pairs are kept this far from 0 and from 1.
const LEAST: f64 = 1e-7;
const ROUNDS_MAX: usize = 100;

pub(super) fn build(name: &str, attributes: Attributes<'_>) -> Option<Built> {
    Some(match name {
        "SVMRegressor" => regressor(attributes),
        "SVMClassifier" => classifier(attributes),
        _ => return None,
    })
}

#[derive(Debug, Clone, Copy)]
enum Kernel {
    Linear,
    Poly,
    Rbf,
    Sigmoid,
}

/// The vectors, and how alike a row is to each.
#[derive(Debug)]
struct Vectors {
    kernel: Kernel,
    gamma: f64,
    coef0: f64,
    degree: f64,
    vectors: Array2<f64>,
}

impl Vectors {
    fn read(attributes: Attributes<'_>, count: usize) -> Result<Self, String> {
        let kernel = match attributes.text("kernel_type", "LINEAR").as_str() {
            "LINEAR" => Kernel::Linear,
            "POLY" => Kernel::Poly,
            "RBF" => Kernel::Rbf,
            "SIGMOID" => Kernel::Sigmoid,
            other => return Err(format!("the kernel `{other}` is not known here")),
        };
        let params = attributes.floats("kernel_params")?;
        let [gamma, coef0, degree] = params[..] else {
            return Err(format!("{} kernel_params where 3 are needed", params.len()));
        };
        let values = attributes.floats("support_vectors")?;
        let width = values.len().checked_div(count).unwrap_or(0);
        let vectors = Array2::from_shape_vec((count, width), values)
            .map_err(|_| format!("its support_vectors are not {count} of one length"))?;
        Ok(Self { kernel, gamma, coef0, degree, vectors })
    }

    fn likeness(&self, row: ArrayView1<'_, f64>) -> Result<Vec<f64>, String> {
        if row.len() != self.vectors.ncols() {
            let needed = self.vectors.ncols();
            return Err(format!("{} columns where {needed} are needed", row.len()));
        }
        let product = |vector: &ArrayView1<'_, f64>| vector.dot(&row);
        let distance = |vector: &ArrayView1<'_, f64>| {
            vector.iter().zip(row).map(|(a, b)| (a - b) * (a - b)).sum::<f64>()
        };
        let like = |vector: ArrayView1<'_, f64>| match self.kernel {
            Kernel::Linear => product(&vector),
            Kernel::Poly => (self.gamma * product(&vector) + self.coef0).powf(self.degree),
            Kernel::Rbf => (-self.gamma * distance(&vector)).exp(),
            Kernel::Sigmoid => (self.gamma * product(&vector) + self.coef0).tanh(),
        };
        Ok(self.vectors.rows().into_iter().map(like).collect())
    }
}

fn regressor(attributes: Attributes<'_>) -> Built {
    let count = usize::try_from(attributes.int("n_supports", 0)).unwrap_or(0);
    let coefficients = attributes.floats("coefficients")?;
    let rho = attributes.floats("rho")?;
    if count == 0 || coefficients.len() != count || rho.len() != 1 {
        return Err(format!("{} coefficients for {count} support vectors", coefficients.len()));
    }
    boxed(Regressor { vectors: Vectors::read(attributes, count)?, coefficients, rho: rho[0] })
}

#[derive(Debug)]
struct Regressor {
    vectors: Vectors,
    coefficients: Vec<f64>,
    rho: f64,
}

impl Op for Regressor {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let rows = table(numbers(inputs, 0)?.1)?;
        let mut values = Vec::with_capacity(rows.nrows());
        for row in rows.rows() {
            let like = self.vectors.likeness(row)?;
            let sum: f64 = like.iter().zip(&self.coefficients).map(|(a, b)| a * b).sum();
            values.push(sum + self.rho);
        }
        Tensor::rows(Kind::Double, values, 1).map(|found| vec![found]).ok_or("no rows".to_owned())
    }
}

fn classifier(attributes: Attributes<'_>) -> Built {
    let classes = Classes::read(attributes)?;
    let count = classes.len();
    let per_class: Vec<usize> = attributes
        .ints("vectors_per_class")
        .iter()
        .map(|count| usize::try_from(*count).map_err(|_| format!("{count} vectors of a class")))
        .collect::<Result<_, _>>()?;
    let total = per_class.iter().try_fold(0_usize, |sum, count| sum.checked_add(*count));
    let total = total.ok_or("too many vectors")?;
    let (a, b) = (attributes.floats("prob_a")?, attributes.floats("prob_b")?);
    if a.is_empty() {
        return Err("it gives no probabilities: fit it with `probability=True`".to_owned());
    }
    let pairs = count * (count - 1) / 2;
    let rho = attributes.floats("rho")?;
    let coefficients = attributes.floats("coefficients")?;
    let lengths = [rho.len(), a.len(), b.len()];
    if per_class.len() != count
        || lengths != [pairs; 3]
        || Some(coefficients.len()) != total.checked_mul(count - 1)
    {
        return Err(format!("its lists do not fit {count} classes of {total} support vectors"));
    }
    boxed(Classifier {
        vectors: Vectors::read(attributes, total)?,
        classes,
        per_class,
        coefficients,
        pairs: rho.into_iter().zip(a).zip(b).map(|((rho, a), b)| Pair { rho, a, b }).collect(),
    })
}

/// What decides between two classes.
#[derive(Debug, Clone, Copy)]
struct Pair {
    rho: f64,
    a: f64,
    b: f64,
}

#[derive(Debug)]
struct Classifier {
    vectors: Vectors,
    classes: Classes,
    per_class: Vec<usize>,
    /// Of each vector against each other class: `classes - 1` lines.
    coefficients: Vec<f64>,
    pairs: Vec<Pair>,
}

impl Classifier {
    /// Returns the votes and the probabilities of the classes.
    fn judge(&self, like: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let count = self.classes.len();
        let total = like.len();
        let starts: Vec<usize> = (0..count).map(|at| self.per_class[..at].iter().sum()).collect();
        let sum = |class: usize, line: usize| -> f64 {
            let range = starts[class]..starts[class] + self.per_class[class];
            range.map(|at| self.coefficients[line * total + at] * like[at]).sum()
        };
        let mut votes = vec![0.0; count];
        let mut beats = Array2::zeros((count, count));
        let mut pairs = self.pairs.iter();
        for i in 0..count {
            for j in i + 1..count {
                let Some(pair) = pairs.next() else { continue };
                let decision = sum(i, j - 1) + sum(j, i) + pair.rho;
                votes[if decision > 0.0 { i } else { j }] += 1.0;
                let first = logistic(-(decision * pair.a + pair.b)).clamp(LEAST, 1.0 - LEAST);
                beats[[i, j]] = first;
                beats[[j, i]] = 1.0 - first;
            }
        }
        (votes, coupled(&beats))
    }
}

/// The probabilities that agree best with those of the pairs.
fn coupled(beats: &Array2<f64>) -> Vec<f64> {
    let count = beats.nrows();
    let eps = 0.005 / count as f64;
    let q = Array2::from_shape_fn((count, count), |(t, j)| match t == j {
        true => (0..count).filter(|j| *j != t).map(|j| beats[[j, t]] * beats[[j, t]]).sum(),
        false => -beats[[j, t]] * beats[[t, j]],
    });
    let mut p = vec![1.0 / count as f64; count];
    for _ in 0..ROUNDS_MAX.max(count) {
        let mut qp: Vec<f64> =
            q.rows().into_iter().map(|row| row.dot(&ArrayView1::from(&p))).collect();
        let mut pqp: f64 = p.iter().zip(&qp).map(|(p, qp)| p * qp).sum();
        if qp.iter().all(|qp| (qp - pqp).abs() < eps) {
            break;
        }
        for t in 0..count {
            let step = (pqp - qp[t]) / q[[t, t]];
            p[t] += step;
            let whole = 1.0 + step;
            pqp = (pqp + step * (step * q[[t, t]] + 2.0 * qp[t])) / whole / whole;
            for j in 0..count {
                qp[j] = (qp[j] + step * q[[t, j]]) / whole;
                p[j] /= whole;
            }
        }
    }
    p
}

impl Op for Classifier {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let rows = table(numbers(inputs, 0)?.1)?;
        let (mut chosen, mut all) = (Vec::with_capacity(rows.nrows()), Vec::new());
        for row in rows.rows() {
            let (votes, probabilities) = self.judge(&self.vectors.likeness(row)?);
            chosen.push(greatest(&votes));
            all.extend(probabilities);
        }
        let scores = Array2::from_shape_vec((rows.nrows(), self.classes.len()), all);
        self.classes.outputs(&chosen, scores.map_err(|error| error.to_string())?)
    }

    fn classes(&self) -> Option<&[String]> {
        Some(self.classes.names())
    }
}
