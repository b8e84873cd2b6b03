//! A body that a model answers, for people to try.

use serde_json::Value;

use crate::ml::Predictor;

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
