//! OpenLineage in the store: what is still to be told (`outbox`), and what was told to us
//! (`received`).

pub mod outbox;
pub mod received;
