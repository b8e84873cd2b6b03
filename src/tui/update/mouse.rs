//! The mouse: a click goes to what is drawn under it, the wheel to the pane.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::hit::{self, Found, Target};
use crate::keymap::with_keys;
use crate::message::Effect;
use crate::rows;
use crate::state::{Popup, Screen, State, Tone};
use crate::update::movement::{self, Step};
use crate::update::{action, confirm, key, menu, palette};
use crate::view;

/// Rows that one notch of the wheel moves.
const NOTCH: isize = 3;

/// Takes the mouse, or leaves it to the terminal.
pub(crate) fn toggle(state: &mut State, effects: &mut Vec<Effect>) {
    state.has_mouse = !state.has_mouse;
    effects.push(Effect::Mouse(state.has_mouse));
    let text = match state.has_mouse {
        true => "the deck has the mouse; hold shift to select text".to_owned(),
        false => with_keys!(
            state,
            "the terminal has the mouse: drag selects text; {} gives it back",
            Mouse
        ),
    };
    state.say(Tone::Info, text);
}

/// Takes what the mouse did.
pub(crate) fn take(state: &mut State, event: MouseEvent, effects: &mut Vec<Effect>) {
    let (x, y) = (event.column, event.row);
    let find = |state: &State| hit::find(&view::regions(state), x, y);
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            state.chord.clear();
            let found = find(state);
            click(state, found, effects);
        }
        MouseEventKind::ScrollDown => {
            let found = find(state);
            wheel(state, &found, NOTCH, effects);
        }
        MouseEventKind::ScrollUp => {
            let found = find(state);
            wheel(state, &found, -NOTCH, effects);
        }
        MouseEventKind::Drag(_) if state.flash.is_none() => {
            state.say(
                Tone::Info,
                with_keys!(state, "hold shift to select text, or {} to leave the mouse", Mouse),
            );
        }
        _ => {}
    }
}

fn click(state: &mut State, found: Found, effects: &mut Vec<Effect>) {
    if state.popup.is_some() {
        return click_popup(state, &found, effects);
    }
    // What is typed at the bottom is kept as enter keeps it.
    if state.prompt.is_some() {
        key::press(state, &pressed(KeyCode::Enter), effects);
    }
    if let Some(pane) = found.pane {
        state.level_mut().pane = pane;
    }
    match found.target {
        Some(Target::Row(at)) => click_row(state, at, effects),
        Some(Target::Column(name)) => sort(state, &name),
        Some(Target::Tab(view)) if view != state.view => state.switch(view),
        Some(Target::Crumb(depth)) => state.pop_to(depth + 1),
        Some(Target::Action(action)) => action::perform(state, action, effects),
        Some(Target::Tab(_) | Target::Pane(_) | Target::Entry(_) | Target::Popup) | None => {}
    }
}

/// Selects a row; the row that was clicked last is opened.
fn click_row(state: &mut State, at: usize, effects: &mut Vec<Effect>) {
    let keys = rows::keys(state, state.level());
    let Some(row) = keys.get(at).cloned() else { return };
    if state.clicked.as_ref() == Some(&row) {
        state.clicked = None;
        key::command(state, &pressed(KeyCode::Enter), effects);
        return;
    }
    movement::to(state, at);
    state.clicked = Some(row);
}

fn sort(state: &mut State, field: &str) {
    let Some(info) = rows::list_info(state) else { return };
    match info.fields.iter().find(|one| one.name == field && one.is_sortable) {
        Some(one) => state.lists.sort_by(info.name, field, one.is_descending),
        None => state.say(Tone::Info, "this column has no order"),
    }
}

/// A click beside what lies over the screen closes it, but for what is being filled in.
fn click_popup(state: &mut State, found: &Found, effects: &mut Vec<Effect>) {
    let entry = match found.target {
        Some(Target::Entry(at)) => Some(at),
        _ => None,
    };
    let now = state.now;
    match &mut state.popup {
        Some(Popup::Menu(_)) if entry.is_some() => menu::choose(state, entry, effects),
        Some(Popup::Palette(_)) if entry.is_some() => palette::choose(state, entry, effects),
        Some(Popup::Confirm(confirm)) => {
            if let Some(at) = entry.filter(|_| confirm.listens(now)) {
                let answer = if at == 1 { 'y' } else { 'n' };
                confirm::press(state, &pressed(KeyCode::Char(answer)), effects);
            }
        }
        Some(Popup::Sheet(_)) | None => {}
        Some(_) if !found.is_on_popup => state.popup = None,
        Some(_) => {}
    }
}

fn wheel(state: &mut State, found: &Found, by: isize, effects: &mut Vec<Effect>) {
    match &state.popup {
        None => {}
        Some(Popup::Confirm(_) | Popup::Sheet(_)) => return,
        Some(_) => {
            let code = if by > 0 { KeyCode::Down } else { KeyCode::Up };
            for _ in 0..by.unsigned_abs() {
                key::press(state, &pressed(code), effects);
            }
            return;
        }
    }
    if matches!(state.level().screen, Screen::Form(_)) {
        return;
    }
    // The pane under the pointer moves; the focus stays where it is.
    let focus = state.level().pane;
    if let Some(pane) = found.pane {
        state.level_mut().pane = pane;
    }
    movement::step(state, Step::By(by));
    state.level_mut().pane = focus;
}

fn pressed(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}
