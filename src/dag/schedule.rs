//! When runs come about: cron expressions, intervals, assets, or only by hand.

use crate::types::{AssetName, Timestamp};

/// What brings runs about.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// Only by hand.
    Manual,
    /// A cron expression or a preset; data intervals run from one firing to the next.
    Cron(Cron),
    /// When the expression of assets is satisfied by new events.
    Assets(AssetExpression),
}

/// A cron schedule: what was written, and its parsed form.
#[derive(Debug, Clone)]
pub struct Cron {
    /// As written: `@daily`, `0 2 * * *`.
    pub text: String,
    pub(crate) crontab: cronexpr::Crontab,
}

/// A stretch of time that a run covers: from start up to, not including, end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataInterval {
    pub start: Timestamp,
    pub end: Timestamp,
}

/// `a & (b | c)`.
#[derive(Debug, Clone, PartialEq)]
pub enum AssetExpression {
    Asset(AssetRef),
    All(Vec<AssetExpression>),
    Any(Vec<AssetExpression>),
}

/// What an asset expression names: a declared asset, or a pattern of URIs such as
/// `models:/*@production`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AssetRef {
    Name(AssetName),
    /// `*` stands for any run of characters.
    UriPattern(String),
}

impl AssetRef {
    /// Says whether an event of this asset counts.
    pub fn matches(&self, _name: &AssetName, _uri: &str) -> bool {
        todo!("dag helper")
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
        todo!("dag helper")
    }
}

impl Cron {
    /// Returns the first interval whose end is after `after` and whose start is not before
    /// `not_before` (Airflow's meaning: a run covers the interval that has just ended, and is
    /// due at its end).
    pub fn next_interval(
        &self,
        _after: Timestamp,
        _not_before: Option<Timestamp>,
    ) -> Option<DataInterval> {
        todo!("dag helper")
    }
}
