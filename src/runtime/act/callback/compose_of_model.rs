//! What the callbacks of a served version may name: the row has all of it.

use serde_json::{Value, json};

use super::compose::{Known, what_happened};
use crate::dag::template::Names;
use crate::runtime::act::context;
use crate::types::Timestamp;
use crate::types::callback::{CallbackRequest, CallbackSubject};

pub(super) fn names(request: &CallbackRequest, known: &Known<'_>, now: Timestamp) -> Names {
    let reason = request.reason.as_deref().unwrap_or_default();
    let mut happened = what_happened(request, reason);
    if let CallbackSubject::Model { model, version } = &request.subject {
        happened.insert("model", json!(model));
        happened.insert("version", json!(version));
    }
    happened.insert("details", request.details.clone().unwrap_or(Value::Null));
    context::of_no_run(known.variables, known.connections, now, happened)
}

/// What a webhook is told that has no body of its own.
pub(super) fn body(request: &CallbackRequest) -> Value {
    // Texts of others go through the template's values, not its text.
    json!({
        "callback_id": request.id,
        "event": request.event,
        "model": "{{ model }}",
        "version": "{{ version }}",
        "state": request.task_or_run_state,
        "reason": "{{ reason }}",
        "details": "{{ details }}",
    })
}
