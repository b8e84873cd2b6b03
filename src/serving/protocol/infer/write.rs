//! What a client wants back, and how it is written.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{HEADER_LENGTH, LABEL, OutputBody, PROBABILITIES, VALUE, refuse_parameters};
use crate::ml::Answers;
use crate::ml::batch::most_probable;
use crate::serving::protocol::{JSON, Reply};
use crate::serving::refusal::Refusal;
use crate::serving::table::Loaded;
use hyper::header::HeaderValue;

const BINARY: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// A tensor of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Label,
    Probabilities,
    Value,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Label => LABEL,
            Self::Probabilities => PROBABILITIES,
            Self::Value => VALUE,
        }
    }

    /// Returns those that a model answers with.
    const fn all(classes: &[String]) -> &'static [Self] {
        if classes.is_empty() { &[Self::Value] } else { &[Self::Label, Self::Probabilities] }
    }
}

/// What is wanted back.
#[derive(Debug)]
pub(in crate::serving::protocol) struct Form {
    id: Option<String>,
    /// With whether it is to be raw.
    outputs: Vec<(Kind, bool)>,
}

impl Form {
    pub(super) fn of(
        id: Option<String>,
        parameters: &Option<Map<String, Value>>,
        wanted: Option<Vec<OutputBody>>,
        classes: &[String],
    ) -> Result<Self, Refusal> {
        refuse_parameters(parameters)?;
        let all = Kind::all(classes);
        let is_binary = flag(parameters, "binary_data_output")?.unwrap_or(false);
        let wanted = wanted.unwrap_or_default();
        if wanted.is_empty() {
            return Ok(Self { id, outputs: all.iter().map(|kind| (*kind, is_binary)).collect() });
        }
        let mut outputs: Vec<(Kind, bool)> = Vec::with_capacity(wanted.len());
        for output in wanted {
            refuse_parameters(&output.parameters)?;
            let Some(kind) = all.iter().copied().find(|kind| kind.name() == output.name) else {
                let known: Vec<&str> = all.iter().map(|kind| kind.name()).collect();
                let (name, known) = (output.name, known.join(", "));
                let error = format!("there is no output `{name}`; there are {known}");
                return Err(Refusal::bad_request(error));
            };
            if outputs.iter().any(|(known, _)| *known == kind) {
                let error = format!("output `{}` is asked for twice", output.name);
                return Err(Refusal::bad_request(error));
            }
            outputs.push((kind, flag(&output.parameters, "binary_data")?.unwrap_or(is_binary)));
        }
        Ok(Self { id, outputs })
    }

    pub(in crate::serving::protocol) fn write(&self, loaded: &Loaded, answers: &Answers) -> Reply {
        let classes = loaded.predictor.classes();
        let mut raw = Vec::new();
        let outputs = self.outputs.iter().map(|(kind, is_binary)| {
            let before = raw.len();
            let data = match (kind, is_binary) {
                (Kind::Label, true) => {
                    for label in labels(classes, answers) {
                        let len = u32::try_from(label.len()).unwrap_or(u32::MAX);
                        raw.extend_from_slice(&len.to_le_bytes());
                        raw.extend_from_slice(label.as_bytes());
                    }
                    None
                }
                (Kind::Probabilities | Kind::Value, true) => {
                    answers.numbers().iter().for_each(|n| raw.extend_from_slice(&n.to_le_bytes()));
                    None
                }
                (Kind::Label, false) => Some(DataBody::Texts(labels(classes, answers).collect())),
                (Kind::Probabilities | Kind::Value, false) => {
                    Some(DataBody::Numbers(answers.numbers()))
                }
            };
            let size = raw.len() - before;
            let rows = answers.rows();
            TensorBody {
                name: kind.name(),
                datatype: if *kind == Kind::Label { "BYTES" } else { "FP64" },
                shape: match kind {
                    Kind::Label | Kind::Value => vec![rows],
                    Kind::Probabilities => vec![rows, answers.width()],
                },
                parameters: is_binary.then(|| json!({"binary_data_size": size})),
                data,
            }
        });
        let body = InferBody {
            model_name: &loaded.model,
            model_version: loaded.version.to_string(),
            id: self.id.as_deref(),
            outputs: outputs.collect(),
        };
        let mut written = serde_json::to_vec(&body).unwrap_or_default();
        if self.outputs.iter().all(|(_, is_binary)| !is_binary) {
            return Reply { content_type: JSON, header: None, body: written };
        }
        let header = Some((HEADER_LENGTH, HeaderValue::from(written.len())));
        written.append(&mut raw);
        Reply { content_type: BINARY, header, body: written }
    }
}

fn labels<'a>(classes: &'a [String], answers: &'a Answers) -> impl Iterator<Item = &'a str> {
    answers.iter().map(|numbers| classes[most_probable(numbers)].as_str())
}

fn flag(parameters: &Option<Map<String, Value>>, name: &str) -> Result<Option<bool>, Refusal> {
    match parameters.as_ref().and_then(|all| all.get(name)) {
        None => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(Refusal::bad_request(format!("the parameter `{name}` is true or false"))),
    }
}

#[derive(Serialize)]
struct InferBody<'a> {
    model_name: &'a str,
    model_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: Vec<TensorBody<'a>>,
}

#[derive(Serialize)]
struct TensorBody<'a> {
    name: &'static str,
    datatype: &'static str,
    shape: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<DataBody<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum DataBody<'a> {
    Texts(Vec<&'a str>),
    Numbers(&'a [f64]),
}
