//! One client for the deck and the CLI, which cannot tell whether the engine is in this process
//! or behind a socket.

use std::path::Path;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};

use crate::runtime::Control;
use crate::tui::{Daemon, Later};
use crate::types::Fault;
use crate::types::ask::{Answer, Request};
use crate::types::event::{Event, NumberedEvent};

pub mod remote;
mod sse;
pub mod tunnel;

/// Events wait here while the screen is drawn; a fuller queue makes the sender lag, which ends
/// in a `Resync`.
const EVENTS_LEN_MAX: usize = 256;

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
    receiver: mpsc::Receiver<NumberedEvent>,
}

impl Events {
    /// Waits for the next event.
    pub async fn next(&mut self) -> Option<NumberedEvent> {
        self.receiver.recv().await
    }
}

impl Client {
    /// Connects to the daemon of a project by its socket; `Unavailable` where none runs.
    pub async fn connect(socket: &Path) -> Result<Self, Fault> {
        remote::Remote::connect(socket).await.map(Self::Remote)
    }

    /// Asks; the request is either refused as a whole or done.
    pub async fn ask(&self, request: Request) -> Result<Answer, Fault> {
        match self {
            Self::Local(control) => control.ask(request).await,
            Self::Remote(remote) => remote.ask(&request).await,
        }
    }

    /// Begins to watch.
    pub async fn events(&self) -> Result<Events, Fault> {
        let (sender, receiver) = mpsc::channel(EVENTS_LEN_MAX);
        match self {
            Self::Local(control) => {
                tokio::spawn(forward(control.subscribe(), sender));
            }
            Self::Remote(remote) => remote.watch(sender).await?,
        }
        Ok(Events { receiver })
    }
}

impl Daemon for Client {
    fn ask(&self, request: Request) -> Later<Answer> {
        let client = self.clone();
        Box::pin(async move { Self::ask(&client, request).await })
    }

    fn events(&self) -> Later<mpsc::Receiver<NumberedEvent>> {
        let client = self.clone();
        Box::pin(async move { Ok(Self::events(&client).await?.receiver) })
    }
}

async fn forward(
    mut events: broadcast::Receiver<NumberedEvent>,
    sender: mpsc::Sender<NumberedEvent>,
) {
    let mut seq = 0;
    loop {
        let received = tokio::select! {
            received = events.recv() => received,
            () = sender.closed() => return,
        };
        let event = match received {
            Ok(event) => event,
            Err(RecvError::Lagged(missed)) => {
                NumberedEvent { seq: seq + missed, event: Event::Resync }
            }
            Err(RecvError::Closed) => return,
        };
        seq = event.seq;
        if sender.send(event).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::publish::Publisher;

    #[tokio::test]
    async fn a_watcher_that_lags_is_told_to_ask_again() {
        let publisher = Publisher::default();
        let receiver = publisher.subscribe();
        for _ in 0..5000 {
            publisher.publish(Event::TrackingChanged);
        }
        let (sender, mut events) = mpsc::channel(EVENTS_LEN_MAX);
        tokio::spawn(forward(receiver, sender));
        let first = events.recv().await.unwrap();
        assert_eq!(first, NumberedEvent { seq: 904, event: Event::Resync });
        assert_eq!(events.recv().await.unwrap().seq, 905);
    }

    #[tokio::test]
    async fn a_stream_ends_when_the_daemon_has_gone() {
        let publisher = Publisher::default();
        let (sender, mut events) = mpsc::channel(EVENTS_LEN_MAX);
        tokio::spawn(forward(publisher.subscribe(), sender));
        drop(publisher);
        assert_eq!(events.recv().await, None);
    }
}
