//! Preprocessing as nodes of an ONNX graph.

use dagdeck_onnx::{Attribute, Element, Value, Writer};

use super::encoder::NUMBER_MAX;
use super::{Encoder, Preprocess};
use crate::model::{ColumnSpec, DataType};

impl Preprocess {
    /// Declares an input for each raw column and adds what makes numbers of them: `f64`, rows by
    /// [`Preprocess::width`]. Says why where a column cannot be told in ONNX.
    ///
    /// A missing number is NaN, a missing text is the empty one.
    pub(crate) fn onnx(&self, columns: &[ColumnSpec], to: &mut Writer) -> Result<Value, String> {
        let mut encoded = Vec::with_capacity(columns.len());
        for (column, encoder) in columns.iter().zip(&self.encoders) {
            encoded.push(match encoder {
                Encoder::Number { fill, shift, scale } => {
                    number(column, (*fill, *shift, *scale), to)
                }
                Encoder::Categories { categories, other, missing } => {
                    let input = to.input(&column.name, Element::Text, 1);
                    indicators(&input, categories, (*other, *missing), to)
                }
                Encoder::Date { .. } => return Err(untold(column, "dates")),
                Encoder::Words => return Err(untold(column, "free text")),
            });
        }
        let encoded: Vec<&Value> = encoded.iter().collect();
        Ok(to.node(("", "Concat"), &encoded, vec![Attribute::int("axis", 1)]))
    }
}

fn untold(column: &ColumnSpec, what: &str) -> String {
    format!("column `{}` holds {what}, and ONNX has no operator that reads it as here", column.name)
}

fn number(
    column: &ColumnSpec,
    (fill, shift, scale): (Option<f64>, f64, f64),
    to: &mut Writer,
) -> Value {
    let element = match column.data_type {
        DataType::Boolean => Element::Bool,
        // Gaps are NaN, which whole numbers do not have.
        DataType::Long if column.required => Element::Int,
        _ => Element::Double,
    };
    let input = to.input(&column.name, element, 1);
    let value = match element {
        Element::Double => input,
        _ => to.cast(&input, Element::Double),
    };
    let is_missing = to.node(("", "IsNaN"), &[&value], Vec::new());
    let [least, most] = [-NUMBER_MAX, NUMBER_MAX].map(|bound| to.doubles(&[], vec![bound]));
    let bounded = to.node(("", "Clip"), &[&value, &least, &most], Vec::new());
    let instead = to.doubles(&[1, 1], vec![fill.unwrap_or(f64::NAN)]);
    let filled = to.node(("", "Where"), &[&is_missing, &instead, &bounded], Vec::new());
    let shift = to.doubles(&[1, 1], vec![shift]);
    let scale = to.doubles(&[1, 1], vec![scale]);
    let shifted = to.node(("", "Sub"), &[&filled, &shift], Vec::new());
    to.node(("", "Div"), &[&shifted, &scale], Vec::new())
}

/// One indicator per category, then those for others and for missing texts. The operator knows only
/// categories, so the rest is a sum: others are 1 less all that is known.
fn indicators(
    input: &Value,
    categories: &[String],
    (other, missing): (bool, bool),
    to: &mut Writer,
) -> Value {
    let has_empty = categories.iter().any(String::is_empty);
    let known: Vec<&str> =
        categories.iter().map(String::as_str).chain((!has_empty).then_some("")).collect();
    let width = categories.len() + usize::from(other) + usize::from(missing);
    let mut places = vec![0.0; known.len() * width];
    let mut start = vec![0.0; width];
    for (at, row) in places.chunks_exact_mut(width).enumerate() {
        if at < categories.len() {
            row[at] = 1.0;
        } else if missing {
            row[width - 1] = 1.0;
        }
        if other {
            row[categories.len()] = -1.0;
        }
    }
    if other {
        start[categories.len()] = 1.0;
    }
    let attributes =
        vec![Attribute::texts("cats_strings", known.iter().copied()), Attribute::int("zeros", 1)];
    let marked = to.node(("ai.onnx.ml", "OneHotEncoder"), &[input], attributes);
    // A column of one text has a dimension of its own.
    let rows = to.ints(&[-1, known.len() as i64]);
    let marked = to.node(("", "Reshape"), &[&marked, &rows], Vec::new());
    let marked = to.cast(&marked, Element::Double);
    to.line(&marked, (places, width), start)
}
