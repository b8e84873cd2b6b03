//! One client for the deck and the CLI, which cannot tell whether the engine is in this process
//! or behind a socket.

use std::path::Path;

use crate::runtime::Control;
use crate::types::Fault;
use crate::types::ask::{Answer, Request};
use crate::types::event::NumberedEvent;

pub mod remote;

/// Asks and watches.
#[derive(Debug, Clone)]
pub enum Client {
    /// The engine is in this process.
    Local(Control),
    /// The daemon's socket.
    Remote(remote::Remote),
}

/// A stream of events; `next` gives `None` when the daemon has gone.
#[derive(Debug)]
pub struct Events {
    receiver: tokio::sync::mpsc::Receiver<NumberedEvent>,
}

impl Events {
    /// Waits for the next event.
    pub async fn next(&mut self) -> Option<NumberedEvent> {
        self.receiver.recv().await
    }
}

impl Client {
    /// Connects to the daemon of a project by its socket; `Unavailable` where none runs.
    pub async fn connect(_socket: &Path) -> Result<Self, Fault> {
        todo!("doors helper")
    }

    /// Asks; the request is either refused as a whole or done.
    pub async fn ask(&self, _request: Request) -> Result<Answer, Fault> {
        todo!("doors helper")
    }

    /// Begins to watch.
    pub async fn events(&self) -> Result<Events, Fault> {
        todo!("doors helper")
    }
}
