//! The tracked runs of an experiment: a column for each metric, param and tag that is wanted.

use std::collections::{HashMap, HashSet};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::keymap::with_keys;
use crate::rows::tracking::Branch;
use crate::rows::tracking::tree::is_parent;
use crate::rows::{self, tracking};
use crate::screen::experiments::main_metrics;
use crate::screen::{filtered_out, missing};
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::TrackingRunId;
use crate::types::metric::{Better, better, rank};
use crate::types::search::Subject;
use crate::types::view::TrackingRunView;
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position, right};

pub(crate) mod nested;

/// A tag that holds all of a trial for who goes on with its search.
const TRIAL: &str = "dagdeck.trial";

/// Columns that can be chosen, at most: the menu has a letter for each.
const FIELDS_MAX: usize = 48;

/// Params that are shown by themselves where the screen is wide.
const PARAMS_SHOWN: usize = 4;

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, name: &str) {
    let level = state.level();
    let query = tracking::query(state, level, name);
    let all = state.cache.tracking_runs(&query);
    let total = state.cache.tracking_total(&query).copied().unwrap_or(0);
    let branches = tracking::branches(state, level, name);
    let runs: Vec<&TrackingRunView> = branches.iter().map(|branch| branch.run).collect();
    let selected = rows::place(level, &runs);
    let there = tracking::tree::loaded(state, level, name);
    let list = list(state, &there);
    let mut title = list.title(state, level, runs.len(), there.len());
    if tracking::is_filter(&level.filter) {
        title = title.replacen(" · filter ", " · MLflow filter ", 1);
    }
    title = title.replacen("Runs", &format!("Runs of {name}"), 1);
    if state.lab.is_flat {
        title.push_str(" · flat");
    }
    let mut note = position(selected, runs.len());
    let loaded = all.map_or(0, <[_]>::len);
    if total > loaded as u64 {
        let first = u64::from(query.offset) + 1;
        let last = first + loaded as u64 - 1;
        let place = position(selected, runs.len());
        note =
            with_keys!(state, "{place} · {first}–{last} of {total} {} {}", PageBefore, PageAfter);
    }
    let inside = paint::panel(buf, area, &title, &note, true);
    match all {
        None => missing(buf, inside, state, &Slot::TrackingRuns(query)),
        Some([]) if level.filter.is_empty() => {
            paint::empty(
                buf,
                inside,
                "No runs in this experiment",
                "ml.train tasks log theirs here",
            );
        }
        Some(_) if runs.is_empty() => {
            filtered_out(buf, inside, state, "No run passes the filter");
        }
        Some(_) => list.draw(buf, inside, state, &runs, &Shown::focused(level, selected)),
    }
}

/// Draws the runs of the experiment that is selected in a list of them.
pub(crate) fn draw_preview(buf: &mut Buffer, area: Rect, state: &State, name: &str) {
    let note = with_keys!(state, "{} opens", Open);
    let inside = paint::panel(buf, area, &format!("Runs of {name}"), &note, false);
    let query = tracking::preview(state, name);
    match state.cache.tracking_runs(&query) {
        None => missing(buf, inside, state, &Slot::TrackingRuns(query)),
        Some([]) => {
            let how = "ml.train tasks log theirs to the experiment that they name";
            paint::empty(buf, inside, "No runs in this experiment", how);
        }
        Some(all) => {
            let branches: Vec<Branch<'_>> = all.iter().map(Branch::alone).collect();
            let runs: Vec<&TrackingRunView> = all.iter().collect();
            list(state, &branches).draw(buf, inside, state, &runs, &Shown::BESIDE);
        }
    }
}

/// Describes the list of runs by what they have logged.
pub(crate) fn list(state: &State, branches: &[Branch<'_>]) -> List<'static, TrackingRunView> {
    let dim = theme::DIM;
    let marks = Marks::of(state, branches);
    let list = List::new(tracking::LIST, "Runs", |run: &TrackingRunView| run.run_id.to_string())
        .words(words)
        .field(Field::new("best", fixed("", 1, 0), move |_, run: &TrackingRunView| {
            marks.of_run(run)
        }))
        .field(
            Field::new("status", fixed("S", 1, 0), |_, run: &TrackingRunView| {
                Line::from(paint::glyph(nested::mark(run)))
            })
            .sorted(|_, run| Value::text(&run.status)),
        );
    let list = with_names(list, branches);
    let list = if branches.iter().any(|branch| branch.run.nested.is_some()) {
        list.field(nested::field(state.size.width))
    } else {
        list
    };
    let list = with_figures(list, state, branches);
    list.field(Field::new("from", growing("FROM", 10, 9), move |_, run: &TrackingRunView| {
        let tag = run.tags.iter().find(|(key, _)| key == "mlflow.source.name");
        paint::line(tag.map_or("—", |(_, value)| value), dim)
    }))
    .field(
        Field::new("started", right("STARTED", 8, 0), move |look, run: &TrackingRunView| {
            paint::line(text::ago(look.state.now, run.start_time), theme::PLAIN)
        })
        .sorted_down(|_, run| Value::time(run.start_time)),
    )
    .field(Field::new("took", right("TOOK", 6, 3), move |look, run: &TrackingRunView| {
        let end = run.end_time.unwrap_or(look.state.now);
        paint::line(text::duration(text::seconds(run.start_time, end)), dim)
    }))
}

/// Which runs are marked: the best at the top, the best under each run, the baseline.
struct Marks {
    best: HashSet<TrackingRunId>,
    baseline: Option<TrackingRunId>,
}

impl Marks {
    fn of(state: &State, branches: &[Branch<'_>]) -> Self {
        let top: Vec<&TrackingRunView> =
            branches.iter().filter(|branch| branch.depth == 0).map(|branch| branch.run).collect();
        let nested = branches.iter().filter_map(|branch| branch.run.nested.as_ref()?.best.as_ref());
        let best = tracking::best(state, &top).map(|run| run.run_id.clone());
        let best = best.into_iter().chain(nested.map(|(_, run_id)| run_id.clone()));
        Self { best: best.collect(), baseline: state.lab.baseline.clone() }
    }

    fn of_run(&self, run: &TrackingRunView) -> Line<'static> {
        match (self.best.contains(&run.run_id), self.baseline.as_ref() == Some(&run.run_id)) {
            (true, _) => paint::line("★", theme::KEY),
            (false, true) => paint::line("Δ", theme::ACCENT),
            (false, false) => Line::default(),
        }
    }
}

/// Adds the column of names, each below the run that it hangs under and a little to its right.
fn with_names(
    list: List<'static, TrackingRunView>,
    branches: &[Branch<'_>],
) -> List<'static, TrackingRunView> {
    let place = |branch: &Branch<'_>| (branch.run.run_id.clone(), (branch.depth, branch.is_open));
    let places: HashMap<TrackingRunId, (u16, bool)> = branches.iter().map(place).collect();
    let is_tree = branches.iter().any(|branch| branch.depth > 0 || is_parent(branch.run));
    list.field(
        Field::new("run", growing("RUN", 18, 0), move |look, run: &TrackingRunView| {
            let (depth, is_open) = places.get(&run.run_id).copied().unwrap_or_default();
            let mut spans = vec![Span::raw("  ".repeat(usize::from(depth)))];
            if is_tree {
                let fold = match (is_parent(run), is_open) {
                    (false, _) => "  ",
                    (true, false) => "▸ ",
                    (true, true) => "▾ ",
                };
                spans.push(paint::span(fold, theme::ACCENT));
            }
            // Runs under one run are told apart by the ends of their names.
            let room = usize::from(look.width).saturating_sub(Line::from(spans.clone()).width());
            spans.push(paint::span(text::cut_middle(&run.run_name, room), theme::PLAIN));
            Line::from(spans)
        })
        .sorted(|_, run| Value::text(&run.run_name)),
    )
}

/// Adds a column for each metric, param and tag; those that say most are shown by themselves: what
/// searches are judged by, then the main metrics of the runs at the top.
fn with_figures(
    mut list: List<'static, TrackingRunView>,
    state: &State,
    branches: &[Branch<'_>],
) -> List<'static, TrackingRunView> {
    let runs: Vec<&TrackingRunView> = branches.iter().map(|branch| branch.run).collect();
    let top = branches.iter().filter(|branch| branch.depth == 0);
    let mut shown_metrics = nested::judged_by(&runs);
    for name in main_metrics(top.map(|branch| branch.run.metrics.as_slice())) {
        if !shown_metrics.contains(&name) {
            shown_metrics.push(name);
        }
    }
    let mut metrics = shown_metrics.clone();
    let others = names(&runs, |run| run.metrics.iter().map(|(name, _)| name.as_str()).collect());
    let mut others: Vec<String> =
        others.into_iter().filter(|name| !shown_metrics.contains(name)).collect();
    others.sort_by_key(|name| rank(name));
    metrics.extend(others);
    let params = names(&runs, |run| run.params.iter().map(|(name, _)| name.as_str()).collect());
    let shown_params = telling(&runs, &params, state.size.width);
    let tags = names(&runs, |run| run.tags.iter().map(|(name, _)| name.as_str()).collect());
    let mut left = FIELDS_MAX;
    for (at, name) in metrics.into_iter().take(left).enumerate() {
        left -= 1;
        let is_shown = shown_metrics.contains(&name);
        list = list.field(metric_field(name, at, is_shown));
    }
    for name in params.into_iter().take(left) {
        left -= 1;
        let is_shown = shown_params.contains(&name);
        list = list.field(text_field(&Subject::Param(name), is_shown));
    }
    let told = tags.into_iter().filter(|name| !name.ends_with("signature") && name != TRIAL);
    for name in told.take(left) {
        list = list.field(text_field(&Subject::Tag(name), false));
    }
    list
}

fn names(runs: &[&TrackingRunView], of: impl Fn(&TrackingRunView) -> Vec<&str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for run in runs {
        for name in of(run) {
            if !names.iter().any(|other| other == name) {
                names.push(name.to_owned());
            }
        }
    }
    names
}

/// Returns the params that tell runs apart: the model first, then those that differ.
fn telling(runs: &[&TrackingRunView], params: &[String], width: u16) -> Vec<String> {
    let value = |run: &TrackingRunView, name: &str| {
        run.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    };
    let differs =
        |name: &&String| runs.windows(2).any(|pair| value(pair[0], name) != value(pair[1], name));
    let mut telling: Vec<String> = params.iter().filter(|name| *name == "model").cloned().collect();
    if width >= 120 {
        let others = params.iter().filter(|name| *name != "model").filter(differs);
        telling.extend(others.take(if width >= 160 { PARAMS_SHOWN } else { 1 }).cloned());
    }
    telling
}

fn metric_field(name: String, at: usize, is_shown: bool) -> Field<'static, TrackingRunView> {
    let subject = Subject::Metric(name.clone()).to_string();
    let rank = 1 + u8::try_from(at).unwrap_or(9).min(9);
    let is_less = better(&name) == Some(Better::Less);
    let title = nested::short(&name);
    let width = u16::try_from(text::width(&title)).unwrap_or(9).clamp(9, 14);
    let sorted = name.clone();
    let field = Field::new(subject, right("", width, rank), move |_, run: &TrackingRunView| {
        match nested::figure(run, &name) {
            Some((value, false)) => paint::line(text::figure(value), theme::PLAIN),
            // Not its own, but the best of what hangs under it.
            Some((value, true)) => paint::line(text::figure(value), theme::ACCENT),
            None => paint::line("—", theme::DIM),
        }
    })
    .titled(title);
    let value = move |_: &State, run: &TrackingRunView| {
        let found = nested::figure(run, &sorted).map(|(value, _)| value);
        Value::number(found.filter(|value| value.is_finite()))
    };
    let field = if is_less { field.sorted(value) } else { field.sorted_down(value) };
    if is_shown { field } else { field.extra() }
}

fn text_field(subject: &Subject, is_shown: bool) -> Field<'static, TrackingRunView> {
    let (is_param, name) = match subject {
        Subject::Param(name) => (true, name.clone()),
        Subject::Tag(name) => (false, name.clone()),
        Subject::Metric(_) | Subject::Dataset(_) | Subject::Attribute(_) => (false, String::new()),
    };
    let find = move |run: &TrackingRunView| {
        let pairs = if is_param { &run.params } else { &run.tags };
        pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())
    };
    let sorted = find.clone();
    let title = match subject {
        Subject::Param(name) | Subject::Tag(name) => name.clone(),
        Subject::Metric(_) | Subject::Dataset(_) | Subject::Attribute(_) => String::new(),
    };
    let rank = if title == "model" { 1 } else { 12 };
    let field =
        Field::new(subject.to_string(), growing("", 12, rank), move |_, run: &TrackingRunView| {
            match find(run) {
                Some(value) if is_param => paint::line(text::given(&value), theme::PLAIN),
                Some(value) => paint::line(value, theme::PLAIN),
                None => paint::line("—", theme::DIM),
            }
        })
        .titled(title)
        .sorted(move |_, run| sorted(run).map_or(Value::Nothing, Value::text));
    if is_shown { field } else { field.extra() }
}

/// Returns what a run is found by.
fn words(run: &TrackingRunView) -> String {
    let mut words = format!("{} {} {}", run.run_name, run.run_id, run.status);
    for (name, value) in run.params.iter().chain(&run.tags) {
        words.push_str(&format!(" {name}:{value}"));
    }
    words
}
