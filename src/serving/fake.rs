//! A model for tests: it answers its own number to rows of two columns.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value, json};

use crate::ml::model::{ColumnSpec, DataType, InputError};
use crate::ml::{Answers, Batch, Predictor, Signature};

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

    fn classes(&self) -> &[String] {
        &[]
    }

    fn answer(&self, batch: &Batch) -> Result<Answers, InputError> {
        assert!(!self.panics.load(Ordering::Relaxed), "the fake was told to panic");
        Ok(Answers::new(1, vec![self.value; batch.rows()]))
    }
}
