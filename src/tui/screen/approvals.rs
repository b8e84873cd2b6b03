//! What people are asked: the questions that wait for an answer.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::keymap::with_keys;
use crate::rows;
use crate::screen::missing;
use crate::state::{Slot, State};
use crate::text;
use crate::theme;
use crate::types::approval::{HitlDetail, HitlResponse};
use crate::widget::list::{Field, List, Shown, Value};
use crate::widget::paint;
use crate::widget::table::{fixed, growing, position, right};

/// Draws the screen.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let level = state.level();
    let asked = rows::approvals(state, level);
    let selected = level.cursor(&rows::keys(state, level));
    let list = list();
    let mut title = list.title(state, level, asked.len(), rows::asked(state, level).len());
    if level.attention_only {
        title.push_str(" · with those answered");
    }
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
            return paint::empty(
                buf,
                inside,
                what,
                &with_keys!(state, "{} shows those that wait", Back),
            );
        }
        Some(_) => {}
    }
    list.draw(buf, inside, state, &asked, &Shown::focused(level, selected));
}

/// Describes the list of questions.
pub(crate) fn list() -> List<'static, HitlDetail> {
    let dag_id = |asked: &HitlDetail| asked.key.task.dag_id.to_string();
    let task = |asked: &HitlDetail| rows::task_key(&asked.key.task);
    List::new("approvals", "Approvals", rows::approval_key)
        .field(Field::new("", fixed("?", 1, 0), |_, asked: &HitlDetail| {
            Line::from(match &asked.response {
                None => Span::styled("?", theme::KEY),
                Some(response) if response.timed_out => Span::styled("!", theme::WARN),
                Some(_) => Span::styled("✓", theme::GOOD),
            })
        }))
        .field(
            Field::new("question", growing("QUESTION", 24, 0), |_, asked: &HitlDetail| {
                paint::line(&asked.question.subject, theme::BOLD)
            })
            .sorted(|_, asked| Value::text(&asked.question.subject)),
        )
        .field(Field::new("choices", fixed("CHOICES", 22, 3), |_, asked: &HitlDetail| match &asked
            .response
        {
            None => paint::line(asked.question.options.join(" / "), theme::ACCENT),
            Some(response) => paint::line(answer(response), theme::PLAIN),
        }))
        .field(
            Field::new("dag", fixed("DAG", 20, 1), move |_, asked: &HitlDetail| {
                paint::line(dag_id(asked), theme::PLAIN)
            })
            .sorted(move |_, asked| Value::text(dag_id(asked))),
        )
        .field(
            Field::new("task", fixed("TASK", 16, 2), move |_, asked: &HitlDetail| {
                paint::line(task(asked), theme::PLAIN)
            })
            .sorted(move |_, asked| Value::text(task(asked))),
        )
        .field(
            Field::new("asked", right("ASKED", 8, 0), |look, asked: &HitlDetail| {
                paint::line(text::ago(look.state.now, asked.created_at), theme::PLAIN)
            })
            .sorted_down(|_, asked| Value::time(asked.created_at)),
        )
        .field(
            Field::new("until", right("UNTIL", 7, 0), |look, asked: &HitlDetail| {
                if let Some(response) = &asked.response {
                    return paint::line(
                        text::ago(look.state.now, response.responded_at),
                        theme::DIM,
                    );
                }
                let until = |at| text::until(look.state.now, at);
                paint::line(asked.timeout_at.map_or("—".to_owned(), until), theme::WARN)
            })
            .sorted(|_, asked| Value::time(asked.timeout_at)),
        )
}

/// Tells what was answered and by whom.
fn answer(response: &HitlResponse) -> String {
    let who = match response.timed_out {
        true => "nobody, in time",
        false => response.responded_by.as_deref().unwrap_or("somebody"),
    };
    format!("{} by {who}", response.chosen_options.join(", "))
}
