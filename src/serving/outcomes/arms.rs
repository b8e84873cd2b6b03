//! What outcomes come to for each version, and which is better.
//!
//! Two versions are compared over the hours in which both predicted what truth is known of: what
//! one answered on another day, to other people, says nothing of the other.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::ml::arms::{Arm, Figure, OUTCOMES_MIN, Standing};
use crate::store::serving::outcome::{Hour, Metric, Outcome};
use crate::types::serving::{ArmView, VerdictView};

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;
/// Versions that are told of, those with the latest outcomes.
const VERSIONS_MAX: usize = 4;
/// A difference of which the chance is smaller is told from it.
const LEVEL: f64 = 0.05;

type Hours = BTreeMap<i64, Arm>;

/// The sums of all models.
#[derive(Debug, Default)]
pub(crate) struct Arms(Mutex<BTreeMap<(String, Metric, u32), Hours>>);

impl Arms {
    /// Takes up what was kept.
    pub(crate) fn restore(&self, kept: Vec<Hour>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for Hour { model, metric, version, hour, outcomes, total, total_sq } in kept {
            let arm = Arm { outcomes, total, total_sq };
            all.entry((model, metric, version)).or_default().insert(hour, arm);
        }
    }

    /// Adds one that counts.
    pub(crate) fn add(&self, outcome: &Outcome) {
        let key = (outcome.model.clone(), outcome.metric, outcome.version);
        let hour = outcome.predicted_at.as_millisecond().div_euclid(HOUR_MS);
        let score = outcome.score;
        let arm = Arm { outcomes: 1, total: score, total_sq: score * score };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(key).or_default().entry(hour).or_default().add(arm);
    }

    /// Tells of a model's versions; `main` is the one with most of the traffic.
    pub(crate) fn view(&self, model: &str, main: Option<u32>) -> (Vec<ArmView>, Vec<VerdictView>) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut arms, mut verdicts) = (Vec::new(), Vec::new());
        for metric in [Metric::Accuracy, Metric::AbsoluteError, Metric::Reward] {
            let of = all
                .iter()
                .filter(|((name, of, _), _)| name == model && *of == metric)
                .map(|((_, _, version), hours)| (*version, hours));
            let mut versions: Vec<(u32, &Hours)> = of.collect();
            versions.sort_by_key(|(version, hours)| {
                (Some(*version) != main, std::cmp::Reverse(hours.keys().next_back().copied()))
            });
            versions.truncate(VERSIONS_MAX);
            for (version, hours) in &versions {
                arms.extend(told(*version, metric, sum(hours.values())));
            }
            let Some((against, theirs)) = versions.first() else { continue };
            for (version, own) in &versions[1..] {
                let both = |hour: &&i64| theirs.contains_key(*hour) && own.contains_key(*hour);
                let hours: Vec<i64> = own.keys().filter(both).copied().collect();
                let pair = (sum_at(own, &hours), sum_at(theirs, &hours));
                verdicts.push(verdict((*version, *against), metric, pair));
            }
        }
        (arms, verdicts)
    }
}

fn sum<'a>(arms: impl Iterator<Item = &'a Arm>) -> Arm {
    arms.fold(Arm::default(), |mut sum, arm| {
        sum.add(*arm);
        sum
    })
}

fn sum_at(all: &Hours, hours: &[i64]) -> Arm {
    sum(hours.iter().filter_map(|hour| all.get(hour)))
}

/// Tells the figures of a version: of values both errors that people know.
fn told(version: u32, metric: Metric, arm: Arm) -> Vec<ArmView> {
    let view = |metric: &str, value| ArmView {
        version,
        metric: metric.to_owned(),
        value,
        outcomes: arm.outcomes,
    };
    match metric {
        Metric::AbsoluteError => {
            vec![view("mae", arm.mean()), view("rmse", arm.root_mean_square())]
        }
        other => vec![view(name(other), arm.mean())],
    }
}

fn name(metric: Metric) -> &'static str {
    match metric {
        Metric::Accuracy => "accuracy",
        Metric::AbsoluteError => "mae",
        Metric::Reward => "reward",
    }
}

fn verdict(
    (version, against): (u32, u32),
    metric: Metric,
    (own, other): (Arm, Arm),
) -> VerdictView {
    let figure = match metric {
        Metric::Accuracy => Figure::Proportion,
        Metric::AbsoluteError | Metric::Reward => Figure::Mean,
    };
    let view = |verdict: &str, standing: Option<Standing>, more, text| VerdictView {
        version,
        against,
        metric: name(metric).to_owned(),
        difference: standing.map(|standing| standing.difference),
        interval: standing.map(|standing| standing.interval),
        p: standing.map(|standing| standing.p),
        verdict: verdict.to_owned(),
        more,
        text,
    };
    let Some(standing) = own.against(&other, figure) else {
        let more = OUTCOMES_MIN - own.outcomes.min(other.outcomes);
        let text = format!(
            "v{version} and v{against}: not enough yet: {} and {} outcomes of the same hours, and \
             {OUTCOMES_MIN} of each is the least",
            own.outcomes, other.outcomes
        );
        return view("unclear", None, Some(more), text);
    };
    let [least, most] = standing.interval.map(signed);
    let figures = format!(
        "{} {} against {}, {} (95 %: {least} to {most}; p {})",
        name(metric),
        rounded(own.mean()),
        rounded(other.mean()),
        signed(standing.difference),
        chance(standing.p)
    );
    if standing.p < LEVEL {
        let is_higher = standing.interval[0] > 0.0;
        let is_better = is_higher == (metric != Metric::AbsoluteError);
        let word = if is_better { "better" } else { "worse" };
        let text = format!("v{version} is {word} than v{against}: {figures}");
        return view(word, Some(standing), None, text);
    }
    let rest = match standing.more {
        Some(more) => format!("about {more} more of each would tell such a difference from chance"),
        None => format!("one of {} would be seen by now", rounded(standing.detectable)),
    };
    let text = format!("v{version} and v{against}: not to be told apart yet: {figures}; {rest}");
    view("unclear", Some(standing), standing.more, text)
}

/// Writes a figure with three places that count.
fn rounded(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        large if large >= 100.0 => format!("{value:.0}"),
        large if large >= 1.0 => format!("{value:.2}"),
        large if large >= 0.001 => format!("{value:.3}"),
        _ => format!("{value:.1e}"),
    }
}

fn signed(value: f64) -> String {
    let sign = if value > 0.0 { "+" } else { "" };
    format!("{sign}{}", rounded(value))
}

fn chance(p: f64) -> String {
    if p < 0.001 { "below 0.001".to_owned() } else { format!("{p:.3}") }
}
