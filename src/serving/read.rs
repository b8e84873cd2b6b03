//! From a body to a batch, whatever it is written in.

pub(crate) mod csv;
pub(crate) mod json;
pub(crate) mod parquet;
#[cfg(test)]
mod tests;

use crate::ml::Signature;
use crate::ml::batch::{Batch, Builder, Rules};
use crate::serving::refusal::{Refusal, Refused};

/// Reads what `POST /predict` takes.
pub(crate) fn rows(body: &[u8], signature: &Signature, rules: Rules) -> Result<Batch, Refused> {
    if body.iter().all(u8::is_ascii_whitespace) {
        let error = "the body is empty; send rows, such as [[5.1, 3.5, 1.4, 0.2]]";
        return Err(Refused::unread(Refusal::bad_request(error)));
    }
    of_json(body, signature, rules, |sink, body| {
        json::document(body, json::Any(json::Rows { sink, wrapped: false }))
    })
}

/// Reads JSON by whatever takes it apart; tries again without NaN where that stood in the way.
pub(crate) fn of_json(
    body: &[u8],
    signature: &Signature,
    rules: Rules,
    read: impl Fn(json::Sink<'_, '_>, &[u8]) -> Result<(), serde_json::Error>,
) -> Result<Batch, Refused> {
    let attempt = |body: &[u8]| {
        let (mut builder, mut stop) = (Builder::new(signature, rules), None);
        let sink = json::Sink { builder: &mut builder, stop: &mut stop };
        match read(sink, body) {
            Ok(()) => builder.finish().map_err(|faults| Refused::by_version(&faults)),
            Err(error) => Err(Refused::unread(stop.unwrap_or_else(|| Refusal::of_json(&error)))),
        }
    };
    match attempt(body) {
        Err(refused) if !refused.by_version => match json::without_nan(body) {
            Some(mended) => attempt(&mended),
            None => Err(refused),
        },
        read => read,
    }
}
