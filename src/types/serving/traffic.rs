//! How a model's requests are divided beside the percents, what people change of it, and what is
//! told of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What keeps whoever asks at one version: the same value always gets the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Sticky {
    /// The value of a header, its name in small letters.
    Header(String),
    /// The name of the API key.
    ApiKey,
}

impl fmt::Display for Sticky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header:{name}"),
            Self::ApiKey => f.write_str("api_key"),
        }
    }
}

impl FromStr for Sticky {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "api_key" {
            return Ok(Self::ApiKey);
        }
        // RFC 9110's `token`, of which names of headers are made.
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        match text.strip_prefix("header:") {
            Some(name) if !name.is_empty() && name.len() <= 100 && name.chars().all(is_token) => {
                Ok(Self::Header(name.to_ascii_lowercase()))
            }
            _ => Err(format!("`{text}` is neither `header:NAME` nor `api_key`")),
        }
    }
}

impl TryFrom<String> for Sticky {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Sticky> for String {
    fn from(sticky: Sticky) -> Self {
        sticky.to_string()
    }
}

/// A change of how a model's requests are divided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum TrafficChange {
    /// (version, percent); together 100. Versions that are not in memory are loaded first.
    Weights { weights: Vec<(u32, u8)> },
    /// `None`: requests take turns.
    Sticky { by: Option<Sticky> },
    /// A version that gets copies of `percent` of the requests; `None`: there is none any more.
    Shadow { version: Option<u32>, percent: u8 },
    /// Of the rollout that is under way.
    Rollout { wish: RolloutWish },
}

/// What people want of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutWish {
    /// It stays at its step.
    Pause,
    /// The step goes on with the time that it had left.
    Resume,
    /// The next step begins now, whatever the figures say.
    Advance,
    /// The traffic goes back to where it was.
    Abort,
}

/// Where a rollout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutState {
    Running,
    Paused,
    /// All traffic goes to the new version.
    Done,
    RolledBack,
}

impl RolloutState {
    /// Says whether it is under way.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }

    /// Returns the word for machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RolledBack => "rolled_back",
            other => other.word(),
        }
    }

    /// Returns the word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::RolledBack => "rolled back",
        }
    }
}

/// A version on its way to all traffic of its model, or the last that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutView {
    pub model: String,
    /// The new version.
    pub version: u32,
    /// The one that had most of the traffic before.
    pub previous: Option<u32>,
    /// Percents of the steps; 0 is a step in which it gets copies only.
    pub percents: Vec<u8>,
    /// Which of them it is at, from 0.
    pub step: u32,
    pub state: RolloutState,
    /// When the step ends; `None` while it is paused or over.
    pub ends_at: Option<Timestamp>,
    /// Milliseconds that a paused step has left.
    pub left_ms: Option<u64>,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// Why it went back, or what is being waited for.
    pub reason: Option<String>,
    /// Whose it is, for people.
    pub task: String,
}

impl RolloutView {
    /// Returns the percent that the new version has at its step.
    pub fn percent(&self) -> u8 {
        self.percents.get(self.step as usize).copied().unwrap_or(100)
    }

    /// Returns how many milliseconds its step has left at `now`.
    pub fn left_ms(&self, now: Timestamp) -> Option<u64> {
        self.left_ms.or_else(|| {
            let ends_at = self.ends_at?.as_millisecond();
            Some(u64::try_from(ends_at - now.as_millisecond()).unwrap_or(0))
        })
    }
}

/// What is told of a model's traffic beside the percents of its versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrafficView {
    pub model: String,
    pub sticky: Option<Sticky>,
    pub shadow: Option<ShadowView>,
    /// The rollout that is under way, or the last.
    pub rollout: Option<RolloutView>,
    /// What later truth says of its versions, the one with most of the traffic first.
    #[serde(default)]
    pub arms: Vec<ArmView>,
    /// A sentence for each other version beside the first.
    #[serde(default)]
    pub verdicts: Vec<VerdictView>,
}

/// A version that gets copies, and how its answers stand to those that were given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShadowView {
    pub version: u32,
    pub percent: u8,
    /// Requests that it was given a copy of.
    pub requests: u64,
    /// Copies that there was no room for.
    pub dropped: u64,
    /// Requests that it could not answer.
    pub errors: u64,
    /// Rows of which both answers are known.
    pub rows: u64,
    /// The share of these with the same label; `None` where it answers with values.
    pub agreement: Option<f64>,
    /// The mean of what the answers differ by: of values, or of the classes' probabilities.
    pub difference: Option<f64>,
    /// Milliseconds over the last minute.
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
}

/// One version as the outcomes judge it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmView {
    pub version: u32,
    /// `accuracy`, `mae`, `rmse` or `reward`.
    pub metric: String,
    pub value: f64,
    pub outcomes: u64,
}

/// Two versions beside each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerdictView {
    pub version: u32,
    pub against: u32,
    pub metric: String,
    /// By how much its figure is above the other's, with the 95 % interval of that.
    pub difference: Option<f64>,
    pub interval: Option<[f64; 2]>,
    pub p: Option<f64>,
    /// `better`, `worse` or `unclear`.
    pub verdict: String,
    /// Outcomes of each version that are missing for an answer, about.
    pub more: Option<u64>,
    pub text: String,
}

/// The prediction log.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PredictionLogView {
    /// The share of requests that is written.
    pub sample: f64,
    /// Rows written since the server's start.
    pub rows: u64,
    /// Requests that there was no room for.
    pub dropped: u64,
    /// Of the files that are kept.
    pub bytes: u64,
    pub files: u64,
    /// What keeps it from writing.
    pub problem: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_requests_together_is_read_as_it_is_written() {
        let header: Sticky = "header:X-User".parse().unwrap();
        assert_eq!(header, Sticky::Header("x-user".to_owned()));
        assert_eq!(header.to_string(), "header:x-user");
        assert_eq!("api_key".parse(), Ok(Sticky::ApiKey));
        assert_eq!(serde_json::to_string(&Sticky::ApiKey).unwrap(), "\"api_key\"");
        for wrong in ["", "header:", "header:a b", "cookie:x", "header:ä"] {
            let error = wrong.parse::<Sticky>().unwrap_err();
            assert!(error.contains("neither `header:NAME` nor `api_key`"), "{error}");
        }
    }
}
