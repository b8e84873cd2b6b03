//! The trials of a search: how the metric went, what each trial was given, and what counts.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::rows::{self, trials};
use crate::screen::tracking_runs::nested::{bar, count, short, words};
use crate::screen::{filtered_out, missing};
use crate::state::{Screen, Slot, State};
use crate::text;
use crate::theme::{self, Mark};
use crate::types::metric::{Better, better};
use crate::types::view::{TrialView, TrialsView};
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, position, right};

mod plots;

/// Parts of the page that `tab` goes through where they do not stand side by side: the trials, and
/// what they were given.
pub(crate) const PARTS: usize = 2;

/// From this width on all parts stand side by side.
const WIDE: u16 = 120;

/// Hyperparameters that have columns.
const PARAMS_MAX: usize = 24;

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let Some(run_id) = trials::run_id(state, level) else {
        return draw_untracked(buf, area, state);
    };
    let Some(view) = state.cache.trials(&run_id) else {
        let inside = paint::panel(buf, area, "Trials", "", true);
        return missing(buf, inside, state, &Slot::Trials(run_id));
    };
    let [head, below] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    paint::put(buf, head, 0, head_line(view, area.width));
    if view.trials.is_empty() {
        let inside = paint::panel(buf, below, "Trials", "", true);
        let (what, how) = match view.run.status.as_str() {
            "RUNNING" => ("No trial is over yet", "each is shown as soon as it is"),
            _ => (
                "No run hangs under this one",
                "`trials` of ml.train searches, as does MLflow's `nested=True`",
            ),
        };
        return paint::empty(buf, inside, what, how);
    }
    if below.width >= WIDE {
        let [left, plots] =
            Layout::horizontal([Constraint::Percentage(60), Constraint::Min(0)]).areas(below);
        draw_trials(buf, left, state, view, true);
        plots::draw_given(buf, plots, state, view);
    } else if level.part == 0 {
        draw_trials(buf, below, state, view, true);
    } else {
        plots::draw_given(buf, below, state, view);
    }
}

/// Says why there is nothing: the task is not fetched yet, or has tracked no run.
fn draw_untracked(buf: &mut Buffer, area: Rect, state: &State) {
    let inside = paint::panel(buf, area, "Trials", "", true);
    let Screen::TaskTrials(key) = &state.level().screen else { return };
    match state.cache.task(key) {
        None => missing(buf, inside, state, &Slot::Task(key.clone())),
        Some(_) => {
            let what = format!("{} has tracked no run", rows::task_key(key));
            paint::empty(buf, inside, &what, "an ml.train task with `trials` searches");
        }
    }
}

/// Says how far the search is, and what is best.
fn head_line(view: &TrialsView, width: u16) -> Line<'static> {
    let nested = view.run.nested.clone().unwrap_or_default();
    let mut spans = vec![Span::raw(" ")];
    spans.extend(paint::worded(theme::tracking_mark(&view.run.status)));
    spans.push(paint::span(format!("  {}  ", view.run.run_name), theme::BOLD));
    if let Some(planned) = nested.planned.filter(|_| view.run.status == "RUNNING" && width >= 100) {
        spans.push(paint::span(format!("{} ", bar(nested.runs, planned)), theme::ACCENT));
    }
    spans.push(paint::span(count(&nested), theme::PLAIN));
    spans.extend(words(&nested).into_iter().map(|(word, style)| paint::span(word, style)));
    if let (Some(metric), Some((best, value))) = (&nested.metric, trials::best(view)) {
        spans.push(paint::span(format!("  best {} ", short(metric)), theme::DIM));
        spans.push(paint::span(text::figure(value), theme::GOOD));
        spans.push(paint::span(format!(" (trial {})", best.number), theme::DIM));
    }
    Line::from(spans)
}

/// Draws the metric over the trials, and below it the table of them.
fn draw_trials(buf: &mut Buffer, area: Rect, state: &State, view: &TrialsView, has_focus: bool) {
    let chart = (area.height * 9 / 20).clamp(7, 24);
    let [chart, below] =
        Layout::vertical([Constraint::Length(chart), Constraint::Min(0)]).areas(area);
    let level = state.level();
    let trials = trials::trials(state, level);
    let selected = rows::place(level, &trials);
    plots::draw_metric(buf, chart, state, view, trials.get(selected).copied());
    let list = list(view);
    let mut title = list.title(state, level, trials.len(), view.trials.len());
    let more = view.run.nested.as_ref().map_or(0, |nested| nested.runs);
    if more > view.trials.len() as u64 {
        title.push_str(&format!(" · the first of {more}"));
    }
    let note = position(selected, trials.len());
    let inside = paint::panel(buf, below, &title, &note, has_focus);
    if trials.is_empty() {
        return filtered_out(buf, inside, state, "No trial passes the filter");
    }
    list.draw(buf, inside, state, &trials, &Shown::focused(level, selected));
}

/// Describes the list of trials: the metric, then a column for each hyperparameter that differs.
pub(crate) fn list(view: &TrialsView) -> List<'static, TrialView> {
    let best = trials::best(view).map(|(best, _)| best.run_id.clone());
    let metric = trials::metric(view);
    let title = metric.map_or_else(|| "METRIC".to_owned(), short);
    let width = u16::try_from(text::width(&title)).unwrap_or(9).clamp(9, 16);
    let value =
        Field::new("value", right("", width, 0), |_, trial: &TrialView| match trial.value {
            Some(value) if trials::is_cut(trial) => paint::line(text::figure(value), theme::DIM),
            Some(value) => paint::line(text::figure(value), theme::PLAIN),
            None => paint::line("—", theme::DIM),
        })
        .titled(title);
    let by_value = |_: &State, trial: &TrialView| Value::number(trial.value);
    let value = match metric.and_then(better) {
        Some(Better::Less) => value.sorted(by_value),
        Some(Better::More) | None => value.sorted_down(by_value),
    };
    let mut list = List::new("trials", "Trials", |trial: &TrialView| trial.run_id.to_string())
        .words(words_of)
        .field(Field::new("best", fixed("", 1, 0), move |_, trial: &TrialView| {
            match best.as_ref() == Some(&trial.run_id) {
                true => paint::line("★", theme::KEY),
                false => Line::default(),
            }
        }))
        .field(
            Field::new("status", fixed("S", 1, 0), |_, trial: &TrialView| {
                Line::from(paint::glyph(mark(trial)))
            })
            .sorted(|_, trial| Value::text(mark(trial).word)),
        )
        .field(
            Field::new("trial", right("TRIAL", 5, 0), |_, trial: &TrialView| {
                paint::line(trial.number.to_string(), theme::PLAIN)
            })
            .sorted(|_, trial| Value::number(trial.number as f64)),
        )
        .field(value);
    for (at, param) in (0..).zip(trials::params(view).into_iter().take(PARAMS_MAX)) {
        list = list.field(param_field(param, 2 + at));
    }
    list.field(
        Field::new("took", right("TOOK", 6, 1), |look, trial: &TrialView| {
            let end = trial.end_time.unwrap_or(look.state.now);
            paint::line(text::duration(text::seconds(trial.start_time, end)), theme::DIM)
        })
        .sorted_down(|state, trial| {
            let end = trial.end_time.unwrap_or(state.now);
            Value::number(text::seconds(trial.start_time, end))
        }),
    )
}

fn param_field(param: &str, rank: u8) -> Field<'static, TrialView> {
    let width = u16::try_from(text::width(param)).unwrap_or(16).clamp(7, 16);
    let (name, sorted) = (param.to_owned(), param.to_owned());
    Field::new(param, right("", width, rank), move |_, trial: &TrialView| {
        match trials::given(trial, &name) {
            Some(value) => paint::line(text::given(value), theme::PLAIN),
            None => paint::line("—", theme::DIM),
        }
    })
    .titled(text::clean(param))
    .sorted(move |_, trial| match trials::given(trial, &sorted) {
        Some(value) => value.parse().map_or_else(|_| Value::text(value), Value::Number),
        None => Value::Nothing,
    })
}

/// Shows how a trial ended.
pub(super) fn mark(trial: &TrialView) -> Mark {
    if trial.is_pruned { theme::pruned() } else { theme::tracking_mark(&trial.status) }
}

/// Returns what a trial is found by.
fn words_of(trial: &TrialView) -> String {
    let mut words = format!("{} {} {}", trial.run_name, trial.run_id, mark(trial).word);
    for (name, value) in &trial.params {
        words.push_str(&format!(" {name}:{value}"));
    }
    words
}
