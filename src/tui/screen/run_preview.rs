//! The selected run in short: how far it is, what failed and its last word, what it was given.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use serde_json::{Map, Value};

use crate::rows;
use crate::screen::dag_preview;
use crate::state::State;
use crate::text;
use crate::theme;
use crate::types::attention::RunBrief;
use crate::types::run::DagRun;
use crate::widget::paint;

/// Draws the preview; how much of it depends on the room.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State, run: Option<&DagRun>) {
    let Some(run) = run else {
        paint::panel(buf, area, "", "", false);
        return;
    };
    let title = format!("{} {}", run.dag_id, text::run_name(run.dag_run_id.as_str()));
    let inside = paint::panel(buf, area, &title, "", false);
    let width = usize::from(inside.width);
    let mut lines = vec![head(state, run)];
    if let Some(brief) = state.cache.run_brief(&run.key()) {
        lines.push(counts(brief, (width / 3).clamp(8, 40)));
        lines.extend(failures(brief));
        if brief.failed.is_empty() && !brief.running.is_empty() {
            let names: Vec<String> = brief.running.iter().map(rows::task_key).collect();
            lines.push(paint::pair("runs now", names.join(", ")));
        }
    }
    if let Some(note) = &run.note {
        lines.push(paint::pair("note", note));
    }
    lines.push(paint::pair("conf", conf(run)));
    if inside.height > 8 {
        lines.extend(dates(run));
    }
    paint::put_all(buf, inside, lines, 0);
}

fn head(state: &State, run: &DagRun) -> Line<'static> {
    let mut spans = paint::worded(theme::run_mark(run.state)).to_vec();
    let mut facts = vec![run.run_type.to_string()];
    facts.extend(run.triggering_user_name.as_ref().map(|user| format!("by {user}")));
    facts.extend(run.partition_key.as_ref().map(|key| format!("partition {key}")));
    if let Some(secs) = run.duration_secs(state.now) {
        facts.push(match run.end_date {
            Some(end) => {
                format!("took {}, ended {}", text::duration(secs), text::ago(state.now, end))
            }
            None => format!("has run for {}", text::running(secs)),
        });
    }
    if run.dag_version_number > 0 {
        facts.push(format!("v{}", run.dag_version_number));
    }
    spans.push(paint::span(format!("  {}", facts.join(" · ")), theme::DIM));
    Line::from(spans)
}

fn counts(brief: &RunBrief, cells: usize) -> Line<'static> {
    let mut spans = dag_preview::progress(brief, cells);
    for (state, count) in &brief.counts {
        let mark = theme::task_mark(*state);
        spans.push(Span::raw("  "));
        spans.push(paint::glyph(mark));
        spans.push(paint::span(format!("{count}"), theme::PLAIN));
    }
    Line::from(spans)
}

fn failures(brief: &RunBrief) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for task in &brief.failed {
        let why = task.note.as_deref().unwrap_or("failed");
        let tries = match task.max_tries {
            0 | 1 => String::new(),
            most => format!(", try {}/{most}", task.try_number),
        };
        lines.push(Line::from(vec![
            paint::span("✗ ", theme::BAD),
            paint::span(rows::task_key(&task.key), theme::BOLD),
            paint::span(format!("  {why}{tries}"), theme::PLAIN),
        ]));
        if let Some(last) = &task.last_line {
            lines.push(paint::line(format!("  {}", last.trim()), theme::DIM));
        }
    }
    lines
}

fn conf(run: &DagRun) -> String {
    match run.conf.is_empty() {
        true => "none: all params at their defaults".to_owned(),
        false => words(&run.conf),
    }
}

/// Writes a conf on a line, without what are secrets by their names.
pub(crate) fn words(conf: &Map<String, Value>) -> String {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let word = |(name, value): (&String, &Value)| match is_secret(name) {
        true => format!("{name}=•••"),
        false => format!("{name}={}", plain(value)),
    };
    conf.iter().map(word).collect::<Vec<_>>().join("  ")
}

/// Goes by the name, as Airflow does: the schema that says so may be another by now.
fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    ["password", "passwd", "secret", "token", "api_key", "apikey", "private_key"]
        .iter()
        .any(|word| name.contains(word))
}

fn dates(run: &DagRun) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (label, at) in [
        ("logical", run.logical_date),
        ("queued", Some(run.queued_at)),
        ("started", run.start_date),
        ("ended", run.end_date),
    ] {
        lines.extend(at.map(|at| paint::pair(label, text::instant(at))));
    }
    lines.push(paint::pair("id", run.dag_run_id.as_str()));
    lines
}
