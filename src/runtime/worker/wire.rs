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

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::runtime::executor::{Handover, Launcher};
use crate::sched::Outcome;
use crate::types::LaunchToken;

/// Changes with every change of the messages.
pub(crate) const PROTOCOL: u32 = 2;

/// Bytes of one frame. The order itself is read from its folder; what is left are a handover and
/// an outcome, whose outputs beyond the store's limit lie in files.
const FRAME_LEN_MAX: u32 = 256 << 20;

/// From the daemon.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToWorker {
    Hello {
        protocol: u32,
        launcher: Launcher,
    },
    /// Run what the folder orders. A token that was claimed before is not run again.
    Launch {
        token: LaunchToken,
        folder: PathBuf,
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
    /// It runs as this process; the worker that will write its report is `holder`. Said again
    /// where that is another one.
    Started {
        token: LaunchToken,
        pid: u32,
        holder: u32,
    },
    Ended {
        token: LaunchToken,
        end: End,
    },
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
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = u32::try_from(frame.len() - 4).ok().filter(|length| *length <= FRAME_LEN_MAX);
    let length = length.ok_or_else(|| too_long(frame.len() - 4))?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    to.write_all(&frame).await
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
                let started = FromWorker::Started { token: "t".into(), pid, holder: 1 };
                send(&mut here, &started).await.unwrap();
            }
        });
        for expected in [1, 70_000] {
            match receive::<FromWorker>(&mut there).await.unwrap() {
                Some(FromWorker::Started { pid, .. }) => assert_eq!(pid, expected),
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
