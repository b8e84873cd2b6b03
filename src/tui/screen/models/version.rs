//! A version in full: its way from data to endpoint, what its gates found, its figures.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use serde_json::Value;

use crate::state::State;
use crate::text;
use crate::theme;
use crate::types::gate::{Gate, GateFigure};
use crate::types::metric::rank;
use crate::types::serving::ServedVersion;
use crate::types::view::ModelVersionView;
use crate::widget::paint;

/// Lines that a list of figures may take.
const BLOCK_MAX: usize = 6;
/// Events of assets that have a line.
const EVENTS_MAX: usize = 3;

pub(super) fn draw(
    buf: &mut Buffer,
    area: Rect,
    state: &State,
    version: &ModelVersionView,
    scroll: usize,
) {
    let lines = lines(state, version, usize::from(area.width));
    let hidden = lines.len().saturating_sub(usize::from(area.height));
    paint::put_all(buf, area, lines, scroll.min(hidden));
}

fn lines(state: &State, version: &ModelVersionView, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let aliases = version.aliases.join(", ");
    if !aliases.is_empty() {
        lines.push(Line::from(vec![
            paint::span(format!("{:<11} ", "aliases"), theme::DIM),
            paint::span(aliases, theme::ACCENT),
        ]));
    }
    if let Some(description) = version.description.as_deref().filter(|text| !text.is_empty()) {
        lines.extend(block("described", description, width));
    }
    if version.stage != "None" {
        lines.push(paint::pair("stage", &version.stage));
    }
    let tags: Vec<String> =
        version.version_tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    lines.extend(block("tags", &tags.join(", "), width));
    lines.extend(block("lineage", &way(state, version), width));
    lines.extend(gates(version, width));
    if let Some(origin) = &version.origin {
        let number = origin.dag_version_number.map(|n| format!(" v{n}")).unwrap_or_default();
        let run = text::run_name(origin.run.dag_run_id.as_str());
        lines.push(paint::pair("made by", format!("{}{number}, run {run}", origin.run.dag_id)));
    }
    if let Some(run_id) = &version.run_id {
        let short = text::cut_middle(run_id.as_str(), 20);
        let size = version.size_bytes.map(|bytes| format!(", {}", text::bytes(bytes)));
        lines.push(paint::pair("tracked as", format!("run {short}{}", size.unwrap_or_default())));
    }
    lines.extend(learnt(state, version, width));
    let mut metrics: Vec<&(String, f64)> = version.metrics.iter().collect();
    metrics.sort_by_key(|(name, _)| rank(name));
    let figures: Vec<String> =
        metrics.iter().map(|(name, value)| format!("{name} {}", text::figure(*value))).collect();
    lines.extend(block("metrics", &figures.join(", "), width));
    let params: Vec<String> = version.params.iter().map(|(n, v)| format!("{n}={v}")).collect();
    lines.extend(block("params", &params.join(", "), width));
    if let Some(signature) = &version.signature {
        for side in ["inputs", "outputs"] {
            if let Some(part) = signature.get(side) {
                lines.extend(block(side, &columns(part), width));
            }
        }
    }
    if let Some(user) = &version.user {
        lines.push(paint::pair("registered", format!("by {user}")));
    }
    if let Some(model_id) = &version.model_id {
        lines.push(paint::pair("logged as", model_id));
    }
    lines.push(paint::pair("source", &version.source));
    lines
}

/// Writes the way from the data to whom it serves: `iris 9f3c11 → mlops_pipeline → v3 →
/// production → 90% of the requests`.
fn way(state: &State, version: &ModelVersionView) -> String {
    let tag = |key: &str| {
        version.tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    };
    let mut steps = Vec::new();
    if let Some(data) = tag("dagdeck.dataset") {
        let digest = tag("dagdeck.dataset_digest").map(|digest| text::cut(digest, 9));
        steps.push(format!("{data} {}", digest.unwrap_or_default()).trim_end().to_owned());
    }
    if let Some(origin) = &version.origin {
        steps.push(origin.run.dag_id.to_string());
    }
    steps.push(format!("v{}", version.version));
    steps.extend(version.aliases.iter().cloned());
    let share = traffic(state, version);
    if !share.is_empty() {
        steps.push(format!("{share} of the requests"));
    }
    steps.join(" → ")
}

/// Tells what it learnt from: the data as it was then, and what had changed it.
fn learnt(state: &State, version: &ModelVersionView, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for input in &version.inputs {
        let told = format!(
            "{}: {}, {}, target {}, digest {}, {}",
            input.name,
            text::count(usize::try_from(input.rows).unwrap_or(usize::MAX), "row"),
            text::count(input.columns.len(), "column"),
            input.target,
            text::cut(&input.digest, 9),
            input.source,
        );
        lines.extend(block("learnt from", &told, width));
        for (at, event) in input.asset_events.iter().take(EVENTS_MAX).enumerate() {
            let ago = text::ago(state.now, event.timestamp);
            let told = format!("{} {ago} by {}", event.name, event.source);
            lines.extend(block(if at == 0 { "changed" } else { "" }, &told, width));
        }
    }
    lines
}

/// Returns the version's share of its model's requests: the server may be behind the alias.
pub(super) fn traffic(state: &State, version: &ModelVersionView) -> String {
    let served = state.cache.serving().and_then(|serving| {
        let is_it = |served: &&ServedVersion| {
            served.model == version.name && served.version == version.version
        };
        serving.versions.iter().find(is_it)
    });
    served.map(|served| format!("{}%", served.weight)).unwrap_or_default()
}

/// Writes whether the gates let it pass, in one cell.
pub(super) fn gates_cell(version: &ModelVersionView) -> Line<'static> {
    if version.gates.is_empty() {
        return paint::line("—", theme::DIM);
    }
    let failed = version.gates.iter().filter(|gate| !gate.passed).count();
    match failed {
        0 => paint::line(format!("✓ {}", version.gates.len()), theme::GOOD),
        n => paint::line(format!("✗ {n}"), theme::BAD),
    }
}

/// Writes each gate with its figures.
fn gates(version: &ModelVersionView, width: usize) -> Vec<Line<'static>> {
    if version.gates.is_empty() {
        return vec![paint::pair("gates", "none judged it")];
    }
    let mut lines = Vec::new();
    for (at, gate) in version.gates.iter().enumerate() {
        let label = if at == 0 { "gates" } else { "" };
        for (row, piece) in
            text::wrap_words(&told(gate), width.saturating_sub(12).max(8)).into_iter().enumerate()
        {
            let style = if gate.passed { theme::GOOD } else { theme::BAD };
            lines.push(Line::from(vec![
                paint::span(format!("{:<11} ", if row == 0 { label } else { "" }), theme::DIM),
                paint::span(piece, style),
            ]));
        }
    }
    lines
}

/// Tells a gate: `✓ decide: accuracy 0.9267 >= 0.75 ✓, r2 does not apply`.
pub(crate) fn told(gate: &Gate) -> String {
    let mark = if gate.passed { "✓" } else { "✗" };
    let figures: Vec<String> = gate.figures.iter().map(figure).collect();
    let figures = if figures.is_empty() { gate.reason.clone() } else { figures.join(", ") };
    format!("{mark} {}: {figures}", gate.task_id)
}

fn figure(figure: &GateFigure) -> String {
    let GateFigure { metric, required, value, passed } = figure;
    let value = value.map(|value| format!(" {}", text::figure(value))).unwrap_or_default();
    match passed {
        Some(true) => format!("{metric}{value} {required} ✓"),
        Some(false) => format!("{metric}{value} {required} ✗"),
        None => format!("{metric} does not apply"),
    }
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
    for (at, piece) in pieces.into_iter().take(BLOCK_MAX).enumerate() {
        lines.push(paint::pair(if at == 0 { label } else { "" }, piece));
    }
    lines
}
