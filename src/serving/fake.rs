//! A model for tests: it answers its own number to rows of two columns.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value, json};

use crate::ml::Predictor;
use crate::ml::model::{ColumnSpec, DataType, InputError};
use crate::ml::{Prediction, Signature};

pub(crate) struct Fake {
    signature: Signature,
    examples: Vec<(Map<String, Value>, Value)>,
    value: f64,
    pub(crate) panics: AtomicBool,
}

impl Fake {
    pub(crate) fn of_version(version: u32) -> Self {
        let column = |name: &str, data_type, required| ColumnSpec {
            name: name.to_owned(),
            data_type,
            required,
            categories: None,
        };
        let value = f64::from(version);
        let record = json!({"length": 1.5, "kind": "a"}).as_object().unwrap().clone();
        Self {
            signature: Signature {
                inputs: vec![
                    column("length", DataType::Double, true),
                    column("kind", DataType::String, false),
                ],
                outputs: vec![column("value", DataType::Double, true)],
            },
            examples: vec![(record, json!({"value": value}))],
            value,
            panics: AtomicBool::new(false),
        }
    }

    /// Says that it answered something else right after training.
    pub(crate) fn with_wrong_memory(mut self) -> Self {
        self.examples[0].1 = json!({"value": self.value + 1.0});
        self
    }

    fn check(row: usize, value: &Value) -> Result<(), InputError> {
        let (length, kind) = match value {
            Value::Array(values) if values.len() == 2 => (&values[0], &values[1]),
            Value::Array(values) => {
                return Err(InputError::Width {
                    row,
                    found: values.len(),
                    expected: 2,
                    columns: vec!["length".into(), "kind".into()],
                });
            }
            Value::Object(record) => {
                if let Some(column) = record.keys().find(|k| *k != "length" && *k != "kind") {
                    let meant = Some("length".to_owned());
                    return Err(InputError::UnknownColumn { row, column: column.clone(), meant });
                }
                let Some(length) = record.get("length") else {
                    return Err(InputError::MissingColumn { row, column: "length".into() });
                };
                (length, record.get("kind").unwrap_or(&Value::Null))
            }
            _ => return Err(InputError::NotARow { row }),
        };
        if length.is_null() {
            return Err(InputError::Null { row, column: "length".into() });
        }
        let wrong = |column: &str, found: &Value, expected| {
            Err(InputError::Type { row, column: column.into(), found: found.to_string(), expected })
        };
        if !length.is_number() {
            return wrong("length", length, "double");
        }
        if !kind.is_string() && !kind.is_null() {
            return wrong("kind", kind, "string");
        }
        Ok(())
    }
}

impl Predictor for Fake {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn kind(&self) -> &str {
        "fake"
    }

    fn examples(&self) -> &[(Map<String, Value>, Value)] {
        &self.examples
    }

    fn predict(&self, rows: &[Value]) -> Result<Vec<Prediction>, InputError> {
        assert!(!self.panics.load(Ordering::Relaxed), "the fake was told to panic");
        rows.iter()
            .enumerate()
            .map(|(i, row)| {
                Self::check(i, row)?;
                Ok(Prediction::Value { value: self.value })
            })
            .collect()
    }
}
