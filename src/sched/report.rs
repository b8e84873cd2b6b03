//! What executors saw.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::types::asset::AssetEventSpec;
use crate::types::deferral::Deferral;
use crate::types::executor::TryPlace;
use crate::types::xcom::XcomValue;
use crate::types::{AttemptKey, LaunchToken, TaskId};

/// What an executor saw of one attempt. The token fences stragglers.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// It runs, here. Said again where more is known, or where somebody else sees to it.
    Started { key: AttemptKey, token: LaunchToken, pid: Option<u32>, place: TryPlace },
    /// Where it stands before it ends, for people: why a cluster has not begun it, where it runs.
    Noted { key: AttemptKey, token: LaunchToken, note: String },
    /// It waits for something outside, and needs no executor meanwhile.
    Deferred { key: AttemptKey, token: LaunchToken, deferral: Deferral },
    /// It ended.
    Finished { key: AttemptKey, token: LaunchToken, outcome: Outcome },
    /// Nobody knows what became of it; the retry policy decides.
    Lost { key: AttemptKey, token: LaunchToken, reason: String },
}

/// How an attempt ended. Also the body of `report.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    Success {
        /// XCom `return_value`; null where there is none, or where it is too long: then it is
        /// among the outputs, as a file.
        #[serde(default)]
        output: Value,
        /// Further outputs, by key.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        outputs: BTreeMap<String, XcomValue>,
        /// Of a branch: the direct downstream tasks to follow; the others are skipped. Of a
        /// short circuit that stops: `Some` of an empty list.
        #[serde(default)]
        chosen: Option<Vec<TaskId>>,
        /// A short circuit that skips all that is downstream, whatever its trigger rules.
        #[serde(default)]
        skip_all_downstream: bool,
        /// Changes of assets beyond one event for each outlet. An event for an outlet that is
        /// listed here replaces the plain one.
        #[serde(default)]
        asset_events: Vec<AssetEventSpec>,
    },
    /// It decided not to do its work (exit code 99 of a command).
    Skipped { reason: String },
    Failed {
        /// One line: what went wrong.
        error: String,
        #[serde(default)]
        exit_code: Option<i32>,
        /// Whether another try may help.
        retryable: bool,
    },
}

impl Outcome {
    /// A success with an output and nothing else.
    pub fn output(output: Value) -> Self {
        Self::Success {
            output,
            outputs: BTreeMap::new(),
            chosen: None,
            skip_all_downstream: false,
            asset_events: Vec::new(),
        }
    }

    /// A failure that another try may mend.
    pub fn failed(error: impl Into<String>) -> Self {
        Self::Failed { error: error.into(), exit_code: None, retryable: true }
    }

    /// A failure that no other try will mend (bad arguments, bad data).
    pub fn fatal(error: impl Into<String>) -> Self {
        Self::Failed { error: error.into(), exit_code: None, retryable: false }
    }
}
