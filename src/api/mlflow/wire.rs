//! What MLflow's REST API has in common: parameters from the query or the body, errors by their
//! codes, numbers as protobuf's JSON has them.

use std::borrow::Cow;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Number, Value, json};

use crate::api::control::Shared;
use crate::store::StoreError;
use crate::types::{Fault, FaultKind, Timestamp};

/// Body of a request, at most: a batch of a thousand metrics has 100 kB.
const BODY_BYTES_MAX: usize = 16 << 20;

/// MLflow's error codes that are used here, each with its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    InvalidParameterValue,
    ResourceDoesNotExist,
    ResourceAlreadyExists,
    InvalidState,
    EndpointNotFound,
    TemporarilyUnavailable,
    Internal,
}

impl Code {
    const fn name(self) -> &'static str {
        match self {
            Self::InvalidParameterValue => "INVALID_PARAMETER_VALUE",
            Self::ResourceDoesNotExist => "RESOURCE_DOES_NOT_EXIST",
            Self::ResourceAlreadyExists => "RESOURCE_ALREADY_EXISTS",
            Self::InvalidState => "INVALID_STATE",
            Self::EndpointNotFound => "ENDPOINT_NOT_FOUND",
            Self::TemporarilyUnavailable => "TEMPORARILY_UNAVAILABLE",
            Self::Internal => "INTERNAL_ERROR",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::InvalidParameterValue | Self::ResourceAlreadyExists => StatusCode::BAD_REQUEST,
            Self::ResourceDoesNotExist | Self::EndpointNotFound => StatusCode::NOT_FOUND,
            Self::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::InvalidState | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A refusal in MLflow's shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidParameterValue, message)
    }

    pub(super) fn missing(message: impl Into<String>) -> Self {
        Self::new(Code::ResourceDoesNotExist, message)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let code = match fault.kind {
            FaultKind::Invalid | FaultKind::Conflict | FaultKind::Denied => {
                Code::InvalidParameterValue
            }
            FaultKind::NotFound => Code::ResourceDoesNotExist,
            FaultKind::Exists => Code::ResourceAlreadyExists,
            FaultKind::Busy | FaultKind::Unavailable => Code::TemporarilyUnavailable,
            FaultKind::Internal => Code::Internal,
        };
        let message = match &fault.hint {
            Some(hint) => format!("{}; {hint}", fault.message),
            None => fault.message,
        };
        Self { code, message }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Fault::from(error).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"error_code": self.code.name(), "message": self.message});
        (self.code.status(), Json(body)).into_response()
    }
}

/// What a request asks with: its query where it is a GET, else its body. Unknown names are
/// ignored, as protobuf does.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked(Map<String, Value>);

impl FromRequest<Shared> for Asked {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &Shared) -> Result<Self, Refusal> {
        if request.method() == Method::GET {
            return Ok(Self::of_query(request.uri().query().unwrap_or_default()));
        }
        let body = axum::body::to_bytes(request.into_body(), BODY_BYTES_MAX).await;
        Self::of_body(&body.map_err(|error| Refusal::invalid(format!("read the body: {error}")))?)
    }
}

impl Asked {
    /// Reads a query; a name that is there more than once is a list.
    fn of_query(query: &str) -> Self {
        let mut asked = Map::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = Value::String(value.into_owned());
            match asked.get_mut(&*name) {
                None => drop(asked.insert(name.into_owned(), value)),
                Some(Value::Array(all)) => all.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        Self(asked)
    }

    fn of_body(body: &Bytes) -> Result<Self, Refusal> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(asked)) => Ok(Self(asked)),
            Ok(_) => Err(Refusal::invalid("the body is no JSON object")),
            Err(error) => Err(Refusal::invalid(format!("the body is no JSON: {error}"))),
        }
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(not_a("string", name, other)),
        }
    }

    /// A text that may not be missing or empty.
    pub(super) fn needed(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| lacks(name))
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        self.value(name).map(|value| integer(name, value)).transpose()
    }

    /// The objects of a list, each to be asked in its turn.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<Self>, Refusal> {
        let items = match self.value(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items.as_slice(),
            Some(other) => return Err(not_a("list", name, other)),
        };
        let object = |item: &Value| match item {
            Value::Object(fields) => Ok(Self(fields.clone())),
            other => Err(not_a("list of objects", name, other)),
        };
        items.iter().map(object).collect()
    }

    /// The texts of a list; a single one in a query stands for itself.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Refusal> {
        let text = |item: &Value| match item {
            Value::String(text) => Ok(text.clone()),
            other => Err(not_a("list of strings", name, other)),
        };
        match self.value(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items.iter().map(text).collect(),
            Some(one) => text(one).map(|one| vec![one]),
        }
    }

    /// Keys with their values: `[{"key": …, "value": …}]`.
    pub(super) fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, Refusal> {
        let pair = |one: Self| {
            let value = one.text("value")?.unwrap_or_default().to_owned();
            Ok((one.needed("key")?.to_owned(), value))
        };
        self.objects(name)?.into_iter().map(pair).collect()
    }

    /// A number; NaN and the infinities are texts on the wire.
    pub(super) fn number(&self, name: &str) -> Result<Option<f64>, Refusal> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| not_a("number", name, value))
    }
}

fn integer(name: &str, value: &Value) -> Result<i64, Refusal> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| not_a("integer", name, value))
}

pub(super) fn lacks(name: &str) -> Refusal {
    Refusal::invalid(format!(
        "Missing value for required parameter '{name}'. See the API docs for more information \
         about request parameters."
    ))
}

fn not_a(what: &str, name: &str, value: &Value) -> Refusal {
    let mut shown = value.to_string();
    if let Some((at, _)) = shown.char_indices().nth(100) {
        shown.truncate(at);
        shown.push('…');
    }
    Refusal::invalid(format!(
        "Invalid value {shown} for parameter '{name}' supplied: it is no {what}"
    ))
}

/// Writes a number as protobuf's JSON does.
pub(super) fn number(value: f64) -> Value {
    let word = || match value {
        _ if value.is_nan() => "NaN",
        _ if value > 0.0 => "Infinity",
        _ => "-Infinity",
    };
    Number::from_f64(value).map_or_else(|| word().into(), Value::Number)
}

/// Writes an instant as MLflow does, in milliseconds since 1970.
pub(super) fn millis(at: Timestamp) -> Value {
    at.as_millisecond().into()
}

/// Reads an instant; what no calendar has is refused.
pub(super) fn instant(name: &str, millis: i64) -> Result<Timestamp, Refusal> {
    let at = Timestamp::from_millisecond(millis);
    at.map_err(|_| Refusal::invalid(format!("Invalid value {millis} for parameter '{name}' supplied")))
}

/// A page of a list, as its opaque token names it: how many come before.
pub(super) fn offset(asked: &Asked) -> Result<u32, Refusal> {
    match asked.text("page_token")? {
        None | Some("") => Ok(0),
        Some(token) => token
            .strip_prefix('p')
            .and_then(|offset| offset.parse().ok())
            .ok_or_else(|| Refusal::invalid(format!("Invalid page token: '{token}'"))),
    }
}

/// The token of the page after one that ends here; none where it is the last.
pub(super) fn next_page(offset: u32, shown: usize, total: u64) -> Option<Cow<'static, str>> {
    let end = u64::from(offset) + shown as u64;
    (end < total).then(|| format!("p{end}").into())
}

/// Leaves out what is empty, as protobuf's JSON does.
pub(super) fn without_empty(mut object: Map<String, Value>) -> Value {
    object.retain(|_, value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        _ => true,
    });
    Value::Object(object)
}
