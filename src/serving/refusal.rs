//! What the model server says instead of an answer.

use hyper::StatusCode;
use serde::Serialize;

use crate::ml::model::InputError;

/// A request that was refused or failed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) error: String,
    pub(crate) detail: Vec<Problem>,
    /// The methods that the path takes, where the method was the matter.
    pub(crate) allow: Option<&'static str>,
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

/// The body of a refusal.
#[derive(Serialize)]
struct RefusalBody<'a> {
    error: &'a str,
    detail: &'a [Problem],
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), detail: Vec::new(), allow: None }
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

    pub(crate) fn too_large(error: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, error)
    }

    pub(crate) fn failed() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the model failed on this request; the daemon's log tells more",
        )
    }

    /// Takes what is wrong with rows, the first of them as the summary.
    pub(crate) fn of_rows(problems: Vec<Problem>) -> Self {
        let error = match problems.first() {
            Some(Problem { row: Some(row), message, .. }) => format!("row {row}: {message}"),
            Some(problem) => problem.message.clone(),
            None => "the rows were refused".to_owned(),
        };
        Self { detail: problems, ..Self::bad_request(error) }
    }

    /// Writes the body.
    pub(crate) fn body(&self) -> Vec<u8> {
        let body = RefusalBody { error: &self.error, detail: &self.detail };
        serde_json::to_vec(&body).expect("texts and numbers can be written")
    }
}

impl Problem {
    /// Says what is wrong with the row at `row`.
    pub(crate) fn of(row: usize, error: &InputError) -> Self {
        let (column, message) = match error {
            InputError::Width { found, expected, columns, .. } => (
                None,
                format!("{found} values where the model takes {expected} ({})", columns.join(", ")),
            ),
            InputError::MissingColumn { column, .. } => {
                (Some(column), format!("column `{column}` is missing"))
            }
            InputError::UnknownColumn { column, meant, .. } => {
                let meant = meant.as_ref().map(|meant| format!(" (did you mean `{meant}`?)"));
                let meant = meant.unwrap_or_default();
                (Some(column), format!("there is no column `{column}`{meant}"))
            }
            InputError::Type { column, found, expected, .. } => {
                (Some(column), format!("column `{column}`: {found} where a {expected} is expected"))
            }
            InputError::Null { column, .. } => {
                (Some(column), format!("column `{column}`: a value is required, null is not taken"))
            }
            InputError::NotARow { .. } => {
                (None, "neither a list of values nor a record of columns".to_owned())
            }
            InputError::Model { fault } => (None, format!("the model cannot answer: {fault}")),
        };
        Self { row: Some(row), column: column.cloned(), message }
    }
}
