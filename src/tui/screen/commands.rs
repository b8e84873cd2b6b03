//! The command log: what this deck has changed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::rows;
use crate::state::State;
use crate::state::commands::{Order, Outcome};
use crate::text;
use crate::theme;
use crate::widget::paint;
use crate::widget::table::{Table, fixed, growing, position};

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let orders = rows::orders(state, level);
    let selected = level.cursor(&rows::keys(state, level));
    let title = format!("Command log {}", orders.len());
    let inside = paint::panel(buf, area, &title, &position(selected, orders.len()), true);
    if state.orders.iter().next().is_none() {
        let what = "This deck has changed nothing yet";
        let how = "whatever you trigger, pause, clear, promote … stands here as a command to copy";
        return paint::empty(buf, inside, what, how);
    }
    if orders.is_empty() {
        return paint::empty(buf, inside, "No command passes the filter", "esc clears it");
    }
    let columns = [fixed("TIME", 9, 0), growing("COMMAND", 30, 0), growing("OUTCOME", 14, 1)];
    let row = |at: usize| cells(orders[at]);
    let len = orders.len();
    Table { columns: &columns, len, selected: Some(selected), is_focused: true, row: &row }
        .draw(buf, inside);
}

fn cells(order: &Order) -> Vec<Line<'static>> {
    let (outcome, style) = match &order.outcome {
        Outcome::Underway => ("◌ under way".to_owned(), theme::DIM),
        Outcome::Done => ("✓ done".to_owned(), theme::GOOD),
        Outcome::Refused(why) => (format!("✗ {why}"), theme::BAD),
    };
    vec![
        paint::line(order.at.strftime("%H:%M:%SZ").to_string(), theme::DIM),
        paint::line(text::clean(&order.command), theme::PLAIN),
        paint::line(outcome, style),
    ]
}
