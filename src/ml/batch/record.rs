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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::ColumnSpec;

    #[test]
    fn a_record_is_read_back_as_the_row_that_it_was_written_of() {
        let column = |(name, data_type): (&str, DataType)| ColumnSpec {
            name: name.to_owned(),
            data_type,
            required: false,
            categories: None,
        };
        let inputs = [
            ("number", DataType::Double),
            ("whole", DataType::Long),
            ("flag", DataType::Boolean),
            ("day", DataType::Datetime),
            ("text", DataType::String),
            ("none", DataType::String),
        ];
        let signature =
            Signature { inputs: inputs.into_iter().map(column).collect(), outputs: Vec::new() };
        let rows = [
            json!([0.5, -7, true, "2024-01-31T10:00:00Z", "ä\"b", null]),
            json!([1e300, 3, false, "1970-01-01T00:00:00Z", "", "last"]),
        ];
        let batch = Batch::of_json(&signature, &rows).unwrap();
        let records: Vec<Value> = (0..2).map(|row| batch.record(&signature, row).into()).collect();
        assert_eq!(
            records[0],
            json!({"number": 0.5, "whole": -7, "flag": true, "day": "2024-01-31T10:00:00Z",
                "text": "ä\"b", "none": null})
        );
        assert_eq!(Batch::of_json(&signature, &records).unwrap(), batch);
        assert!(batch.size_bytes() > 2 * 6 * 16);
    }
}
