//! One asset in full: what makes and reads it, why it is old, its events and what they started.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::keymap::{Action, Place, label_at, with_keys};
use crate::rows::assets as rows;
use crate::screen::assets::{mark, tree};
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::asset::AssetEventKind;
use crate::types::freshness::{AssetEventView, AssetWhy};
use crate::types::io::{CheckResult, OnFail};
use crate::types::view::{AssetView, LineageKind, LineageNode};
use crate::types::{DagId, TaskId};
use crate::widget::paint;
use crate::widget::table::{highlight, offset};

/// So many names of the data of a node are shown.
const DATASETS_SHOWN: usize = 3;
/// So many links of a node have a line.
const LINKS_SHOWN: usize = 6;
/// So many expectations have a line of their own.
const CHECKS_SHOWN: usize = 4;

pub(super) fn draw(buf: &mut Buffer, area: Rect, state: &State, is_focused: bool) {
    let Some(asset) = rows::shown(state) else {
        let node = rows::node(state);
        let title = node.map_or("Details", |node| node.name.as_str());
        let inside = paint::panel(buf, area, title, "", is_focused);
        if let Some(node) = node {
            paint::put_all(buf, inside, of_node(state, node), 0);
        }
        return;
    };
    let run = label_at(state, Place::AssetDetails, Action::Open);
    let maker = label_at(state, Place::AssetDetails, Action::OpenRun);
    let keys = format!("{run} the run it started  {maker} the run that made it");
    let inside = paint::panel(buf, area, asset.name.as_str(), &keys, is_focused);
    let facts = facts(state, asset, usize::from(inside.width));
    let rest = below(buf, inside, facts);
    let parts = partitions(state, asset, usize::from(rest.height / 3));
    let rest = below(buf, rest, parts);
    draw_events(buf, rest, state, asset, is_focused);
}

/// Draws lines, and returns the room below them.
fn below(buf: &mut Buffer, area: Rect, lines: Vec<Line<'static>>) -> Rect {
    let taken = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height);
    paint::put_all(buf, area, lines, 0);
    Rect { y: area.y + taken, height: area.height - taken, ..area }
}

/// Lists the partitions that changed last, each with the runs of its last event.
fn partitions(state: &State, asset: &AssetView, room: usize) -> Vec<Line<'static>> {
    let Some(found) = state.cache.partitions(&asset.name).filter(|_| room > 1) else {
        return Vec::new();
    };
    let count = usize::try_from(asset.partitions).unwrap_or(usize::MAX);
    let title = match count > room - 1 {
        true => format!("PARTITIONS, the last of {count}"),
        false => "PARTITIONS".to_owned(),
    };
    let mut lines = vec![paint::line(title, theme::DIM)];
    lines.extend(found.iter().take(room - 1).map(|one| {
        let ago = text::ago(state.now, one.last.event.timestamp);
        let mut spans = vec![
            paint::span(format!("{ago:>8}  "), theme::PLAIN),
            paint::span(one.partition_key.as_str(), theme::ACCENT),
        ];
        spans.extend(kind_span(&one.last));
        spans.extend(started_spans(&one.last));
        spans.push(paint::span(
            format!("  {}", text::count(usize::try_from(one.events).unwrap_or(0), "event")),
            theme::DIM,
        ));
        Line::from(spans)
    }));
    lines
}

/// Says what became of the data, where that is not just that it changed.
fn kind_span(view: &AssetEventView) -> Option<Span<'static>> {
    let style = match view.event.kind {
        AssetEventKind::Changed => return None,
        AssetEventKind::Created | AssetEventKind::Moved => theme::PLAIN,
        AssetEventKind::Deleted => theme::WARN,
    };
    Some(paint::span(format!("  {}", view.event.kind.as_str()), style))
}

fn started_spans(view: &AssetEventView) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    for run in &view.started_runs {
        spans.push(paint::span("  → ", theme::DIM));
        spans.push(paint::glyph(theme::run_mark(run.state)));
        spans.push(paint::span(format!(" {}", run.dag_id), theme::PLAIN));
    }
    spans
}

/// Says of what is no asset what is known of it.
fn of_node(state: &State, node: &LineageNode) -> Vec<Line<'static>> {
    let kind = theme::kind_mark(&node.kind);
    let mut lines = vec![paint::pair("kind", kind.word)];
    if let Some(run) = node.state {
        let mark = theme::run_mark(run);
        let paused = if node.is_paused { ", paused" } else { "" };
        let ago = node.last.map(|last| text::ago(state.now, last)).unwrap_or_default();
        let mut spans = vec![paint::span(format!("{:<11} ", "last run"), theme::DIM)];
        spans.extend(paint::worded(mark));
        spans.push(paint::span(format!("  {ago}{paused}"), theme::PLAIN));
        lines.push(Line::from(spans));
    } else if let Some(last) = node.last {
        lines.push(paint::pair("changed", text::ago(state.now, last)));
    }
    if !node.note.is_empty() {
        lines.push(paint::pair("is", node.note.clone()));
    }
    for (at, name) in node.datasets.iter().take(DATASETS_SHOWN).enumerate() {
        let label = if at == 0 { "known as" } else { "" };
        lines.push(paint::pair(label, format!("{} {}", name.namespace, name.name)));
    }
    lines.extend(links(state, &node.id, true));
    lines.push(Line::default());
    let open = label_at(state, Place::Lineage, Action::Open);
    let middle = label_at(state, Place::Lineage, Action::Recentre);
    let keys = format!("{open} opens it   {middle} puts it in the middle");
    lines.push(paint::line(keys, theme::DIM));
    lines
}

/// Tells how it is known that data flows to and from a node: all of its links, or only those that
/// were declared and never seen, or seen and not declared.
fn links(state: &State, id: &str, all: bool) -> Vec<Line<'static>> {
    let Some(lineage) = rows::lineage(state) else { return Vec::new() };
    let name = |id: &str| {
        let node = lineage.nodes.iter().find(|node| node.id == id);
        node.map_or_else(|| id.to_owned(), |node| node.name.clone())
    };
    let mut lines = Vec::new();
    for edge in &lineage.edges {
        let (way, other) = match (edge.from == id, edge.to == id) {
            (true, _) => ("→", &edge.to),
            (_, true) => ("←", &edge.from),
            _ => continue,
        };
        let words = edge.standing.words();
        if words.is_none() && !all {
            continue;
        }
        let style = if words.is_some() { theme::WARN } else { theme::DIM };
        let mut told: Vec<String> = words.map(str::to_owned).into_iter().collect();
        if let Some(seen) = edge.last_seen {
            told.push(format!("last {}", text::ago(state.now, seen)));
        }
        if !edge.by.is_empty() {
            told.push(format!("by {}", edge.by.join(", ")));
        }
        let label = if lines.is_empty() { "links" } else { "" };
        lines.push(Line::from(vec![
            paint::span(format!("{label:<11} {way} "), theme::DIM),
            paint::span(name(other), theme::PLAIN),
            paint::span(format!("  {}", told.join(", ")), style),
        ]));
        if lines.len() == LINKS_SHOWN {
            break;
        }
    }
    lines
}

fn facts(state: &State, asset: &AssetView, width: usize) -> Vec<Line<'static>> {
    let standing = mark(asset.freshness);
    let ago = asset.last_event.as_ref().map(|event| text::ago(state.now, event.timestamp));
    let changed = ago.map_or_else(|| "never changed".to_owned(), |ago| format!("changed {ago}"));
    let watched = if asset.watch { ", watched" } else { "" };
    let mut spans = vec![paint::span(format!("{:<11} ", "state"), theme::DIM)];
    spans.extend(paint::worded(standing));
    spans.push(paint::span(
        format!("  {changed}, {}", text::count(events(asset), "event")),
        theme::PLAIN,
    ));
    let mut lines = vec![Line::from(spans)];
    lines.push(paint::pair("uri", format!("{}{watched}", asset.uri)));
    if let Some(limit) = asset.freshness_limit {
        lines.push(paint::pair("freshness", format!("at most {}", text::duration(limit))));
    }
    if asset.group != "asset" && !asset.group.is_empty() {
        lines.push(paint::pair("group", asset.group.clone()));
    }
    lines.extend(made_by(asset));
    lines.push(paint::pair("read by", tasks(&asset.consuming_tasks)));
    let starts: Vec<&str> = asset.scheduled_dags.iter().map(|dag| dag.as_str()).collect();
    lines.push(paint::pair(
        "starts",
        if starts.is_empty() { "—".to_owned() } else { starts.join(", ") },
    ));
    lines.extend(links(state, &LineageKind::Asset.id(asset.name.as_str()), false));
    lines.extend(checks(state, asset, width));
    let has_cause = |why: &&AssetWhy| why.path.iter().any(|step| step.cause.is_some());
    if let Some(why) = rows::why(state).filter(has_cause) {
        lines.extend(root_cause(why, width));
    }
    lines
}

/// Tells what the checks that guard it came to; the failing ones first where not all have room.
fn checks(state: &State, asset: &AssetView, width: usize) -> Vec<Line<'static>> {
    let Some(newest) = asset.checks.first() else { return Vec::new() };
    let failed = asset.checks.iter().filter(|check| !check.result.passed).count();
    let mark = if failed == 0 { theme::GOOD } else { theme::WARN };
    let words = match failed {
        0 => format!("{} hold", text::count(asset.checks.len(), "expectation")),
        n => format!("{n} of {} fail", text::count(asset.checks.len(), "expectation")),
    };
    let by = format!("  {}.{}, ", newest.task.dag_id, newest.task.task_id);
    let mut lines = vec![Line::from(vec![
        paint::span(format!("{:<11} ", "checks"), theme::DIM),
        paint::span(words, mark),
        paint::span(by + &text::ago(state.now, newest.timestamp), theme::DIM),
    ])];
    let mut shown: Vec<_> = asset.checks.iter().map(|check| &check.result).collect();
    shown.sort_by_key(|result| result.passed);
    lines.extend(shown.into_iter().take(CHECKS_SHOWN).map(|result| check_line(result, width)));
    lines
}

fn check_line(result: &CheckResult, width: usize) -> Line<'static> {
    let (word, part) = match (result.passed, result.on_fail) {
        (true, _) => ("ok", theme::GOOD),
        (false, OnFail::Fail) => ("failed", theme::BAD),
        (false, OnFail::Warn) => ("warns", theme::WARN),
    };
    let figures = result.figures.as_ref().map(|figures| format!("  {figures}"));
    let told = format!("{}{}", result.expect, figures.unwrap_or_default());
    let told = text::cut_middle(&told, width.saturating_sub(19).max(8));
    Line::from(vec![
        paint::span(format!("{:<12}{word:<7}", ""), part),
        paint::span(told, theme::PLAIN),
    ])
}

fn events(asset: &AssetView) -> usize {
    usize::try_from(asset.event_count).unwrap_or(usize::MAX)
}

fn made_by(asset: &AssetView) -> Vec<Line<'static>> {
    if asset.producing_tasks.is_empty() {
        return vec![paint::pair("made by", "—")];
    }
    let line = |(at, (dag_id, task_id)): (usize, &(DagId, TaskId))| {
        let label = if at == 0 { "made by" } else { "" };
        let mut spans = vec![paint::span(format!("{label:<11} "), theme::DIM)];
        match asset.producers.iter().find(|producer| producer.dag_id == *dag_id) {
            Some(producer) => spans.extend(tree::producer_spans(producer)),
            None => spans.push(paint::span(dag_id.as_str(), theme::PLAIN)),
        }
        spans.push(paint::span(format!(".{task_id}"), theme::PLAIN));
        Line::from(spans)
    };
    asset.producing_tasks.iter().enumerate().take(4).map(line).collect()
}

fn tasks(list: &[(DagId, TaskId)]) -> String {
    let names: Vec<String> = list.iter().map(|(dag, task)| format!("{dag}.{task}")).collect();
    if names.is_empty() { "—".to_owned() } else { names.join(", ") }
}

/// Says in a few lines why it is old; `w` has all of it.
fn root_cause(why: &AssetWhy, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if why.path.len() > 1 {
        let way = text::cut_middle(&why.way(), width.saturating_sub(12));
        lines.push(Line::from(vec![
            paint::span(format!("{:<11} ", "root cause"), theme::DIM),
            paint::span(way, theme::WARN),
        ]));
    }
    if let Some(root) = why.path.first() {
        let pieces = text::wrap_words(&root.text, width.saturating_sub(12).max(8));
        for (at, piece) in pieces.into_iter().take(3).enumerate() {
            let label = if at == 0 { "because" } else { "" };
            lines.push(Line::from(vec![
                paint::span(format!("{label:<11} "), theme::DIM),
                paint::span(piece, theme::WARN),
            ]));
        }
    }
    lines
}

fn draw_events(buf: &mut Buffer, area: Rect, state: &State, asset: &AssetView, is_focused: bool) {
    if area.height < 2 {
        return;
    }
    paint::put(buf, area, 0, paint::line("EVENTS", theme::DIM));
    let area = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let slot = Slot::AssetEvents(Some(asset.name.clone()));
    let Some(events) = rows::events(state) else {
        return missing(buf, area, state, &slot);
    };
    if events.is_empty() {
        let how = match asset.producers.is_empty() {
            true => with_keys!(state, "{} says that it changed", Emit),
            false => with_keys!(
                state,
                "{} triggers the DAG that makes it; {} says that it changed",
                Materialise,
                Emit
            ),
        };
        return paint::empty(buf, area, "It never changed yet", &how);
    }
    let selected = state.level().lineage.event.min(events.len() - 1);
    let height = usize::from(area.height);
    let first = offset(selected, events.len(), height);
    for (row, (at, view)) in (0..area.height).zip(events.iter().enumerate().skip(first)) {
        paint::put(buf, area, row, event_line(state, view));
        if is_focused && at == selected {
            highlight(buf, Rect { y: area.y + row, height: 1, ..area });
        }
    }
}

/// Writes an event: when, by whom, what it started, what it says.
fn event_line(state: &State, view: &AssetEventView) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = vec![
        paint::span(format!("{:>8}  ", text::ago(state.now, view.event.timestamp)), theme::PLAIN),
        paint::span(view.event.source.to_string(), theme::ACCENT),
    ];
    spans.extend(kind_span(view));
    if let Some(key) = &view.event.partition_key {
        spans.push(paint::span(format!("  [{key}]"), theme::PLAIN));
    }
    spans.extend(started_spans(view));
    for (name, value) in &view.event.extra {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        spans.push(paint::span(format!("  {name} {value}"), theme::DIM));
    }
    Line::from(spans)
}
