//! `POST /invocations`: MLflow's scoring protocol, answered as MLflow's own server answers.
//!
//! | content type | body |
//! |---|---|
//! | `application/json`, or none | exactly one of `dataframe_split`, `dataframe_records`, `instances`, `inputs`; with or without `params` |
//! | `text/csv` | the names in the first line |
//! | `application/vnd.apache.parquet` | a file |
//!
//! As there, columns that the signature does not know are passed over.

use std::fmt;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::rows::number;
use crate::ml::batch::{Batch, Given, Rules, most_probable};
use crate::ml::{Answers, Predictor, PythonAnswer};
use crate::serving::read::json::{Any, Row, Rows, Sink, Take, document};
use crate::serving::read::{csv, of_json, parquet};
use crate::serving::refusal::{Refusal, Refused};

/// What a body of JSON may be, one of it.
const FORMATS: [&str; 4] = ["dataframe_split", "dataframe_records", "instances", "inputs"];

/// How to write the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// The probability of each class, as `params` asked for.
    probabilities: bool,
}

pub(super) fn read(
    headers: &HeaderMap,
    body: &Bytes,
    predictor: &dyn Predictor,
    rules: Rules,
) -> Result<(Batch, Form), Refused> {
    let rules = Rules { ignore_unknown: true, ..rules };
    let signature = predictor.signature();
    let form = Form { probabilities: false };
    match media_type(headers.get(header::CONTENT_TYPE)).map_err(Refused::unread)? {
        Media::Csv => Ok((csv::rows(body, signature, rules)?, form)),
        Media::Parquet => Ok((parquet::rows(body, signature, rules)?, form)),
        Media::Json => {
            let envelope = Envelope::read(body).map_err(Refused::unread)?;
            let form = envelope.form(predictor).map_err(Refused::unread)?;
            let batch = of_json(body, signature, rules, |sink, body| {
                document(body, Any(Body { sink, envelope: &envelope }))
            })?;
            Ok((batch, form))
        }
    }
}

enum Media {
    Json,
    Csv,
    Parquet,
}

fn media_type(given: Option<&HeaderValue>) -> Result<Media, Refusal> {
    let Some(given) = given else { return Ok(Media::Json) };
    let unsupported = |what: &str| Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, what);
    let text = given.to_str().map_err(|_| unsupported("the content type is not ASCII"))?;
    let mut parts = text.split(';').map(str::trim);
    let media = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "application/json" => Media::Json,
        "text/csv" => Media::Csv,
        "application/vnd.apache.parquet" => Media::Parquet,
        other => {
            return Err(unsupported(&format!(
                "`{other}` is not read; send application/json, text/csv or \
                 application/vnd.apache.parquet"
            )));
        }
    };
    for part in parts.filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        if !name.trim().eq_ignore_ascii_case("charset") {
            return Err(unsupported(&format!("`{name}` of the content type means nothing here")));
        }
        if !value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8") {
            return Err(unsupported("only UTF-8 is read"));
        }
    }
    Ok(media)
}

/// What a body holds beside its rows.
#[derive(Default)]
struct Envelope {
    formats: Vec<String>,
    others: Vec<String>,
    params: Option<Map<String, Value>>,
    /// Of `dataframe_split`.
    columns: Option<Vec<String>>,
}

impl Envelope {
    fn read(body: &[u8]) -> Result<Self, Refusal> {
        let found = match document(body, Keys) {
            Ok(found) => found,
            Err(error) => match crate::serving::read::json::without_nan(body) {
                Some(mended) => document(&mended, Keys).map_err(|e| Refusal::of_json(&e))?,
                None => return Err(Refusal::of_json(&error)),
            },
        };
        match found.formats.as_slice() {
            [_] => Ok(found),
            none_or_many => {
                let found = match (none_or_many.is_empty(), found.others.is_empty()) {
                    (false, _) => format!("found {}", found.formats.join(", ")),
                    (true, false) => format!("found only {}", found.others.join(", ")),
                    (true, true) => "found none".to_owned(),
                };
                let expected = FORMATS.join(", ");
                let error = format!("the body has exactly one of {expected}; {found}");
                Err(Refusal::bad_request(error))
            }
        }
    }

    fn form(&self, predictor: &dyn Predictor) -> Result<Form, Refusal> {
        let mut form = Form { probabilities: false };
        for (name, value) in self.params.iter().flatten() {
            let is_own = predictor.python() == PythonAnswer::Labels;
            match (name.as_str(), value) {
                // Others pass over parameters that are not in the signature, as MLflow does.
                ("probabilities", Value::Bool(wanted)) if is_own => form.probabilities = *wanted,
                ("probabilities", _) if is_own => {
                    let error = "the parameter `probabilities` is true or false";
                    return Err(Refusal::bad_request(error));
                }
                _ => {}
            }
        }
        if form.probabilities && predictor.classes().is_empty() {
            return Err(Refusal::bad_request("a regression has no probabilities"));
        }
        Ok(form)
    }
}

/// Reads all but the rows.
struct Keys;

impl<'de> DeserializeSeed<'de> for Keys {
    type Value = Envelope;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Envelope, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keys {
    type Value = Envelope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with one of {}", FORMATS.join(", "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "params" => envelope.params = map.next_value()?,
                "dataframe_split" => {
                    let split: SplitColumns = map.next_value()?;
                    envelope.columns = split.columns.and_then(names);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            match FORMATS.contains(&key.as_str()) {
                true => envelope.formats.push(key),
                false if key != "params" => envelope.others.push(key),
                false => {}
            }
        }
        Ok(envelope)
    }
}

#[derive(Deserialize)]
struct SplitColumns {
    columns: Option<Vec<Value>>,
}

/// Names as they are; the numbers that pandas gives columns without names are none.
fn names(columns: Vec<Value>) -> Option<Vec<String>> {
    let is_counted = columns.iter().enumerate().all(|(at, name)| name.as_u64() == Some(at as u64));
    let name = |name: Value| match name {
        Value::String(name) => name,
        other => other.to_string(),
    };
    (!is_counted).then(|| columns.into_iter().map(name).collect())
}

/// Reads the rows.
struct Body<'b, 's> {
    sink: Sink<'b, 's>,
    envelope: &'b Envelope,
}

impl<'de> Take<'de> for Body<'_, '_> {
    type Out = ();

    fn value<E: Error>(mut self, _: Given<'_>) -> Result<(), E> {
        Err(self.sink.refuse(Refusal::bad_request("the body is no object")))
    }

    fn record<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let sink = self.sink.borrow();
            match key.as_str() {
                "dataframe_split" => {
                    map.next_value_seed(Any(Split { sink, columns: &self.envelope.columns }))?;
                }
                "dataframe_records" | "instances" | "inputs" => {
                    map.next_value_seed(Any(Rows { sink, wrapped: true }))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// `{"columns": […], "data": [[…]]}`; without names the columns are those of the signature.
struct Split<'b, 's> {
    sink: Sink<'b, 's>,
    columns: &'b Option<Vec<String>>,
}

impl<'de> Take<'de> for Split<'_, '_> {
    type Out = ();

    fn value<E: Error>(mut self, _: Given<'_>) -> Result<(), E> {
        let error = "`dataframe_split` is an object with `columns` and `data`";
        Err(self.sink.refuse(Refusal::bad_request(error)))
    }

    fn record<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let order: Option<Vec<Option<usize>>> = self.columns.as_ref().map(|names| {
            let names = names.iter().enumerate();
            names.map(|(nth, name)| self.sink.builder.column(0, nth, name)).collect()
        });
        let mut has_data = false;
        while let Some(key) = map.next_key::<String>()? {
            if key != "data" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            has_data = true;
            map.next_value_seed(Any(Data { sink: self.sink.borrow(), order: order.as_deref() }))?;
        }
        if !has_data {
            let error = "`dataframe_split` has no `data`";
            return Err(self.sink.refuse(Refusal::bad_request(error)));
        }
        Ok(())
    }
}

/// The rows of a `dataframe_split`.
struct Data<'b, 's> {
    sink: Sink<'b, 's>,
    order: Option<&'b [Option<usize>]>,
}

impl<'de> Take<'de> for Data<'_, '_> {
    type Out = ();

    fn value<E: Error>(mut self, _: Given<'_>) -> Result<(), E> {
        let error = "`data` of `dataframe_split` is a list of rows";
        Err(self.sink.refuse(Refusal::bad_request(error)))
    }

    fn list<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        loop {
            let sink = self.sink.borrow();
            let row = match self.order {
                Some(order) => Row::ordered(sink, order),
                None => Row::new(sink),
            };
            if list.next_element_seed(Any(row))?.is_none() {
                return Ok(());
            }
        }
    }
}

impl Form {
    /// Writes `{"predictions": […]}`.
    pub(super) fn write(self, predictor: &dyn Predictor, answers: &Answers) -> Vec<u8> {
        let classes = predictor.classes();
        let python = predictor.python();
        let mut out = b"{\"predictions\": [".to_vec();
        for (row, numbers) in answers.iter().enumerate() {
            if row > 0 {
                out.extend_from_slice(b", ");
            }
            let label = |out: &mut Vec<u8>| text(&classes[most_probable(numbers)], out);
            match python {
                _ if classes.is_empty() => number(numbers[0], &mut out),
                _ if self.probabilities => record(classes, numbers, &mut out),
                PythonAnswer::Labels => label(&mut out),
                PythonAnswer::Numbers => number_of_class(most_probable(numbers), &mut out),
                PythonAnswer::Probabilities if numbers.len() == 2 => number(numbers[1], &mut out),
                PythonAnswer::Probabilities => list(numbers, &mut out),
                PythonAnswer::Both => {
                    out.extend_from_slice(b"{\"output_label\": ");
                    label(&mut out);
                    out.extend_from_slice(b", \"output_probability\": ");
                    record(classes, numbers, &mut out);
                    out.push(b'}');
                }
            }
        }
        out.extend_from_slice(b"]}");
        out
    }
}

// A vector takes all that is written.
fn text(text: &str, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, text);
}

fn number_of_class(class: usize, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, &class);
}

fn list(numbers: &[f64], out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, numbers);
}

fn record(classes: &[String], numbers: &[f64], out: &mut Vec<u8>) {
    for (at, (class, value)) in classes.iter().zip(numbers).enumerate() {
        out.extend_from_slice(if at == 0 { b"{" } else { b", " });
        text(class, out);
        out.extend_from_slice(b": ");
        number(*value, out);
    }
    out.push(b'}');
}
