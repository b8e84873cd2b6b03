//! `POST /predict`: rows in, a list of answers out.

use crate::ml::batch::{Batch, Rules, most_probable};
use crate::ml::{Answers, Signature};
use crate::serving::read;
use crate::serving::refusal::Refused;

pub(super) fn read(body: &[u8], signature: &Signature, rules: Rules) -> Result<Batch, Refused> {
    read::rows(body, signature, rules)
}

/// The names of classes as JSON, written once.
#[derive(Debug)]
pub(crate) struct Names(Vec<String>);

impl Names {
    pub(crate) fn of(classes: &[String]) -> Self {
        let text = |class: &String| serde_json::Value::from(class.as_str()).to_string();
        Self(classes.iter().map(text).collect())
    }
}

/// Writes `[{"label": …, "probabilities": {…}}, …]`, or `[{"value": …}, …]`.
pub(super) fn write(Names(names): &Names, answers: &Answers) -> Vec<u8> {
    let labels: usize = names.iter().map(|name| name.len() + 24).sum();
    let mut out = Vec::with_capacity(2 + answers.rows() * (48 + labels));
    out.push(b'[');
    for (row, numbers) in answers.iter().enumerate() {
        if row > 0 {
            out.push(b',');
        }
        if names.is_empty() {
            out.extend_from_slice(b"{\"value\":");
            number(numbers[0], &mut out);
            out.push(b'}');
            continue;
        }
        out.extend_from_slice(b"{\"label\":");
        out.extend_from_slice(names[most_probable(numbers)].as_bytes());
        out.extend_from_slice(b",\"probabilities\":");
        record(names, numbers, &mut out);
        out.push(b'}');
    }
    out.push(b']');
    out
}

/// Writes a number for each name.
fn record(names: &[String], numbers: &[f64], out: &mut Vec<u8>) {
    for (at, (name, probability)) in names.iter().zip(numbers).enumerate() {
        out.push(if at == 0 { b'{' } else { b',' });
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        number(*probability, out);
    }
    out.push(b'}');
}

/// Writes a number; what is none as null.
pub(super) fn number(value: f64, out: &mut Vec<u8>) {
    // A vector takes all that is written.
    let _ = serde_json::to_writer(out, &value);
}
