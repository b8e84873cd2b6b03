//! The command log: what this deck has changed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::rows;
use crate::screen::filtered_out;
use crate::state::State;
use crate::state::commands::{Order, Outcome};
use crate::theme;
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position};

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let orders = rows::orders(state, level);
    let selected = rows::place(level, &orders);
    let list = list();
    let title = list.title(state, level, orders.len(), state.orders.iter().count());
    let inside = paint::panel(buf, area, &title, &position(selected, orders.len()), true);
    if state.orders.iter().next().is_none() {
        let what = "This deck has changed nothing yet";
        let how = "whatever you trigger, pause, clear, promote … stands here as a command to copy";
        return paint::empty(buf, inside, what, how);
    }
    if orders.is_empty() {
        return filtered_out(buf, inside, state, "No command passes the filter");
    }
    list.draw(buf, inside, state, &orders, &Shown::focused(level, selected));
}

/// Describes the list.
pub(crate) fn list() -> List<'static, Order> {
    List::new("commands", "Command log", |order: &Order| order.generation.to_string())
        .words(|order| order.command.clone())
        .field(
            Field::new("time", fixed("TIME", 9, 0), |_, order: &Order| {
                paint::line(order.at.strftime("%H:%M:%SZ").to_string(), theme::DIM)
            })
            .sorted_down(|_, order| Value::time(order.at)),
        )
        .field(Field::words("command", growing("COMMAND", 30, 0), theme::PLAIN, |order: &Order| {
            order.command.clone()
        }))
        .field(
            Field::new("outcome", growing("OUTCOME", 14, 1), |_, order: &Order| outcome(order))
                .sorted(|_, order| Value::text(outcome(order).to_string())),
        )
}

fn outcome(order: &Order) -> Line<'static> {
    match &order.outcome {
        Outcome::Underway => paint::line("◌ under way", theme::DIM),
        Outcome::Done => paint::line("✓ done", theme::GOOD),
        Outcome::Refused(why) => paint::line(format!("✗ {why}"), theme::BAD),
    }
}
