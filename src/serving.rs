//! The model server: predictions over HTTP, versions swapped by pointer.
//!
//! ```text
//! request ─► route ─► resolve (table: models, shares, aliases) ─► predict ─► answer
//!                        ▲ swapped whole
//! orders: load ─ smoke ──┤
//!         set traffic ───┘ kept first, then in force
//! ```
//! | request | answer |
//! |---|---|
//! | `POST /predict` | the default model |
//! | `POST /models/{name}/predict` | by the traffic among its versions |
//! | `POST /models/{name}@{alias}/predict` | the version that bears the alias |
//! | `POST /models/{name}/versions/{version}/predict` | that version |
//! | `GET /models` `/docs.json` `/metrics` `/healthz` `/livez` `/readyz` `/` | about the server |
//!
//! A version is loaded before requests go to it, and freed when the last request that holds it
//! has ended: no promote, rollback or reload drops a request.

use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::runtime::Layout;
use crate::runtime::publish::Publisher;
use crate::runtime::serving::ServingOrder;
use crate::serving::shared::Shared;
use crate::serving::source::{Registry, Source};
use crate::store::Store;
use crate::types::{Clock, Fault};
use crate::web::{Door, Limits, bind};

mod ask;
mod docs;
#[cfg(test)]
mod fake;
mod http;
mod load;
mod metrics;
mod orders;
mod predict;
mod predictor;
mod refusal;
mod resolve;
mod route;
mod shared;
mod source;
mod stats;
mod table;
#[cfg(test)]
mod tests;

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
    door: Option<Door>,
    tasks: Vec<JoinHandle<()>>,
}

/// Restores the traffic that was in force, listens, and takes orders until `stop`.
pub async fn start(
    parts: ServingParts,
    orders: mpsc::Receiver<ServingOrder>,
) -> Result<Server, Fault> {
    let source = Arc::new(Registry { store: parts.store, layout: parts.layout });
    let shared = Shared::new(
        source as Arc<dyn Source>,
        parts.publisher,
        parts.clock,
        parts.max_body_bytes,
        parts.default_model,
    )?;
    start_with(Arc::new(shared), &parts.listen, orders).await
}

async fn start_with(
    shared: Arc<Shared>,
    listen: &str,
    orders: mpsc::Receiver<ServingOrder>,
) -> Result<Server, Fault> {
    orders::restore(&shared).await?;
    let (door, listening) = match open(&shared, listen).await {
        Ok((door, address)) => (Some(door), Ok(address)),
        Err(error) => {
            let problem = format!("{}; start with --serving ADDR", Fault::from(error));
            tracing::error!(problem, "the model server does not listen");
            (None, Err(problem))
        }
    };
    let server = Server {
        listen: listening.clone().ok(),
        problem: listening.clone().err(),
        door,
        tasks: vec![
            tokio::spawn(orders::run(Arc::clone(&shared), orders)),
            tokio::spawn(orders::follow(Arc::clone(&shared))),
        ],
    };
    shared.listening.get_or_init(|| listening);
    Ok(server)
}

async fn open(shared: &Arc<Shared>, listen: &str) -> Result<(Door, String), bind::BindError> {
    let listener = bind::tcp(listen).await?;
    let address = listener.local_addr().map_or_else(|_| listen.to_owned(), |a| a.to_string());
    let shared = Arc::clone(shared);
    let service =
        service_fn(move |request: Request<Incoming>| http::serve(Arc::clone(&shared), request));
    Ok((Door::open(listener, service, Limits::default()), address))
}

impl Server {
    /// Stops listening, lets requests in flight end (at most 10 s), and returns.
    pub async fn stop(self) {
        if let Some(door) = self.door {
            door.close().await;
        }
        for task in self.tasks {
            task.abort();
            // Cancelled, as it should be.
            let _ = task.await;
        }
    }
}
