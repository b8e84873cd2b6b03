//! The registry: models with their versions below them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::rows::models::{self as rows, ModelRow};
use crate::screen::experiments::{main_metrics, metric};
use crate::screen::{first, missing};
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::view::{ModelVersionView, ModelView};
use crate::widget::paint;
use crate::widget::table::{Table, growing, position, right};

pub(super) fn draw(buf: &mut Buffer, area: Rect, state: &State, is_focused: bool) {
    let level = state.level();
    let shown = rows::tree(state, level);
    let keys: Vec<String> = shown.iter().map(ModelRow::key).collect();
    let selected = level.cursor(&keys);
    let marked = level.marks.len();
    let mut title = format!("Models {}", rows::models(state, level).len());
    if marked > 0 {
        title.push_str(&format!(" · {marked} marked"));
    }
    if !level.filter.is_empty() {
        title.push_str(&format!(" · /{}", level.filter));
    }
    let inside = paint::panel(buf, area, &title, &position(selected, shown.len()), is_focused);
    if state.cache.models().is_none() {
        return missing(buf, inside, state, &Slot::Models);
    }
    if shown.is_empty() && !level.filter.is_empty() {
        return paint::empty(buf, inside, "No model passes the filter", "esc clears it");
    }
    if shown.is_empty() {
        let how = first::by_training(state, "a model.register task makes one");
        return paint::empty(buf, inside, "No registered models yet", &how);
    }
    let columns = [
        growing("MODEL", 11, 0),
        growing("ALIAS", 12, 0),
        right("METRIC", 8, 0),
        right("AGE", 4, 0),
        right("GATES", 5, 1),
        right("TRAFFIC", 7, 2),
        growing("RUN", 14, 3),
    ];
    let row = |at: usize| match &shown[at] {
        ModelRow::Model { model, is_open } => model_cells(state, model, *is_open),
        ModelRow::Version(version) => version_cells(state, version),
    };
    let table = Table {
        columns: &columns,
        len: shown.len(),
        selected: Some(selected),
        is_focused,
        row: &row,
    };
    table.draw_with_titles(buf, inside, &|column| {
        let main = main_of(state).filter(|_| column == 2)?;
        Some(text::cut(&main.to_uppercase(), 8))
    });
}

/// Returns the metric that all shown versions are told by.
fn main_of(state: &State) -> Option<String> {
    let shown = rows::tree(state, state.level());
    let metrics = shown.iter().filter_map(|row| match row {
        ModelRow::Version(version) => Some(version.metrics.as_slice()),
        ModelRow::Model { .. } => None,
    });
    let found = main_metrics(metrics).into_iter().next()?;
    let is_shared = shown.iter().all(|row| match row {
        ModelRow::Version(version) => version.metrics.iter().any(|(name, _)| *name == found),
        ModelRow::Model { .. } => true,
    });
    is_shared.then_some(found)
}

fn model_cells(state: &State, model: &ModelView, is_open: bool) -> Vec<Line<'static>> {
    let aliases: Vec<String> =
        model.aliases.iter().map(|(alias, version)| format!("{alias} v{version}")).collect();
    let fold = if is_open { "▾" } else { "▸" };
    let versions = text::count(usize::try_from(model.version_count).unwrap_or(0), "version");
    vec![
        paint::line(format!("{fold} {}", model.name), theme::BOLD),
        match is_open || aliases.is_empty() {
            true => paint::line(versions, theme::DIM),
            false => paint::line(aliases.join("  "), theme::ACCENT),
        },
        Line::default(),
        paint::line(age(state, model.last_updated_timestamp), theme::DIM),
    ]
}

fn version_cells(state: &State, version: &ModelVersionView) -> Vec<Line<'static>> {
    let is_marked =
        state.level().marks.contains(&rows::version_key(&version.name, version.version));
    let mark = if is_marked { "*" } else { " " };
    let main = main_metrics(std::iter::once(version.metrics.as_slice())).into_iter().next();
    let figure = main.map_or("—".to_owned(), |name| metric(&version.metrics, &name));
    let run = version.origin.as_ref().map(|origin| text::run_name(origin.run.dag_run_id.as_str()));
    vec![
        Line::from(vec![
            paint::span(format!(" {mark} "), theme::ACCENT),
            paint::span(format!("v{}", version.version), theme::PLAIN),
        ]),
        paint::line(version.aliases.join(","), theme::ACCENT),
        paint::line(figure, theme::PLAIN),
        paint::line(age(state, version.creation_timestamp), theme::DIM),
        super::version::gates_cell(version),
        paint::line(super::version::traffic(state, version), theme::GOOD),
        paint::line(run.unwrap_or_default(), theme::DIM),
    ]
}

fn age(state: &State, at: crate::types::Timestamp) -> String {
    text::ago(state.now, at).trim_end_matches(" ago").to_owned()
}
