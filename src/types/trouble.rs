//! What is wrong with a served version, from when it is noticed until it is over. It is told once,
//! and again when it is over.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::asset::AssetEventSpec;
use crate::callback::{CallbackEvent, CallbackSpec};
use crate::time::Timestamp;

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    /// Rows or answers lie far from what the model learnt from; of one column each.
    Drift,
    /// Requests go wrong.
    ErrorRate,
    /// Answers take long.
    Latency,
}

impl TroubleKind {
    /// Every kind with its spelling.
    pub const ALL: &'static [(Self, &'static str)] =
        &[(Self::Drift, "drift"), (Self::ErrorRate, "error_rate"), (Self::Latency, "latency")];

    /// Returns the word in the store and on the wire.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }
}

/// What a trouble is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TroubleKey {
    pub model: String,
    pub version: u32,
    pub kind: TroubleKind,
    /// Of drift; else empty.
    pub column: String,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trouble {
    #[serde(flatten)]
    pub key: TroubleKey,
    /// In a line, such as `petal_width: psi 0.83 > 0.2`.
    pub text: String,
    pub since: Timestamp,
    /// When it was last told.
    pub told_at: Timestamp,
}

/// What has changed of one version's troubles: either some came or are told again, or some are
/// over. All of it is kept, told and followed up in one commit.
#[derive(Debug, Clone, PartialEq)]
pub struct TroubleReport {
    pub model: String,
    pub version: u32,
    /// New, or told again.
    pub troubles: Vec<Trouble>,
    /// Over.
    pub ended: Vec<TroubleKey>,
    /// As what it is told.
    pub event: CallbackEvent,
    /// In a line, for people.
    pub reason: String,
    /// The same for programs.
    pub details: Value,
    /// What a schedule can wait for.
    pub asset_event: Option<AssetEventSpec>,
    pub callbacks: Vec<CallbackSpec>,
}
