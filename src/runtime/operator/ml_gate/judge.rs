//! Whether a run meets what is required, and one line why.

use std::path::PathBuf;

use serde::Serialize;

use super::measure::{DRIFT, LATENCY, Measured, SIZE, SLICES, VS_CHAMPION, VS_CHAMPION_P};
use crate::connection::{closest, did_you_mean};
use crate::runtime::operator::condition::{Condition, number};
use crate::runtime::operator::error::OperatorError;
use crate::types::view::TrackingRunView;

/// What a model learns to do; decides which metrics mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Classification,
    Regression,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Classification => "classification",
            Self::Regression => "regression",
        }
    }

    /// The metric that a champion is compared by.
    fn primary_metric(self) -> &'static str {
        match self {
            Self::Classification => "accuracy",
            Self::Regression => "r2",
        }
    }

    /// Returns which kind a metric belongs to, where its name tells.
    fn of_metric(metric: &str) -> Option<Self> {
        const CLASSIFICATION: [&str; 11] = [
            "accuracy",
            "balanced_accuracy",
            "f1",
            "precision",
            "recall",
            "roc_auc",
            "pr_auc",
            "calibration_error",
            "log_loss",
            "mcc",
            "brier",
        ];
        const REGRESSION: [&str; 10] = [
            "r2",
            "rmse",
            "mse",
            "mae",
            "mape",
            "pinball",
            "max_error",
            "median_ae",
            "median_absolute_error",
            "explained_variance",
        ];
        let metric = metric.strip_prefix("cv_").unwrap_or(metric);
        let is_of = |name: &str| {
            metric.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        if CLASSIFICATION.iter().any(|name| is_of(name)) {
            Some(Self::Classification)
        } else if REGRESSION.iter().any(|name| is_of(name)) {
            Some(Self::Regression)
        } else {
            None
        }
    }
}

/// The run to be judged.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subject {
    kind: Option<Kind>,
    metrics: Vec<(String, f64)>,
}

impl Subject {
    pub(super) fn new(run: &TrackingRunView) -> Self {
        let has = |kind: Kind| run.metrics.iter().any(|(key, _)| key == kind.primary_metric());
        let kind = [Kind::Classification, Kind::Regression].into_iter().find(|kind| has(*kind));
        Self { kind, metrics: run.metrics.clone() }
    }
}

/// A requirement as written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Requirement {
    pub(super) metric: String,
    pub(super) condition: Condition,
}

impl Requirement {
    pub(super) fn needs_champion(&self) -> bool {
        [VS_CHAMPION, VS_CHAMPION_P, SLICES, DRIFT].contains(&self.metric.as_str())
    }
}

/// The version that is in place now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Champion {
    /// Such as `iris@production v3`.
    pub(super) title: String,
    pub(super) name: String,
    pub(super) version: u32,
    /// Where its run keeps its files.
    pub(super) folder: Option<PathBuf>,
    pub(super) metrics: Vec<(String, f64)>,
}

/// One requirement, judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Figure {
    pub(super) metric: String,
    pub(super) required: String,
    pub(super) value: Option<f64>,
    /// `None`: it does not apply.
    pub(super) passed: Option<bool>,
    #[serde(skip)]
    told: String,
}

/// The judgement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    pub(super) passed: bool,
    pub(super) reason: String,
    pub(super) figures: Vec<Figure>,
}

/// Judges a run. Fails where no requirement applies; a metric that nobody knows is an error.
pub(super) fn judge(
    subject: &Subject,
    requirements: &[Requirement],
    champion: Option<&Champion>,
    measured: &Measured,
) -> Result<Judged, OperatorError> {
    let figures = requirements
        .iter()
        .map(|requirement| match (requirement.needs_champion(), champion) {
            (true, None) => Ok(Figure::of(requirement, None, Some(true), "no champion yet".into())),
            (true, Some(champion)) => {
                Ok(against_champion(subject, requirement, champion, measured))
            }
            (false, _) => match requirement.metric.as_str() {
                LATENCY => Ok(of_measured(requirement, measured.latency_ms.as_ref(), "")),
                SIZE => Ok(of_measured(requirement, measured.model_bytes.as_ref(), "")),
                _ => against_bound(subject, requirement),
            },
        })
        .collect::<Result<Vec<_>, _>>()?;
    let of = |verdict: bool| {
        let told: Vec<_> = figures
            .iter()
            .filter(|figure| figure.passed == Some(verdict))
            .map(|figure| figure.told.as_str())
            .collect();
        told.join("; ")
    };
    let failed = of(false);
    let is_judged = figures.iter().any(|figure| figure.passed.is_some());
    let (passed, reason) = if !is_judged {
        let kind = subject.kind.map_or("this", |kind| kind.name());
        (false, format!("no requirement applies to a {kind} run"))
    } else if failed.is_empty() {
        (true, of(true))
    } else {
        (false, failed)
    };
    Ok(Judged { passed, reason, figures })
}

fn against_bound(subject: &Subject, requirement: &Requirement) -> Result<Figure, OperatorError> {
    let Requirement { metric, condition } = requirement;
    if let Some(value) = find(&subject.metrics, metric) {
        let passed = condition.holds(value);
        let told = if passed {
            format!("{metric} {} {condition}", number(value))
        } else {
            format!("{metric} {} required", condition.failing(value))
        };
        return Ok(Figure::of(requirement, Some(value), Some(passed), told));
    }
    let other = Kind::of_metric(metric);
    if subject.kind.is_some() && other.is_some() && other != subject.kind {
        return Ok(Figure::of(requirement, None, None, String::new()));
    }
    let meant = closest(metric, subject.metrics.iter().map(|(key, _)| key.as_str()));
    Err(OperatorError::Fatal(format!(
        "`require`: the run has no metric `{metric}`{}",
        did_you_mean(meant.as_deref())
    )))
}

/// Compares with the champion on the rows that the run held out; who was trained before such
/// rows were kept is compared by the metrics that were recorded.
fn against_champion(
    subject: &Subject,
    requirement: &Requirement,
    champion: &Champion,
    measured: &Measured,
) -> Figure {
    let title = &champion.title;
    let compared = measured.comparison.as_ref();
    match (requirement.metric.as_str(), compared) {
        (DRIFT, _) => match &measured.drift {
            Some(Ok((column, drift))) => {
                let told = format!(" of `{column}` since {title}");
                of_measured(requirement, Some(&Ok(*drift)), &told)
            }
            other => {
                let other = other.clone().map(|found| found.map(|(_, drift)| drift));
                of_measured(requirement, other.as_ref(), "")
            }
        },
        (VS_CHAMPION_P, Some(Ok(found))) => {
            let told = format!(" that a lead as large over {title} is chance ({})", found.test);
            of_measured(requirement, Some(&Ok(found.p)), &told)
        }
        (SLICES, Some(Ok(found))) => match found.slices.first() {
            None => Figure::of(requirement, None, Some(true), "no slices to compare".to_owned()),
            Some(worst) => {
                let told = format!(" at {} ({} rows) against {title}", worst.slice, worst.rows);
                of_measured(requirement, Some(&Ok(rounded(worst.difference()))), &told)
            }
        },
        (VS_CHAMPION, Some(Ok(found))) => {
            let [low, high] = found.interval.map(|bound| number(rounded(bound)));
            let figures = Figures {
                metric: found.metric,
                own: found.own,
                rival: found.other,
                told: format!(" on the same {} rows, 95 % within {low} to {high}", found.rows),
            };
            figures.judge(requirement, title)
        }
        (VS_CHAMPION, _) => by_record(subject, requirement, champion),
        (_, found) => {
            let why = found.and_then(|found| found.as_ref().err());
            let why = why.map_or("it comes from no run", String::as_str);
            let told = format!("{} cannot be told against {title}: {why}", requirement.metric);
            Figure::of(requirement, None, Some(false), told)
        }
    }
}

/// Two figures of one metric.
struct Figures<'a> {
    metric: &'a str,
    own: f64,
    rival: f64,
    told: String,
}

impl Figures<'_> {
    fn judge(&self, requirement: &Requirement, title: &str) -> Figure {
        let condition = requirement.condition;
        let difference = rounded(self.own - self.rival);
        let compared = format!(
            "{} {} against {} of {title}{}",
            self.metric,
            number(self.own),
            number(self.rival),
            self.told
        );
        let passed = condition.holds(difference);
        let told = match passed {
            true => compared,
            false => format!("{compared}: {} required", condition.failing(difference)),
        };
        Figure::of(requirement, Some(difference), Some(passed), told)
    }
}

/// Compares the primary metric as it was recorded: who has none to compare with passes.
fn by_record(subject: &Subject, requirement: &Requirement, champion: &Champion) -> Figure {
    let metric = subject.kind.map_or("accuracy", Kind::primary_metric);
    let title = &champion.title;
    let Some(own) = find(&subject.metrics, metric) else {
        let told = format!("the run has no {metric} to compare with {title}");
        return Figure::of(requirement, None, Some(false), told);
    };
    let Some(rival) = find(&champion.metrics, metric) else {
        let told = format!("{title} has no {metric} to compare with");
        return Figure::of(requirement, None, Some(true), told);
    };
    Figures { metric, own, rival, told: String::new() }.judge(requirement, title)
}

/// Judges what was measured; what could not be does not pass.
fn of_measured(requirement: &Requirement, found: Option<&Result<f64, String>>, of: &str) -> Figure {
    let Requirement { metric, condition } = requirement;
    match found {
        Some(Ok(value)) => {
            let passed = condition.holds(*value);
            let told = match passed {
                true => format!("{metric} {} {condition}{of}", number(*value)),
                false => format!("{metric} {} required{of}", condition.failing(*value)),
            };
            Figure::of(requirement, Some(*value), Some(passed), told)
        }
        Some(Err(why)) => {
            let told = format!("{metric} cannot be measured: {why}");
            Figure::of(requirement, None, Some(false), told)
        }
        None => {
            let told = format!("{metric} cannot be measured: it comes from no run");
            Figure::of(requirement, None, Some(false), told)
        }
    }
}

/// 0.9 - 0.91 is a little less than -0.01: what people write shall hold at the bound.
fn rounded(difference: f64) -> f64 {
    (difference * 1e9).round() / 1e9
}

impl Figure {
    fn of(
        requirement: &Requirement,
        value: Option<f64>,
        passed: Option<bool>,
        told: String,
    ) -> Self {
        Self {
            metric: requirement.metric.clone(),
            required: requirement.condition.to_string(),
            // JSON has no infinity.
            value: value.filter(|value| value.is_finite()),
            passed,
            told,
        }
    }
}

fn find(metrics: &[(String, f64)], metric: &str) -> Option<f64> {
    metrics.iter().find(|(key, _)| key == metric).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests;
