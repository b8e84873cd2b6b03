//! Weighted sums: `LinearClassifier` and `LinearRegressor`.

use ndarray::{Array1, Array2};

use super::classes::{Classes, PostTransform, greatest};
use super::{Built, Op, boxed, numbers, table};
use crate::attribute::Attributes;
use crate::tensor::{Kind, Tensor};

pub(super) fn build(name: &str, attributes: Attributes<'_>) -> Option<Built> {
    Some(match name {
        "LinearClassifier" => classifier(attributes),
        "LinearRegressor" => regressor(attributes),
        _ => return None,
    })
}

/// An intercept and a coefficient for each column, of each score.
#[derive(Debug)]
struct Lines {
    coefficients: Array2<f64>,
    intercepts: Array1<f64>,
}

impl Lines {
    fn read(attributes: Attributes<'_>, count: usize) -> Result<Self, String> {
        let coefficients = attributes.floats("coefficients")?;
        let intercepts = attributes.floats("intercepts")?;
        let lines = if intercepts.is_empty() { count } else { intercepts.len() };
        let width = coefficients.len().checked_div(lines).unwrap_or(0);
        let shaped = Array2::from_shape_vec((lines, width), coefficients);
        let coefficients = shaped.map_err(|_| {
            format!("its coefficients are not a multiple of its {lines} intercepts")
        })?;
        let intercepts = match intercepts.is_empty() {
            true => Array1::zeros(lines),
            false => Array1::from(intercepts),
        };
        Ok(Self { coefficients, intercepts })
    }

    fn scores(&self, inputs: &[Option<&Tensor>]) -> Result<Array2<f64>, String> {
        let rows = table(numbers(inputs, 0)?.1)?;
        let (found, needed) = (rows.ncols(), self.coefficients.ncols());
        if found != needed {
            return Err(format!("{found} columns where {needed} are needed"));
        }
        Ok(rows.dot(&self.coefficients.t()) + &self.intercepts)
    }
}

fn classifier(attributes: Attributes<'_>) -> Built {
    let classes = Classes::read(attributes)?;
    let lines = Lines::read(attributes, classes.len())?;
    let count = lines.intercepts.len();
    if count != classes.len() && (count, classes.len()) != (1, 2) {
        return Err(format!("{count} scores for {} classes", classes.len()));
    }
    boxed(Classifier { lines, classes, post: PostTransform::read(attributes)? })
}

#[derive(Debug)]
struct Classifier {
    lines: Lines,
    classes: Classes,
    post: PostTransform,
}

impl Op for Classifier {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let scores = self.lines.scores(inputs)?;
        let mut all = Array2::zeros((scores.nrows(), self.classes.len()));
        let mut chosen = Vec::with_capacity(scores.nrows());
        for (row, mut out) in scores.rows().into_iter().zip(all.rows_mut()) {
            let mut row = row.to_vec();
            // One score says how far a row is on the side of the second class.
            if let [score] = row[..] {
                row = vec![-score, score];
            }
            chosen.push(greatest(&row));
            self.post.apply(&mut row);
            out.assign(&Array1::from(row));
        }
        self.classes.outputs(&chosen, all)
    }

    fn classes(&self) -> Option<&[String]> {
        Some(self.classes.names())
    }
}

fn regressor(attributes: Attributes<'_>) -> Built {
    let targets = usize::try_from(attributes.int("targets", 1)).unwrap_or(1);
    boxed(Regressor {
        lines: Lines::read(attributes, targets)?,
        post: PostTransform::read(attributes)?,
    })
}

#[derive(Debug)]
struct Regressor {
    lines: Lines,
    post: PostTransform,
}

impl Op for Regressor {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let mut scores = self.lines.scores(inputs)?;
        for mut row in scores.rows_mut() {
            let mut values = row.to_vec();
            self.post.apply(&mut values);
            row.assign(&Array1::from(values));
        }
        Ok(vec![Tensor::Numbers(Kind::Float, scores.into_dyn())])
    }
}
