//! Which tracked runs are shown, what a run is made of row by row, and which of its metrics make
//! charts.

use std::collections::BTreeSet;

use crate::screen::experiments::main_metrics;
use crate::state::lab::TrackingQuery;
use crate::state::{Level, State};
use crate::types::TrackingRunId;
use crate::types::ask::Nesting;
use crate::types::metric::{Better, better, rank};
use crate::types::search::{self, Mistake, Order, Subject};
use crate::types::view::{MetricHistoryView, TrackingRunView};
use crate::widget::chart::{SERIES_MAX, Series, smooth};

pub(crate) mod tree;

pub(crate) use tree::{Branch, branches};

/// Metrics whose histories are fetched for one run.
pub(crate) const HISTORIES_MAX: usize = 32;

/// The files that have a drawing of their own.
pub(crate) const CONFUSION: &str = "confusion_matrix.json";
pub(crate) const ROC: &str = "roc_curve.json";
pub(crate) const CALIBRATION: &str = "calibration_curve.json";
pub(crate) const PRECISION: &str = "precision_recall_curve.json";
pub(crate) const IMPORTANCE: &str = "feature_importance.json";
pub(crate) const PERMUTATION: &str = "permutation_importance.json";
pub(crate) const SHAP: &str = "shap_importance.json";
pub(crate) const SLICES: &str = "slices.json";

/// What the list of tracked runs is remembered by.
pub(crate) const LIST: &str = "tracked runs";

/// Says whether a text is to be understood as a filter of MLflow's, right or wrong, and not as
/// plain words.
pub(crate) fn is_filter(text: &str) -> bool {
    !text.trim().is_empty() && (search::filter(text).is_ok() || search::is_meant(text))
}

/// Returns what is wrong with a text that is meant as a filter.
pub(crate) fn mistake(text: &str) -> Option<Mistake> {
    if is_filter(text) { search::filter(text).err() } else { None }
}

/// Returns which runs of an experiment are shown on a level: those at the top, or, where they are
/// looked for, wherever they hang.
pub(crate) fn query(state: &State, level: &Level, experiment: &str) -> TrackingQuery {
    let is_flat = state.lab.is_flat || !level.filter.trim().is_empty();
    let nesting = if is_flat { Nesting::All } else { Nesting::Top };
    query_of(state, (&level.filter, nesting), experiment)
}

/// Returns the runs of an experiment that are shown while it is only selected.
pub(crate) fn preview(state: &State, experiment: &str) -> TrackingQuery {
    query_of(state, ("", Nesting::Top), experiment)
}

fn query_of(state: &State, (filter, nesting): (&str, Nesting), experiment: &str) -> TrackingQuery {
    let is_good = !filter.trim().is_empty() && search::filter(filter).is_ok();
    let sort = state.lists.of(LIST).sort.as_ref();
    let order_by = sort.and_then(|sort| {
        let subject = match sort.field.as_str() {
            "run" => "run_name".to_owned(),
            "started" => "start_time".to_owned(),
            other => other.to_owned(),
        };
        let subject = search::order(&subject).ok()?.subject;
        Some(Order { subject, is_descending: sort.is_descending }.to_string())
    });
    state.lab.paged(TrackingQuery {
        experiment: experiment.to_owned(),
        filter: if is_good { filter.trim().to_owned() } else { String::new() },
        order_by: order_by.into_iter().collect(),
        nesting,
        offset: 0,
    })
}

/// Returns the best of some runs by the metric that they are sorted by, else by the first that
/// says most, where it is known which way is better.
pub(crate) fn best<'a>(state: &State, runs: &[&'a TrackingRunView]) -> Option<&'a TrackingRunView> {
    let sorted = state.lists.of(LIST).sort.as_ref();
    let sorted = sorted.and_then(|sort| match search::order(&sort.field).ok()?.subject {
        Subject::Metric(name) => Some(name),
        _ => None,
    });
    let main = || main_metrics(runs.iter().map(|run| run.metrics.as_slice())).into_iter().next();
    let metric = sorted.or_else(main)?;
    let way = better(&metric)?;
    let value = |run: &'a TrackingRunView| {
        let found = run.metrics.iter().find(|(name, _)| *name == metric)?;
        Some((found.1, run)).filter(|(value, _)| value.is_finite())
    };
    let known: Vec<(f64, &TrackingRunView)> = runs.iter().copied().filter_map(value).collect();
    if known.len() < 2 {
        return None;
    }
    let by_value = |a: &&(f64, &TrackingRunView), b: &&(f64, &TrackingRunView)| a.0.total_cmp(&b.0);
    // Of equals the first.
    match way {
        Better::More => known.iter().rev().max_by(by_value),
        Better::Less => known.iter().min_by(by_value),
    }
    .map(|(_, run)| *run)
}

/// One row of a run's page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fact<'a> {
    Metric(&'a str, f64),
    Param(&'a str, &'a str),
    Tag(&'a str, &'a str),
    Artifact(&'a str, u64),
}

impl Fact<'_> {
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Metric(name, _) => format!("metric {name}"),
            Self::Param(name, _) => format!("param {name}"),
            Self::Tag(name, _) => format!("tag {name}"),
            Self::Artifact(path, _) => format!("artifact {path}"),
        }
    }
}

/// Returns the rows of a run's page: metrics, those that say most first, params, artifacts, tags.
pub(crate) fn facts(run: &TrackingRunView) -> Vec<Fact<'_>> {
    let metrics = ranked(run).into_iter().map(|(name, value)| Fact::Metric(name, *value));
    let params = run.params.iter().map(|(name, value)| Fact::Param(name, value));
    let artifacts = run.artifacts.iter().map(|(path, size)| Fact::Artifact(path, *size));
    let tags = run.tags.iter().map(|(name, value)| Fact::Tag(name, value));
    metrics.chain(params).chain(artifacts).chain(tags).collect()
}

fn ranked(run: &TrackingRunView) -> Vec<&(String, f64)> {
    let mut metrics: Vec<&(String, f64)> = run.metrics.iter().collect();
    metrics.sort_by_key(|(name, _)| rank(name));
    metrics
}

/// Returns the metrics of a run whose histories are wanted: what is learnt in rounds first.
pub(crate) fn wanted_histories(run: &TrackingRunView) -> Vec<&str> {
    let mut names: Vec<&str> = ranked(run).into_iter().map(|(name, _)| name.as_str()).collect();
    names.sort_by_key(|name| !name.contains('-') && !name.ends_with("_fold"));
    names.truncate(HISTORIES_MAX);
    names
}

/// Several lines that belong into one chart.
#[derive(Debug, Clone)]
pub(crate) struct Plot {
    pub(crate) title: String,
    pub(crate) series: Vec<Series>,
    /// What each series is called.
    pub(crate) names: Vec<String>,
    /// The x axis is seconds, not steps.
    pub(crate) is_time: bool,
}

/// Returns the charts of some runs: of one run, metrics of the same name but for `train-` and
/// `test-` in one chart; of several, a chart for each metric that they have in common.
pub(crate) fn plots(state: &State, runs: &[&TrackingRunView]) -> Vec<Plot> {
    match runs {
        [run] => of_one(state, run),
        runs => of_many(state, runs),
    }
}

/// Returns the name of a metric without the set it was measured on, and that set.
fn parted(name: &str) -> (&str, Option<&str>) {
    match name.split_once('-') {
        Some((set, rest)) if !rest.is_empty() => (rest, Some(set)),
        _ => (name, None),
    }
}

fn of_one(state: &State, run: &TrackingRunView) -> Vec<Plot> {
    let wanted = wanted_histories(run);
    let titles = in_order(wanted.iter().map(|name| parted(name).0));
    let mut plots = Vec::new();
    for title in titles {
        let members = wanted.iter().filter(|name| parted(name).0 == title).take(SERIES_MAX);
        let histories = members.filter_map(|name| history(state, &run.run_id, name));
        let lines: Vec<_> = histories
            .map(|history| (parted(&history.key).1.unwrap_or(&history.key).to_owned(), history))
            .collect();
        plots.extend(plot(state, title, lines));
    }
    plots
}

fn of_many(state: &State, runs: &[&TrackingRunView]) -> Vec<Plot> {
    let Some(first) = runs.first() else { return Vec::new() };
    let mut plots = Vec::new();
    for name in wanted_histories(first) {
        let runs = runs.iter().take(SERIES_MAX);
        let lines: Vec<_> = runs
            .filter_map(|run| Some((run.run_name.clone(), history(state, &run.run_id, name)?)))
            .collect();
        if lines.len() > 1 {
            plots.extend(plot(state, name, lines));
        }
    }
    plots
}

fn in_order<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    names.filter(|name| seen.insert(*name)).collect()
}

fn history<'a>(state: &'a State, run: &TrackingRunId, key: &str) -> Option<&'a MetricHistoryView> {
    state.cache.metric(&(run.clone(), key.to_owned()))
}

/// Makes a chart of histories that are more than one value.
fn plot(state: &State, title: &str, lines: Vec<(String, &MetricHistoryView)>) -> Option<Plot> {
    if lines.iter().all(|(_, history)| history.points.len() < 2) {
        return None;
    }
    let view = &state.lab.chart;
    // What was logged at once has no time axis.
    let lasts = |history: &MetricHistoryView| {
        let ends = history.points.first().zip(history.points.last());
        ends.is_some_and(|(first, last)| first.timestamp != last.timestamp)
    };
    let is_time = view.by_time && lines.iter().any(|(_, history)| lasts(history));
    let mut series = Vec::new();
    let mut names = Vec::new();
    for (at, (name, history)) in lines.into_iter().enumerate() {
        let begin = history.points.first().map(|point| point.timestamp);
        let x = |point: &crate::types::view::MetricPointView| match begin.filter(|_| is_time) {
            Some(begin) => crate::text::seconds(begin, point.timestamp),
            None => point.step as f64,
        };
        let points: Vec<(f64, f64)> =
            history.points.iter().map(|point| (x(point), point.value)).collect();
        let letter = char::from(b'a' + u8::try_from(at).unwrap_or(0));
        let points = smooth(&points, view.smoothing());
        series.push(Series { look: at, letter: Some(letter), mark: None, points });
        names.push(name);
    }
    Some(Plot { title: title.to_owned(), series, names, is_time })
}
