//! What the model server says instead of an answer.

use hyper::StatusCode;
use serde::Serialize;
use serde_json::error::Category;

use crate::ml::model::InputError;

/// A request that was refused or failed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) error: String,
    pub(crate) detail: Vec<Problem>,
    /// The methods that the path takes, where the method was the matter.
    pub(crate) allow: Option<&'static str>,
    /// Seconds after which it is worth another try.
    pub(crate) retry_after: Option<u32>,
}

/// One thing that is wrong with the rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Problem {
    /// From 0, as the rows stand in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) row: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<String>,
    pub(crate) message: String,
}

/// A refusal, and whether it was the version that could not answer.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    pub(crate) by_version: bool,
}

impl Refused {
    /// Of a request that told nothing of a version: it could not be read.
    pub(crate) fn unread(refusal: Refusal) -> Self {
        Self { refusal, by_version: false }
    }

    /// Of rows that do not fit the version's signature, or that it could not answer.
    pub(crate) fn by_version(faults: &[InputError]) -> Self {
        Self { refusal: Refusal::of_faults(faults), by_version: true }
    }
}

/// In whose words a refusal is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    Own,
    Mlflow,
    /// The Open Inference Protocol's.
    Oip,
}

impl Voice {
    /// Returns the words of whoever asks for a path.
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/v2" => Self::Oip,
            path if path.starts_with("/v2/") => Self::Oip,
            path if path.ends_with("/invocations") => Self::Mlflow,
            _ => Self::Own,
        }
    }
}

/// The body of a refusal.
#[derive(Serialize)]
struct RefusalBody<'a> {
    error: &'a str,
    detail: &'a [Problem],
}

#[derive(Serialize)]
struct MlflowBody<'a> {
    error_code: &'static str,
    message: &'a str,
}

#[derive(Serialize)]
struct OipBody<'a> {
    error: &'a str,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), detail: Vec::new(), allow: None, retry_after: None }
    }

    pub(crate) fn bad_request(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    pub(crate) fn not_found(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error)
    }

    pub(crate) fn unavailable(error: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error)
    }

    pub(crate) fn retry_after(self, secs: u32) -> Self {
        Self { retry_after: Some(secs), ..self }
    }

    pub(crate) fn too_large(error: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, error)
    }

    pub(crate) fn failed() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the model failed on this request; the daemon's log tells more",
        )
    }

    /// Says why JSON could not be read.
    pub(crate) fn of_json(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or(&text);
        let what = match error.classify() {
            Category::Eof => format!("the JSON ends too early ({text})"),
            Category::Data => format!("the JSON does not fit ({text})"),
            Category::Syntax | Category::Io => format!("the JSON is broken ({text})"),
        };
        Self::bad_request(format!("{what} at line {line}, column {column}"))
    }

    /// Says what is wrong with rows.
    pub(crate) fn of_input(fault: &InputError) -> Self {
        match fault {
            InputError::TooManyRows { .. } => Self::too_large(fault.to_string()),
            InputError::Model { .. } => Self::bad_request(fault.to_string()),
            fault => Self::of_faults(std::slice::from_ref(fault)),
        }
    }

    /// Says what is wrong with rows, of the first of them in one line.
    fn of_faults(faults: &[InputError]) -> Self {
        let problems: Vec<Problem> = faults.iter().map(Problem::of).collect();
        let error = match problems.first() {
            Some(Problem { row: Some(row), message, .. }) => format!("row {row}: {message}"),
            Some(problem) => problem.message.clone(),
            None => "the rows were refused".to_owned(),
        };
        Self { detail: problems, ..Self::bad_request(error) }
    }

    /// Writes the body.
    pub(crate) fn body(&self, voice: Voice) -> Vec<u8> {
        let written = match voice {
            Voice::Own => {
                serde_json::to_vec(&RefusalBody { error: &self.error, detail: &self.detail })
            }
            Voice::Mlflow => {
                let error_code = self.mlflow_code();
                serde_json::to_vec(&MlflowBody { error_code, message: &self.error })
            }
            Voice::Oip => serde_json::to_vec(&OipBody { error: &self.error }),
        };
        written.expect("texts and numbers can be written")
    }

    /// MLflow's name for what went wrong.
    fn mlflow_code(&self) -> &'static str {
        match self.status {
            StatusCode::NOT_FOUND => "RESOURCE_DOES_NOT_EXIST",
            StatusCode::UNAUTHORIZED => "UNAUTHENTICATED",
            StatusCode::FORBIDDEN => "PERMISSION_DENIED",
            StatusCode::TOO_MANY_REQUESTS => "REQUEST_LIMIT_EXCEEDED",
            StatusCode::PAYLOAD_TOO_LARGE => "RESOURCE_LIMIT_EXCEEDED",
            StatusCode::SERVICE_UNAVAILABLE => "TEMPORARILY_UNAVAILABLE",
            status if status.is_server_error() => "INTERNAL_ERROR",
            _ => "BAD_REQUEST",
        }
    }
}

impl Problem {
    /// Says what is wrong with a row.
    fn of(error: &InputError) -> Self {
        let column = error.column().map(str::to_owned);
        Self { row: error.row(), column, message: error.what() }
    }
}
