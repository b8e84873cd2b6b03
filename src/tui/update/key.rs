//! Where a key goes: what lies on top first, the screen last.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use crate::keymap::{self, Action, Typed, with_keys};
use crate::message::Effect;
use crate::rows;
use crate::state::{Popup, PromptKind, Screen, State, Tone};
use crate::update::{action, confirm, form, log, menu, palette, plugin, sheet, tour};

/// Within this many milliseconds a second ctrl-c leaves.
const TWICE_MILLIS: i64 = 2000;

/// Takes a key.
pub(crate) fn press(state: &mut State, event: &KeyEvent, effects: &mut Vec<Effect>) {
    if event.kind == KeyEventKind::Release {
        return;
    }
    if let Some(typed) = after_escape(state, event) {
        press(state, &KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE), effects);
        press(state, &typed, effects);
        return;
    }
    if is_control(event, 'c') {
        interrupt(state, effects);
        return;
    }
    if is_control(event, 'z') {
        effects.push(Effect::Suspend);
        return;
    }
    state.clicked = None;
    if tour::hear(state, event) {
        return;
    }
    match &state.popup {
        Some(Popup::Confirm(_)) => confirm::press(state, event, effects),
        Some(Popup::Palette(_)) => palette::press(state, event, effects),
        Some(Popup::Sheet(_)) => sheet::press(state, event, effects),
        Some(Popup::Menu(_)) => menu::press(state, event, effects),
        Some(
            Popup::Keys { .. }
            | Popup::Task { .. }
            | Popup::Worker { .. }
            | Popup::Run { .. }
            | Popup::RunDiff { .. }
            | Popup::Events { .. }
            | Popup::Why { .. },
        ) => {
            scroll_popup(state, event, effects);
        }
        None if state.prompt.is_some() => prompt(state, event, effects),
        None if matches!(state.level().screen, Screen::Form(_)) => {
            form::press(state, event, effects);
        }
        None => command(state, event, effects),
    }
}

/// Returns the key that was typed right behind esc. Over a slow line both come at once and look
/// like alt and that key; where alt with it means nothing, they were two.
fn after_escape(state: &State, event: &KeyEvent) -> Option<KeyEvent> {
    let is_alt = event.modifiers.contains(KeyModifiers::ALT)
        && !event.modifiers.contains(KeyModifiers::CONTROL)
        && matches!(event.code, KeyCode::Char(_));
    if !is_alt || matches!(keymap::typed(state, "", event), Typed::Action(_) | Typed::Chord(_)) {
        return None;
    }
    Some(KeyEvent { modifiers: event.modifiers - KeyModifiers::ALT, ..*event })
}

/// Does what a key stands for, alone or as the end of a chord. A chord that was begun waits for
/// as long as it takes; esc or a key that it does not have gives it up.
pub(crate) fn command(state: &mut State, event: &KeyEvent, effects: &mut Vec<Effect>) {
    let begun = std::mem::take(&mut state.chord);
    if !begun.is_empty() && event.code == KeyCode::Esc {
        return;
    }
    let name = keymap::name(event).unwrap_or_default();
    let keys = if begun.is_empty() { name } else { format!("{begun} {name}") };
    if plugin::press(state, &keys, effects) {
        return;
    }
    match keymap::typed(state, &begun, event) {
        Typed::Action(action) => action::perform(state, action, effects),
        Typed::Chord(chord) => state.chord = chord,
        Typed::Denied(_) => state.say(Tone::Bad, "this deck is read-only"),
        Typed::Nothing if keys.is_empty() => {}
        Typed::Nothing if begun.is_empty() => {
            let how = with_keys!(state, "{} lists those that are", Help);
            state.say(Tone::Info, format!("`{keys}` is no key here: {how}"));
        }
        Typed::Nothing => state.say(Tone::Info, format!("`{keys}` is no key here")),
    }
}

/// Takes pasted text: only a text input gets it, so that it never runs as keys.
pub(crate) fn paste(state: &mut State, pasted: &str, effects: &mut Vec<Effect>) {
    let pasted = crate::text::clean(pasted.trim_end_matches(['\n', '\r']));
    match &mut state.popup {
        Some(Popup::Palette(palette)) => {
            insert(&mut palette.input, &pasted);
            return;
        }
        Some(Popup::Confirm(_)) => return,
        Some(Popup::Sheet(_)) => {
            if sheet::paste(state, &pasted, effects) {
                return;
            }
        }
        Some(
            Popup::Keys { .. }
            | Popup::Task { .. }
            | Popup::Worker { .. }
            | Popup::Run { .. }
            | Popup::RunDiff { .. }
            | Popup::Events { .. }
            | Popup::Why { .. }
            | Popup::Menu(_),
        ) => {}
        None => {
            if let Some(prompt) = &mut state.prompt {
                insert(&mut prompt.input, &pasted);
                apply_prompt(state);
                return;
            }
            if form::paste(state, &pasted, effects) {
                return;
            }
        }
    }
    state.say(Tone::Info, "nothing here takes pasted text");
}

/// Types `text` into `input` at its cursor.
pub(crate) fn insert(input: &mut Input, text: &str) {
    for c in text.chars() {
        input.handle(tui_input::InputRequest::InsertChar(c));
    }
}

/// Hands a key to a text input.
pub(crate) fn type_into(input: &mut Input, event: &KeyEvent) {
    input.handle_event(&TerminalEvent::Key(*event));
}

pub(crate) fn is_control(event: &KeyEvent, c: char) -> bool {
    event.modifiers.contains(KeyModifiers::CONTROL) && event.code == KeyCode::Char(c)
}

fn interrupt(state: &mut State, effects: &mut Vec<Effect>) {
    let now = state.now;
    let is_second = state
        .leaving_since
        .is_some_and(|since| now.as_millisecond() - since.as_millisecond() <= TWICE_MILLIS);
    if is_second {
        effects.push(Effect::Quit);
        return;
    }
    state.leaving_since = Some(now);
    state.popup = None;
    state.prompt = None;
    state.chord.clear();
    state.say(Tone::Info, "ctrl-c again leaves the deck; runs go on");
}

fn scroll_popup(state: &mut State, event: &KeyEvent, effects: &mut Vec<Effect>) {
    let page = usize::from(state.size.height / 2).max(1);
    let typed = keymap::typed(state, &state.chord, event);
    let Some(
        Popup::Keys { scroll }
        | Popup::Task { scroll }
        | Popup::Worker { scroll, .. }
        | Popup::Run { scroll, .. }
        | Popup::RunDiff { scroll, .. }
        | Popup::Events { scroll }
        | Popup::Why { scroll, .. },
    ) = &mut state.popup
    else {
        return;
    };
    if matches!(event.code, KeyCode::Esc | KeyCode::Enter) {
        state.popup = None;
        return;
    }
    let begun = std::mem::take(&mut state.chord);
    match typed {
        Typed::Action(Action::Down) => *scroll += 1,
        Typed::Action(Action::Up) => *scroll = scroll.saturating_sub(1),
        Typed::Action(Action::HalfDown) => *scroll += page,
        Typed::Action(Action::HalfUp) => *scroll = scroll.saturating_sub(page),
        Typed::Action(Action::Top) => *scroll = 0,
        Typed::Action(Action::Refetch) => effects.push(Effect::Repaint),
        Typed::Action(Action::Copy) => {
            let text = super::command::equivalent(state);
            action::copy(state, text, effects);
        }
        Typed::Action(
            Action::Back
            | Action::Leave
            | Action::Help
            | Action::TaskDetails
            | Action::RunPage
            | Action::RunDiff
            | Action::Why
            | Action::EventRail,
        ) => state.popup = None,
        Typed::Chord(chord) if begun.is_empty() => state.chord = chord,
        _ => {}
    }
}

fn prompt(state: &mut State, event: &KeyEvent, effects: &mut Vec<Effect>) {
    let Some(prompt) = &mut state.prompt else { return };
    let is_recall = match event.code {
        KeyCode::Char('/') => prompt.input.value().is_empty(),
        KeyCode::Up => true,
        _ => false,
    };
    match event.code {
        _ if is_recall && prompt.kind == PromptKind::Filter => recall(state),
        KeyCode::Enter => {
            apply_prompt(state);
            keep_filter(state);
            if let Some(prompt) = state.prompt.take() {
                enter(state, prompt.kind, prompt.input.value(), effects);
            }
        }
        KeyCode::Esc => {
            prompt.input = Input::default();
            apply_prompt(state);
            state.prompt = None;
        }
        _ => {
            type_into(&mut prompt.input, event);
            apply_prompt(state);
        }
    }
}

/// Types the filter that the list had last.
fn recall(state: &mut State) {
    let Some(info) = rows::list_info(state) else { return };
    let last = state.lists.of(info.name).last_filter.clone();
    if last.is_empty() {
        state.say(Tone::Info, "this list had no filter yet");
        return;
    }
    if let Some(prompt) = &mut state.prompt {
        prompt.input = Input::new(last);
    }
    apply_prompt(state);
}

/// Remembers the filter, to be recalled when it was cleared.
fn keep_filter(state: &mut State) {
    let filter = state.level().filter.clone();
    if let Some(info) = rows::list_info(state).filter(|_| !filter.is_empty()) {
        state.lists.of_mut(info.name).last_filter = filter;
    }
}

/// Filters or searches with what is typed so far.
fn apply_prompt(state: &mut State) {
    let Some(prompt) = &state.prompt else { return };
    let (kind, text) = (prompt.kind, prompt.input.value().to_owned());
    match kind {
        PromptKind::Filter => state.level_mut().filter = text,
        PromptKind::Search => log::seek::typed(state, &text),
        PromptKind::GoToTime | PromptKind::SaveLog | PromptKind::PipeLog => {}
    }
}

/// Does what was typed, where that waits for enter.
fn enter(state: &mut State, kind: PromptKind, text: &str, effects: &mut Vec<Effect>) {
    match kind {
        PromptKind::Filter => {}
        PromptKind::Search => log::seek::entered(state, effects),
        PromptKind::GoToTime => log::seek::to_time(state, text, effects),
        PromptKind::SaveLog => log::hand_out::save(state, text, effects),
        PromptKind::PipeLog => log::hand_out::pipe(state, text, effects),
    }
}
