//! A model server for tests: keeps the traffic it is told, and answers with figures.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::runtime::serving::{ServingHandle, ServingOrder, SmokeCheck, channel};
use crate::types::serving::{
    ServedHistory, ServedVersion, ServingStatus, ShadowView, TrafficChange, TrafficView,
};
use crate::types::{Fault, Timestamp};

#[derive(Debug, Default)]
struct State {
    versions: Vec<ServedVersion>,
    moves: Vec<Vec<(u32, u8)>>,
    /// Half of the answers of this version are errors.
    faulty: Vec<u32>,
    refuses_to_load: bool,
    listen: Option<String>,
    /// The version of `iris` that gets copies, and the share of its answers that agree.
    shadow: Option<u32>,
    agreement: f64,
}

pub(super) struct FakeServer {
    pub(super) handle: ServingHandle,
    state: Arc<Mutex<State>>,
}

pub(super) fn served(model: &str, version: u32, weight: u8) -> ServedVersion {
    ServedVersion {
        model: model.into(),
        version,
        weight,
        loaded_at: Timestamp::UNIX_EPOCH,
        requests_total: 0,
        errors_total: 0,
        requests_per_sec: 0.0,
        p50_ms: Some(1.0),
        p99_ms: Some(2.1),
        failed_total: 0,
        history: ServedHistory::default(),
        example: None,
        drift: None,
    }
}

impl FakeServer {
    pub(super) fn start(versions: Vec<ServedVersion>) -> Self {
        let (handle, mut orders) = channel();
        let state = Arc::new(Mutex::new(State { versions, ..State::default() }));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Some(order) = orders.recv().await {
                shared.lock().unwrap().take(order);
            }
        });
        Self { handle, state }
    }

    pub(super) fn moves(&self) -> Vec<Vec<(u32, u8)>> {
        self.state.lock().unwrap().moves.clone()
    }

    pub(super) fn answers_with_errors(&self, version: u32) {
        self.state.lock().unwrap().faulty.push(version);
    }

    pub(super) fn agrees(&self, agreement: f64) {
        self.state.lock().unwrap().agreement = agreement;
    }

    pub(super) fn refuses_to_load(&self) {
        self.state.lock().unwrap().refuses_to_load = true;
    }

    pub(super) fn serves(&self, model: &str, version: u32) {
        self.state.lock().unwrap().versions.push(served(model, version, 100));
    }

    pub(super) fn listens(&self, address: String) {
        self.state.lock().unwrap().listen = Some(address);
    }
}

impl State {
    fn take(&mut self, order: ServingOrder) {
        match order {
            ServingOrder::Ask { .. } | ServingOrder::Drift { .. } => {}
            ServingOrder::Load { model, version, reply } => {
                let _ = reply.send(self.load(&model, version));
            }
            ServingOrder::SetTraffic { model, weights, reply } => {
                self.set_traffic(&model, &weights);
                let _ = reply.send(Ok(()));
            }
            ServingOrder::ChangeTraffic { change, reply, .. } => {
                if let TrafficChange::Shadow { version, .. } = change {
                    self.shadow = version;
                }
                let _ = reply.send(Ok(()));
            }
            ServingOrder::Predict { rows, reply, .. } => {
                let answers: Vec<Value> = rows.iter().map(|_| json!({ "value": 1.0 })).collect();
                let _ = reply.send(Ok(answers));
            }
            ServingOrder::Status { reply } => {
                let _ = reply.send(self.status());
            }
        }
    }

    fn load(&mut self, model: &str, version: u32) -> Result<SmokeCheck, Fault> {
        if self.refuses_to_load {
            return Err(Fault::invalid("the smoke prediction differs"));
        }
        if !self.versions.iter().any(|v| v.model == model && v.version == version) {
            self.versions.push(served(model, version, 0));
        }
        Ok(SmokeCheck { rows: 3, load_ms: 1.0, predict_ms: 0.1 })
    }

    fn set_traffic(&mut self, model: &str, weights: &[(u32, u8)]) {
        assert_eq!(weights.iter().map(|(_, weight)| u32::from(*weight)).sum::<u32>(), 100);
        for version in self.versions.iter_mut().filter(|version| version.model == model) {
            let share = weights.iter().find(|(v, _)| *v == version.version);
            version.weight = share.map_or(0, |(_, weight)| *weight);
        }
        self.versions.retain(|version| version.weight > 0);
        self.moves.push(weights.to_vec());
    }

    fn copied(&self, version: u32) -> TrafficView {
        let shadow = ShadowView {
            version,
            percent: 100,
            requests: 10,
            rows: 10,
            agreement: Some(self.agreement),
            ..ShadowView::default()
        };
        TrafficView {
            model: "iris".to_owned(),
            sticky: None,
            shadow: Some(shadow),
            rollout: None,
            arms: Vec::new(),
            verdicts: Vec::new(),
        }
    }

    /// Every question finds ten more requests answered by each version with traffic.
    fn status(&mut self) -> ServingStatus {
        for version in self.versions.iter_mut().filter(|version| version.weight > 0) {
            version.requests_total += 10;
            if self.faulty.contains(&version.version) {
                version.errors_total += 5;
            }
        }
        ServingStatus {
            listen: self.listen.clone(),
            problem: self.listen.is_none().then(|| "port 3000 is taken".to_owned()),
            default_model: None,
            example: None,
            versions: self.versions.clone(),
            in_flight: 0,
            requests_history: Vec::new(),
            p99_history: Vec::new(),
            recent_errors: Vec::new(),
            traffic: self.shadow.map(|version| self.copied(version)).into_iter().collect(),
            prediction_log: None,
            replicas: Vec::new(),
        }
    }
}
