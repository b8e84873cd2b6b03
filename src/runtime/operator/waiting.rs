//! Waiting that ends at once when the attempt is to end.

use std::time::Duration;

use tokio::sync::watch;

use super::error::OperatorError;

/// Waits for `duration`, or until the attempt is cancelled.
pub(super) async fn wait(
    duration: Duration,
    cancelled: &watch::Receiver<bool>,
) -> Result<(), OperatorError> {
    tokio::select! {
        () = tokio::time::sleep(duration) => Ok(()),
        () = until_cancelled(cancelled.clone()) => Err(OperatorError::Cancelled),
    }
}

/// Resolves when the attempt is to end; never, where nobody can say so any more.
pub(super) async fn until_cancelled(mut cancelled: watch::Receiver<bool>) {
    if cancelled.wait_for(|is_cancelled| *is_cancelled).await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cancelled_wait_ends_at_once() {
        let (sender, cancelled) = watch::channel(false);
        assert_eq!(wait(Duration::ZERO, &cancelled).await, Ok(()));
        sender.send(true).unwrap();
        let hour = Duration::from_secs(3600);
        assert_eq!(wait(hour, &cancelled).await, Err(OperatorError::Cancelled));
    }
}
