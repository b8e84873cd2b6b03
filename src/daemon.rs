//! The composition root: puts store, engine, watchers, doors and model server together.

use std::path::PathBuf;

use crate::client::Client;
use crate::types::Fault;

/// How to run a daemon.
#[derive(Debug, Clone)]
pub struct DaemonOptions {
    /// The folder that holds `dags.toml`, absolute.
    pub project: PathBuf,
    /// Where the control API listens beside its socket, such as `127.0.0.1:8080`; `None`: only
    /// the socket.
    pub api: Option<String>,
    /// Where the model server listens, in place of what `dags.toml` says.
    pub serving: Option<String>,
}

/// A daemon that runs in this process.
#[derive(Debug)]
pub struct Daemon {}

impl Daemon {
    /// Takes the project's lock, opens the store, recovers, starts everything. Refuses with
    /// `Conflict` where another daemon of this project runs (its pid is named), with `Invalid`
    /// where `dags.toml` is missing or, at the first start, broken.
    pub async fn start(_options: DaemonOptions) -> Result<Self, Fault> {
        todo!("doors helper")
    }

    /// Returns a client that talks to this daemon in process.
    pub fn client(&self) -> Client {
        todo!("doors helper")
    }

    /// Runs until it is told to stop (`Request::Shutdown`, or `stop` resolves), then stops the
    /// doors, drains requests, lets running attempts go on, and closes the store.
    pub async fn run_until(self, _stop: impl Future<Output = ()>) -> Result<(), Fault> {
        todo!("doors helper")
    }
}
