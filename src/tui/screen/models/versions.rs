//! The versions of one model with the figures of their runs.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::rows::models as rows;
use crate::screen::experiments::{main_metrics, metric};
use crate::screen::models::version::{gates_cell, traffic};
use crate::state::State;
use crate::text;
use crate::theme;
use crate::types::view::ModelVersionView;
use crate::widget::paint;
use crate::widget::table::{Column, Table, fixed, growing, right};

pub(super) fn draw(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    versions: &[&ModelVersionView],
    selected: usize,
) {
    let metrics = main_metrics(versions.iter().map(|version| version.metrics.as_slice()));
    let mut columns: Vec<Column> = vec![
        fixed("VER", 5, 0),
        growing("ALIASES", 12, 0),
        growing("MODEL", 12, 1),
        right("GATES", 5, 1),
    ];
    for at in 0..metrics.len() {
        columns.push(right("", 9, 2 + u8::try_from(at).unwrap_or(9)));
    }
    columns.extend([right("TRAFFIC", 7, 1), right("MADE", 8, 0)]);
    let row = |at: usize| cells(state, versions[at], &metrics);
    let table = Table {
        columns: &columns,
        len: versions.len(),
        selected: Some(selected),
        is_focused: true,
        row: &row,
    };
    table.draw_with_titles(buf, area, &|column| {
        let name = column.checked_sub(4).and_then(|at| metrics.get(at))?;
        Some(text::cut(name, 9))
    });
}

fn cells(state: &State, version: &ModelVersionView, metrics: &[String]) -> Vec<Line<'static>> {
    let family = version.params.iter().find(|(name, _)| name == "model").map(|(_, v)| v.as_str());
    let is_marked =
        state.level().marks.contains(&rows::version_key(&version.name, version.version));
    let mark = if is_marked { "*" } else { "" };
    let mut cells = vec![
        paint::line(format!("v{}{mark}", version.version), theme::PLAIN),
        paint::line(version.aliases.join(","), theme::ACCENT),
        paint::line(family.unwrap_or_default(), theme::PLAIN),
        gates_cell(version),
    ];
    cells.extend(
        metrics.iter().map(|name| paint::line(metric(&version.metrics, name), theme::PLAIN)),
    );
    cells.push(paint::line(traffic(state, version), theme::GOOD));
    cells.push(paint::line(text::ago(state.now, version.creation_timestamp), theme::DIM));
    cells
}
