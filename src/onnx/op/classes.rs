//! From scores to classes, as all classifiers do.

use ndarray::{Array1, Array2, ArrayD};

use super::math::{logistic, softmax};
use crate::attribute::Attributes;
use crate::tensor::{Kind, Tensor};

/// The names of classes: texts or whole numbers.
#[derive(Debug)]
pub(super) struct Classes {
    names: Vec<String>,
    numbers: Option<Vec<i64>>,
}

impl Classes {
    pub(super) fn read(attributes: Attributes<'_>) -> Result<Self, String> {
        let texts = ["classlabels_strings", "classlabels_ints", "classlabels_int64s"];
        let names = attributes.texts(texts[0]);
        if !names.is_empty() {
            return Ok(Self { names, numbers: None });
        }
        let numbers = [attributes.ints(texts[1]), attributes.ints(texts[2])].concat();
        if numbers.is_empty() {
            return Err("it names no classes".to_owned());
        }
        let names = numbers.iter().map(i64::to_string).collect();
        Ok(Self { names, numbers: Some(numbers) })
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The labels and the scores, as outputs.
    pub(super) fn outputs(
        &self,
        chosen: &[usize],
        scores: Array2<f64>,
    ) -> Result<Vec<Tensor>, String> {
        let beyond = || format!("a class beyond the {} that it names", self.len());
        let labels = match &self.numbers {
            Some(numbers) => {
                let labels = chosen.iter().map(|at| numbers.get(*at).map(|number| *number as f64));
                let labels = labels.collect::<Option<Array1<f64>>>().ok_or_else(beyond)?;
                Tensor::numbers(Kind::Int, labels.into_dyn())
            }
            None => {
                let labels = chosen.iter().map(|at| self.names.get(*at).cloned());
                let labels = labels.collect::<Option<Array1<String>>>().ok_or_else(beyond)?;
                Tensor::Texts(labels.into_dyn())
            }
        };
        // Scores are floats on the wire; nothing is lost here by not cutting them to that.
        Ok(vec![labels, Tensor::Numbers(Kind::Float, ArrayD::from(scores.into_dyn()))])
    }
}

/// What is done to scores at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PostTransform {
    None,
    Softmax,
    Logistic,
}

impl PostTransform {
    pub(super) fn read(attributes: Attributes<'_>) -> Result<Self, String> {
        match attributes.text("post_transform", "NONE").as_str() {
            "NONE" => Ok(Self::None),
            "SOFTMAX" => Ok(Self::Softmax),
            "LOGISTIC" => Ok(Self::Logistic),
            other => Err(format!("the post_transform `{other}` is not known here")),
        }
    }

    pub(super) fn apply(self, scores: &mut [f64]) {
        match self {
            Self::None => {}
            Self::Softmax => softmax(scores),
            Self::Logistic => scores.iter_mut().for_each(|score| *score = logistic(*score)),
        }
    }
}

/// The first of the greatest.
pub(super) fn greatest(scores: &[f64]) -> usize {
    let mut best = 0;
    for (at, score) in scores.iter().enumerate() {
        best = if *score > scores[best] { at } else { best };
    }
    best
}
