//! What daemon and worker say to each other: frames of JSON, each with its length before it.
//!
//! ```text
//! daemon: Hello, then Launch | Adopt | Kill …        worker: Welcome, then Started | Ended …
//! ```
//! Both are of one build (the socket's name says so); the number of the protocol is asked all the
//! same, for a program that was replaced between the name and the start. Secrets travel in
//! `Launch` and `Adopt`, and are never on disk.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::runtime::attempt::Order;
use crate::runtime::executor::{Handover, Launcher};
use crate::sched::Outcome;
use crate::types::LaunchToken;

/// Changes with every change of the messages.
pub(crate) const PROTOCOL: u32 = 2;

/// Bytes of one frame: an order with its handover, or an outcome, whose outputs beyond the store's
/// limit lie in files.
const FRAME_LEN_MAX: u32 = 256 << 20;

/// From the daemon.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToWorker {
    Hello {
        protocol: u32,
        launcher: Launcher,
    },
    /// Begin the order's folder and run it. A token that was claimed before is not run again.
    Launch {
        order: Box<Order>,
        handover: Box<Handover>,
    },
    /// Say what became of it, and go on watching where it runs.
    Adopt {
        token: LaunchToken,
        folder: PathBuf,
        /// What its log may not show.
        mask: Vec<String>,
    },
    /// End all its processes.
    Kill {
        token: LaunchToken,
        folder: PathBuf,
    },
}

/// From the worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromWorker {
    Welcome {
        protocol: u32,
        pid: u32,
    },
    Started {
        token: LaunchToken,
        start: Start,
    },
    /// With its start, where that was not told before.
    Ended {
        token: LaunchToken,
        end: End,
        start: Option<Start>,
    },
}

/// The start of an attempt. Told again where another worker will write its report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) pid: u32,
    /// The worker that will write the report.
    pub(crate) holder: u32,
    /// How long ago it was when it was told.
    pub(crate) ago: Duration,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum End {
    Finished(Outcome),
    /// Nobody knows how it ended.
    Lost(String),
    Cancelled,
    /// Its token was never claimed.
    Unstarted,
}

/// Writes one frame.
pub(crate) async fn send(
    to: &mut (impl AsyncWrite + Unpin),
    message: &impl Serialize,
) -> io::Result<()> {
    let mut frames = Vec::new();
    add(&mut frames, message)?;
    to.write_all(&frames).await
}

/// Adds a frame to those that are to be written at one go.
pub(crate) fn add(frames: &mut Vec<u8>, message: &impl Serialize) -> io::Result<()> {
    let begin = frames.len();
    frames.extend([0; 4]);
    serde_json::to_writer(&mut *frames, message)?;
    let found = frames.len() - begin - 4;
    let length = u32::try_from(found).ok().filter(|length| *length <= FRAME_LEN_MAX);
    let length = length.ok_or_else(|| too_long(found))?;
    frames[begin..begin + 4].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

/// Reads one frame; `None` at the end.
pub(crate) async fn receive<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    };
    let length = u32::from_le_bytes(length);
    if length > FRAME_LEN_MAX {
        return Err(too_long(length as usize));
    }
    let mut frame = vec![0; length as usize];
    from.read_exact(&mut frame).await?;
    // Not the error's own text: it may quote a secret.
    let broken = |_| io::Error::new(io::ErrorKind::InvalidData, "a frame makes no sense");
    serde_json::from_slice(&frame).map(Some).map_err(broken)
}

fn too_long(length: usize) -> io::Error {
    let text = format!("a message is {length} bytes long; at most {FRAME_LEN_MAX} are sent");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_sent_is_received_and_then_the_end() {
        let (mut here, mut there) = tokio::io::duplex(16);
        let sending = tokio::spawn(async move {
            for pid in [1, 70_000] {
                let start = Start { pid, holder: 1, ago: Duration::from_millis(3) };
                let started = FromWorker::Started { token: "t".into(), start };
                send(&mut here, &started).await.unwrap();
            }
        });
        for expected in [1, 70_000] {
            match receive::<FromWorker>(&mut there).await.unwrap() {
                Some(FromWorker::Started { start, .. }) => assert_eq!(start.pid, expected),
                other => panic!("{other:?}"),
            }
        }
        assert!(receive::<FromWorker>(&mut there).await.unwrap().is_none());
        sending.await.unwrap();
    }

    #[tokio::test]
    async fn a_length_out_of_all_bounds_and_broken_text_are_refused() {
        let error = receive::<FromWorker>(&mut &u32::MAX.to_le_bytes()[..]).await.unwrap_err();
        assert!(error.to_string().contains("bytes long"), "{error}");
        let broken = [&9u32.to_le_bytes()[..], b"\"hunter2\""].concat();
        let error = receive::<FromWorker>(&mut &broken[..]).await.unwrap_err();
        assert_eq!(error.to_string(), "a frame makes no sense");
    }
}
