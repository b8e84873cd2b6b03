//! Trees: `TreeEnsembleClassifier` and `TreeEnsembleRegressor`.

mod forest;

use ndarray::Array2;

use super::classes::{Classes, PostTransform, greatest};
use super::math::logistic;
use super::{Built, Op, boxed, numbers, table};
use crate::attribute::Attributes;
use crate::tensor::{Kind, Tensor};
use forest::Forest;

pub(super) fn build(name: &str, attributes: Attributes<'_>) -> Option<Built> {
    Some(match name {
        "TreeEnsembleClassifier" => classifier(attributes),
        "TreeEnsembleRegressor" => regressor(attributes),
        _ => return None,
    })
}

fn classifier(attributes: Attributes<'_>) -> Built {
    let classes = Classes::read(attributes)?;
    let forest = Forest::read(attributes, "class", classes.len())?;
    let base = attributes.floats("base_values")?;
    let post = PostTransform::read(attributes)?;
    let binary = (classes.len() == 2 && forest.scores_one()).then(|| match forest.is_positive() {
        true => Binary::Probability,
        false => Binary::Margin,
    });
    if ![0, 1, classes.len()].contains(&base.len()) {
        return Err(format!("{} base values for {} classes", base.len(), classes.len()));
    }
    boxed(Classifier { forest, classes, base, post, binary })
}

/// What the one score of two classes is, which all leaves add to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Binary {
    /// The probability of the second class: no leaf takes anything away.
    Probability,
    /// How far a row is on the side of the second class.
    Margin,
}

#[derive(Debug)]
struct Classifier {
    forest: Forest,
    classes: Classes,
    base: Vec<f64>,
    post: PostTransform,
    binary: Option<Binary>,
}

impl Classifier {
    /// Makes a row's scores of the sums of its leaves; returns its class.
    fn finish(&self, row: &mut [f64]) -> usize {
        let Some(binary) = self.binary else {
            row.iter_mut().zip(&self.base).for_each(|(score, base)| *score += base);
            let chosen = greatest(row);
            self.post.apply(row);
            return chosen;
        };
        // All leaves add to one of the two, whichever it is.
        let score = row[0] + row[1] + self.base.last().copied().unwrap_or(0.0);
        let (is_second, probabilities) = match (binary, self.post) {
            (Binary::Probability, _) => (score > 0.5, [1.0 - score, score]),
            (Binary::Margin, PostTransform::None) => (score > 0.0, [-score, score]),
            (Binary::Margin, _) => (score > 0.0, [logistic(-score), logistic(score)]),
        };
        row.copy_from_slice(&probabilities);
        usize::from(is_second)
    }
}

impl Op for Classifier {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let rows = table(numbers(inputs, 0)?.1)?;
        let mut scores = self.forest.sums(rows)?;
        let mut chosen = Vec::with_capacity(rows.nrows());
        for row in scores.chunks_exact_mut(self.classes.len()) {
            chosen.push(self.finish(row));
        }
        let scores = Array2::from_shape_vec((rows.nrows(), self.classes.len()), scores);
        self.classes.outputs(&chosen, scores.map_err(|error| error.to_string())?)
    }

    fn classes(&self) -> Option<&[String]> {
        Some(self.classes.names())
    }
}

fn regressor(attributes: Attributes<'_>) -> Built {
    let targets = usize::try_from(attributes.int("n_targets", 1)).unwrap_or(0);
    let averaged = match attributes.text("aggregate_function", "SUM").as_str() {
        "SUM" => false,
        "AVERAGE" => true,
        other => return Err(format!("the aggregate_function `{other}` is not known here")),
    };
    let base = attributes.floats("base_values")?;
    if ![0, targets].contains(&base.len()) {
        return Err(format!("{} base values for {targets} targets", base.len()));
    }
    let forest = Forest::read(attributes, "target", targets)?;
    boxed(Regressor { forest, targets, averaged, base, post: PostTransform::read(attributes)? })
}

#[derive(Debug)]
struct Regressor {
    forest: Forest,
    targets: usize,
    averaged: bool,
    base: Vec<f64>,
    post: PostTransform,
}

impl Op for Regressor {
    fn run(&self, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>, String> {
        let rows = table(numbers(inputs, 0)?.1)?;
        let mut values = self.forest.sums(rows)?;
        let share = if self.averaged { self.forest.trees() as f64 } else { 1.0 };
        for row in values.chunks_exact_mut(self.targets) {
            row.iter_mut().for_each(|value| *value /= share);
            row.iter_mut().zip(&self.base).for_each(|(value, base)| *value += base);
            self.post.apply(row);
        }
        let values = Array2::from_shape_vec((rows.nrows(), self.targets), values);
        let values = values.map_err(|error| error.to_string())?;
        Ok(vec![Tensor::Numbers(Kind::Float, values.into_dyn())])
    }
}
