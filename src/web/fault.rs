//! Maps faults to HTTP: the one place.

use hyper::StatusCode;

use crate::types::FaultKind;

/// Returns the status that says what kind of fault it was.
pub fn status(kind: FaultKind) -> StatusCode {
    match kind {
        FaultKind::Invalid => StatusCode::BAD_REQUEST,
        FaultKind::NotFound => StatusCode::NOT_FOUND,
        FaultKind::Exists | FaultKind::Conflict => StatusCode::CONFLICT,
        FaultKind::Denied => StatusCode::FORBIDDEN,
        FaultKind::Busy | FaultKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        FaultKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
