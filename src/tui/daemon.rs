//! The daemon as the deck sees it: something to ask and to watch, wherever it is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::station::Site;
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

/// Goes to the project of another profile, while the deck is open.
pub trait Connector: fmt::Debug + Send + Sync + 'static {
    /// Reaches the daemon of a profile, starting it or a tunnel to it where that is needed.
    fn connect(&self, profile: &str) -> Later<Connected>;
}

/// A daemon that was reached, and where it is.
#[derive(Clone)]
pub struct Connected {
    pub daemon: Arc<dyn Daemon>,
    pub site: Site,
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected").field("site", &self.site).finish_non_exhaustive()
    }
}
