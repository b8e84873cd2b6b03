//! What the daemon asks of a replica over its private socket: one question a connection.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::runtime::worker::wire;
use crate::serving::drift::Drained;
use crate::types::Fault;
use crate::types::serving::ServingStatus;
use crate::web::bind;

/// A question.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Put in force what the store keeps now.
    Sync,
    Status,
    /// In Prometheus's text format.
    Metrics,
    /// What was counted for drift since this was last asked.
    Drained,
    /// End when the requests in flight have.
    Stop,
}

/// An answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Told {
    Done,
    Refused(Fault),
    Status(Box<ServingStatus>),
    Metrics(String),
    Drained(Vec<Drained>),
}

/// Asks one thing.
pub(super) async fn ask(socket: &Path, question: Ask, patience: Duration) -> Result<Told, Fault> {
    let asked = async {
        let mut stream = bind::connect(socket).await?;
        wire::send(&mut stream, &question).await?;
        wire::receive(&mut stream).await?.ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))
    };
    match tokio::time::timeout(patience, asked).await {
        Ok(Ok(Told::Refused(fault))) => Err(fault),
        Ok(Ok(told)) => Ok(told),
        Ok(Err(error)) => Err(Fault::unavailable(format!("ask the replica: {error}"))),
        Err(_) => {
            let secs = patience.as_secs_f64();
            Err(Fault::unavailable(format!("the replica has not answered within {secs} s")))
        }
    }
}
