//! When runs come about: cron expressions, intervals, assets, or only by hand.

use serde::{Deserialize, Serialize};

use crate::types::{AssetName, Timestamp};

mod cron;
mod expression;

pub use cron::CronError;
pub use expression::ExpressionError;

/// What brings runs about.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Only by hand.
    Manual,
    /// A cron expression or a preset; data intervals run from one firing to the next.
    Cron(Cron),
    /// When the expression of assets is satisfied by new events.
    Assets(AssetExpression),
}

/// A cron schedule: what was written, and its parsed form. As JSON it is what was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "cron::Written", into = "cron::Written")]
pub struct Cron {
    /// As written: `@daily`, `0 2 * * *`.
    pub text: String,
    /// The IANA name of the zone that it is meant in.
    pub timezone: String,
    pub(crate) crontab: cronexpr::Crontab,
    /// Where the firings are at set hours: the zone in which `crontab`, which is in UTC then,
    /// is meant.
    pub(crate) set_hours_in: Option<jiff::tz::TimeZone>,
}

/// A stretch of time that a run covers: from start up to, not including, end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataInterval {
    pub start: Timestamp,
    pub end: Timestamp,
}

/// `a & (b | c)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetExpression {
    Asset(AssetRef),
    All(Vec<AssetExpression>),
    Any(Vec<AssetExpression>),
}

/// What an asset expression names: a declared asset, or a pattern of URIs such as
/// `models:/*@production`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetRef {
    Name(AssetName),
    /// `*` stands for any run of characters.
    UriPattern(String),
}

impl AssetRef {
    /// Takes a name as an asset expression has it: with a colon it is a pattern of URIs.
    pub fn parse(text: &str) -> Self {
        if text.contains(':') {
            Self::UriPattern(text.to_owned())
        } else {
            Self::Name(AssetName::from(text))
        }
    }

    /// Returns it as written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Name(name) => name.as_str(),
            Self::UriPattern(pattern) => pattern,
        }
    }

    /// Says whether an event of this asset counts.
    pub fn matches(&self, name: &AssetName, uri: &str) -> bool {
        match self {
            Self::Name(wanted) => wanted == name,
            Self::UriPattern(pattern) => matches_pattern(pattern, uri),
        }
    }
}

impl AssetExpression {
    /// Says whether it holds, given which of its leaves have seen an event.
    pub fn is_satisfied(&self, seen: &dyn Fn(&AssetRef) -> bool) -> bool {
        match self {
            Self::Asset(asset) => seen(asset),
            Self::All(parts) => parts.iter().all(|part| part.is_satisfied(seen)),
            Self::Any(parts) => parts.iter().any(|part| part.is_satisfied(seen)),
        }
    }

    /// Returns every leaf, in the order written.
    pub fn leaves(&self) -> Vec<&AssetRef> {
        match self {
            Self::Asset(asset) => vec![asset],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::leaves).collect(),
        }
    }
}

impl Schedule {
    /// For people: `@daily`, `incoming | other`, `manual`.
    pub fn summary(&self) -> String {
        match self {
            Self::Manual => "manual".to_owned(),
            Self::Cron(cron) => cron.text.clone(),
            Self::Assets(expression) => expression.to_string(),
        }
    }
}

/// Says whether a text fits a pattern in which `*` stands for any run of characters.
pub fn matches_pattern(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests;
