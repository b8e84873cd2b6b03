//! The trials of a search: which are shown, in which order, what was best as they went, and which
//! hyperparameters count.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::rows;
use crate::screen::trials as screen;
use crate::state::{Level, Screen, Slot, State};
use crate::types::TrackingRunId;
use crate::types::metric::{Better, better};
use crate::types::view::{TrialView, TrialsView};
use crate::widget::list::ListInfo;

/// Fewer trials say nothing of what counts.
const TRIALS_MIN: usize = 5;

/// Returns the run whose trials the level is about; `None` while it is not known.
pub(crate) fn run_id(state: &State, level: &Level) -> Option<TrackingRunId> {
    match &level.screen {
        Screen::Trials(run_id) => Some(run_id.clone()),
        Screen::TaskTrials(key) => state.cache.task(key)?.tracked_runs.first().cloned(),
        _ => None,
    }
}

/// Returns the trials that the shown level is about.
pub(crate) fn shown(state: &State) -> Option<&TrialsView> {
    state.cache.trials(&run_id(state, state.level())?)
}

/// Returns the trials in the order that was chosen, else the best first.
pub(crate) fn trials<'a>(state: &'a State, level: &Level) -> Vec<&'a TrialView> {
    let view = run_id(state, level).and_then(|run_id| state.cache.trials(&run_id));
    let Some(view) = view else { return Vec::new() };
    let mut trials: Vec<&TrialView> = view.trials.iter().collect();
    trials.sort_by(|a, b| is_cut(a).cmp(&is_cut(b)).then_with(|| ranked(view, a, b)));
    screen::list(view).arrange(state, level, trials)
}

/// Returns the selected trial.
pub(crate) fn here(state: &State) -> Option<&TrialView> {
    rows::selected(state.level(), &trials(state, state.level()))
}

/// Returns what the menus of sorting and choosing columns need to know.
pub(crate) fn info(state: &State) -> Option<ListInfo> {
    Some(screen::list(shown(state)?).info(state))
}

/// Returns what is asked for again in a second, as long as the search goes on.
pub(crate) fn polled(state: &State, level: &Level) -> Vec<Slot> {
    if let Screen::TaskTrials(key) = &level.screen
        && run_id(state, level).is_none()
    {
        return vec![Slot::Task(key.clone())];
    }
    let going = shown(state).filter(|view| view.run.status == "RUNNING");
    going.map(|view| Slot::Trials(view.run.run_id.clone())).into_iter().collect()
}

/// Returns the metric that the trials are judged by.
pub(crate) fn metric(view: &TrialsView) -> Option<&str> {
    view.run.nested.as_ref()?.metric.as_deref()
}

/// Says whether less of the metric is better; unknown, more is.
fn is_less(view: &TrialsView) -> bool {
    metric(view).and_then(better) == Some(Better::Less)
}

/// Says whether a trial did not come to its end.
pub(crate) fn is_cut(trial: &TrialView) -> bool {
    trial.is_pruned || matches!(trial.status.as_str(), "FAILED" | "KILLED")
}

/// Orders trials, the better one first, those without a value last.
fn ranked(view: &TrialsView, a: &TrialView, b: &TrialView) -> Ordering {
    match (a.value, b.value) {
        (Some(a), Some(b)) if is_less(view) => a.total_cmp(&b),
        (Some(a), Some(b)) => b.total_cmp(&a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.number.cmp(&b.number),
    }
}

/// Returns the trials that count: whole, and with a value.
fn whole(view: &TrialsView) -> impl Iterator<Item = (&TrialView, f64)> {
    view.trials.iter().filter(|trial| !is_cut(trial)).filter_map(|t| Some((t, t.value?)))
}

/// Returns the best trial with its value, of equals the first.
pub(crate) fn best(view: &TrialsView) -> Option<(&TrialView, f64)> {
    whole(view).reduce(|best, next| {
        let is_better = if is_less(view) { next.1 < best.1 } else { next.1 > best.1 };
        if is_better { next } else { best }
    })
}

/// Returns the line of the best value so far, as steps over the numbers of the trials.
pub(crate) fn best_so_far(view: &TrialsView) -> Vec<(f64, f64)> {
    let mut line: Vec<(f64, f64)> = Vec::new();
    for (trial, value) in whole(view) {
        let x = trial.number as f64;
        let best = line.last().map(|(_, best)| *best);
        let is_better =
            best.is_none_or(|best| if is_less(view) { value < best } else { value > best });
        if is_better {
            line.extend(best.map(|best| (x, best)));
            line.push((x, value));
        }
    }
    if let (Some(last), Some((_, best))) = (view.trials.last(), line.last().copied()) {
        line.push((last.number as f64, best));
    }
    line
}

/// Returns what a trial was given for a hyperparameter.
pub(crate) fn given<'a>(trial: &'a TrialView, param: &str) -> Option<&'a str> {
    trial.params.iter().find(|(name, _)| name == param).map(|(_, value)| value.as_str())
}

/// Returns the hyperparameters that differ between trials, by name.
pub(crate) fn params(view: &TrialsView) -> Vec<&str> {
    let mut seen: BTreeMap<&str, (&str, bool)> = BTreeMap::new();
    for (name, value) in view.trials.iter().flat_map(|trial| &trial.params) {
        let known = seen.entry(name).or_insert((value, false));
        known.1 |= known.0 != value;
    }
    seen.into_iter().filter(|(_, (_, differs))| *differs).map(|(name, _)| name).collect()
}

/// Returns the hyperparameter that trials are drawn over: the chosen one, else what counts most.
pub(crate) fn drawn_over<'a>(state: &State, view: &'a TrialsView) -> Option<&'a str> {
    let params = params(view);
    let chosen = state.lab.drawn_over.as_deref();
    let chosen = chosen.and_then(|chosen| params.iter().find(|name| **name == chosen).copied());
    let most = || weights(view).first().map(|weight| weight.param);
    chosen.or_else(most).or_else(|| params.first().copied())
}

/// Says whether all values of a hyperparameter are numbers.
pub(crate) fn is_number(view: &TrialsView, param: &str) -> bool {
    let mut values = view.trials.iter().filter_map(|trial| given(trial, param));
    values.all(|value| value.parse::<f64>().is_ok_and(f64::is_finite))
}

/// How much a hyperparameter counts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weight<'a> {
    pub(crate) param: &'a str,
    /// 0 to 1: how well the order of the trials follows from it alone.
    pub(crate) share: f64,
    /// Of numbers: whether more of it is better.
    pub(crate) more_is_better: Option<bool>,
}

/// Returns how much each hyperparameter counts, the one that counts most first: of numbers the
/// rank correlation with the metric, of words the part of the ranks' spread that lies between
/// them. Empty where too few trials are whole.
pub(crate) fn weights(view: &TrialsView) -> Vec<Weight<'_>> {
    let trials: Vec<(&TrialView, f64)> = whole(view).collect();
    if trials.len() < TRIALS_MIN {
        return Vec::new();
    }
    let mut weights: Vec<Weight<'_>> =
        params(view).into_iter().filter_map(|param| weight(view, &trials, param)).collect();
    weights.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.param.cmp(b.param)));
    weights
}

fn weight<'a>(
    view: &TrialsView,
    trials: &[(&TrialView, f64)],
    param: &'a str,
) -> Option<Weight<'a>> {
    let known: Vec<(&str, f64)> =
        trials.iter().filter_map(|(trial, value)| Some((given(trial, param)?, *value))).collect();
    if known.len() < TRIALS_MIN {
        return None;
    }
    let values: Vec<f64> = known.iter().map(|(_, value)| *value).collect();
    let ranks = ranks(&values);
    if is_number(view, param) {
        let given: Vec<f64> = known.iter().filter_map(|(text, _)| text.parse().ok()).collect();
        let rho = correlation(&self::ranks(&given), &ranks)?;
        let more_is_better = Some((rho < 0.0) == is_less(view));
        return Some(Weight { param, share: rho.abs(), more_is_better });
    }
    let mut groups: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for ((text, _), rank) in known.iter().zip(&ranks) {
        groups.entry(text).or_default().push(*rank);
    }
    let mean = mean(&ranks);
    let all: f64 = ranks.iter().map(|rank| (rank - mean).powi(2)).sum();
    let between: f64 =
        groups.values().map(|group| group.len() as f64 * (self::mean(group) - mean).powi(2)).sum();
    let share = (between / all).sqrt();
    share.is_finite().then_some(Weight { param, share, more_is_better: None })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Returns the rank of each value; equals share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    while first < order.len() {
        let same = order[first..].iter().take_while(|at| values[**at] == values[order[first]]);
        let last = first + same.count().max(1);
        let shared = (first + last - 1) as f64 / 2.0;
        order[first..last].iter().for_each(|at| ranks[*at] = shared);
        first = last;
    }
    ranks
}

fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let (mean_a, mean_b) = (mean(a), mean(b));
    let pairs = || a.iter().zip(b).map(|(a, b)| (a - mean_a, b - mean_b));
    let both: f64 = pairs().map(|(a, b)| a * b).sum();
    let size: f64 =
        pairs().map(|(a, _)| a * a).sum::<f64>() * pairs().map(|(_, b)| b * b).sum::<f64>();
    (size > 0.0).then(|| both / size.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::lab::search;

    #[test]
    fn the_best_so_far_goes_down_in_steps_and_passes_over_what_was_cut() {
        let view = search(9);
        let line = best_so_far(&view);
        assert!(
            line.windows(2).all(|two| two[0].0 <= two[1].0 && two[0].1 >= two[1].1),
            "{line:?}"
        );
        assert_eq!(line.last().unwrap().0, 9.0);
        let (best, value) = best(&view).unwrap();
        assert_eq!(line.last().unwrap().1, value);
        let cut = view.trials.iter().find(|trial| trial.is_pruned).unwrap();
        assert_ne!(best.run_id, cut.run_id);
    }

    #[test]
    fn what_the_order_follows_from_counts_most() {
        let mut view = search(12);
        for trial in &mut view.trials {
            let n = trial.number as f64;
            (trial.is_pruned, trial.status) = (false, "FINISHED".to_owned());
            trial.value = Some(n);
            let kind = if n < 7.0 { "a" } else { "b" };
            let chance = (trial.number * 7 % 5).to_string();
            trial.params = vec![
                ("depth".into(), (20.0 - n).to_string()),
                ("kind".into(), kind.into()),
                ("seed".into(), chance),
                ("same".into(), "1".into()),
            ];
        }
        let weights = weights(&view);
        let names: Vec<&str> = weights.iter().map(|weight| weight.param).collect();
        assert_eq!(names, ["depth", "kind", "seed"]);
        // The loss grows as the depth falls.
        assert!((weights[0].share - 1.0).abs() < 1e-9 && weights[0].more_is_better == Some(true));
        assert!(weights[1].share > 0.8 && weights[1].more_is_better.is_none());
        assert!(weights[2].share < 0.5);
        view.trials.truncate(4);
        assert!(super::weights(&view).is_empty());
    }

    #[test]
    fn equal_values_share_a_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [2.5, 0.0, 2.5, 1.0]);
    }
}
