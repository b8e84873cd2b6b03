//! Pools, variables and connections: what each is, and where it comes from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::rows::{self, Setting};
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::theme;
use crate::types::settings::SlotPoolView;
use crate::widget::paint;
use crate::widget::table::{Table, fixed, growing, position};

/// Draws the list.
pub(super) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let settings = rows::settings(state, level);
    let selected = level.cursor(&rows::keys(state, level));
    let note = position(selected, settings.len());
    let inside = paint::panel(buf, area, "Pools, variables, connections", &note, true);
    if settings.is_empty() {
        let slots = [Slot::Pools, Slot::Variables, Slot::Connections];
        let broken = slots.iter().find(|slot| state.cache.fault(slot).is_some());
        if let Some(slot) = broken.or(slots.iter().find(|slot| state.cache.is_new(slot))) {
            return missing(buf, inside, state, slot);
        }
        return match level.filter.is_empty() {
            true => paint::empty(buf, inside, "None", "dags.toml or the command line sets them"),
            false => paint::empty(buf, inside, "None passes the filter", "esc clears it"),
        };
    }
    let columns = [
        fixed("KIND", 10, 0),
        growing("NAME", 16, 0),
        growing("VALUE", 30, 0),
        fixed("FROM", 9, 1),
    ];
    let row = |at: usize| cells(&settings[at]);
    let len = settings.len();
    Table { columns: &columns, len, selected: Some(selected), is_focused: true, row: &row }
        .draw(buf, inside);
}

fn cells(setting: &Setting<'_>) -> Vec<Line<'static>> {
    let (kind, name, value, origin) = match setting {
        Setting::Pool(pool) => ("pool", &pool.pool, pool_line(pool), pool.origin),
        Setting::Variable(variable) => {
            let value = told(&variable.value, variable.problem.as_ref());
            ("variable", &variable.key, value, variable.origin)
        }
        Setting::Connection(connection) => {
            let mut url = connection.url.clone();
            for (key, value) in &connection.options {
                url.push_str(&format!("  {key}={value}"));
            }
            let value = told(&url, connection.problem.as_ref());
            ("connection", &connection.conn_id, value, connection.origin)
        }
    };
    vec![
        paint::line(kind, theme::DIM),
        paint::line(name, theme::BOLD),
        value,
        paint::line(origin.as_str(), theme::DIM),
    ]
}

fn told(value: &str, problem: Option<&String>) -> Line<'static> {
    match problem {
        Some(problem) => paint::line(format!("✗ {problem}"), theme::BAD),
        None => paint::line(value, theme::PLAIN),
    }
}

fn pool_line(pool: &SlotPoolView) -> Line<'static> {
    let share = f64::from(pool.running_slots) / f64::from(pool.slots.max(1));
    let mut text = format!(" {}/{} running", pool.running_slots, pool.slots);
    if pool.queued_slots > 0 {
        text.push_str(&format!(", {} queued", pool.queued_slots));
    }
    if let Some(declared) = pool.declared_slots.filter(|declared| *declared != pool.slots) {
        text.push_str(&format!(" (dags.toml: {declared})"));
    }
    Line::from(vec![
        Span::styled(paint::bar(share, 8), theme::ACCENT),
        paint::span(text, theme::PLAIN),
    ])
}
