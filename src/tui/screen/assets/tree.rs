//! The assets by the `/` in their names, groups folded where there are many.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::rows::assets::{self as rows, AssetRow};
use crate::screen::assets::mark;
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::DagRunState;
use crate::types::freshness::{Freshness, Producer};
use crate::types::view::AssetView;
use crate::widget::paint;
use crate::widget::table::{Table, fixed, growing, right};

pub(super) fn draw(buf: &mut Buffer, area: Rect, state: &State, is_focused: bool) {
    let level = state.level();
    let shown = rows::tree(state, level);
    let keys: Vec<String> = shown.iter().map(AssetRow::key).collect();
    let selected = level.cursor(&keys);
    let inside = paint::panel(buf, area, &title(state), &tally(state), is_focused);
    if state.cache.assets().is_none() {
        return missing(buf, inside, state, &Slot::Assets);
    }
    if shown.is_empty() {
        return nothing(buf, inside, state);
    }
    let columns = [
        growing("ASSET", 16, 0),
        fixed("CHANGED", 9, 0),
        fixed("STATE", 7, 2),
        right("EVENTS", 6, 3),
        growing("MADE BY", 16, 1),
        growing("STARTS", 16, 4),
        growing("URI", 20, 5),
    ];
    let row = |at: usize| cells(state, &shown[at]);
    let table = Table {
        columns: &columns,
        len: shown.len(),
        selected: Some(selected),
        is_focused,
        row: &row,
    };
    table.draw(buf, inside);
}

fn title(state: &State) -> String {
    let level = state.level();
    let all = state.cache.assets().unwrap_or_default();
    let mut title = format!("Assets {}", all.len());
    if level.attention_only {
        title.push_str(" · not fresh");
    }
    if !level.filter.is_empty() {
        title.push_str(&format!(" · /{}", level.filter));
    }
    title
}

/// Counts how they stand: `4 ✓  2 !  1 ·`.
fn tally(state: &State) -> String {
    let all = state.cache.assets().unwrap_or_default();
    let count = |freshness| {
        let count = all.iter().filter(|asset| asset.freshness == freshness).count();
        let mark = mark(freshness);
        (count > 0).then(|| format!("{count} {}", mark.word))
    };
    let counts =
        [Freshness::Fresh, Freshness::Stale, Freshness::Never].into_iter().filter_map(count);
    counts.collect::<Vec<_>>().join(" · ")
}

fn nothing(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let has_some = state.cache.assets().is_some_and(|all| !all.is_empty());
    if has_some && level.attention_only && level.filter.is_empty() {
        return paint::empty(buf, area, "Every asset is fresh", "A shows them all");
    }
    if has_some {
        return paint::empty(buf, area, "No asset passes the filter", "esc clears it");
    }
    let how = "[asset.NAME] in dags.toml declares one; tasks name it in outlets, then `dagdeck \
               trigger` of their DAG makes it";
    paint::empty(buf, area, "No assets here", how);
}

fn cells(state: &State, row: &AssetRow<'_>) -> Vec<Line<'static>> {
    match row {
        AssetRow::Group { name, depth, assets, stale, is_open, .. } => {
            let fold = if *is_open { "▾" } else { "▸" };
            let name = format!("{}{fold} {name} ({assets})", "  ".repeat(*depth));
            let (glyph, style) = match stale {
                0 => ("✓", theme::GOOD),
                _ => ("!", theme::WARN),
            };
            let told = if *stale == 0 { String::new() } else { format!("{stale} stale") };
            vec![
                paint::line(name, theme::BOLD),
                Line::from(vec![paint::span(glyph, style), paint::span(format!(" {told}"), style)]),
            ]
        }
        AssetRow::Asset { asset, name, depth } => {
            let indent = if *depth == 0 { String::new() } else { "  ".repeat(*depth) };
            let mark = mark(asset.freshness);
            let starts: Vec<&str> = asset.scheduled_dags.iter().map(|dag| dag.as_str()).collect();
            vec![
                paint::line(format!("{indent}{name}"), theme::PLAIN),
                Line::from(vec![
                    paint::glyph(mark),
                    paint::span(format!(" {}", age(state, asset)), theme::PLAIN),
                ]),
                paint::line(mark.word, mark.style),
                paint::line(asset.event_count.to_string(), theme::DIM),
                made_by(asset),
                paint::line(
                    if starts.is_empty() { "—".to_owned() } else { starts.join(", ") },
                    theme::DIM,
                ),
                paint::line(&asset.uri, theme::DIM),
            ]
        }
    }
}

fn age(state: &State, asset: &AssetView) -> String {
    let last = asset.last_event.as_ref().map(|event| text::ago(state.now, event.timestamp));
    last.map_or_else(|| "never".to_owned(), |ago| ago.trim_end_matches(" ago").to_owned())
}

/// Says what makes it, with the state of the producer's last run.
fn made_by(asset: &AssetView) -> Line<'static> {
    let mut spans = Vec::new();
    for producer in &asset.producers {
        if !spans.is_empty() {
            spans.push(paint::span(", ", theme::DIM));
        }
        spans.extend(producer_spans(producer));
    }
    if asset.watch {
        let word = if spans.is_empty() { "watched" } else { ", watched" };
        spans.push(paint::span(word, theme::ACCENT));
    }
    if spans.is_empty() {
        spans.push(paint::span("—", theme::DIM));
    }
    Line::from(spans)
}

/// Writes a producer with its state.
pub(super) fn producer_spans(producer: &Producer) -> Vec<ratatui::text::Span<'static>> {
    let mark = match (&producer.last_run, producer.is_paused) {
        (_, true) => theme::paused(),
        (Some(run), false) => theme::run_mark(run.state),
        (None, false) => theme::task_mark(None),
    };
    let is_bad = producer.last_run.as_ref().is_some_and(|run| run.state == DagRunState::Failed);
    let style = if is_bad { theme::BAD } else { theme::PLAIN };
    vec![paint::glyph(mark), paint::span(format!(" {}", producer.dag_id), style)]
}
