//! What people are asked: the questions that wait for an answer.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::rows;
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::approval::{HitlDetail, HitlResponse};
use crate::widget::paint;
use crate::widget::table::{Table, fixed, growing, position, right};

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let asked = rows::approvals(state, level);
    let selected = level.cursor(&rows::keys(state, level));
    let title = match level.attention_only {
        true => format!("Approvals {}, with those answered", asked.len()),
        false => format!("Approvals {}", asked.len()),
    };
    let inside = paint::panel(buf, area, &title, &position(selected, asked.len()), true);
    match state.cache.approvals() {
        None => return missing(buf, inside, state, &Slot::Approvals),
        Some([]) if !level.attention_only => {
            let how = "a task with an approval asks here, and its run waits";
            return paint::empty(buf, inside, "✓ Nobody waits for an answer", how);
        }
        Some(_) if asked.is_empty() => {
            let what = match level.filter.is_empty() {
                true => "Nobody was asked anything yet",
                false => "No question passes the filter",
            };
            return paint::empty(buf, inside, what, "esc shows those that wait");
        }
        Some(_) => {}
    }
    let columns = [
        fixed("?", 1, 0),
        growing("QUESTION", 24, 0),
        fixed("CHOICES", 22, 3),
        fixed("DAG", 20, 1),
        fixed("TASK", 16, 2),
        right("ASKED", 8, 0),
        right("UNTIL", 7, 0),
    ];
    let row = |at: usize| cells(state, asked[at]);
    let len = asked.len();
    Table { columns: &columns, len, selected: Some(selected), is_focused: true, row: &row }
        .draw(buf, inside);
}

fn cells(state: &State, asked: &HitlDetail) -> Vec<Line<'static>> {
    let key = &asked.key.task;
    let until = asked.timeout_at.map_or("—".to_owned(), |at| text::until(state.now, at));
    if let Some(response) = &asked.response {
        return answered(state, asked, response);
    }
    vec![
        Line::from(Span::styled("?", theme::KEY)),
        paint::line(&asked.question.subject, theme::BOLD),
        paint::line(asked.question.options.join(" / "), theme::ACCENT),
        paint::line(key.dag_id.as_str(), theme::PLAIN),
        paint::line(rows::task_key(key), theme::PLAIN),
        paint::line(text::ago(state.now, asked.created_at), theme::PLAIN),
        paint::line(until, theme::WARN),
    ]
}

/// A question with what was answered, by whom and when.
fn answered(state: &State, asked: &HitlDetail, response: &HitlResponse) -> Vec<Line<'static>> {
    let key = &asked.key.task;
    let (glyph, who) = match response.timed_out {
        true => (Span::styled("!", theme::WARN), "nobody, in time".to_owned()),
        false => {
            let who = response.responded_by.as_deref().unwrap_or("somebody");
            (Span::styled("✓", theme::GOOD), who.to_owned())
        }
    };
    let chosen = format!("{} by {who}", response.chosen_options.join(", "));
    vec![
        Line::from(glyph),
        paint::line(&asked.question.subject, theme::PLAIN),
        paint::line(chosen, theme::PLAIN),
        paint::line(key.dag_id.as_str(), theme::PLAIN),
        paint::line(rows::task_key(key), theme::PLAIN),
        paint::line(text::ago(state.now, asked.created_at), theme::PLAIN),
        paint::line(text::ago(state.now, response.responded_at), theme::DIM),
    ]
}
