//! What pipelines track goes over to the MLflow server that `[tracking] uri` names. The store stays
//! the truth: it is what gates, the deck and the model server read. There, everything follows.
//!
//! ```text
//! commit ─trigger─► mirror_due ─► what is here │ what stands there ─► calls ─► told: deleted
//! ```
//! Telling hinders nobody, and is the same when it is told again: a run there bears the id that it
//! has here, so that one is found whose making was never heard of (ADR 0060).

mod model;
mod remote;
mod run;
mod sender;

pub use sender::{AGAIN, Sender, SenderParts};

use crate::dag::Deck;
use crate::store::{Store, StoreError};
use crate::tracking::mirror;

/// Has what changes written down from now on, where there is such a server: before the engine
/// begins. Where there is none and was none, nothing is written: a full disk hinders nobody.
pub async fn follow(store: &Store, deck: &Deck) -> Result<(), StoreError> {
    let uri = deck.tracking.server.as_ref().map(|server| server.uri.clone());
    if uri.is_none() && !store.read(mirror::is_followed).await? {
        return Ok(());
    }
    store.write(move |tx| mirror::follow(tx, uri.as_deref())).await
}
