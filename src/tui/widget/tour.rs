//! Draws the tour: a small box in the lower right corner, over what it speaks of as little as it
//! can be.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use crate::keymap::{self, Action, label};
use crate::state::tour::{STEPS, Tour};
use crate::state::{State, View};
use crate::text;
use crate::theme;
use crate::widget::paint;

/// Cells of the box.
const WIDTH: u16 = 46;

/// Draws the box, where there is a tour.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, state: &State) {
    let Some(tour) = state.tour else { return };
    let inner = usize::from(WIDTH - 4);
    let (title, note, lines) = match tour {
        Tour::Offered => {
            let key = key_of(state, Action::Palette);
            let words = format!("New here? {key}tour shows the six keys that matter.");
            ("Welcome".to_owned(), "esc hides this", told(&words, &key, inner))
        }
        Tour::At(at) => {
            let Some(step) = STEPS.get(at) else { return };
            let key = key_of(state, step.action);
            let words = step.text.replace("{}", &key);
            let title = format!("Tour {} of {}", at + 1, STEPS.len());
            (title, "esc leaves the tour", told(&words, &key, inner))
        }
    };
    let height = u16::try_from(lines.len()).unwrap_or(2) + 2;
    let place = Rect {
        x: area.right().saturating_sub(WIDTH + 1),
        y: area.bottom().saturating_sub(height),
        width: WIDTH,
        height,
    };
    let place = place.intersection(area);
    Clear.render(place, buf);
    let inside = paint::panel(buf, place, &title, note, true);
    paint::put_all(buf, inside, lines, 0);
}

/// Returns the key of a step's action; where that is not valid, the one that leads back to where
/// it is goes first.
fn key_of(state: &State, action: Action) -> String {
    match (keymap::valid(state).any(|bound| bound.action == action), action) {
        (true, _) => label(state, action),
        (false, Action::Open | Action::Down) => label(state, Action::Show(View::Dags)),
        (false, _) => label(state, Action::Back),
    }
}

/// Wraps the words, with the key in its own style.
fn told(words: &str, key: &str, width: usize) -> Vec<Line<'static>> {
    text::wrap_words(words, width)
        .into_iter()
        .map(|line| match line.split_once(key) {
            Some((before, after)) if !key.is_empty() => Line::from(vec![
                paint::span(before, theme::PLAIN),
                Span::styled(key.to_owned(), theme::KEY),
                paint::span(after, theme::PLAIN),
            ]),
            _ => paint::line(line, theme::PLAIN),
        })
        .collect()
}
