//! What a step has shown of the new version, and whether that speaks against it.

use super::strategy::{Figure, Strategy, counts};
use crate::runtime::operator::condition::number;
use crate::runtime::operator::error::OperatorError;
use crate::types::serving::{ServedVersion, ServingStatus};

/// The new version of a model, and the one that had most of the traffic.
pub(super) struct Both<'a> {
    pub(super) model: &'a str,
    pub(super) version: u32,
    pub(super) previous: Option<u32>,
}

/// What was seen of the new version.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) p99_ms: Option<f64>,
    /// Limits that the present version does not keep either, a sentence each.
    pub(super) excused: Vec<String>,
    /// The limit that it alone does not keep.
    pub(super) breach: Option<String>,
}

impl Both<'_> {
    /// Judges what it answered between two moments; without a strategy it is only looked at.
    pub(super) fn answers(
        &self,
        (at_first, at_last): (&ServingStatus, &ServingStatus),
        strategy: Option<&Strategy>,
    ) -> Result<Judged, OperatorError> {
        let before = of(&at_first.versions, Some(self.version));
        let now = of(&at_last.versions, Some(self.version)).ok_or_else(|| {
            OperatorError::Passing(format!("version {} was taken away meanwhile", self.version))
        })?;
        let (requests, errors) = counts(before, now);
        let mut judged =
            Judged { requests, errors, p99_ms: now.p99_ms, excused: Vec::new(), breach: None };
        for (figure, condition) in strategy.iter().flat_map(|strategy| &strategy.rollback_if) {
            let breaks = |value: &f64| condition.holds(*value);
            let Some(value) = figure.measure(before, now).filter(breaks) else { continue };
            let present = of(&at_last.versions, self.previous)
                .and_then(|served| figure.measure(of(&at_first.versions, self.previous), served))
                .filter(breaks);
            if let Some(present) = present {
                // What befalls both alike (clients that send bad rows, a busy machine) is not the
                // new version's doing.
                judged.excused.push(format!(
                    "{} is {}, but {} for the present version too: going on",
                    figure.name(),
                    number(value),
                    number(present)
                ));
            } else if judged.breach.is_none() {
                judged.breach = Some(broken(*figure, value, condition));
            }
        }
        Ok(judged)
    }

    /// Judges what it answered to copies.
    pub(super) fn copies(
        &self,
        status: &ServingStatus,
        strategy: &Strategy,
    ) -> Result<Judged, OperatorError> {
        let shadow = status.traffic_of(self.model).and_then(|traffic| traffic.shadow.as_ref());
        let shadow = shadow.filter(|shadow| shadow.version == self.version).ok_or_else(|| {
            OperatorError::Passing("the copies were given to another version meanwhile".to_owned())
        })?;
        let breach = strategy.rollback_if.iter().find_map(|(figure, condition)| {
            let value = figure.measure_copies(shadow).filter(|value| condition.holds(*value))?;
            Some(broken(*figure, value, condition))
        });
        Ok(Judged {
            requests: shadow.requests,
            errors: shadow.errors,
            p99_ms: shadow.p99_ms,
            excused: Vec::new(),
            breach,
        })
    }
}

fn broken(figure: Figure, value: f64, condition: &impl std::fmt::Display) -> String {
    format!("{} is {}, and {condition} is the limit", figure.name(), number(value))
}

fn of(versions: &[ServedVersion], version: Option<u32>) -> Option<&ServedVersion> {
    versions.iter().find(|served| Some(served.version) == version)
}
