//! What answers rows, whoever trained it.

use serde_json::{Map, Value};

use crate::batch::{Answers, Batch};
use crate::model::InputError;
use crate::{Model, Prediction, Signature};

/// Answers rows.
pub trait Predictor: Send + Sync + 'static {
    /// Returns what it takes and gives.
    fn signature(&self) -> &Signature;

    /// Returns the family's name, such as `xgboost`.
    fn kind(&self) -> &str;

    /// Returns the classes in the order of their probabilities; none where it answers with a
    /// value.
    fn classes(&self) -> &[String];

    /// Returns a few records with what was answered to them right after training, or when the
    /// model was read, where somebody else trained it.
    fn examples(&self) -> &[(Map<String, Value>, Value)];

    /// Answers rows that fit its signature.
    fn answer(&self, batch: &Batch) -> Result<Answers, InputError>;

    /// Says what Python gets from this model.
    fn python(&self) -> PythonAnswer {
        PythonAnswer::Labels
    }

    /// Writes it as an ONNX file of its raw columns; says why where that cannot be.
    fn to_onnx(&self) -> Result<Vec<u8>, String> {
        Err(format!("a model of `{}` is kept as it came, and not written anew", self.kind()))
    }

    /// Answers rows of JSON, each a list in the signature's order or a record by name.
    fn predict(&self, rows: &[Value]) -> Result<Vec<Prediction>, InputError> {
        let batch = Batch::of_json(self.signature(), rows)?;
        Ok(self.answer(&batch)?.predictions(self.classes()))
    }
}

/// What MLflow's `python_function` of a model gives for a row. Where there are no classes it is
/// the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PythonAnswer {
    /// The class that is most probable, by its name.
    Labels,
    /// … by its number.
    Numbers,
    /// The probability of the second of two classes; that of each, where there are more.
    Probabilities,
    /// A record of both, as scikit-learn's classifiers answer through ONNX.
    Both,
}

impl Predictor for Model {
    fn signature(&self) -> &Signature {
        self.signature()
    }

    fn kind(&self) -> &str {
        self.kind()
    }

    fn classes(&self) -> &[String] {
        self.classes()
    }

    fn examples(&self) -> &[(Map<String, Value>, Value)] {
        self.examples()
    }

    fn answer(&self, batch: &Batch) -> Result<Answers, InputError> {
        Ok(self.answer(batch))
    }

    fn to_onnx(&self) -> Result<Vec<u8>, String> {
        self.to_onnx()
    }
}
