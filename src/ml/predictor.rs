//! What answers rows, whoever trained it.

use serde_json::{Map, Value};

use crate::model::InputError;
use crate::{Model, Prediction, Signature};

/// Answers rows.
pub trait Predictor: Send + Sync + 'static {
    /// Returns what it takes and gives.
    fn signature(&self) -> &Signature;

    /// Returns the family's name, such as `xgboost`.
    fn kind(&self) -> &str;

    /// Returns a few records with what was answered to them right after training, or when the
    /// model was read, where somebody else trained it.
    fn examples(&self) -> &[(Map<String, Value>, Value)];

    /// Answers rows, each a list or a record.
    fn predict(&self, rows: &[Value]) -> Result<Vec<Prediction>, InputError>;
}

impl Predictor for Model {
    fn signature(&self) -> &Signature {
        self.signature()
    }

    fn kind(&self) -> &str {
        self.kind()
    }

    fn examples(&self) -> &[(Map<String, Value>, Value)] {
        self.examples()
    }

    fn predict(&self, rows: &[Value]) -> Result<Vec<Prediction>, InputError> {
        self.predict(rows)
    }
}
