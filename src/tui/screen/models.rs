//! Registered models, their versions, and where their aliases stood.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use serde_json::Value;

use crate::rows;
use crate::screen::experiments::{main_metrics, metric, metric_rank};
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::Timestamp;
use crate::types::serving::ServedVersion;
use crate::types::view::{AliasMove, ModelDetailView, ModelVersionView, ModelView};
use crate::widget::paint;
use crate::widget::table::{Column, Table, growing, position, right};

/// Draws the list of models with the versions of the selected one.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let models = rows::models(state, level);
    let selected = level.cursor(&rows::keys(state, level));
    let [list, versions] = if area.width >= 140 {
        Layout::horizontal([Constraint::Length(70), Constraint::Min(0)]).areas(area)
    } else {
        let rows =
            u16::try_from(models.len() + 3).unwrap_or(u16::MAX).clamp(6, area.height.max(12) / 2);
        Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area)
    };
    let mut title = format!("Models {}", models.len());
    if !level.filter.is_empty() {
        title.push_str(&format!(" · /{}", level.filter));
    }
    let inside = paint::panel(buf, list, &title, &position(selected, models.len()), true);
    if state.cache.models().is_none() {
        return missing(buf, inside, state, &Slot::Models);
    }
    if models.is_empty() {
        let how = "a model.register task makes one: 1, then t on mlops_pipeline";
        return paint::empty(buf, inside, "No registered models yet", how);
    }
    let columns = [
        growing("MODEL", 18, 0),
        growing("ALIASES", 20, 0),
        right("LATEST", 6, 1),
        right("VERSIONS", 8, 2),
        right("UPDATED", 8, 1),
    ];
    let row = |at: usize| model_cells(state, models[at]);
    Table {
        columns: &columns,
        len: models.len(),
        selected: Some(selected),
        is_focused: true,
        row: &row,
    }
    .draw(buf, inside);
    if let Some(model) = models.get(selected) {
        let inside = paint::panel(
            buf,
            versions,
            &format!("Versions of {}", model.name),
            "enter opens",
            false,
        );
        match state.cache.model(&model.name) {
            Some(detail) => {
                let rows: Vec<&ModelVersionView> = detail.versions.iter().collect();
                draw_versions(buf, inside, state, &rows, None);
            }
            None => missing(buf, inside, state, &Slot::Model(model.name.clone())),
        }
    }
}

fn model_cells(state: &State, model: &ModelView) -> Vec<Line<'static>> {
    let aliases: Vec<String> =
        model.aliases.iter().map(|(alias, version)| format!("{alias} v{version}")).collect();
    vec![
        paint::line(&model.name, theme::PLAIN),
        paint::line(aliases.join("  "), theme::ACCENT),
        paint::line(model.latest_version.map_or("—".to_owned(), |v| format!("v{v}")), theme::PLAIN),
        paint::line(model.version_count.to_string(), theme::DIM),
        paint::line(text::ago(state.now, model.last_updated_timestamp), theme::DIM),
    ]
}

/// Draws one model: versions, the selected one's details, the moves of its aliases.
pub(crate) fn draw_page(buf: &mut Buffer, area: Rect, state: &State, name: &str) {
    let level = state.level();
    let Some(model) = state.cache.model(name) else {
        let inside = paint::panel(buf, area, name, "", true);
        return missing(buf, inside, state, &Slot::Model(name.to_owned()));
    };
    let versions = rows::versions(state, level, name);
    let selected = level.cursor(&rows::keys(state, level));
    let rows = u16::try_from(versions.len() + 3).unwrap_or(u16::MAX);
    let rows = rows.clamp(6, (area.height / 2).max(6));
    let [top, bottom] =
        Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area);
    let inside = paint::panel(
        buf,
        top,
        &format!("Versions of {name}"),
        &position(selected, versions.len()),
        true,
    );
    if versions.is_empty() {
        paint::empty(buf, inside, "No version here", "a model.register task adds one");
    } else {
        draw_versions(buf, inside, state, &versions, Some(selected));
    }
    let [left, right] = if area.width >= 120 {
        Layout::horizontal([Constraint::Percentage(50), Constraint::Min(0)]).areas(bottom)
    } else {
        let moves = u16::try_from(model.history.len() + 2).unwrap_or(6).clamp(3, 6);
        Layout::vertical([Constraint::Min(0), Constraint::Length(moves)]).areas(bottom)
    };
    if let Some(version) = versions.get(selected) {
        let inside = paint::panel(buf, left, &format!("v{}", version.version), "", false);
        paint::put_all(buf, inside, version_facts(version, usize::from(inside.width)), 0);
    } else {
        paint::panel(buf, left, "", "", false);
    }
    let inside = paint::panel(buf, right, "Where the aliases stood", "", false);
    draw_history(buf, inside, state.now, model);
}

fn draw_versions(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    versions: &[&ModelVersionView],
    selected: Option<usize>,
) {
    let metrics = main_metrics(versions.iter().map(|version| version.metrics.as_slice()));
    let mut columns: Vec<Column> =
        vec![right("VER", 4, 0), growing("ALIASES", 12, 0), growing("MODEL", 12, 1)];
    for at in 0..metrics.len() {
        columns.push(right("", 9, 2 + u8::try_from(at).unwrap_or(9)));
    }
    columns.extend([right("TRAFFIC", 7, 1), right("MADE", 8, 0)]);
    let row = |at: usize| {
        let version = versions[at];
        let family =
            version.params.iter().find(|(name, _)| name == "model").map(|(_, v)| v.as_str());
        let mut cells = vec![
            paint::line(format!("v{}", version.version), theme::PLAIN),
            paint::line(version.aliases.join(","), theme::ACCENT),
            paint::line(family.unwrap_or_default(), theme::PLAIN),
        ];
        cells.extend(
            metrics.iter().map(|name| paint::line(metric(&version.metrics, name), theme::PLAIN)),
        );
        cells.push(paint::line(traffic(state, version), theme::GOOD));
        cells.push(paint::line(text::ago(state.now, version.creation_timestamp), theme::DIM));
        cells
    };
    let table =
        Table { columns: &columns, len: versions.len(), selected, is_focused: true, row: &row };
    table.draw_with_titles(buf, area, &|column| match column.checked_sub(3) {
        Some(at) => metrics.get(at).map(|name| text::cut(name, 9)),
        None => None,
    });
}

/// Returns the version's share of its model's requests: the server may be behind the alias.
fn traffic(state: &State, version: &ModelVersionView) -> String {
    let served = state.cache.serving().and_then(|serving| {
        let is_it = |served: &&ServedVersion| {
            served.model == version.name && served.version == version.version
        };
        serving.versions.iter().find(is_it)
    });
    served.map(|served| format!("{}%", served.weight)).unwrap_or_default()
}

fn version_facts(version: &ModelVersionView, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some(run_id) = &version.run_id {
        lines.push(paint::pair("from run", run_id.as_str()));
    }
    lines.push(paint::pair("source", &version.source));
    let mut metrics: Vec<&(String, f64)> = version.metrics.iter().collect();
    metrics.sort_by_key(|(name, _)| metric_rank(name));
    let figures: Vec<String> =
        metrics.iter().map(|(name, value)| format!("{name} {}", text::figure(*value))).collect();
    lines.extend(block("metrics", &figures.join("  "), width));
    let params: Vec<String> = version.params.iter().map(|(n, v)| format!("{n}={v}")).collect();
    lines.extend(block("params", &params.join("  "), width));
    if let Some(signature) = &version.signature {
        for side in ["inputs", "outputs"] {
            if let Some(part) = signature.get(side) {
                lines.extend(block(side, &columns(part), width));
            }
        }
    }
    lines
}

/// Writes one side of a signature: `age double, sex string`; as it is where it is of another form.
fn columns(part: &Value) -> String {
    let parsed = part.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let part = parsed.as_ref().unwrap_or(part);
    let column = |column: &Value| {
        let name = column.get("name")?.as_str()?;
        Some(format!("{name} {}", column.get("type")?.as_str()?))
    };
    let names: Option<Vec<String>> =
        part.as_array().and_then(|columns| columns.iter().map(column).collect());
    names.map_or_else(
        || part.as_str().map_or_else(|| part.to_string(), str::to_owned),
        |names| names.join(", "),
    )
}

/// Makes a label with a text of several lines.
fn block(label: &str, content: &str, width: usize) -> Vec<Line<'static>> {
    let pieces = text::wrap_words(content, width.saturating_sub(12).max(8));
    let mut lines = Vec::new();
    for (at, piece) in pieces.into_iter().take(6).enumerate() {
        lines.push(paint::pair(if at == 0 { label } else { "" }, piece));
    }
    lines
}

fn draw_history(buf: &mut Buffer, area: Rect, now: Timestamp, model: &ModelDetailView) {
    if model.history.is_empty() {
        return paint::empty(
            buf,
            area,
            "No alias was moved yet",
            "P promotes the selected version",
        );
    }
    let mut moves: Vec<&AliasMove> = model.history.iter().collect();
    moves.sort_by_key(|step| std::cmp::Reverse((step.when, step.id)));
    let word = |version: Option<u32>| version.map_or("—".to_owned(), |v| format!("v{v}"));
    let lines = moves.into_iter().map(|step| {
        Line::from(vec![
            paint::span(format!("{:>8}  ", text::ago(now, step.when)), theme::PLAIN),
            paint::span(format!("{:<12} ", step.alias), theme::BOLD),
            paint::span(
                format!("{} → {}", word(step.from_version), word(step.to_version)),
                theme::ACCENT,
            ),
            paint::span(format!("  {} by {}", step.action, step.user), theme::DIM),
        ])
    });
    paint::put_all(buf, area, lines.collect(), 0);
}
