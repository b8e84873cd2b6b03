//! How operators and doors talk to the model server. The server itself lies above this layer
//! and holds the receiving end.

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::types::Fault;
use crate::types::ask::Predict;
use crate::types::drift::DriftReport;
use crate::types::serving::{PredictionView, ServingStatus, TrafficChange};

/// What the model server is told.
#[derive(Debug)]
pub enum ServingOrder {
    /// Load a version beside what is served, without traffic, and answer its own examples with
    /// it; what it answered must be what it answered after training.
    Load {
        model: String,
        version: u32,
        reply: oneshot::Sender<Result<SmokeCheck, Fault>>,
    },
    /// Divide a model's traffic among loaded versions: percents that sum to 100. Versions with
    /// no share are dropped when their last request has ended. Durable: a restart restores it.
    SetTraffic {
        model: String,
        weights: Vec<(u32, u8)>,
        reply: oneshot::Sender<Result<(), Fault>>,
    },
    /// Change what divides a model's requests beside the percents: what they stick to, and who
    /// gets copies. Durable as well.
    ChangeTraffic {
        model: String,
        change: TrafficChange,
        reply: oneshot::Sender<Result<(), Fault>>,
    },
    /// Answer rows outside of the traffic and its counts.
    Predict {
        model: String,
        version: Option<u32>,
        rows: Vec<Value>,
        reply: oneshot::Sender<Result<Vec<Value>, Fault>>,
    },
    /// Answer as if a client had asked: by the traffic, and counted.
    Ask {
        wish: Predict,
        reply: oneshot::Sender<Result<PredictionView, Fault>>,
    },
    Status {
        reply: oneshot::Sender<ServingStatus>,
    },
    /// How far what versions in memory are asked lies from what they learnt from: of a model, of
    /// one version of it, or of all.
    Drift {
        model: Option<String>,
        version: Option<u32>,
        reply: oneshot::Sender<Result<Vec<DriftReport>, Fault>>,
    },
}

/// What the smoke prediction gave.
#[derive(Debug, Clone, PartialEq)]
pub struct SmokeCheck {
    /// Rows that were answered as right after training.
    pub rows: usize,
    /// Milliseconds to load.
    pub load_ms: f64,
    /// Milliseconds to answer one row.
    pub predict_ms: f64,
}

/// Talks to the model server; clones share the channel.
#[derive(Debug, Clone)]
pub struct ServingHandle {
    orders: mpsc::Sender<ServingOrder>,
}

/// Orders wait here while the server loads a model: a few deploys and status questions.
const ORDERS_LEN_MAX: usize = 64;

/// Makes both ends.
pub fn channel() -> (ServingHandle, mpsc::Receiver<ServingOrder>) {
    let (orders, receiver) = mpsc::channel(ORDERS_LEN_MAX);
    (ServingHandle { orders }, receiver)
}

impl ServingHandle {
    pub async fn load(&self, model: &str, version: u32) -> Result<SmokeCheck, Fault> {
        let model = model.to_owned();
        self.order(|reply| ServingOrder::Load { model, version, reply }).await?
    }

    pub async fn set_traffic(&self, model: &str, weights: Vec<(u32, u8)>) -> Result<(), Fault> {
        let model = model.to_owned();
        self.order(|reply| ServingOrder::SetTraffic { model, weights, reply }).await?
    }

    /// Of stickiness and shadows; percents go by `set_traffic`.
    pub async fn change_traffic(&self, model: &str, change: TrafficChange) -> Result<(), Fault> {
        let model = model.to_owned();
        self.order(|reply| ServingOrder::ChangeTraffic { model, change, reply }).await?
    }

    pub async fn predict(
        &self,
        model: &str,
        version: Option<u32>,
        rows: Vec<Value>,
    ) -> Result<Vec<Value>, Fault> {
        let model = model.to_owned();
        self.order(|reply| ServingOrder::Predict { model, version, rows, reply }).await?
    }

    pub async fn ask(&self, wish: Predict) -> Result<PredictionView, Fault> {
        self.order(|reply| ServingOrder::Ask { wish, reply }).await?
    }

    pub async fn status(&self) -> Result<ServingStatus, Fault> {
        self.order(|reply| ServingOrder::Status { reply }).await
    }

    pub async fn drift(
        &self,
        model: Option<String>,
        version: Option<u32>,
    ) -> Result<Vec<DriftReport>, Fault> {
        self.order(|reply| ServingOrder::Drift { model, version, reply }).await?
    }

    async fn order<R>(
        &self,
        order: impl FnOnce(oneshot::Sender<R>) -> ServingOrder,
    ) -> Result<R, Fault> {
        let stopped = || Fault::unavailable("the model server is not running");
        let (reply, answer) = oneshot::channel();
        self.orders.send(order(reply)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())
    }
}
