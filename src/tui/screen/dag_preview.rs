//! The selected DAG in short: what it is, how far its run is, how its runs go, what it is made of.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use serde_json::Value;

use crate::keymap::with_keys;
use crate::rows;
use crate::screen::{dag, dags, home};
use crate::state::State;
use crate::text;
use crate::theme;
use crate::types::attention::RunBrief;
use crate::types::view::{DagDetailView, DagView};
use crate::types::{DagRunState, TaskInstanceState};
use crate::widget::graph::{self, Sketch};
use crate::widget::paint;

/// With more rows than these it has a graph and tells everything.
const TALL: u16 = 12;

/// Draws the preview; how much of it depends on the room.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let Some(dag) = rows::selected(level, &rows::dags(state, level)) else {
        paint::panel(buf, area, "", "", false);
        return;
    };
    let note = match area.height {
        ..9 => String::new(),
        _ => with_keys!(state, "{} definition", DagPage),
    };
    let inside = paint::panel(buf, area, dag.dag_id.as_str(), &note, false);
    let lines = told(state, dag, inside);
    let rest = rest(inside, lines.len());
    paint::put_all(buf, inside, lines, 0);
    if !rest.is_empty() {
        draw_rest(buf, rest, state, dag);
    }
}

/// Says how the DAG stands, in as many lines as there is room for.
fn told(state: &State, dag: &DagView, inside: Rect) -> Vec<Line<'static>> {
    let detail = state.cache.dag(&dag.dag_id);
    let width = usize::from(inside.width);
    let is_tall = inside.height > TALL;
    let mut lines = Vec::new();
    if let (Some(description), true) = (&dag.description, inside.height > 4) {
        let wrapped = text::wrap_words(description, width);
        let most = if is_tall { 3 } else { 1 };
        lines.extend(wrapped.into_iter().take(most).map(|line| paint::line(line, theme::PLAIN)));
    }
    lines.push(facts(state, dag, detail));
    lines.push(run_line(state, dag, detail, width));
    if let Some(detail) = detail {
        lines.push(figures(dag, detail, !is_tall));
        if is_tall {
            tall(state, detail, &mut lines);
        }
    }
    lines
}

/// Returns what so many lines leave for the graph and what happened lately, where that is enough.
fn rest(inside: Rect, lines: usize) -> Rect {
    let used = u16::try_from(lines).unwrap_or(u16::MAX);
    if inside.height <= TALL || inside.height <= used.saturating_add(4) {
        return Rect::default();
    }
    Rect { y: inside.y + used, height: inside.height - used, ..inside }
}

/// Returns the graph that is drawn, with the room that it has.
pub(crate) fn sketch(state: &State) -> Option<(Sketch, Rect)> {
    let inside = paint::inside(home::preview_area(state));
    if inside.height <= TALL {
        return None;
    }
    let level = state.level();
    let dag = rows::selected(level, &rows::dags(state, level))?;
    let rest = rest(inside, told(state, dag, inside).len());
    let tasks = rows::dag_tasks(state, &dag.dag_id);
    let happened = happened(state, dag).len();
    (!rest.is_empty()).then(|| (dag::definition_graph(&tasks), graph_room(rest, happened)))
}

fn facts(state: &State, dag: &DagView, detail: Option<&DagDetailView>) -> Line<'static> {
    let mut facts = Vec::new();
    facts.extend(dag.is_stale.then(|| "gone from dags.toml: its history is kept".to_owned()));
    facts.extend(dag.is_paused.then(|| with_keys!(state, "paused: {} unpauses", Pause)));
    facts.extend(dag.owner.as_ref().map(|owner| format!("owner {owner}")));
    let groups = detail.map_or(0, |detail| detail.groups.len());
    facts.push(match groups {
        0 => text::count(dag.task_count, "task"),
        n => format!("{} / {}", text::count(dag.task_count, "task"), text::count(n, "group")),
    });
    facts.push(text::count(dag.param_count, "param"));
    if let Some(detail) = detail {
        facts.extend(detail.dag_version_number.map(|number| format!("v{number}")));
        facts.push(match detail.schedule_words.as_str() {
            "" => dag.timetable_summary.clone(),
            words => words.to_owned(),
        });
        facts.push(format!("max {} at once", text::count(detail.max_active_runs as usize, "run")));
    }
    paint::line(facts.join(" · "), theme::DIM)
}

/// The run that is under way with how far it is and what runs; else the last one.
fn run_line(
    state: &State,
    dag: &DagView,
    detail: Option<&DagDetailView>,
    width: usize,
) -> Line<'static> {
    let Some(run) = dag.recent_runs.last() else {
        return paint::line(
            with_keys!(state, "no run yet: {} triggers one", Trigger),
            theme::ACCENT,
        );
    };
    let mut spans = vec![Span::styled("run ", theme::DIM)];
    spans.extend(paint::worded(theme::run_mark(run.state)));
    if run.state != DagRunState::Running {
        spans.push(paint::span(format!(" {}", dags::when(state, run)), theme::PLAIN));
        let took = dags::took(state, run).map(|took| format!(", took {took}")).unwrap_or_default();
        spans.push(paint::span(took, theme::DIM));
        return Line::from(spans);
    }
    let took = dags::took(state, run).unwrap_or_default();
    spans.push(paint::span(format!(" {took:<6} "), theme::PLAIN));
    let brief = detail.and_then(|detail| detail.under_way.as_ref());
    if let Some(brief) = brief {
        spans.extend(progress(brief, (width / 4).clamp(8, 28)));
        spans.push(paint::span(now_running(brief), theme::PLAIN));
    } else if let (Some(start), Some(usual)) = (run.start_date, dag.median_duration) {
        let share = text::seconds(start, state.now) / usual.max(0.1);
        spans.push(Span::styled(paint::bar(share, 12), theme::ACCENT));
        spans.push(paint::span(format!(" usually {}", text::duration(usual)), theme::DIM));
    }
    Line::from(spans)
}

/// A bar of what has ended, what runs and what is to come, with the figures.
pub(crate) fn progress(brief: &RunBrief, cells: usize) -> Vec<Span<'static>> {
    let (done, all) = brief.progress();
    let count = |wanted: fn(TaskInstanceState) -> bool| -> u64 {
        let fits = |state: &Option<TaskInstanceState>| state.is_some_and(wanted);
        brief.counts.iter().filter(|(state, _)| fits(state)).map(|(_, n)| n).sum()
    };
    let bad = count(|s| matches!(s, TaskInstanceState::Failed | TaskInstanceState::UpstreamFailed));
    let running = count(TaskInstanceState::is_in_flight);
    let part = |n: u64, style: Style, glyph: &str| {
        let share = n as f64 / all.max(1) as f64;
        // Whatever there is shows, be it one of ten thousand.
        let width = ((share * cells as f64).floor() as usize).max(usize::from(n > 0));
        (width, Span::styled(glyph.repeat(width), style))
    };
    let parts = [
        part(done.saturating_sub(bad), theme::GOOD, "█"),
        part(bad, theme::BAD, "█"),
        part(running, theme::ACCENT, "▒"),
    ];
    let used: usize = parts.iter().map(|(width, _)| width).sum();
    let mut spans = vec![Span::raw("[")];
    spans.extend(parts.into_iter().map(|(_, span)| span));
    spans.push(Span::styled("░".repeat(cells.saturating_sub(used)), theme::DIM));
    spans.push(paint::span(format!("] {done}/{all}"), theme::PLAIN));
    spans
}

fn now_running(brief: &RunBrief) -> String {
    const SHOWN: usize = 2;
    let names: Vec<String> = brief.running.iter().take(SHOWN).map(rows::task_key).collect();
    let all: u64 = brief
        .counts
        .iter()
        .filter(|(state, _)| *state == Some(TaskInstanceState::Running))
        .map(|(_, n)| n)
        .sum();
    match (names.len() as u64, all) {
        (0, _) => String::new(),
        (named, all) if all > named => format!("  now {}, +{}", names.join(", "), all - named),
        _ => format!("  now {}", names.join(", ")),
    }
}

fn figures(dag: &DagView, detail: &DagDetailView, with_outlets: bool) -> Line<'static> {
    let mut spans = Vec::new();
    let mut say = |label: &str, value: String| {
        spans.push(paint::span(format!("{label} "), theme::DIM));
        spans.push(paint::span(format!("{value}  "), theme::PLAIN));
    };
    if let Some(median) = dag.median_duration {
        say("p50", text::duration(median));
    }
    if let Some(p95) = detail.p95_duration {
        say("p95", text::duration(p95));
    }
    if let (good, all @ 1..) = detail.ended_well {
        say("success in 30d", format!("{:.1}% of {all}", 100.0 * good as f64 / all as f64));
    }
    if with_outlets && let Some(outlets) = outlets(detail) {
        say("produces", outlets);
    }
    if spans.is_empty() {
        return paint::line("no figures yet: no run has ended", theme::DIM);
    }
    Line::from(spans)
}

/// Returns the assets that its tasks say they change.
pub(crate) fn outlets(detail: &DagDetailView) -> Option<String> {
    let mut outlets: Vec<&str> = Vec::new();
    for outlet in detail.tasks.iter().flat_map(|task| &task.outlets) {
        if !outlets.contains(&outlet.as_str()) {
            outlets.push(outlet);
        }
    }
    (!outlets.is_empty()).then(|| outlets.join(", "))
}

fn tall(state: &State, detail: &DagDetailView, lines: &mut Vec<Line<'static>>) {
    let durations: Vec<f64> = detail
        .dag
        .recent_runs
        .iter()
        .filter_map(|run| Some(text::seconds(run.start_date?, run.end_date?)))
        .collect();
    if durations.len() > 2 {
        let bars = text::spark(&durations, 40);
        let most = durations.iter().copied().fold(0.0, f64::max);
        lines.push(Line::from(vec![
            Span::styled("durations   ", theme::DIM),
            Span::styled(bars, theme::ACCENT),
            paint::span(format!(" up to {}", text::duration(most)), theme::DIM),
        ]));
    }
    if let [first, rest @ ..] = detail.next_runs.as_slice() {
        let then: Vec<String> = rest.iter().take(2).map(|at| text::until(state.now, *at)).collect();
        let then =
            if then.is_empty() { String::new() } else { format!(", then {}", then.join(", ")) };
        let first = format!("{} ({})", text::instant(*first), text::until(state.now, *first));
        lines.push(paint::pair("next run", first + &then));
    }
    if let Some(outlets) = outlets(detail) {
        lines.push(paint::pair("produces", outlets));
    }
    if let Some(waits) = &detail.asset_expression {
        lines.push(paint::pair("waits for", waits));
    }
    if !detail.params.is_empty() {
        let plain = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let params = detail.params.iter().map(|(name, value)| format!("{name}={}", plain(value)));
        lines.push(paint::pair("params", params.collect::<Vec<_>>().join("  ")));
    }
    lines.push(paint::pair("defined", format!("{}:{}", detail.fileloc, detail.line)));
}

/// Says what happened to a DAG lately.
fn happened(state: &State, dag: &DagView) -> Vec<Line<'static>> {
    rows::events_of(state, &dag.dag_id)
        .take(6)
        .map(|event| {
            Line::from(vec![
                paint::glyph(theme::severity_mark(event.severity)),
                paint::span(format!(" {:>8}  ", text::ago(state.now, event.when)), theme::DIM),
                paint::span(&event.message, theme::PLAIN),
            ])
        })
        .collect()
}

/// Returns the room of the graph above so many lines of what happened.
fn graph_room(area: Rect, happened: usize) -> Rect {
    let below = match happened {
        0 => 0,
        n => u16::try_from(n).unwrap_or(0) + 2,
    };
    Rect { y: area.y + 1, height: area.height.saturating_sub(1 + below), ..area }
}

/// The graph, and below it what happened lately.
fn draw_rest(buf: &mut Buffer, area: Rect, state: &State, dag: &DagView) {
    let tasks = rows::dag_tasks(state, &dag.dag_id);
    let sketch = dag::definition_graph(&tasks);
    let laid = state.graph.sketched(sketch.shape());
    let happened = happened(state, dag);
    let room = graph_room(area, happened.len());
    let height = graph::rows(&sketch, laid, room.height);
    graph::draw(buf, Rect { height, ..room }, &sketch, laid, None);
    if happened.is_empty() {
        return;
    }
    let top = room.y + height + 1;
    let list = Rect { y: top, height: area.bottom().saturating_sub(top), ..area };
    let mut lines = vec![paint::line("lately", theme::BOLD)];
    lines.extend(happened);
    paint::put_all(buf, list, lines, 0);
}
