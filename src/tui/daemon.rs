//! The daemon as the deck sees it: something to ask and to watch, wherever it is.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::mpsc;

use crate::types::Fault;
use crate::types::ask::{Answer, Request};
use crate::types::event::NumberedEvent;

/// What is there after a wait.
pub type Later<T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send>>;

/// Answers the deck's questions and tells what happens.
pub trait Daemon: Send + Sync + 'static {
    /// Asks; the request is either refused as a whole or done.
    fn ask(&self, request: Request) -> Later<Answer>;

    /// Begins to watch; the stream ends when the daemon has gone.
    fn events(&self) -> Later<mpsc::Receiver<NumberedEvent>>;
}
