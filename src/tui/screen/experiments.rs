//! Experiments, and the runs of the selected one.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};

use crate::rows;
use crate::screen::{filtered_out, first, missing, tracking_runs};
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::metric::rank;
use crate::types::view::ExperimentView;
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{growing, position, right};

/// Metrics that a table has room for.
const METRIC_COLUMNS: usize = 4;

/// Draws the list of experiments with the runs of the selected one.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let experiments = rows::experiments(state, level);
    let selected = rows::place(level, &experiments);
    let list_rows = u16::try_from(experiments.len() + 3).unwrap_or(u16::MAX);
    let [place, runs] = if area.width >= 140 {
        Layout::horizontal([Constraint::Length(60), Constraint::Min(0)]).areas(area)
    } else {
        let rows = list_rows.clamp(6, area.height.max(12) / 2);
        Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area)
    };
    let list = list();
    let all = state.cache.experiments();
    let title = list.title(state, level, experiments.len(), all.map_or(0, <[_]>::len));
    let inside = paint::panel(buf, place, &title, &position(selected, experiments.len()), true);
    if all.is_none() {
        return missing(buf, inside, state, &Slot::Experiments);
    }
    if experiments.is_empty() && !level.filter.is_empty() {
        return filtered_out(buf, inside, state, "No experiment passes the filter");
    }
    if experiments.is_empty() {
        let how = first::by_training(state, "a run of a DAG with an ml.train task makes one");
        return paint::empty(buf, inside, "No experiments yet", &how);
    }
    list.draw(buf, inside, state, &experiments, &Shown::focused(level, selected));
    if let Some(experiment) = experiments.get(selected) {
        tracking_runs::draw_preview(buf, runs, state, &experiment.name);
    }
}

/// Describes the list.
pub(crate) fn list() -> List<'static, ExperimentView> {
    List::new("experiments", "Experiments", |one: &ExperimentView| one.name.clone())
        .words(|one| one.name.clone())
        .field(Field::words(
            "experiment",
            growing("EXPERIMENT", 24, 0),
            theme::PLAIN,
            |one: &ExperimentView| one.name.clone(),
        ))
        .field(
            Field::new("runs", right("RUNS", 6, 1), |_, one: &ExperimentView| {
                paint::line(one.run_count.to_string(), theme::PLAIN)
            })
            .sorted_down(|_, one| Value::number(one.run_count as f64)),
        )
        .field(Field::ago("updated", right("UPDATED", 8, 1), theme::DIM, |one: &ExperimentView| {
            one.last_update_time
        }))
}

/// Returns the metrics to show of `all`, those that say most first.
pub(crate) fn main_metrics<'a>(all: impl Iterator<Item = &'a [(String, f64)]>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in all.flatten() {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names.sort_by_key(|name| rank(name));
    names.truncate(METRIC_COLUMNS);
    names
}

/// Returns a figure by its name.
pub(crate) fn metric(metrics: &[(String, f64)], name: &str) -> String {
    let found = metrics.iter().find(|(other, _)| other == name);
    found.map_or("—".to_owned(), |(_, value)| text::figure(*value))
}
