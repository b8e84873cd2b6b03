//! How everyone else talks to the engine: a bounded channel, one reply each.

use tokio::sync::{mpsc, oneshot};

use crate::sched::{Input, Reply};
use crate::types::asset::AssetEventSpec;
use crate::types::{Fault, Timestamp};

/// An input and where its answer goes.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) input: Input,
    /// `None` for reports and ticks: nobody waits.
    pub(crate) reply: Option<oneshot::Sender<Result<Reply, Fault>>>,
    /// When the engine saw it, where that is not when it decides on it.
    pub(crate) seen: Option<Timestamp>,
}

/// Talks to the engine; clones share the channel.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(crate) inputs: mpsc::Sender<Asked>,
}

impl Handle {
    /// Hands in an input and waits until what it led to is durable.
    pub async fn ask(&self, input: Input) -> Result<Reply, Fault> {
        let (reply, answer) = oneshot::channel();
        let asked = Asked { input, reply: Some(reply), seen: None };
        self.inputs.send(asked).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Reports a change of an asset; `false`: it was known already.
    pub async fn emit_asset(&self, spec: AssetEventSpec) -> Result<bool, Fault> {
        match self.ask(Input::AssetChanged(spec)).await? {
            Reply::AssetEvent(event) => Ok(event.is_some()),
            _ => Ok(true),
        }
    }

    /// Hands in a report or another input whose answer nobody needs.
    pub async fn tell(&self, input: Input) -> Result<(), Fault> {
        let asked = Asked { input, reply: None, seen: None };
        self.inputs.send(asked).await.map_err(|_| stopped())
    }
}

fn stopped() -> Fault {
    Fault::unavailable("the engine has stopped")
}
