//! Whether a run meets what is required, and one line why.

use serde::Serialize;

use crate::connection::{closest, did_you_mean};
use crate::runtime::operator::condition::{Condition, number};
use crate::runtime::operator::error::OperatorError;
use crate::types::view::TrackingRunView;

/// The name under which the comparison with the champion is required.
const VS_CHAMPION: &str = "vs_champion";

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
        const CLASSIFICATION: [&str; 9] = [
            "accuracy",
            "balanced_accuracy",
            "f1",
            "precision",
            "recall",
            "roc_auc",
            "log_loss",
            "mcc",
            "brier",
        ];
        const REGRESSION: [&str; 9] = [
            "r2",
            "rmse",
            "mse",
            "mae",
            "mape",
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
        self.metric == VS_CHAMPION
    }
}

/// The version that is in place now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Champion {
    /// Such as `iris@production v3`.
    pub(super) title: String,
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
) -> Result<Judged, OperatorError> {
    let figures = requirements
        .iter()
        .map(|requirement| {
            if requirement.needs_champion() {
                Ok(against_champion(subject, requirement.condition, champion))
            } else {
                against_bound(subject, requirement)
            }
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
    let figure = |value: Option<f64>, passed: Option<bool>, told: String| Figure {
        metric: metric.clone(),
        required: condition.to_string(),
        value,
        passed,
        told,
    };
    if let Some(value) = find(&subject.metrics, metric) {
        let passed = condition.holds(value);
        let told = if passed {
            format!("{metric} {} {condition}", number(value))
        } else {
            format!("{metric} {} required", condition.failing(value))
        };
        return Ok(figure(Some(value), Some(passed), told));
    }
    let other = Kind::of_metric(metric);
    if subject.kind.is_some() && other.is_some() && other != subject.kind {
        return Ok(figure(None, None, String::new()));
    }
    let meant = closest(metric, subject.metrics.iter().map(|(key, _)| key.as_str()));
    Err(OperatorError::Fatal(format!(
        "`require`: the run has no metric `{metric}`{}",
        did_you_mean(meant.as_deref())
    )))
}

/// Compares the primary metric: the difference must meet the condition. Who has no rival passes.
fn against_champion(
    subject: &Subject,
    condition: Condition,
    champion: Option<&Champion>,
) -> Figure {
    let figure = |value: Option<f64>, passed: Option<bool>, told: String| Figure {
        metric: VS_CHAMPION.to_owned(),
        required: condition.to_string(),
        value,
        passed,
        told,
    };
    let Some(champion) = champion else {
        return figure(None, Some(true), "no champion yet".to_owned());
    };
    let metric = subject.kind.map_or("accuracy", Kind::primary_metric);
    let title = &champion.title;
    let Some(own) = find(&subject.metrics, metric) else {
        return figure(
            None,
            Some(false),
            format!("the run has no {metric} to compare with {title}"),
        );
    };
    let Some(rival) = find(&champion.metrics, metric) else {
        return figure(None, Some(true), format!("{title} has no {metric} to compare with"));
    };
    let difference = own - rival;
    // 0.9 - 0.91 is a little less than -0.01: what people write shall hold at the bound.
    let difference = (difference * 1e9).round() / 1e9;
    let compared = format!("{metric} {} against {} of {title}", number(own), number(rival));
    if condition.holds(difference) {
        return figure(Some(difference), Some(true), compared);
    }
    let told = format!("{compared}: {} required", condition.failing(difference));
    figure(Some(difference), Some(false), told)
}

fn find(metrics: &[(String, f64)], metric: &str) -> Option<f64> {
    metrics.iter().find(|(key, _)| key == metric).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests;
