//! What the model server needs of a model.

use serde_json::{Map, Value};

use crate::ml::model::InputError;
use crate::ml::{Model, Prediction, Signature};

/// Answers rows.
pub(crate) trait Predictor: Send + Sync + 'static {
    /// Returns what it takes and gives.
    fn signature(&self) -> &Signature;

    /// Returns the family's name, such as `xgboost`.
    fn kind(&self) -> &str;

    /// Returns a few records with what was answered to them right after training.
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
