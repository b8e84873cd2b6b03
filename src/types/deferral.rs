//! Waiting without an executor: what a deferred task instance waits for, and until when.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::approval::ApprovalSpec;
use crate::time::Timestamp;

/// What an operator says when it goes on waiting without an executor.
#[derive(Debug, Clone, PartialEq)]
pub struct Deferral {
    /// A `TriggerSpec` as JSON text: enough for the next daemon to arm it again.
    pub trigger: Arc<str>,
    /// When it is given up.
    pub timeout_at: Option<Timestamp>,
    /// What it waits for: one line for the operator.
    pub note: String,
}

/// What is looked at, how often, and what becomes of the attempt if it never comes. Holds
/// placeholders where the arguments have secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerSpec {
    pub operator: String,
    pub args: Map<String, Value>,
    #[serde(default)]
    pub at_timeout: AtTimeout,
    #[serde(default)]
    pub on_error: OnError,
    /// Seconds between two looks. 0: nothing is polled, events or an instant tell.
    #[serde(default)]
    pub poke_interval: f64,
    /// The interval doubles with each look, up to as many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_wait: Option<f64>,
    /// What is asked, where people are waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalSpec>,
}

/// What becomes of an attempt whose trigger does not come in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtTimeout {
    /// It has failed; another try may follow.
    #[default]
    Fail,
    /// It has failed for good (Airflow's `AirflowSensorTimeout`).
    FailForGood,
    /// It is skipped (`soft_fail`).
    Skip,
    /// The default answers in the place of people.
    Default,
}

/// What a look that fails means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The try has failed.
    #[default]
    Fail,
    /// As if nothing were there yet (`silent_fail`).
    Wait,
    /// The task is skipped (`never_fail`).
    Skip,
}

impl TriggerSpec {
    /// Reads what `to_text` wrote.
    pub fn parse(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// Writes it as the store keeps it.
    pub fn to_text(&self) -> Arc<str> {
        serde_json::to_string(self).expect("nothing in it that JSON has not").into()
    }
}
