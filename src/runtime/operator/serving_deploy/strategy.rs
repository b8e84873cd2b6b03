//! `strategy = { canary = [10, 50, 100], step = "30s", rollback_if = { error_rate = "> 0.01" } }`

use std::time::Duration;

use serde_json::{Map, Value};

use crate::connection::{closest, did_you_mean};
use crate::runtime::operator::args::{Args, duration, unfit};
use crate::runtime::operator::condition::Condition;
use crate::runtime::operator::error::OperatorError;
use crate::types::serving::{ServedVersion, ShadowView, Sticky};

const STEP: Duration = Duration::from_secs(30);

/// What is watched while a new version has a part of the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    ErrorRate,
    P50Ms,
    P99Ms,
    /// The share of copies with another label than the answer that was given.
    DisagreementRate,
    /// The greatest population stability index of a column; none, while too few rows have come.
    Drift,
}

impl Figure {
    const ALL: [(Self, &'static str); 5] = [
        (Self::ErrorRate, "error_rate"),
        (Self::P50Ms, "p50_ms"),
        (Self::P99Ms, "p99_ms"),
        (Self::DisagreementRate, "disagreement_rate"),
        (Self::Drift, "drift"),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(figure, _)| *figure == self).map_or("", |(_, name)| name)
    }

    /// Returns the figure since `before`; `None` where nothing was asked.
    pub(super) fn measure(
        self,
        before: Option<&ServedVersion>,
        now: &ServedVersion,
    ) -> Option<f64> {
        let (requests, errors) = counts(before, now);
        if requests == 0 {
            return None;
        }
        #[allow(clippy::cast_precision_loss, reason = "counts of requests, for a rate")]
        match self {
            Self::ErrorRate => Some(errors as f64 / requests as f64),
            Self::P50Ms => now.p50_ms,
            Self::P99Ms => now.p99_ms,
            Self::DisagreementRate => None,
            Self::Drift => now.drift.as_ref().and_then(|drift| drift.psi),
        }
    }

    /// Returns the figure of a version that gets copies; `None` where it got none yet.
    pub(super) fn measure_copies(self, shadow: &ShadowView) -> Option<f64> {
        if shadow.requests == 0 {
            return None;
        }
        #[allow(clippy::cast_precision_loss, reason = "counts of requests, for a rate")]
        match self {
            Self::ErrorRate => Some(shadow.errors as f64 / shadow.requests as f64),
            Self::P50Ms => shadow.p50_ms,
            Self::P99Ms => shadow.p99_ms,
            Self::DisagreementRate => shadow.agreement.map(|agreement| 1.0 - agreement),
            Self::Drift => None,
        }
    }
}

/// Returns requests and errors since `before`. A version that was loaded anew counts from 0.
pub(super) fn counts(before: Option<&ServedVersion>, now: &ServedVersion) -> (u64, u64) {
    let before = before.filter(|before| before.requests_total <= now.requests_total);
    let since = |now: u64, before: Option<u64>| now.saturating_sub(before.unwrap_or(0));
    (
        since(now.requests_total, before.map(|before| before.requests_total)),
        since(now.errors_total, before.map(|before| before.errors_total)),
    )
}

/// How a version takes over.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Strategy {
    /// Percents of the traffic, rising, the last one 100.
    pub(super) percents: Vec<u8>,
    /// How long each percent but the last is watched.
    pub(super) step: Duration,
    /// How long it gets copies of all requests before it gets any of its own; `None`: not.
    pub(super) shadow: Option<Duration>,
    /// What keeps whoever asks at one version meanwhile; `None`: what is in force stays.
    pub(super) sticky: Option<Sticky>,
    pub(super) rollback_if: Vec<(Figure, Condition)>,
}

impl Strategy {
    /// Returns the percents of all steps; 0 is the one of copies.
    pub(super) fn percents(&self) -> Vec<u8> {
        self.shadow.map(|_| 0).into_iter().chain(self.percents.iter().copied()).collect()
    }

    pub(super) fn read(args: Args<'_>) -> Result<Self, OperatorError> {
        let table = args.table("strategy")?;
        for key in table.keys() {
            const KNOWN: [&str; 5] = ["canary", "step", "shadow", "sticky", "rollback_if"];
            if !KNOWN.contains(&key.as_str()) {
                let meant = did_you_mean(closest(key, KNOWN).as_deref());
                return Err(OperatorError::Fatal(format!("`strategy` has no `{key}`{meant}")));
            }
        }
        Ok(Self {
            percents: percents(table.get("canary"))?,
            step: table.get("step").map_or(Ok(STEP), |step| duration("strategy.step", step))?,
            shadow: table
                .get("shadow")
                .map(|shadow| duration("strategy.shadow", shadow))
                .transpose()?,
            sticky: table.get("sticky").map(sticky).transpose()?,
            rollback_if: match table.get("rollback_if") {
                None => Vec::new(),
                Some(Value::Object(conditions)) => rollback_if(conditions)?,
                Some(other) => return Err(unfit("strategy.rollback_if", other, "a table")),
            },
        })
    }
}

fn sticky(written: &Value) -> Result<Sticky, OperatorError> {
    let read = written.as_str().and_then(|text| text.parse().ok());
    read.ok_or_else(|| unfit("strategy.sticky", written, "`header:NAME` or `api_key`"))
}

fn percents(canary: Option<&Value>) -> Result<Vec<u8>, OperatorError> {
    let Some(written) = canary else { return Ok(vec![100]) };
    let wrong = || unfit("strategy.canary", written, "rising percents such as [10, 50, 100]");
    let mut percents = written
        .as_array()
        .ok_or_else(wrong)?
        .iter()
        .map(|percent| percent.as_u64().and_then(|p| u8::try_from(p).ok()))
        .collect::<Option<Vec<u8>>>()
        .ok_or_else(wrong)?;
    let rises = percents.windows(2).all(|pair| pair[0] < pair[1]);
    if !rises || percents.iter().any(|percent| !(1..=100).contains(percent)) {
        return Err(wrong());
    }
    if percents.last() != Some(&100) {
        percents.push(100);
    }
    Ok(percents)
}

fn rollback_if(conditions: &Map<String, Value>) -> Result<Vec<(Figure, Condition)>, OperatorError> {
    conditions
        .iter()
        .map(|(name, value)| {
            let known = Figure::ALL.iter().find(|(_, known)| known == name);
            let (figure, _) = known.ok_or_else(|| {
                let names = Figure::ALL.map(|(_, name)| name);
                let meant = did_you_mean(closest(name, names).as_deref());
                OperatorError::Fatal(format!(
                    "`strategy.rollback_if` has no `{name}`{meant} (there are {})",
                    names.join(", ")
                ))
            })?;
            let key = format!("strategy.rollback_if.{name}");
            let condition = Condition::parse(value)
                .ok_or_else(|| unfit(&key, value, "a comparison such as \"> 0.01\""))?;
            Ok((*figure, condition))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[allow(clippy::needless_pass_by_value, reason = "`json!` reads best where it is called")]
    fn read(strategy: Value) -> Result<Strategy, String> {
        let args = json!({ "strategy": strategy });
        Strategy::read(Args(args.as_object().unwrap())).map_err(|error| error.to_string())
    }

    #[test]
    fn without_a_strategy_all_goes_over_at_once() {
        assert_eq!(read(json!(null)).unwrap().percents, [100]);
    }

    #[test]
    fn the_samples_strategy_is_read() {
        let strategy = read(json!({
            "canary": [10, 50, 100], "step": "2s",
            "rollback_if": { "error_rate": "> 0.01", "p99_ms": "> 250" },
        }))
        .unwrap();
        assert_eq!(strategy.percents, [10, 50, 100]);
        assert_eq!(strategy.step, Duration::from_secs(2));
        assert_eq!(strategy.rollback_if[1].0, Figure::P99Ms);
    }

    #[test]
    fn a_canary_that_does_not_end_is_ended() {
        assert_eq!(read(json!({ "canary": [25] })).unwrap().percents, [25, 100]);
        assert_eq!(read(json!({ "canary": [] })).unwrap().percents, [100]);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for canary in [json!([50, 10]), json!([0, 100]), json!([101]), json!("half"), json!([1.5])]
        {
            let error = read(json!({ "canary": canary })).unwrap_err();
            assert!(error.contains("expected rising percents"), "{error}");
        }
        let error = read(json!({ "canery": [1] })).unwrap_err();
        assert_eq!(error, "`strategy` has no `canery` (did you mean `canary`?)");
        let error = read(json!({ "rollback_if": { "eror_rate": "> 1" } })).unwrap_err();
        assert!(error.contains("did you mean `error_rate`?"), "{error}");
        assert!(read(json!({ "rollback_if": { "p99_ms": "slow" } })).is_err());
        assert!(read(json!({ "step": "soon" })).is_err());
        let error = read(json!({ "sticky": "cookie:a" })).unwrap_err();
        assert!(error.contains("expected `header:NAME` or `api_key`"), "{error}");
    }

    #[test]
    fn copies_come_before_the_first_percent() {
        let strategy =
            read(json!({ "canary": [10], "shadow": "5m", "sticky": "header:X-User" })).unwrap();
        assert_eq!(strategy.percents(), [0, 10, 100]);
        assert_eq!(strategy.sticky, Some(Sticky::Header("x-user".to_owned())));
        assert_eq!(read(json!({})).unwrap().percents(), [100]);
    }
}
