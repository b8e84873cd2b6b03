//! OpenLineage: what runs and tasks do is told to whom `[openlineage]` names, and what other
//! programs tell is taken in.
//!
//! ```text
//! commit ─trigger─► outbox ─► facts (store, definition) ─► event ─► transport ─► taken: deleted
//! POST /api/v1/lineage ─► received: checked ─► openlineage_event
//! ```
//! Telling follows from what is committed and hinders nobody: the engine does not know of it.
//! What is sent again after a crash is the same event of the same run (`run_id`).

mod dataset;
mod event;
mod facts;
pub(crate) mod links;
pub(crate) mod received;
mod run_id;
mod teller;
mod transport;

pub(crate) use run_id::parents;
pub use teller::{AGAIN, Teller, TellerParts};

use crate::dag::Deck;
use crate::store::openlineage::outbox;
use crate::store::{Store, StoreError};

/// Has what happens written down from now on, where somebody is told: before the engine begins.
/// Where nobody is and nothing is left from before, nothing is written: a full disk hinders nobody.
pub async fn follow(store: &Store, deck: &Deck) -> Result<(), StoreError> {
    let is_on = is_told(deck);
    if !is_on && store.read(outbox::waiting).await? == 0 {
        return Ok(());
    }
    store.write(move |tx| outbox::follow(tx, is_on)).await
}

/// Says whether somebody is told.
pub fn is_told(deck: &Deck) -> bool {
    deck.openlineage.transport.is_some()
}

#[cfg(test)]
mod tests;
