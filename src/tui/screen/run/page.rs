//! A run in full: what it was given, when it is due, what brought it about, what was told of it;
//! and what differs between it and the run before.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use serde_json::{Map, Value};

use crate::keymap::scroll_note;
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::TaskInstanceState;
use crate::types::callback::{CallbackRequest, CallbackState};
use crate::types::run::{DagRun, DagRunKey, TaskInstance};
use crate::types::view::RunDetailView;
use crate::widget::paint;

/// Draws the run over the screen.
pub(crate) fn popup(buf: &mut Buffer, area: Rect, state: &State, key: &DagRunKey, scroll: usize) {
    let title = format!("Run {}", text::run_name(key.dag_run_id.as_str()));
    let Some(run) = state.cache.run(key) else {
        return wait(buf, area, state, &title, &Slot::Run(key.clone()));
    };
    let width = area.width.saturating_sub(4).min(110);
    let lines = page(state, run, usize::from(width.saturating_sub(4)));
    show(buf, area, state, (&title, width), lines, scroll);
}

/// Draws what differs from the run before over the screen.
pub(crate) fn diff(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    (before, key): (&DagRunKey, &DagRunKey),
    scroll: usize,
) {
    let title = format!(
        "{} → {}",
        text::run_name(before.dag_run_id.as_str()),
        text::run_name(key.dag_run_id.as_str())
    );
    let (Some(old), Some(new)) = (state.cache.run(before), state.cache.run(key)) else {
        let slot = if state.cache.run(before).is_none() { before } else { key };
        return wait(buf, area, state, &title, &Slot::Run(slot.clone()));
    };
    let width = area.width.saturating_sub(4).min(110);
    show(buf, area, state, (&title, width), differences(state, old, new), scroll);
}

fn wait(buf: &mut Buffer, area: Rect, state: &State, title: &str, slot: &Slot) {
    let place = paint::popup(buf, area, area.width.saturating_sub(4).min(110), 8);
    let inside = paint::panel(buf, place, title, &scroll_note(state, 0), true);
    missing(buf, inside, state, slot);
}

fn show(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    (title, width): (&str, u16),
    lines: Vec<Line<'static>>,
    scroll: usize,
) {
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height);
    let place = paint::popup(buf, area, width, height);
    let hidden = lines.len().saturating_sub(usize::from(height.saturating_sub(2)));
    let inside = paint::panel(buf, place, title, &scroll_note(state, hidden), true);
    paint::put_all(buf, inside, lines, scroll.min(hidden));
}

fn head(words: &str) -> Line<'static> {
    paint::line(words, theme::DIM)
}

fn page(state: &State, detail: &RunDetailView, width: usize) -> Vec<Line<'static>> {
    let run = &detail.run;
    let mut first = paint::worded(theme::run_mark(run.state)).to_vec();
    first.push(paint::span(format!("  {}  {}", run.dag_id, run.run_type), theme::DIM));
    let mut lines = vec![Line::from(first), paint::pair("run", run.dag_run_id.as_str())];
    let by = match &run.triggering_user_name {
        Some(user) => format!("{} by {user}", run.triggered_by),
        None => run.triggered_by.to_string(),
    };
    lines.push(paint::pair("triggered", by));
    if let Some(key) = &run.partition_key {
        lines.push(paint::pair("partition", key.as_str()));
    }
    lines
        .push(paint::pair("version", format!("{}  ({})", run.dag_version_number, run.dag_version)));
    let dates = [
        ("logical", run.logical_date),
        ("interval", run.data_interval_start),
        ("to", run.data_interval_end),
        ("queued", Some(run.queued_at)),
        ("started", run.start_date),
        ("ended", run.end_date),
    ];
    for (label, at) in dates {
        lines.extend(at.map(|at| paint::pair(label, text::instant(at))));
    }
    if let Some(secs) = run.duration_secs(state.now) {
        let usual =
            detail.median_duration.map(|usual| format!("  (usual {})", text::duration(usual)));
        lines.push(paint::pair(
            "took",
            format!("{}{}", text::duration(secs), usual.unwrap_or_default()),
        ));
    }
    if let Some(note) = &run.note {
        lines.push(paint::pair("note", note.replace('\n', " · ")));
    }
    for (title, map) in [("PARAMS", &run.params), ("GIVEN AT THE TRIGGER", &run.conf)] {
        if !map.is_empty() {
            lines.push(head(title));
            lines.extend(map.iter().map(|(name, value)| value_line(name, value)));
        }
    }
    deadlines(&mut lines, state, detail);
    if !detail.triggering_asset_events.is_empty() {
        lines.push(head("ASSET EVENTS THAT BROUGHT IT ABOUT"));
        for event in &detail.triggering_asset_events {
            let when = text::ago(state.now, event.timestamp);
            lines.push(paint::line(
                format!("  {}  {}  {when}", event.name, event.uri),
                theme::PLAIN,
            ));
        }
    }
    lines.push(head("CALLBACKS"));
    match state.cache.callbacks(&run.key()) {
        None => lines.push(paint::line("  loading…", theme::DIM)),
        Some([]) => lines.push(paint::line("  none: nothing was to be told", theme::DIM)),
        Some(told) => lines.extend(told.iter().map(|one| callback(state, one, width))),
    }
    lines
}

fn value_line(name: &str, value: &Value) -> Line<'static> {
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Line::from(vec![
        paint::span(format!("  {:<20} ", text::cut(name, 20)), theme::ACCENT),
        paint::span(value, theme::PLAIN),
    ])
}

fn deadlines(lines: &mut Vec<Line<'static>>, state: &State, detail: &RunDetailView) {
    if detail.deadlines.is_empty() {
        return;
    }
    lines.push(head("DEADLINES"));
    for deadline in &detail.deadlines {
        let (glyph, words, style) = match (deadline.missed, deadline.met_at) {
            (true, _) => (
                "!",
                format!("missed {}", text::ago(state.now, deadline.deadline_time)),
                theme::WARN,
            ),
            (false, Some(at)) => ("✓", format!("met {}", text::ago(state.now, at)), theme::GOOD),
            (false, None) => ("·", text::until(state.now, deadline.deadline_time), theme::PLAIN),
        };
        let due = text::instant(deadline.deadline_time);
        lines.push(Line::from(vec![
            Span::styled(format!("  {glyph} "), style),
            paint::span(format!("{due}  {words}  counted from {}", deadline.reference), style),
        ]));
    }
}

fn callback(state: &State, one: &CallbackRequest, width: usize) -> Line<'static> {
    let (glyph, style) = match one.state {
        CallbackState::Pending => ("◌", theme::PLAIN),
        CallbackState::Done => ("✓", theme::GOOD),
        CallbackState::Failed => ("✗", theme::BAD),
    };
    let of = one.task_id.as_ref().map_or("the run", |task| task.as_str());
    let said = one.error.clone().or_else(|| one.output.clone()).unwrap_or_default();
    let line = Line::from(vec![
        Span::styled(format!("  {glyph} "), style),
        paint::span(format!("{} of {of} ", one.event.as_str()), theme::PLAIN),
        paint::span(
            format!(
                "{}  try {}/{}  {}  ",
                one.spec.action.name(),
                one.tries,
                one.spec.retries + 1,
                text::ago(state.now, one.created_at)
            ),
            theme::DIM,
        ),
        paint::span(said, style),
    ]);
    paint::cut(line, width)
}

/// Tells what differs: version, params, durations, and of the tasks only those that do.
fn differences(state: &State, old: &RunDetailView, new: &RunDetailView) -> Vec<Line<'static>> {
    let mut lines = vec![both(
        "state",
        Span::styled(old.run.state.to_string(), theme::run_mark(old.run.state).style),
        Span::styled(new.run.state.to_string(), theme::run_mark(new.run.state).style),
    )];
    let took = |run: &DagRun| run.duration_secs(state.now).map_or("—".to_owned(), text::duration);
    lines.push(both("took", plain(took(&old.run)), plain(took(&new.run))));
    if old.run.dag_version != new.run.dag_version {
        let version = |run: &DagRun| plain(format!("v{}", run.dag_version_number));
        lines.push(both("version", version(&old.run), version(&new.run)));
    }
    let params = differing(&old.run.params, &new.run.params);
    let conf = differing(&old.run.conf, &new.run.conf);
    for (title, rows) in [("PARAMS THAT DIFFER", params), ("GIVEN AT THE TRIGGER, DIFFERING", conf)]
    {
        if !rows.is_empty() {
            lines.push(head(title));
            lines.extend(rows.into_iter().map(|(name, a, b)| both(&name, plain(a), plain(b))));
        }
    }
    let tasks = tasks(state, old, new);
    lines.push(head("TASKS THAT DIFFER"));
    if tasks.is_empty() {
        lines.push(paint::line("  none: every task came to the same", theme::DIM));
    }
    lines.extend(tasks);
    lines
}

fn plain(words: String) -> Span<'static> {
    paint::span(words, theme::PLAIN)
}

fn both(name: &str, old: Span<'static>, new: Span<'static>) -> Line<'static> {
    let cut = |span: Span<'static>| {
        Span::styled(format!("{:<28}", text::cut(&span.content, 28)), span.style)
    };
    Line::from(vec![
        paint::span(format!("  {:<26} ", text::cut_middle(name, 26)), theme::ACCENT),
        cut(old),
        Span::styled("→ ", theme::DIM),
        new,
    ])
}

fn differing(old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<(String, String, String)> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let text = |value: Option<&Value>| match value {
        None => "—".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| (name.clone(), text(old.get(name)), text(new.get(name))))
        .collect()
}

/// Tells of each task that came to something else, or took half or twice as long.
fn tasks(state: &State, old: &RunDetailView, new: &RunDetailView) -> Vec<Line<'static>> {
    /// More than these are told by their count.
    const SHOWN: usize = 200;
    let before: std::collections::HashMap<_, &TaskInstance> = old
        .tasks
        .iter()
        .map(|task| ((task.key.task_id.clone(), task.key.map_index), task))
        .collect();
    let there: std::collections::HashSet<_> =
        new.tasks.iter().map(|task| (task.key.task_id.clone(), task.key.map_index)).collect();
    let mut rows: Vec<(u8, Line<'static>)> = Vec::new();
    for task in &new.tasks {
        let then = before.get(&(task.key.task_id.clone(), task.key.map_index)).copied();
        let is_other = then.is_none_or(|then| {
            then.state != task.state
                || is_far(then.duration_secs(state.now), task.duration_secs(state.now))
        });
        if is_other {
            let name = crate::rows::task_key(&task.key);
            let line = both(&name, told(state, then), told(state, Some(task)));
            rows.push((TaskInstanceState::weight(task.state), line));
        }
    }
    let gone = old
        .tasks
        .iter()
        .filter(|task| !there.contains(&(task.key.task_id.clone(), task.key.map_index)));
    for task in gone {
        let name = crate::rows::task_key(&task.key);
        rows.push((u8::MAX, both(&name, told(state, Some(task)), told(state, None))));
    }
    rows.sort_by_key(|(weight, _)| *weight);
    let count = rows.len();
    let mut lines: Vec<Line<'static>> =
        rows.into_iter().map(|(_, line)| line).take(SHOWN).collect();
    if count > SHOWN {
        lines.push(paint::line(format!("  and {} more", count - SHOWN), theme::DIM));
    }
    lines
}

fn is_far(old: Option<f64>, new: Option<f64>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => (old - new).abs() > 1.0 && (new > old * 2.0 || new < old / 2.0),
        _ => false,
    }
}

fn told(state: &State, task: Option<&TaskInstance>) -> Span<'static> {
    let Some(task) = task else { return paint::span("not there", theme::DIM) };
    let mark = theme::task_mark(task.state);
    let took = task.duration_secs(state.now).filter(|_| task.try_number > 0);
    let took = took.map(|secs| format!(" {}", text::duration(secs))).unwrap_or_default();
    Span::styled(format!("{} {}{took}", mark.glyph, mark.word), mark.style)
}
