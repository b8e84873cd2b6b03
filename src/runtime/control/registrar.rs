//! What a door does to the registry beyond the store: moving an alias has consequences.

use crate::runtime::control::tracker::Tracker;
use crate::runtime::control::{models, user};
use crate::types::{Fault, FaultKind};

impl Tracker {
    /// Points an alias at a version, as `models promote` does: with a line in the history and the
    /// asset event that follows from it; one that a gate found wanting is refused. Does not stop
    /// half-way when the caller goes away.
    pub async fn promote(&self, name: String, alias: String, version: u32) -> Result<(), Fault> {
        let parts = self.parts.clone();
        let promoting =
            tokio::spawn(async move { models::point(&parts, name, alias, version).await });
        promoting.await.unwrap_or_else(|error| {
            Err(Fault::new(FaultKind::Internal, "move the alias").caused_by(Some(&error)))
        })
    }

    /// Who is taken to ask, where the request does not say.
    pub fn user(&self) -> String {
        user::name()
    }
}
