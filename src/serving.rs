//! The model server: predictions over HTTP, versions swapped by pointer.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::runtime::Layout;
use crate::runtime::publish::Publisher;
use crate::runtime::serving::ServingOrder;
use crate::store::Store;
use crate::types::{Clock, Fault};

/// What the model server is made of.
#[derive(Clone)]
pub struct ServingParts {
    /// Such as `127.0.0.1:3000`; port 0 takes a free one.
    pub listen: String,
    pub max_body_bytes: u64,
    pub default_model: Option<String>,
    pub layout: Layout,
    pub store: Store,
    pub publisher: Publisher,
    pub clock: Arc<dyn Clock>,
}

/// A running model server.
#[derive(Debug)]
pub struct Server {
    /// Where it listens; `None` where it could not (it takes orders all the same).
    pub listen: Option<String>,
    /// Why it does not listen.
    pub problem: Option<String>,
}

/// Restores the traffic that was in force, listens, and takes orders until `stop`.
pub async fn start(
    _parts: ServingParts,
    _orders: mpsc::Receiver<ServingOrder>,
) -> Result<Server, Fault> {
    todo!("doors helper")
}

impl Server {
    /// Stops listening, lets requests in flight end (at most 10 s), and returns.
    pub async fn stop(self) {
        todo!("doors helper")
    }
}
