//! The last row: the keys that are valid now, the most useful first, `:` and `?` always at the
//! right end.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::hit::{self, Target};
use crate::keymap::{self, Action, Bound, Place};
use crate::rows::tracking;
use crate::screen::form;
use crate::state::{PromptKind, Screen, State};
use crate::text;
use crate::theme;
use crate::update::plugin;
use crate::widget::paint;

/// Cells before what is typed into the prompt: ` filter /`.
const PROMPT_CELLS: usize = 9;

/// A key with what it does.
struct Hint<'a> {
    key: &'a str,
    word: &'a str,
    /// Done by a click too.
    action: Option<Action>,
}

impl Hint<'_> {
    fn cells(&self) -> u16 {
        u16::try_from(text::width(self.key) + text::width(self.word) + 1).unwrap_or(u16::MAX)
    }
}

/// Draws the row.
pub(crate) fn draw(buf: &mut Buffer, row: Rect, state: &State) {
    if mistake(buf, row, state) {
        return;
    }
    if keymap::place(state) == Place::Form {
        let form = match &state.level().screen {
            Screen::Form(dag_id) => state.forms.get(dag_id),
            _ => None,
        };
        let hints: Vec<Hint<'_>> = form::hints(form)
            .into_iter()
            .map(|(key, word)| Hint { key, word, action: None })
            .collect();
        // How to get out comes last, and is always there.
        let (last, first) = hints.split_at(hints.len().min(1));
        lay_out(buf, row, first, last);
        return;
    }
    let hint = |bound: &'static str, found: Option<&'_ Bound>| {
        found.map(|found| (found.key().to_owned(), bound, found.action))
    };
    let shown = || keymap::valid(state).filter(|bound| !bound.keys.is_empty());
    let of = |action: Action| shown().find(|bound| bound.action == action);
    let back = match state.levels().len() {
        1 => hint("leave", of(Action::Leave)),
        _ => hint("back", of(Action::Back)),
    };
    let last = [back, hint("command", of(Action::Palette)), hint("help", of(Action::Help))];
    let last: Vec<Hint<'_>> = last
        .iter()
        .flatten()
        .map(|(key, word, action)| Hint { key, word, action: Some(*action) })
        .collect();
    // The operator's own come first where they are meant for this place, else behind the others.
    let own = |is_of_place: bool| {
        let meant =
            plugin::valid(state).filter(move |(_, own)| own.places.is_empty() != is_of_place);
        meant.map(|(_, own)| Hint { key: &own.key, word: &own.description, action: None })
    };
    // Where there is no DAG, writing one is all there is to do.
    let is_bare =
        keymap::place(state) == Place::Dags && state.cache.dags().is_some_and(<[_]>::is_empty);
    let bound = shown()
        .filter(|bound| !bound.hint.is_empty() && !bound.places.is_empty())
        .filter(move |bound| !is_bare || bound.action == Action::Edit)
        .map(|bound| Hint { key: bound.key(), word: bound.hint, action: Some(bound.action) });
    let first: Vec<Hint<'_>> = own(true).chain(bound).chain(own(false)).collect();
    lay_out(buf, row, &first, &last);
}

/// Draws `first` from the left as far as they go whole, `last` at the right end.
fn lay_out(buf: &mut Buffer, row: Rect, first: &[Hint<'_>], last: &[Hint<'_>]) {
    let kept: u16 = last.iter().map(|hint| hint.cells() + 2).sum();
    let end = row.width.saturating_sub(kept);
    let mut x = 1;
    for hint in first {
        // One that is too long leaves its place to shorter ones.
        if x + hint.cells() < end {
            put(buf, row, x, hint);
            x += hint.cells() + 2;
        }
    }
    let mut x = end + 1;
    for hint in last {
        put(buf, row, x, hint);
        x += hint.cells() + 2;
    }
}

fn put(buf: &mut Buffer, row: Rect, x: u16, hint: &Hint<'_>) {
    let line = Line::from(vec![
        Span::styled(hint.key.to_owned(), theme::KEY),
        Span::styled(format!(" {}", hint.word), theme::PLAIN),
    ]);
    paint::put_at(buf, row, x, 0, line);
    if let Some(action) = hint.action {
        let place = Rect { x: row.x + x, width: hint.cells(), ..row };
        hit::note(place.intersection(row), Target::Action(action));
    }
}

/// Draws what is wrong with the filter that is being typed, under its place; says `false` where
/// nothing is.
fn mistake(buf: &mut Buffer, row: Rect, state: &State) -> bool {
    let is_typing = state.prompt.as_ref().is_some_and(|prompt| prompt.kind == PromptKind::Filter);
    if !is_typing || keymap::place(state) != Place::TrackingRuns {
        return false;
    }
    let Some(mistake) = tracking::mistake(&state.level().filter) else { return false };
    let told = format!("character {}: {}", mistake.at + 1, mistake.message);
    let column = u16::try_from(PROMPT_CELLS + mistake.at).unwrap_or(u16::MAX);
    // Where the room behind the place is short, the words stand before it.
    let width = u16::try_from(text::width(&told)).unwrap_or(u16::MAX);
    let mark = paint::line("^", theme::BAD.patch(theme::BOLD));
    if column.saturating_add(width).saturating_add(2) <= row.width || column < row.width / 2 {
        paint::put_at(buf, row, column.saturating_add(2), 0, paint::line(told, theme::BAD));
    } else {
        let start = column.saturating_sub(width + 1);
        paint::put_at(buf, row, start, 0, paint::line(told, theme::BAD));
    }
    paint::put_at(buf, row, column, 0, mark);
    true
}
