//! How everyone else talks to the engine: a bounded channel, one reply each.

use std::time::Duration;

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
    /// How long before it was handed in it was so.
    pub(crate) ago: Duration,
}

impl Asked {
    /// An input of now that nobody waits for.
    pub(crate) fn of(input: Input) -> Self {
        Self { input, reply: None, seen: None, ago: Duration::ZERO }
    }
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
        let asked = Asked { reply: Some(reply), ..Asked::of(input) };
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
        self.inputs.send(Asked::of(input)).await.map_err(|_| stopped())
    }

    /// As `tell`, of several that belong together, each with how long ago it was so.
    pub(crate) async fn tell_all<const N: usize>(
        &self,
        inputs: [(Input, Duration); N],
    ) -> Result<(), Fault> {
        let permits = self.inputs.reserve_many(N).await.map_err(|_| stopped())?;
        for (permit, (input, ago)) in permits.zip(inputs) {
            permit.send(Asked { ago, ..Asked::of(input) });
        }
        Ok(())
    }
}

fn stopped() -> Fault {
    Fault::unavailable("the engine has stopped")
}
