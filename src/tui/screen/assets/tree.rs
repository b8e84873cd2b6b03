//! The assets by the `/` in their names, groups folded where there are many; in an order that was
//! chosen without groups.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::keymap::with_keys;
use crate::rows::assets::{self as rows, AssetRow};
use crate::screen::assets::mark;
use crate::screen::{filtered_out, missing};
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::DagRunState;
use crate::types::freshness::{Freshness, Producer};
use crate::types::view::AssetView;
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, right};

pub(super) fn draw(buf: &mut Buffer, area: Rect, state: &State, is_focused: bool) {
    let level = state.level();
    let shown = rows::tree(state, level);
    let keys: Vec<String> = shown.iter().map(AssetRow::key).collect();
    let selected = level.cursor(&keys);
    let (list, all) = (list(), state.cache.assets().map_or(0, <[_]>::len));
    // Those in groups that are closed pass the filter too.
    let admitted = |row: &AssetRow<'_>| match row {
        AssetRow::Group { depth: 0, assets, .. } => *assets,
        AssetRow::Asset { depth: 0, .. } => 1,
        AssetRow::Group { .. } | AssetRow::Asset { .. } => 0,
    };
    let mut title = list.title(state, level, shown.iter().map(admitted).sum(), all);
    if level.attention_only {
        title.push_str(" · not fresh");
    }
    let inside = paint::panel(buf, area, &title, &tally(state), is_focused);
    if state.cache.assets().is_none() {
        return missing(buf, inside, state, &Slot::Assets);
    }
    if shown.is_empty() {
        return nothing(buf, inside, state);
    }
    let shown_as = Shown { is_focused, ..Shown::focused(level, selected) };
    list.draw(buf, inside, state, &shown, &shown_as);
}

/// Describes the list. Groups are only there where it is a tree.
pub(crate) fn list<'a>() -> List<'a, AssetRow<'a>> {
    let of = |row: &AssetRow<'a>, cell: &dyn Fn(&AssetView) -> Line<'static>| {
        row.asset().map(cell).unwrap_or_default()
    };
    let value = |row: &AssetRow<'a>, of: &dyn Fn(&AssetView) -> Value| {
        row.asset().map_or(Value::Nothing, of)
    };
    List::new("assets", "Assets", AssetRow::key)
        .words(|row| row.asset().map(rows::words).unwrap_or_default())
        .field(
            Field::new("asset", growing("ASSET", 16, 0), |_, row: &AssetRow<'a>| name(row))
                .sorted(|_, row| Value::text(row.key())),
        )
        .field(
            Field::new("changed", fixed("CHANGED", 9, 0), |look, row: &AssetRow<'a>| {
                changed(look.state, row)
            })
            .sorted_down(move |_, row| {
                value(row, &|asset| Value::time(asset.last_event.as_ref().map(|e| e.timestamp)))
            }),
        )
        .field(
            Field::new("state", fixed("STATE", 7, 2), move |_, row: &AssetRow<'a>| {
                of(row, &|asset| {
                    let mark = mark(asset.freshness);
                    paint::line(mark.word, mark.style)
                })
            })
            .sorted_down(move |_, row| {
                value(row, &|asset| Value::text(mark(asset.freshness).word))
            }),
        )
        .field(
            Field::new("events", right("EVENTS", 6, 3), move |_, row: &AssetRow<'a>| {
                of(row, &|asset| paint::line(asset.event_count.to_string(), theme::DIM))
            })
            .sorted_down(move |_, row| {
                value(row, &|asset| Value::number(asset.event_count as f64))
            }),
        )
        .field(
            Field::new("made by", growing("MADE BY", 16, 1), move |_, row: &AssetRow<'a>| {
                of(row, &made_by)
            })
            .sorted(move |_, row| {
                value(row, &|asset| {
                    let made_by = asset.producers.first();
                    made_by.map_or(Value::Nothing, |by| Value::text(by.dag_id.as_str()))
                })
            }),
        )
        .field(
            Field::new("starts", growing("STARTS", 16, 4), move |_, row: &AssetRow<'a>| {
                of(row, &|asset| paint::line(starts(asset).unwrap_or("—".to_owned()), theme::DIM))
            })
            .sorted(move |_, row| {
                value(row, &|asset| starts(asset).map_or(Value::Nothing, Value::text))
            }),
        )
        .field(
            Field::new("uri", growing("URI", 20, 5), move |_, row: &AssetRow<'a>| {
                of(row, &|asset| paint::line(&asset.uri, theme::DIM))
            })
            .sorted(move |_, row| value(row, &|asset| Value::text(&asset.uri))),
        )
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
        let how = with_keys!(state, "{} shows them all", Attention);
        return paint::empty(buf, area, "Every asset is fresh", &how);
    }
    if has_some {
        return filtered_out(buf, area, state, "No asset passes the filter");
    }
    let how = "[asset.NAME] in dags.toml declares one; tasks name it in outlets, then `dagdeck \
               trigger` of their DAG makes it";
    paint::empty(buf, area, "No assets here", how);
}

fn name(row: &AssetRow<'_>) -> Line<'static> {
    match row {
        AssetRow::Group { name, depth, assets, is_open, .. } => {
            let fold = if *is_open { "▾" } else { "▸" };
            paint::line(format!("{}{fold} {name} ({assets})", "  ".repeat(*depth)), theme::BOLD)
        }
        AssetRow::Asset { name, depth, .. } => {
            paint::line(format!("{}{name}", "  ".repeat(*depth)), theme::PLAIN)
        }
    }
}

/// Says when it changed; of a group, how many of it are stale.
fn changed(state: &State, row: &AssetRow<'_>) -> Line<'static> {
    match row {
        AssetRow::Group { stale: 0, .. } => paint::line("✓ ", theme::GOOD),
        AssetRow::Group { stale, .. } => paint::line(format!("! {stale} stale"), theme::WARN),
        AssetRow::Asset { asset, .. } => Line::from(vec![
            paint::glyph(mark(asset.freshness)),
            paint::span(format!(" {}", age(state, asset)), theme::PLAIN),
        ]),
    }
}

/// Names the DAGs that a change of it starts.
fn starts(asset: &AssetView) -> Option<String> {
    let dags: Vec<&str> = asset.scheduled_dags.iter().map(|dag| dag.as_str()).collect();
    (!dags.is_empty()).then(|| dags.join(", "))
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
