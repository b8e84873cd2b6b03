//! What a list of runs says of those that hang under others: how many, how far, the best so far.

use ratatui::style::Style;
use ratatui::text::Line;

use crate::text;
use crate::theme::{self, Mark};
use crate::types::view::{NestedRuns, TrackingRunView};
use crate::widget::list::Field;
use crate::widget::paint;
use crate::widget::table::fixed;

/// The tag that says how a trial ended.
const STATE: &str = "dagdeck.trial_state";

/// Metrics that runs are judged by in one list, which have columns of their own.
const JUDGED_MAX: usize = 2;

/// From these widths on there is room for what was pruned, and for a bar.
const WIDE: u16 = 140;
const WIDEST: u16 = 180;

/// Cells of the bar.
const BAR: usize = 8;

/// Returns the column that says how many runs hang under a run, and how far a search is.
pub(super) fn field(width: u16) -> Field<'static, TrackingRunView> {
    let (is_wide, has_bar) = (width >= WIDE, width >= WIDEST);
    let cells = match (is_wide, has_bar) {
        (_, true) => 36,
        (true, false) => 27,
        (false, false) => 7,
    };
    let column = fixed("NESTED", cells, 1);
    Field::new("nested", column, move |_, run: &TrackingRunView| {
        let Some(nested) = &run.nested else { return Line::default() };
        let style = if is_going(run) { theme::ACCENT } else { theme::PLAIN };
        if !is_wide {
            return paint::line(count(nested), style);
        }
        let mut spans = Vec::new();
        if let Some(planned) = nested.planned.filter(|_| has_bar && is_going(run)) {
            spans.push(paint::span(bar(nested.runs, planned), style));
            spans.push(paint::span(" ", theme::PLAIN));
        }
        spans.push(paint::span(count(nested), style));
        spans.extend(words(nested).into_iter().map(|(word, style)| paint::span(word, style)));
        Line::from(spans)
    })
}

/// Shows how a run stands; a trial that was pruned ended well for MLflow.
pub(super) fn mark(run: &TrackingRunView) -> Mark {
    let is_pruned = run.tags.iter().any(|(key, value)| key == STATE && value == "pruned");
    if is_pruned { theme::pruned() } else { theme::tracking_mark(&run.status) }
}

/// Says whether the search of a run goes on.
pub(crate) fn is_going(run: &TrackingRunView) -> bool {
    run.status == "RUNNING"
}

/// Draws how many of the planned runs are there.
pub(crate) fn bar(runs: u64, planned: u64) -> String {
    let share = runs as f64 / planned.max(1) as f64;
    paint::bar(share.min(1.0), BAR)
}

/// Writes how many runs there are, of how many.
pub(crate) fn count(nested: &NestedRuns) -> String {
    match nested.planned {
        Some(planned) => format!("{}/{planned}", nested.runs),
        None => nested.runs.to_string(),
    }
}

/// Says how the runs stand that are not whole.
pub(crate) fn words(nested: &NestedRuns) -> Vec<(String, Style)> {
    let word = |count: u64, word: &str, style: Style| {
        (count > 0).then(|| (format!(" · {count} {word}"), style))
    };
    let all = [
        word(nested.running, "running", theme::ACCENT),
        word(nested.pruned, "pruned", theme::DIM),
        word(nested.failed, "failed", theme::BAD),
    ];
    all.into_iter().flatten().collect()
}

/// Returns the metrics that runs under others are judged by.
pub(super) fn judged_by(runs: &[&TrackingRunView]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in runs.iter().filter_map(|run| run.nested.as_ref()?.metric.as_ref()) {
        if names.len() < JUDGED_MAX && !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// Returns a run's figure, or the best of what hangs under it where it has none of its own; and
/// whether it is that.
pub(super) fn figure(run: &TrackingRunView, metric: &str) -> Option<(f64, bool)> {
    if let Some((_, value)) = run.metrics.iter().find(|(name, _)| name == metric) {
        return Some((*value, false));
    }
    let nested = run.nested.as_ref().filter(|nested| nested.metric.as_deref() == Some(metric))?;
    nested.best.as_ref().map(|(value, _)| (*value, true))
}

/// Shortens what was found over the folds: `cv_log_loss_mean` is `cv log_loss`.
pub(crate) fn short(metric: &str) -> String {
    let inner = metric.strip_prefix("cv_").and_then(|rest| rest.strip_suffix("_mean"));
    inner.map_or_else(|| text::clean(metric), |inner| format!("cv {}", text::clean(inner)))
}
