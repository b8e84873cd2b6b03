//! The tracked runs of an experiment: a column for each metric, param and tag that is wanted.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::keymap::with_keys;
use crate::rows::{self, tracking};
use crate::screen::experiments::{main_metrics, metric, metric_rank};
use crate::screen::{filtered_out, missing};
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::metric::{Better, better};
use crate::types::search::Subject;
use crate::types::view::TrackingRunView;
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position, right};

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
    let runs = rows::tracking_runs(state, level, name);
    let selected = rows::place(level, &runs);
    let list = list(state, all.unwrap_or_default());
    let loaded = all.map_or(0, <[_]>::len);
    let mut title = list.title(state, level, runs.len(), loaded);
    if tracking::is_filter(&level.filter) {
        title = title.replacen(" · filter ", " · MLflow filter ", 1);
    }
    title = title.replacen("Runs", &format!("Runs of {name}"), 1);
    let mut note = position(selected, runs.len());
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
        Some([]) if query.filter.is_empty() => {
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
    let query = tracking::query_of(state, "", name);
    match state.cache.tracking_runs(&query) {
        None => missing(buf, inside, state, &Slot::TrackingRuns(query)),
        Some([]) => {
            let how = "ml.train tasks log theirs to the experiment that they name";
            paint::empty(buf, inside, "No runs in this experiment", how);
        }
        Some(all) => {
            let runs: Vec<&TrackingRunView> = all.iter().collect();
            list(state, all).draw(buf, inside, state, &runs, &Shown::BESIDE);
        }
    }
}

/// Describes the list of runs by what they have logged.
pub(crate) fn list(state: &State, runs: &[TrackingRunView]) -> List<'static, TrackingRunView> {
    let (dim, plain) = (theme::DIM, theme::PLAIN);
    let best = tracking::best(state, runs).map(|run| run.run_id.clone());
    let baseline = state.lab.baseline.clone();
    let list = List::new(tracking::LIST, "Runs", |run: &TrackingRunView| run.run_id.to_string())
        .words(words)
        .field(Field::new("best", fixed("", 1, 0), move |_, run: &TrackingRunView| {
            match (best.as_ref() == Some(&run.run_id), baseline.as_ref() == Some(&run.run_id)) {
                (true, _) => paint::line("★", theme::KEY),
                (false, true) => paint::line("Δ", theme::ACCENT),
                (false, false) => Line::default(),
            }
        }))
        .field(
            Field::new("status", fixed("S", 1, 0), |_, run: &TrackingRunView| {
                Line::from(paint::glyph(theme::tracking_mark(&run.status)))
            })
            .sorted(|_, run| Value::text(&run.status)),
        )
        .field(
            Field::new("run", growing("RUN", 18, 0), move |_, run: &TrackingRunView| {
                paint::line(&run.run_name, plain)
            })
            .sorted(|_, run| Value::text(&run.run_name)),
        );
    let list = with_figures(list, state, runs);
    list.field(Field::new("from", growing("FROM", 10, 9), move |_, run: &TrackingRunView| {
        let tag = run.tags.iter().find(|(key, _)| key == "mlflow.source.name");
        paint::line(tag.map_or("—", |(_, value)| value), dim)
    }))
    .field(
        Field::new("started", right("STARTED", 8, 0), move |look, run: &TrackingRunView| {
            paint::line(text::ago(look.state.now, run.start_time), plain)
        })
        .sorted_down(|_, run| Value::time(run.start_time)),
    )
    .field(Field::new("took", right("TOOK", 6, 3), move |look, run: &TrackingRunView| {
        let end = run.end_time.unwrap_or(look.state.now);
        paint::line(text::duration(text::seconds(run.start_time, end)), dim)
    }))
}

/// Adds a column for each metric, param and tag; those that say most are shown by themselves.
fn with_figures(
    mut list: List<'static, TrackingRunView>,
    state: &State,
    runs: &[TrackingRunView],
) -> List<'static, TrackingRunView> {
    let shown_metrics = main_metrics(runs.iter().map(|run| run.metrics.as_slice()));
    let mut metrics =
        names(runs, |run| run.metrics.iter().map(|(name, _)| name.as_str()).collect());
    metrics.sort_by_key(|name| (!shown_metrics.contains(name), metric_rank(name)));
    let params = names(runs, |run| run.params.iter().map(|(name, _)| name.as_str()).collect());
    let shown_params = telling(runs, &params, state.size.width);
    let tags = names(runs, |run| run.tags.iter().map(|(name, _)| name.as_str()).collect());
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
    let told = tags.into_iter().filter(|name| !name.ends_with("signature"));
    for name in told.take(left) {
        list = list.field(text_field(&Subject::Tag(name), false));
    }
    list
}

fn names(runs: &[TrackingRunView], of: impl Fn(&TrackingRunView) -> Vec<&str>) -> Vec<String> {
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
fn telling(runs: &[TrackingRunView], params: &[String], width: u16) -> Vec<String> {
    let value = |run: &TrackingRunView, name: &str| {
        run.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    };
    let differs =
        |name: &&String| runs.windows(2).any(|pair| value(&pair[0], name) != value(&pair[1], name));
    let mut telling: Vec<String> = params.iter().filter(|name| *name == "model").cloned().collect();
    if width >= 120 {
        let others = params.iter().filter(|name| *name != "model").filter(differs);
        telling.extend(others.take(if width >= 160 { PARAMS_SHOWN } else { 1 }).cloned());
    }
    telling
}

fn metric_field(name: String, at: usize, is_shown: bool) -> Field<'static, TrackingRunView> {
    let subject = Subject::Metric(name.clone()).to_string();
    let rank = 2 + u8::try_from(at).unwrap_or(9).min(9);
    let is_less = better(&name) == Some(Better::Less);
    let (title, sorted) = (name.clone(), name.clone());
    let field = Field::new(subject, right("", 9, rank), move |_, run: &TrackingRunView| {
        paint::line(metric(&run.metrics, &name), theme::PLAIN)
    })
    .titled(title);
    let value = move |_: &State, run: &TrackingRunView| {
        let found = run.metrics.iter().find(|(key, _)| *key == sorted);
        Value::number(found.map(|(_, value)| *value).filter(|value| value.is_finite()))
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
