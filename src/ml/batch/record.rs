//! A row as it can be sent again.

use serde_json::{Map, Value};

use super::{Batch, Held};
use crate::Signature;
use crate::dataset::date;
use crate::model::DataType;

impl Batch {
    /// Returns a row as a record by the signature that the batch was checked against; what is
    /// missing is null.
    pub fn record(&self, signature: &Signature, row: usize) -> Map<String, Value> {
        let cells = self.cells.iter().skip(row * self.width).take(self.width);
        let named = signature.inputs.iter().zip(cells);
        named
            .map(|(column, held)| (column.name.clone(), self.json(*held, column.data_type)))
            .collect()
    }

    fn json(&self, held: Held, data_type: DataType) -> Value {
        match held {
            Held::Unset | Held::Missing => Value::Null,
            // Whole numbers were checked to be exact.
            Held::Number(value) if data_type == DataType::Long => Value::from(value as i64),
            Held::Number(value) => Value::from(value),
            Held::Boolean(value) => Value::from(value),
            Held::Date(seconds) => Value::from(date::write(seconds)),
            Held::Text { start, len } => {
                let start = start as usize;
                Value::from(&self.texts[start..start + len as usize])
            }
        }
    }

    /// Returns about how many bytes it takes.
    pub fn size_bytes(&self) -> usize {
        self.cells.len() * size_of::<Held>() + self.texts.len()
    }
}
