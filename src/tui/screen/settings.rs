//! Pools, variables, workers and connections: what each is, and where it comes from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::rows::{self, Setting};
use crate::screen::{executors, filtered_out, missing};
use crate::state::{Slot, State};
use crate::theme;
use crate::types::settings::SlotPoolView;
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position};

/// Draws the list.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let settings = rows::settings(state, level);
    let selected = level.cursor(&rows::keys(state, level));
    let note = position(selected, settings.len());
    let list = list();
    let all = rows::all_settings(state).count();
    let title = list.title(state, level, settings.len(), all);
    let inside = paint::panel(buf, area, &title, &note, true);
    if settings.is_empty() {
        let slots = [Slot::Pools, Slot::Variables, Slot::Connections];
        let broken = slots.iter().find(|slot| state.cache.fault(slot).is_some());
        if let Some(slot) = broken.or(slots.iter().find(|slot| state.cache.is_new(slot))) {
            return missing(buf, inside, state, slot);
        }
        return match level.filter.is_empty() {
            true => paint::empty(buf, inside, "None", "dags.toml or the command line sets them"),
            false => filtered_out(buf, inside, state, "None passes the filter"),
        };
    }
    list.draw(buf, inside, state, &settings, &Shown::focused(level, selected));
}

/// Describes the list.
pub(crate) fn list<'a>() -> List<'a, Setting<'a>> {
    List::new("settings", "Pools, variables, workers, connections", Setting::key)
        .words(Setting::key)
        .field(
            Field::new("kind", fixed("KIND", 10, 0), |_, one: &Setting<'a>| {
                paint::line(kind(one), theme::DIM)
            })
            .sorted(|_, one| Value::text(kind(one))),
        )
        .field(
            Field::new("name", growing("NAME", 16, 0), |_, one: &Setting<'a>| {
                paint::line(name(one), theme::BOLD)
            })
            .sorted(|_, one| Value::text(name(one))),
        )
        .field(Field::new("value", growing("VALUE", 30, 0), |look, one: &Setting<'a>| {
            value(look.state, one)
        }))
        .field(
            Field::new("from", fixed("FROM", 9, 1), |_, one: &Setting<'a>| {
                paint::line(origin(one), theme::DIM)
            })
            .sorted(|_, one| Value::text(origin(one))),
        )
}

const fn kind(setting: &Setting<'_>) -> &'static str {
    match setting {
        Setting::Worker(_) => "worker",
        Setting::Pool(_) => "pool",
        Setting::Variable(_) => "variable",
        Setting::Connection(_) => "connection",
    }
}

fn name(setting: &Setting<'_>) -> String {
    match setting {
        Setting::Worker(worker) => format!("pid {}", worker.pid),
        Setting::Pool(pool) => pool.pool.clone(),
        Setting::Variable(variable) => variable.key.clone(),
        Setting::Connection(connection) => connection.conn_id.clone(),
    }
}

/// Where it comes from; of a worker, the version of its program.
fn origin(setting: &Setting<'_>) -> String {
    let origin = match setting {
        Setting::Worker(worker) => return worker.version.clone().unwrap_or_default(),
        Setting::Pool(pool) => pool.origin.as_str(),
        Setting::Variable(variable) => variable.origin.as_str(),
        Setting::Connection(connection) => connection.origin.as_str(),
    };
    origin.to_owned()
}

fn value(state: &State, setting: &Setting<'_>) -> Line<'static> {
    match setting {
        Setting::Worker(worker) => executors::standing(state, worker),
        Setting::Pool(pool) => pool_line(pool),
        Setting::Variable(variable) => told(&variable.value, variable.problem.as_ref()),
        Setting::Connection(connection) => {
            let mut url = connection.url.clone();
            for (key, value) in &connection.options {
                url.push_str(&format!("  {key}={value}"));
            }
            told(&url, connection.problem.as_ref())
        }
    }
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
