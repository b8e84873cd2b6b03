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

/// Returns a body that it answers: one raw row, as a list in the signature's order or as a record,
/// whichever is shorter to write.
pub(crate) fn example(predictor: &dyn Predictor) -> Option<Value> {
    let examples = predictor.examples();
    let whole = examples.iter().find(|(record, _)| record.values().all(|cell| !cell.is_null()));
    let (record, _) = whole.or(examples.first())?;
    let inputs = predictor.signature().inputs.iter();
    let list = inputs.map(|column| record.get(&column.name).cloned().unwrap_or(Value::Null));
    let list = Value::Array(vec![list.collect()]);
    let record = Value::Array(vec![Value::Object(record.clone())]);
    Some(if list.to_string().len() <= record.to_string().len() { list } else { record })
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
