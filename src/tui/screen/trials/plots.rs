//! The trials of a search drawn: the metric over their numbers, over one hyperparameter, and how
//! much each hyperparameter counts.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::keymap::with_keys;
use crate::rows::trials::{self, Weight};
use crate::screen::tracking_runs::nested::short;
use crate::state::State;
use crate::text;
use crate::theme;
use crate::types::view::{TrialView, TrialsView};
use crate::widget::chart::{Chart, Series};
use crate::widget::paint;

/// The looks of the lines and marks: the best so far, whole trials, those that were cut.
const BEST: usize = 0;
const WHOLE: usize = 1;
const CUT: usize = 2;

/// What stands for a trial.
const DOT: char = '•';
const CROSS: char = '×';
const STAR: char = '★';
const HERE: char = '◈';

/// A range that spans so many times its least is drawn by its logarithm.
const LOG_FROM: f64 = 50.0;

/// Returns the marks of all trials where `place` puts them; the best and the selected lie on top.
fn marks(
    view: &TrialsView,
    here: Option<&TrialView>,
    place: &dyn Fn(&TrialView) -> Option<f64>,
) -> Vec<Series> {
    let point = |trial: &TrialView| Some((place(trial)?, trial.value?));
    let of = |is_cut: bool| -> Vec<(f64, f64)> {
        view.trials
            .iter()
            .filter(|trial| trials::is_cut(trial) == is_cut)
            .filter_map(point)
            .collect()
    };
    let best = trials::best(view).and_then(|(best, _)| point(best));
    vec![
        Series::marks(WHOLE, here.and_then(point).into_iter().collect(), HERE),
        Series::marks(BEST, best.into_iter().collect(), STAR),
        Series::marks(WHOLE, of(false), DOT),
        Series::marks(CUT, of(true), CROSS),
    ]
}

/// Draws the metric of each trial over its number, with the best so far.
pub(super) fn draw_metric(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    view: &TrialsView,
    here: Option<&TrialView>,
) {
    let Some(metric) = trials::metric(view) else {
        let inside = paint::panel(buf, area, "Metric", "", false);
        let how = "they have no metric in common whose better way is known";
        return paint::empty(buf, inside, "The trials are not compared", how);
    };
    let log = if state.lab.chart.is_log { " · log scale" } else { "" };
    let title = format!("{} over trials{log}", short(metric));
    let inside = paint::panel(buf, area, &title, "", false);
    paint::put(buf, inside, 0, legend(view, here));
    let below = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
    let mut series = marks(view, here, &|trial| Some(trial.number as f64));
    series.push(Series::plain(BEST, trials::best_so_far(view)));
    let planned = view.run.nested.as_ref().and_then(|nested| nested.planned).unwrap_or(0);
    let last = view.trials.last().map_or(1, |trial| trial.number).max(planned).max(2);
    Chart {
        series: &series,
        x: (1.0, last as f64),
        x_label: &|x| format!("{x:.0}"),
        from_zero: false,
        is_log: state.lab.chart.is_log,
        cursor: here.map(|trial| trial.number as f64),
    }
    .draw(buf, below);
}

fn legend(view: &TrialsView, here: Option<&TrialView>) -> Line<'static> {
    let mut spans = Vec::new();
    if let Some(trial) = here {
        let value = trial.value.map_or("—".to_owned(), text::figure);
        spans.push(paint::span(format!("{HERE} trial {}  {value}  ", trial.number), theme::KEY));
    }
    if let Some((best, value)) = trials::best(view) {
        let told = format!("{STAR} best {} (trial {})  ", text::figure(value), best.number);
        spans.push(paint::span(told, Series::style(BEST)));
    }
    spans.push(paint::span(format!("{DOT} whole  "), Series::style(WHOLE)));
    if view.trials.iter().any(trials::is_cut) {
        spans.push(paint::span(format!("{CROSS} cut short"), Series::style(CUT)));
    }
    Line::from(spans)
}

/// Draws the metric over one hyperparameter, and what each of them counts.
pub(super) fn draw_given(buf: &mut Buffer, area: Rect, state: &State, view: &TrialsView) {
    let weights = trials::weights(view);
    let rows = u16::try_from(weights.len()).unwrap_or(u16::MAX).saturating_add(3);
    let rows = rows.clamp(4, area.height / 2);
    let [over, below] =
        Layout::vertical([Constraint::Min(0), Constraint::Length(rows)]).areas(area);
    draw_over(buf, over, state, view);
    draw_weights(buf, below, &weights);
}

fn draw_over(buf: &mut Buffer, area: Rect, state: &State, view: &TrialsView) {
    let Some(param) = trials::drawn_over(state, view) else {
        let inside = paint::panel(buf, area, "Hyperparameters", "", false);
        return paint::empty(buf, inside, "All trials were given the same", "");
    };
    let params = trials::params(view);
    let at = params.iter().position(|name| *name == param).unwrap_or(0);
    let metric = trials::metric(view).map_or_else(|| "metric".to_owned(), short);
    let title = format!("{metric} over {}", text::clean(param));
    let place = format!("{} of {}", at + 1, params.len());
    let note = with_keys!(state, "{place} {} {}", Left, Right);
    let inside = paint::panel(buf, area, &title, &note, false);
    if !trials::is_number(view, param) {
        return draw_words(buf, inside, view, param);
    }
    let number = |trial: &TrialView| trials::given(trial, param)?.parse::<f64>().ok();
    let (low, high) = view
        .trials
        .iter()
        .filter_map(number)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let is_log = low > 0.0 && high / low >= LOG_FROM;
    let scaled = |x: f64| if is_log { x.log10() } else { x };
    let series = marks(view, trials::here(state), &|trial| number(trial).map(scaled));
    Chart {
        series: &series,
        x: (scaled(low), if high > low { scaled(high) } else { scaled(low) + 1.0 }),
        x_label: &|x| text::round(if is_log { 10_f64.powf(x) } else { x }),
        from_zero: false,
        is_log: state.lab.chart.is_log,
        cursor: None,
    }
    .draw(buf, inside);
}

/// Draws a hyperparameter that is a word: the values that trials with each word came to.
fn draw_words(buf: &mut Buffer, area: Rect, view: &TrialsView, param: &str) {
    let mut words: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for trial in view.trials.iter().filter(|trial| !trials::is_cut(trial)) {
        if let (Some(word), Some(value)) = (trials::given(trial, param), trial.value) {
            words.entry(word).or_default().push(value);
        }
    }
    let names = words.keys().map(|word| text::width(word)).max().unwrap_or(0).clamp(5, 20);
    let head =
        format!("{:<names$} {:>6} {:>10} {:>10} {:>10}", "", "TRIALS", "LEAST", "MEDIAN", "MOST");
    let mut lines = vec![paint::line(head, theme::DIM)];
    for (word, values) in &mut words {
        values.sort_by(f64::total_cmp);
        let figure = |at: usize| values.get(at).copied().map_or("—".to_owned(), text::figure);
        let last = values.len().saturating_sub(1);
        lines.push(Line::from(vec![
            paint::span(format!("{:<names$} ", text::cut(&text::given(word), names)), theme::PLAIN),
            paint::span(format!("{:>6} ", values.len()), theme::DIM),
            paint::span(format!("{:>10} ", figure(0)), theme::PLAIN),
            paint::span(format!("{:>10} ", figure(last / 2)), theme::PLAIN),
            paint::span(format!("{:>10}", figure(last)), theme::PLAIN),
        ]));
    }
    paint::put_all(buf, area, lines, 0);
}

fn draw_weights(buf: &mut Buffer, area: Rect, weights: &[Weight<'_>]) {
    let inside = paint::panel(buf, area, "What counts · rank correlation", "", false);
    if weights.is_empty() {
        return paint::empty(buf, inside, "Too few trials are whole to tell", "");
    }
    let names = weights.iter().map(|one| text::width(one.param)).max().unwrap_or(0).clamp(4, 20);
    let bars = usize::from(inside.width).saturating_sub(names + 25).clamp(4, 40);
    let lines = weights.iter().map(|weight| {
        let full = (weight.share.clamp(0.0, 1.0) * bars as f64).round() as usize;
        let name = text::cut_middle(&text::clean(weight.param), names);
        let way = match weight.more_is_better {
            Some(true) => "more is better",
            Some(false) => "less is better",
            None => "",
        };
        Line::from(vec![
            paint::span(format!("{name:<names$} "), theme::PLAIN),
            Span::styled("█".repeat(full), theme::ACCENT),
            paint::span(format!(" {:.2} ", weight.share), theme::PLAIN),
            paint::span(way, theme::DIM),
        ])
    });
    paint::put_all(buf, inside, lines.collect(), 0);
}
