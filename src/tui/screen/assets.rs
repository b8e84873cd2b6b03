//! Assets: what data there is, when it last changed, where it comes from and goes.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use crate::rows;
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::asset::{AssetEvent, AssetEventSource};
use crate::types::view::{AssetView, LineageView};
use crate::types::{AssetName, Timestamp};
use crate::widget::graph::{self, Node};
use crate::widget::paint;
use crate::widget::table::{Table, growing, position, right};

/// Draws the list with the lineage of the selection.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let (list, lineage) = if area.width >= 140 {
        let [left, right] =
            Layout::horizontal([Constraint::Percentage(45), Constraint::Min(0)]).areas(area);
        (left, right)
    } else {
        let len = state.cache.assets().map_or(5, <[AssetView]>::len);
        let rows = u16::try_from(len + 3).unwrap_or(u16::MAX).clamp(6, (area.height / 2).max(6));
        let [top, bottom] =
            Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area);
        (top, bottom)
    };
    draw_list(buf, list, state);
    if area.width >= 140 {
        let [graph, events] =
            Layout::vertical([Constraint::Percentage(55), Constraint::Min(0)]).areas(lineage);
        draw_lineage(buf, graph, state);
        draw_events(buf, events, state);
    } else {
        draw_lineage(buf, lineage, state);
    }
}

/// Draws one asset: its lineage and what happened to it.
pub(crate) fn draw_page(buf: &mut Buffer, area: Rect, state: &State, name: &AssetName) {
    let Some(asset) = rows::find_asset(state, name) else {
        let inside = paint::panel(buf, area, name.as_str(), "", true);
        if state.cache.assets().is_some() {
            paint::empty(buf, inside, "This asset is gone from dags.toml", "esc goes back");
        } else {
            missing(buf, inside, state, &Slot::Assets);
        }
        return;
    };
    let [facts, graph, events] =
        Layout::vertical([Constraint::Length(6), Constraint::Percentage(50), Constraint::Min(0)])
            .areas(area);
    let inside = paint::panel(buf, facts, name.as_str(), "", false);
    paint::put_all(buf, inside, asset_facts(asset), 0);
    draw_lineage(buf, graph, state);
    draw_events(buf, events, state);
}

fn draw_list(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let assets = rows::assets(state, level);
    let selected = level.cursor(&rows::keys(state, level));
    let mut title = format!("Assets {}", assets.len());
    if !level.filter.is_empty() {
        title.push_str(&format!(" · /{}", level.filter));
    }
    let inside = paint::panel(buf, area, &title, &position(selected, assets.len()), true);
    if state.cache.assets().is_none() {
        return missing(buf, inside, state, &Slot::Assets);
    }
    if assets.is_empty() {
        let how = "[asset.NAME] in dags.toml declares one; tasks name it in outlets";
        return paint::empty(buf, inside, "No assets here", how);
    }
    let columns = [
        growing("ASSET", 20, 0),
        right("LAST", 8, 0),
        right("EVENTS", 6, 2),
        growing("FROM → TO", 24, 1),
        growing("URI", 20, 3),
    ];
    let row = |at: usize| cells(state, assets[at]);
    Table {
        columns: &columns,
        len: assets.len(),
        selected: Some(selected),
        is_focused: true,
        row: &row,
    }
    .draw(buf, inside);
}

fn cells(state: &State, asset: &AssetView) -> Vec<Line<'static>> {
    let last = asset.last_event.as_ref().map(|event| text::ago(state.now, event.timestamp));
    vec![
        paint::line(asset.name.as_str(), theme::PLAIN),
        paint::line(last.unwrap_or_else(|| "never".to_owned()), theme::PLAIN),
        paint::line(asset.event_count.to_string(), theme::DIM),
        paint::line(flow(asset), theme::PLAIN),
        paint::line(&asset.uri, theme::DIM),
    ]
}

/// Says from where to where: `minio_producer → minio_consumer`.
fn flow(asset: &AssetView) -> String {
    let mut from: Vec<&str> = asset.producing_tasks.iter().map(|(dag, _)| dag.as_str()).collect();
    from.dedup();
    if asset.watch {
        from.push("watcher");
    }
    let mut to: Vec<&str> = asset.scheduled_dags.iter().map(|dag| dag.as_str()).collect();
    for (dag, _) in &asset.consuming_tasks {
        if !to.contains(&dag.as_str()) {
            to.push(dag.as_str());
        }
    }
    let word =
        |names: Vec<&str>| if names.is_empty() { "—".to_owned() } else { names.join(", ") };
    format!("{} → {}", word(from), word(to))
}

fn asset_facts(asset: &AssetView) -> Vec<Line<'static>> {
    let tasks = |list: &[(crate::types::DagId, crate::types::TaskId)]| {
        let names: Vec<String> = list.iter().map(|(dag, task)| format!("{dag}.{task}")).collect();
        if names.is_empty() { "—".to_owned() } else { names.join(", ") }
    };
    let starts: Vec<&str> = asset.scheduled_dags.iter().map(|dag| dag.as_str()).collect();
    let watched = if asset.watch { "   watched" } else { "" };
    vec![
        paint::pair("uri", format!("{}{watched}", asset.uri)),
        paint::pair("made by", tasks(&asset.producing_tasks)),
        paint::pair("read by", tasks(&asset.consuming_tasks)),
        paint::pair("starts", if starts.is_empty() { "—".to_owned() } else { starts.join(", ") }),
    ]
}

fn draw_lineage(buf: &mut Buffer, area: Rect, state: &State) {
    let Some(asset) = rows::shown_asset(state) else {
        paint::panel(buf, area, "Lineage", "", false);
        return;
    };
    let title = format!("Lineage of {}", asset.name);
    let note = "◇ asset  » dag  ◈ model  ↦ endpoint";
    let inside = paint::panel(buf, area, &title, note, false);
    let Some(lineage) = state.cache.lineage(Some(&asset.name)) else {
        return missing(buf, inside, state, &Slot::Lineage(Some(asset.name.clone())));
    };
    if lineage.nodes.is_empty() {
        return paint::empty(
            buf,
            inside,
            "Nothing makes it and nothing reads it",
            "inlets, outlets and schedules in dags.toml make the lineage",
        );
    }
    let (nodes, edges, selected) = lineage_graph(lineage, &asset.name, state.now);
    graph::draw(buf, inside, &nodes, &edges, selected);
}

type Drawing = (Vec<Node>, Vec<(usize, usize)>, Option<usize>);

fn lineage_graph(lineage: &LineageView, name: &AssetName, now: Timestamp) -> Drawing {
    let nodes = lineage
        .nodes
        .iter()
        .map(|node| {
            let mut mark = theme::kind_mark(&node.kind);
            if let Some(state) = node.state {
                mark.style = theme::run_mark(state).style;
            }
            let note = match (node.state, node.last) {
                (Some(state), _) if !state.is_finished() => theme::run_mark(state).word.to_owned(),
                (_, Some(last)) => text::ago(now, last),
                (_, None) => String::new(),
            };
            Node { mark, name: node.name.clone(), note, note_width: 8 }
        })
        .collect();
    let place = |id: &String| lineage.nodes.iter().position(|node| node.id == *id);
    // A DAG that reads and writes one asset makes a circle; its way back is not drawn.
    let mut edges: Vec<(usize, usize)> = Vec::new();
    for (from, to) in &lineage.edges {
        if let Some((from, to)) = place(from).zip(place(to))
            && !reaches(&edges, to, from)
        {
            edges.push((from, to));
        }
    }
    let selected = lineage.nodes.iter().position(|node| node.id == format!("asset:{name}"));
    (nodes, edges, selected)
}

fn reaches(edges: &[(usize, usize)], from: usize, to: usize) -> bool {
    let mut seen = vec![from];
    let mut at = 0;
    while let Some(here) = seen.get(at).copied() {
        if here == to {
            return true;
        }
        for (_, next) in edges.iter().filter(|(start, _)| *start == here) {
            if !seen.contains(next) {
                seen.push(*next);
            }
        }
        at += 1;
    }
    false
}

fn draw_events(buf: &mut Buffer, area: Rect, state: &State) {
    let Some(asset) = rows::shown_asset(state) else {
        paint::panel(buf, area, "Events", "", false);
        return;
    };
    let title = format!("Events of {}", asset.name);
    let inside = paint::panel(buf, area, &title, "", false);
    let slot = Slot::AssetEvents(Some(asset.name.clone()));
    let Some(events) = state.cache.asset_events(Some(&asset.name)) else {
        return missing(buf, inside, state, &slot);
    };
    if events.is_empty() {
        return paint::empty(buf, inside, "It never changed yet", "e says that it did");
    }
    let lines: Vec<Line<'static>> =
        events.iter().map(|view| event_line(state.now, &view.event)).collect();
    let hidden = lines.len().saturating_sub(usize::from(inside.height));
    paint::put_all(buf, inside, lines, state.level().scroll.min(hidden));
}

fn event_line(now: Timestamp, event: &AssetEvent) -> Line<'static> {
    let source = match &event.source {
        AssetEventSource::Task(key) => format!("{}.{}", key.dag_id, key.task_id),
        AssetEventSource::Watcher => "watcher".to_owned(),
        AssetEventSource::Registry => "registry".to_owned(),
        AssetEventSource::Person { user } => user.clone(),
    };
    let extra: Vec<String> = event
        .extra
        .iter()
        .map(|(name, value)| match value.as_str() {
            Some(text) => format!("{name} {text}"),
            None => format!("{name} {value}"),
        })
        .collect();
    Line::from(vec![
        paint::span(format!("{:>8}  ", text::ago(now, event.timestamp)), theme::PLAIN),
        paint::span(format!("{source:<28} "), theme::ACCENT),
        paint::span(extra.join("  "), theme::DIM),
    ])
}
