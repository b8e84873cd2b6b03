//! `POST /api/v1/lineage`: where OpenLineage's clients send their events, one with each request.
//! Sent again, an event is the same: whoever is not sure may repeat it.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::api::control::{Shared, refuse};
use crate::types::ask::Request;
use crate::web::fault::status;

pub(crate) async fn receive(
    State(shared): State<Shared>,
    body: Result<Json<Value>, JsonRejection>,
) -> Response {
    let event = match body {
        Ok(Json(event)) => event,
        Err(rejection) => return refuse(rejection.status(), &rejection.body_text()),
    };
    match shared.control.ask(Request::ReceiveLineage { event }).await {
        Ok(_) => StatusCode::CREATED.into_response(),
        Err(fault) => {
            let message = match &fault.hint {
                Some(hint) => format!("{}; {hint}", fault.message),
                None => fault.message.clone(),
            };
            refuse(status(fault.kind), &message)
        }
    }
}

#[cfg(test)]
mod tests;
