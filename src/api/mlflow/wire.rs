//! What MLflow's REST API has in common: parameters from the query or the body, errors by their
//! codes, numbers as protobuf's JSON has them.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Number, Value, json};

use crate::api::control::Shared;
use crate::store::StoreError;
use crate::tracking::search::LifecycleStage;
use crate::types::{Fault, FaultKind, Timestamp};
use crate::web::body;

/// Body of a request, at most: a batch of a thousand metrics has 100 kB.
const BODY_BYTES_MAX: u64 = 16 << 20;

/// MLflow's error codes that are used here, each with its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    InvalidParameterValue,
    ResourceDoesNotExist,
    ResourceAlreadyExists,
    InvalidState,
    PermissionDenied,
    /// What is sent weighs more than `[tracking] artifact_max_bytes`.
    TooLarge,
    /// There is no room left. MLflow's client asks again for minutes where that is a 503.
    StorageFull,
    TemporarilyUnavailable,
    Internal,
}

impl Code {
    const fn name(self) -> &'static str {
        match self {
            Self::InvalidParameterValue | Self::TooLarge => "INVALID_PARAMETER_VALUE",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::StorageFull => "RESOURCE_EXHAUSTED",
            Self::ResourceDoesNotExist => "RESOURCE_DOES_NOT_EXIST",
            Self::ResourceAlreadyExists => "RESOURCE_ALREADY_EXISTS",
            Self::InvalidState => "INVALID_STATE",
            Self::TemporarilyUnavailable => "TEMPORARILY_UNAVAILABLE",
            Self::Internal => "INTERNAL_ERROR",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::InvalidParameterValue | Self::ResourceAlreadyExists => StatusCode::BAD_REQUEST,
            Self::PermissionDenied => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
            Self::ResourceDoesNotExist => StatusCode::NOT_FOUND,
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
            FaultKind::Invalid | FaultKind::Conflict => Code::InvalidParameterValue,
            FaultKind::Denied => Code::InvalidState,
            FaultKind::NotFound => Code::ResourceDoesNotExist,
            FaultKind::Exists => Code::ResourceAlreadyExists,
            FaultKind::Busy | FaultKind::Unavailable => Code::TemporarilyUnavailable,
            FaultKind::Internal => Code::Internal,
        };
        if fault.kind == FaultKind::Internal {
            tracing::error!(%fault, "a request of an MLflow client was not answered");
        }
        Self { code, message: fault.message }
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
        let query = request.uri().query().map(str::to_owned);
        let body = body::read(request.into_body(), BODY_BYTES_MAX).await;
        let body = body.map_err(|error| Refusal::invalid(error.to_string()))?;
        match query {
            Some(query) if body.is_empty() => Ok(Self::of_query(&query)),
            _ => Self::of_body(&body),
        }
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
            Some(other) => Err(unfit(name, other)),
        }
    }

    /// A text that may not be missing or empty.
    pub(super) fn needed(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| lacks(name))
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        self.value(name).map(|value| integer(name, value)).transpose()
    }

    /// An object, to be asked in its turn.
    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Self(fields.clone()))),
            Some(other) => Err(unfit(name, other)),
        }
    }

    /// A yes or a no.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(other) => Err(unfit(name, other)),
        }
    }

    /// The objects of a list, each to be asked in its turn.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<Self>, Refusal> {
        let items = match self.value(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items.as_slice(),
            Some(other) => return Err(unfit(name, other)),
        };
        let object = |item: &Value| match item {
            Value::Object(fields) => Ok(Self(fields.clone())),
            other => Err(unfit(name, other)),
        };
        items.iter().map(object).collect()
    }

    /// The texts of a list; a single one in a query stands for itself.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Refusal> {
        let text = |item: &Value| match item {
            Value::String(text) => Ok(text.clone()),
            other => Err(unfit(name, other)),
        };
        match self.value(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items.iter().map(text).collect(),
            Some(one) => text(one).map(|one| vec![one]),
        }
    }

    /// Keys with their values: `[{"key": …, "value": …}]`.
    pub(super) fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, Refusal> {
        self.objects(name)?.iter().map(Self::pair).collect()
    }

    /// `key` and `value`; without a value it is empty.
    pub(super) fn pair(&self) -> Result<(String, String), Refusal> {
        let value = self.text("value")?.unwrap_or_default();
        Ok((self.needed("key")?.to_owned(), value.to_owned()))
    }

    /// All of it, as it was sent.
    pub(super) fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    /// A number; NaN and the infinities are texts on the wire.
    pub(super) fn number(&self, name: &str) -> Result<Option<f64>, Refusal> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| unfit(name, value))
    }
}

fn integer(name: &str, value: &Value) -> Result<i64, Refusal> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| unfit(name, value))
}

/// Where MLflow says no more than that.
pub(super) const SEE: &str = "See the API docs for more information about request parameters.";

pub(super) fn lacks(name: &str) -> Refusal {
    Refusal::invalid(format!("Missing value for required parameter '{name}'. {SEE}"))
}

/// Refuses what is of a wrong type, in MLflow's words, which are Python's.
pub(super) fn unfit(name: &str, value: &Value) -> Refusal {
    let kind = match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    };
    let mut shown = value.to_string();
    if let Some((at, _)) = shown.char_indices().nth(1_000) {
        shown.truncate(at);
        shown.push('…');
    }
    Refusal::invalid(format!(
        "Invalid value {shown} for parameter '{name}' supplied:  Hint: Value was of type '{kind}'. \
         {SEE}"
    ))
}

/// Reads which things are meant: those that are there, those that are deleted, or both. MLflow's
/// clients send a word or its number.
pub(super) fn stage(asked: &Asked, name: &str) -> Result<LifecycleStage, Refusal> {
    let word = match asked.value(name) {
        None => return Ok(LifecycleStage::Active),
        Some(Value::String(word)) => word.clone(),
        Some(other) => other.to_string(),
    };
    match word.as_str() {
        "ACTIVE_ONLY" | "1" => Ok(LifecycleStage::Active),
        "DELETED_ONLY" | "2" => Ok(LifecycleStage::Deleted),
        "ALL" | "3" => Ok(LifecycleStage::Any),
        _ => Err(unfit(name, &Value::String(word))),
    }
}

/// Writes keys with their values.
pub(super) fn pairs(all: &[(String, String)]) -> Value {
    let pair = |(key, value): &(String, String)| json!({"key": key, "value": value});
    Value::Array(all.iter().map(pair).collect())
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
    at.map_err(|_| {
        Refusal::invalid(format!("Invalid value {millis} for parameter '{name}' supplied"))
    })
}

/// A page of a list that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) limit: u32,
    pub(super) offset: u32,
}

impl Page {
    /// Reads `max_results` and `page_token`.
    pub(super) fn read(asked: &Asked, default: u32, max: u32) -> Result<Self, Refusal> {
        let limit = match asked.integer("max_results")? {
            None => default,
            Some(wanted) => {
                let refuse = |why: String| {
                    Refusal::invalid(format!(
                        "Invalid value {wanted} for parameter 'max_results' supplied. It must be \
                         {why}"
                    ))
                };
                match u32::try_from(wanted) {
                    Ok(0) | Err(_) if wanted < 1 => {
                        return Err(refuse("a positive integer".into()));
                    }
                    Ok(wanted) if wanted <= max => wanted,
                    _ => return Err(refuse(format!("at most {max}"))),
                }
            }
        };
        Ok(Self { limit, offset: offset(asked)? })
    }

    /// Returns the token of the next page, where so much was found: one more than the limit says that
    /// there are more.
    pub(super) fn next(self, found: usize) -> Option<String> {
        (found > self.limit as usize).then(|| format!("p{}", self.offset + self.limit))
    }

    /// Makes the answer of what was found: one more than the limit says that there are more.
    pub(super) fn answer(self, name: &str, mut found: Vec<Value>) -> Value {
        let next = self.next(found.len());
        found.truncate(self.limit as usize);
        let fields = [(name.to_owned(), found.into()), ("next_page_token".into(), json!(next))];
        without_empty(fields.into_iter().collect())
    }
}

/// Reads `page_token`: how many come before, which means nothing to a client.
pub(super) fn offset(asked: &Asked) -> Result<u32, Refusal> {
    match asked.text("page_token")? {
        None | Some("") => Ok(0),
        Some(token) => token
            .strip_prefix('p')
            .and_then(|offset| offset.parse().ok())
            .ok_or_else(|| Refusal::invalid("Invalid page token, could not base64-decode")),
    }
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
