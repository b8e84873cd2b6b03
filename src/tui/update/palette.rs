//! The `:` line and `?`: what is typed, chosen and run.

use crossterm::event::{KeyCode, KeyEvent};
use tui_input::Input;

use crate::keymap;
use crate::message::Effect;
use crate::rows;
use crate::state::popup::Scope;
use crate::state::{Palette, Popup, Screen, State, Tone};
use crate::update::{action, form, goto, key, leave, plugin, site, theme, tour};

mod entries;
mod offers;

pub(crate) use entries::{Command, Entry};
pub(crate) use offers::{Offers, help, keep, letters};

/// Opens it: for everything, or for the keys of this pane.
pub(crate) fn open(state: &mut State, scope: Scope) {
    state.commands.offers.reopen();
    state.popup = Some(Popup::Palette(Box::new(Palette { scope, ..Palette::default() })));
}

/// Takes a key of the open palette.
pub(crate) fn press(state: &mut State, event: &KeyEvent, effects: &mut Vec<Effect>) {
    let Some(Popup::Palette(palette)) = &state.popup else { return };
    let (scope, selected) = (palette.scope, palette.selected);
    let is_untyped = palette.input.value().is_empty();
    let name = keymap::name(event);
    let last = state.commands.offers.len().saturating_sub(1);
    match (event.code, name.as_deref()) {
        (KeyCode::Esc, _) => state.popup = None,
        (KeyCode::Enter, _) => choose(state, None, effects),
        (KeyCode::Char('?'), _) if is_untyped => state.popup = None,
        (KeyCode::Down, _) | (_, Some("ctrl-n")) => select(state, (selected + 1).min(last)),
        (KeyCode::Up, _) if selected == 0 && scope == Scope::All => recall(state),
        (KeyCode::Up, _) | (_, Some("ctrl-p")) => select(state, selected.saturating_sub(1)),
        (KeyCode::PageDown, _) => select(state, (selected + 10).min(last)),
        (KeyCode::PageUp, _) => select(state, selected.saturating_sub(10)),
        (KeyCode::Tab, _) => {
            if let Some(name) = state.commands.offers.get(selected).map(|entry| entry.name.clone())
            {
                retype(state, name);
            }
        }
        (KeyCode::Backspace, _) if is_untyped => state.popup = None,
        (_, Some("ctrl-l")) => effects.push(Effect::Repaint),
        _ => {
            if let Some(Popup::Palette(palette)) = &mut state.popup {
                key::type_into(&mut palette.input, event);
                palette.selected = 0;
            }
        }
    }
}

/// Does what an entry says: the one at `at`, else the selected one.
pub(crate) fn choose(state: &mut State, at: Option<usize>, effects: &mut Vec<Effect>) {
    let Some(Popup::Palette(palette)) = state.popup.take_if(|p| matches!(p, Popup::Palette(_)))
    else {
        return;
    };
    let (typed, at) = (palette.input.value().trim().to_owned(), at.unwrap_or(palette.selected));
    let scope = palette.scope;
    let Some(entry) = state.commands.offers.get(at).cloned() else {
        let text = match entries::near(&state.commands.offers, &typed).as_slice() {
            [] => format!("no command fits `{typed}`; `?` lists the keys"),
            near => format!("no command fits `{typed}`; near it: {}", near.join(", ")),
        };
        return state.say(Tone::Bad, text);
    };
    if let Some(reason) = entry.reason {
        return state.say(Tone::Bad, format!("{}: {reason}", entry.name));
    }
    if scope == Scope::All {
        state.commands.remember(&entry.name, &typed);
    }
    run(state, entry.command, effects);
}

/// Types what was typed before.
fn recall(state: &mut State) {
    let Some(Popup::Palette(palette)) = &mut state.popup else { return };
    let back = palette.recalled + 1;
    let typed = &state.commands.typed;
    if let Some(text) = typed.len().checked_sub(back).and_then(|at| typed.get(at)) {
        palette.input = Input::new(text.clone());
        palette.recalled = back;
    }
}

fn select(state: &mut State, at: usize) {
    if let Some(Popup::Palette(palette)) = &mut state.popup {
        palette.selected = at;
    }
}

fn retype(state: &mut State, text: String) {
    if let Some(Popup::Palette(palette)) = &mut state.popup {
        palette.input = Input::new(text);
        palette.selected = 0;
    }
}

fn run(state: &mut State, command: Command, effects: &mut Vec<Effect>) {
    match command {
        Command::Show(view) => state.switch(view),
        Command::Do(action) => action::perform(state, action, effects),
        Command::Open(view, screen) => goto::open(state, view, screen),
        Command::Plugin(at) => plugin::begin(state, at, effects),
        Command::Tour => tour::begin(state),
        Command::Select(view, row) => {
            state.switch(view);
            state.pop_to(1);
            let level = state.level_mut();
            level.filter.clear();
            level.selected = Some(row);
        }
        Command::Task(at) => {
            let task = state.shown_run().and_then(|run| run.tasks.get(at));
            let Some(key) = task.map(|task| rows::task_key(&task.key)) else { return };
            let level = state.level_mut();
            level.is_untouched = false;
            level.selected = Some(key);
        }
        Command::Filter(text) => state.level_mut().filter = text,
        Command::Keys => state.popup = Some(Popup::Keys { scroll: 0 }),
        Command::Env(profile) => site::connect(state, &profile, effects),
        Command::Theme(name) => theme::set_theme(state, &name),
        Command::Quit => leave::ask(state, effects),
        Command::QuitAtOnce => effects.push(Effect::Quit),
        Command::Runs(dag_id) => state.push(Screen::DagRuns(dag_id)),
        Command::Trigger(dag_id) => {
            if state.level().screen != Screen::Form(dag_id.clone()) {
                state.push(Screen::Form(dag_id.clone()));
            }
            form::changed(state, &dag_id, 0, effects);
        }
    }
}
