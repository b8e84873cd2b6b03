//! When runs come about: as time passes, when assets change, or only by hand.

use serde::{Deserialize, Serialize};

use crate::types::asset::{AssetEvent, AssetEventKind};
use crate::types::{AssetName, Timestamp};

mod cron;
mod expression;
mod timetable;
mod words;

pub use cron::{Cron, CronError};
pub use expression::ExpressionError;
pub use timetable::{DataInterval, Restriction, Timetable};

/// What brings runs about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Only by hand.
    Manual,
    Time(Timetable),
    /// When the expression of assets is satisfied by new events.
    Assets(AssetExpression),
    /// Both, each for itself (Airflow's `AssetOrTimeSchedule`).
    TimeOrAssets(Timetable, AssetExpression),
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

/// Which events of its assets a schedule counts, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetRule {
    /// A run for each partition key, made when all assets have an event of that key (Airflow's
    /// `PartitionedAssetTimetable`). Events without a key count for nothing here, and events with
    /// one for nothing elsewhere, as in Airflow.
    pub partitioned: bool,
    pub on: Vec<AssetEventKind>,
}

impl Default for AssetRule {
    /// What is gone is no news of data: whoever wants to hear of it says so.
    fn default() -> Self {
        let on = AssetEventKind::ALL.into_iter().filter(|kind| *kind != AssetEventKind::Deleted);
        Self { partitioned: false, on: on.collect() }
    }
}

impl AssetRule {
    /// Says whether it is what holds where nothing is said.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Says whether an event counts, where its asset is waited for.
    pub fn takes(&self, event: &AssetEvent) -> bool {
        self.on.contains(&event.kind) && self.partitioned == event.partition_key.is_some()
    }

    /// Returns the run that an event counts for: of those of one key all count for the same.
    pub fn key_of<'a>(&self, event: &'a AssetEvent) -> Option<&'a str> {
        event.partition_key.as_deref().filter(|_| self.partitioned)
    }
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

    /// Says whether it names the asset of an event, or an alias through which it was told.
    pub fn is_of(&self, event: &AssetEvent) -> bool {
        let is_alias = |name: &AssetName| event.source_aliases.iter().any(|of| of == name.as_str());
        self.matches(&event.name, &event.uri) || matches!(self, Self::Name(name) if is_alias(name))
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
    /// What brings runs about as time passes.
    pub const fn timetable(&self) -> Option<&Timetable> {
        match self {
            Self::Time(timetable) | Self::TimeOrAssets(timetable, _) => Some(timetable),
            Self::Manual | Self::Assets(_) => None,
        }
    }

    /// The assets whose changes bring runs about.
    pub const fn assets(&self) -> Option<&AssetExpression> {
        match self {
            Self::Assets(expression) | Self::TimeOrAssets(_, expression) => Some(expression),
            Self::Manual | Self::Time(_) => None,
        }
    }

    /// Returns the interval that a run by hand covers, of which `at` is the logical date.
    pub fn by_hand(&self, at: Timestamp) -> DataInterval {
        self.timetable().map_or(DataInterval::exact(at), |timetable| timetable.by_hand(at))
    }

    /// For people: `@daily`, `incoming | other`, `@daily or incoming`, `manual`.
    pub fn summary(&self) -> String {
        match self {
            Self::Manual => "manual".to_owned(),
            Self::Time(timetable) => timetable.summary(),
            Self::Assets(expression) => expression.to_string(),
            Self::TimeOrAssets(timetable, expression) => {
                format!("{} or {expression}", timetable.summary())
            }
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
