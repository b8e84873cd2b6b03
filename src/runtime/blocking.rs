//! Runs what blocks (a disk, a template that looks things up) off the async threads. In the
//! simulation it runs at once, at a time that the dice choose: threads would come in any order.

use crate::types::Fault;

/// Runs it; a fault says that it panicked, or that the program ends.
pub(crate) async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R, Fault> {
    #[cfg(test)]
    if super::simulation::is_on() {
        super::simulation::a_while().await;
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await.map_err(|error| Fault::internal(&error))
}
