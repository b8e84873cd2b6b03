//! What the callbacks of an asset may name: how it stands, and what upstream made it stale.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Refusal;
use super::compose::{Known, what_happened};
use crate::dag::Deck;
use crate::dag::template::Names;
use crate::runtime::act::{Shared, context};
use crate::runtime::control::stale;
use crate::types::callback::{CallbackEvent, CallbackRequest};
use crate::types::{AssetName, Timestamp};

/// How an asset stands when it is told of.
pub(super) struct Found {
    asset: Value,
    /// The root cause in a line; empty where there is none but its age.
    cause: String,
    /// From the root cause to the asset.
    path: Vec<AssetName>,
}

/// Looks at the last events and runs.
pub(super) async fn find(
    shared: &Shared,
    deck: Arc<Deck>,
    name: &AssetName,
    now: Timestamp,
) -> Result<Found, Refusal> {
    let gone = || Refusal::fatal(format!("asset `{name}` is gone from `dags.toml`"));
    let spec = deck.assets.get(name).ok_or_else(gone)?.clone();
    let wanted = name.clone();
    let stands = shared.store.read(move |conn| stale::look(conn, &deck, &wanted, now)).await;
    let stands = stands.map_err(|error| Refusal::passing(format!("read the assets: {error}")))?;
    let asset = json!({
        "name": spec.name,
        "uri": spec.uri.as_text(),
        "group": spec.group,
        "last": stands.last.map(context::iso),
        "freshness": spec.freshness.map(crate::types::duration::text),
    });
    Ok(Found { asset, cause: stands.cause.unwrap_or_default(), path: stands.path })
}

impl Found {
    pub(super) fn names(
        &self,
        request: &CallbackRequest,
        known: &Known<'_>,
        now: Timestamp,
    ) -> Names {
        let mut reason = request.reason.clone().unwrap_or_default();
        let is_cause_told = request.event == CallbackEvent::OnStale && !self.cause.is_empty();
        if is_cause_told {
            reason = format!("{reason}; {}", self.cause);
        }
        let mut happened = what_happened(request, &reason);
        happened.insert("asset", self.asset.clone());
        happened.insert("cause", json!(self.cause));
        happened.insert("path", json!(self.path));
        context::of_no_run(known.variables, known.connections, now, happened)
    }
}

/// What a webhook is told that has no body of its own.
pub(super) fn body(request: &CallbackRequest) -> Value {
    json!({
        "callback_id": request.id,
        "event": request.event,
        "asset": "{{ asset }}",
        "state": request.task_or_run_state,
        "reason": "{{ reason }}",
        "cause": "{{ cause }}",
        "path": "{{ path }}",
    })
}
