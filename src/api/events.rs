//! Events as a stream that a client follows.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event as Frame, KeepAlive};
use futures_util::{Stream, stream};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use crate::api::control::Shared;
use crate::types::event::{Event, NumberedEvent};

/// A comment this often tells the client that the daemon is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(crate) async fn stream(
    State(shared): State<Shared>,
) -> Sse<impl Stream<Item = Result<Frame, Infallible>>> {
    let watching = Watching { events: shared.control.subscribe(), stop: shared.stop, seq: 0 };
    let frames = stream::unfold(watching, |mut watching| async move {
        let event = watching.next().await?;
        // An event is plain data: it always can be written.
        let frame = Frame::default().json_data(&event).ok()?.id(event.seq.to_string());
        Some((Ok(frame), watching))
    });
    Sse::new(frames).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

struct Watching {
    events: Receiver<NumberedEvent>,
    stop: watch::Receiver<bool>,
    /// Of the last event that was sent.
    seq: u64,
}

impl Watching {
    async fn next(&mut self) -> Option<NumberedEvent> {
        let received = tokio::select! {
            received = self.events.recv() => received,
            _ = self.stop.wait_for(|stop| *stop) => return None,
        };
        match received {
            Ok(event) => {
                self.seq = event.seq;
                Some(event)
            }
            Err(RecvError::Lagged(missed)) => {
                self.seq += missed;
                Some(NumberedEvent { seq: self.seq, event: Event::Resync })
            }
            Err(RecvError::Closed) => None,
        }
    }
}
