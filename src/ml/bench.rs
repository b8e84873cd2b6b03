//! Fitting without a pipeline around it: a matrix in, a fitted estimator out, for what is measured
//! beside other libraries.

use std::sync::Arc;

use serde_json::Map;

use crate::dag::spec::LearningTask;
use crate::estimator::{Estimator, Labels, Problem, Settings, family_for};
use crate::preprocess::Matrix;

/// Rows of numbers with one of two classes each.
#[derive(Debug)]
pub struct Table {
    matrix: Matrix,
    classes: Vec<usize>,
}

impl Table {
    /// Takes whole rows of `width` numbers, and the class (0 or 1) of each.
    #[must_use]
    pub fn new(values: &[f32], width: usize, classes: &[u8]) -> Self {
        let values = values.iter().copied().map(f64::from).collect();
        let classes = classes.iter().copied().map(usize::from).collect();
        Self { matrix: Matrix::new(values, width), classes }
    }

    /// Learns with the family's defaults on so many threads.
    ///
    /// # Errors
    ///
    /// Where there is no such family, or the threads or the estimator fail.
    pub fn fit(&self, model: &str, threads: usize) -> Result<Fitted, String> {
        let task = LearningTask::Classification;
        let family = family_for(model, task).map_err(|error| error.to_string())?;
        let settings =
            Settings::resolve(family, &Map::new(), task, 7).map_err(|error| error.to_string())?;
        let problem = Problem {
            matrix: &self.matrix,
            labels: Labels::Classes { rows: &self.classes, count: 2 },
            weights: None,
            settings: &settings,
            validation: None,
            watched: None,
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| error.to_string())?;
        Ok(Fitted(pool.install(|| (family.fit)(&problem))?))
    }

    /// Returns the probabilities of class 1, row after row.
    #[must_use]
    pub fn answers(&self, fitted: &Fitted) -> Vec<f64> {
        self.matrix.rows().map(|row| fitted.answer(row)).collect()
    }

    /// Returns a row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        self.matrix.row(row)
    }
}

/// What was learnt.
#[derive(Debug)]
pub struct Fitted(Arc<dyn Estimator>);

impl Fitted {
    /// Returns the probability of class 1.
    #[must_use]
    pub fn answer(&self, row: &[f64]) -> f64 {
        let mut out = [0.0; 2];
        self.0.predict(row, &mut out);
        out[1]
    }
}
