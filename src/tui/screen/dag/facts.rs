//! What is told of a definition and of one of its tasks.

use ratatui::text::{Line, Span};
use serde_json::Value;

use crate::keymap::with_keys;
use crate::state::State;
use crate::state::form::Field;
use crate::text;
use crate::theme;
use crate::types::view::{DagDetailView, TaskView};
use crate::widget::{markdown, paint};

/// Its schedule, limits and place.
pub(super) fn definition(state: &State, dag: &DagDetailView, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some(description) = &dag.dag.description {
        let wrapped = text::wrap_words(description, width);
        lines.extend(wrapped.into_iter().map(|line| paint::line(line, theme::PLAIN)));
    }
    lines.extend(
        dag.dag
            .is_stale
            .then(|| paint::line("gone from dags.toml: its history is kept", theme::WARN)),
    );
    let words = match dag.schedule_words.as_str() {
        "" => dag.dag.timetable_summary.clone(),
        words if words == dag.dag.timetable_summary => words.to_owned(),
        words => format!("{words}  ({})", dag.dag.timetable_summary),
    };
    lines.push(paint::pair("schedule", words));
    lines.extend(firings(state, dag));
    if let Some(expression) = &dag.asset_expression {
        lines.push(paint::pair("waits for", expression));
    }
    lines.push(paint::pair(
        "at once",
        format!(
            "{}, {}",
            text::count(dag.max_active_runs as usize, "run"),
            text::count(dag.max_active_tasks as usize, "task")
        ),
    ));
    if dag.catchup {
        lines.push(paint::pair("catchup", "makes up for missed dates"));
    }
    lines.extend(dag.dag.owner.as_ref().map(|owner| paint::pair("owner", owner)));
    if !dag.dag.tags.is_empty() {
        lines.push(paint::pair("tags", dag.dag.tags.join(", ")));
    }
    lines.push(paint::pair("defined", format!("{}:{}", dag.fileloc, dag.line)));
    if dag.dag.strip.is_empty() {
        lines.push(paint::line(
            with_keys!(state, "No run yet: {} triggers one.", Trigger),
            theme::ACCENT,
        ));
    }
    lines
}

/// The next firings, each under the other.
fn firings(state: &State, dag: &DagDetailView) -> Vec<Line<'static>> {
    if dag.dag.is_paused {
        return vec![paint::pair("next", with_keys!(state, "paused: {} unpauses", Pause))];
    }
    if dag.next_runs.is_empty() {
        return vec![paint::pair("next", "none by itself")];
    }
    let line = |(n, at): (usize, &crate::types::Timestamp)| {
        let label = if n == 0 { "next" } else { "" };
        let day = at.strftime("%a %Y-%m-%d %H:%MZ");
        paint::pair(label, format!("{day}  {}", text::until(state.now, *at)))
    };
    dag.next_runs.iter().enumerate().map(line).collect()
}

/// One task in full.
pub(super) fn task(task: Option<&TaskView>, width: usize) -> Vec<Line<'static>> {
    let Some(task) = task else { return Vec::new() };
    let mut lines = vec![Line::from(vec![
        paint::span(task.task_id.as_str(), theme::BOLD),
        paint::span(format!("  {}", task.operator), theme::ACCENT),
        paint::span(format!("  line {}", task.line), theme::DIM),
    ])];
    let ids = |ids: &[crate::types::TaskId]| {
        let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
        if ids.is_empty() { "nothing".to_owned() } else { ids.join(", ") }
    };
    lines.push(paint::pair("after", ids(&task.upstream_task_ids)));
    lines.push(paint::pair("before", ids(&task.downstream_task_ids)));
    lines.push(paint::pair("runs when", task.trigger_rule.replace('_', " ")));
    lines.push(paint::pair("tries", format!("{}   pool {}", task.retries + 1, task.pool)));
    let place = &task.place;
    let mut words: Vec<String> = Vec::new();
    words.extend(place.group_id.as_ref().map(|group| format!("in group {group}")));
    words.extend(place.is_mapped.then(|| "mapped: an instance for each element".to_owned()));
    words.extend(place.is_setup.then(|| "setup".to_owned()));
    words.extend(place.is_teardown.then(|| "teardown".to_owned()));
    if !words.is_empty() {
        lines.push(paint::pair("place", words.join(" · ")));
    }
    if !task.inlets.is_empty() {
        lines.push(paint::pair("reads", task.inlets.join(", ")));
    }
    if !task.outlets.is_empty() {
        lines.push(paint::pair("changes", task.outlets.join(", ")));
    }
    if let Some(doc) = &task.doc_md {
        lines.extend(markdown::lines(doc, width));
    }
    lines
}

/// The params: what each may be, its default, what it is for.
pub(super) fn params(dag: &DagDetailView, width: usize) -> Vec<Line<'static>> {
    let properties = dag.params_schema.get("properties").and_then(Value::as_object);
    let mut lines = Vec::new();
    for (name, schema) in properties.into_iter().flatten() {
        let default = dag.params.get(name).cloned();
        let shown = default.as_ref().map(ToString::to_string);
        let field = Field::new(name, schema, default);
        lines.push(Line::from(vec![
            paint::span(format!("{:<18} ", text::cut(name, 18)), theme::BOLD),
            paint::span(format!("{:<24} ", text::cut(&field.rule(), 24)), theme::DIM),
            paint::span(shown.map_or("required".to_owned(), |value| value), theme::PLAIN),
        ]));
        if !field.description.is_empty() {
            let wrapped = text::wrap_words(&field.description, width.saturating_sub(2));
            lines.extend(wrapped.into_iter().map(|l| paint::line(format!("  {l}"), theme::DIM)));
        }
    }
    if lines.is_empty() {
        return vec![paint::line("No params.", theme::DIM)];
    }
    lines.insert(0, Line::from(Span::styled("params", theme::BOLD)));
    lines
}

/// The doc.
pub(super) fn doc(dag: &DagDetailView, width: usize) -> Vec<Line<'static>> {
    match &dag.doc_md {
        Some(doc) => markdown::lines(doc, width),
        None => vec![paint::line("No doc: doc_md in dags.toml writes one.", theme::DIM)],
    }
}
