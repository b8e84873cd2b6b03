//! The keys: what each does and where, from the table in `bindings` and the operator's own file.

use crossterm::event::KeyEvent;

use crate::state::State;

mod action;
mod bindings;
mod file;
mod label;
mod place;
mod resolved;
pub(crate) mod stroke;

pub(crate) use action::Action;
pub(crate) use bindings::BINDINGS;
pub(crate) use label::{label, label_at, scroll_note, with_keys};
pub(crate) use place::{Place, place};
pub(crate) use resolved::{Bound, Keymap, listed};
pub(crate) use stroke::name;

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Binding {
    pub(crate) action: Action,
    /// The keys as they are written, the one to show first; two of them in a row are a chord.
    pub(crate) keys: &'static [&'static str],
    /// The word in the hint row; empty where the row does not need it.
    pub(crate) hint: &'static str,
    /// The line in the help.
    pub(crate) help: &'static str,
    /// Where it is valid; empty means everywhere.
    pub(crate) places: &'static [Place],
    /// It leads to a change: not there when the deck is read-only.
    pub(crate) mutates: bool,
}

impl Binding {
    /// Returns the name that the palette has for it.
    pub(crate) fn command(&self) -> String {
        match self.hint {
            "" => self.action.name().replace('-', " "),
            hint => hint.to_owned(),
        }
    }
}

/// What a key comes to, after those typed before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Typed {
    Action(Action),
    /// The beginning of a chord.
    Chord(String),
    /// It leads to a change, which a read-only deck does not have.
    Denied(Action),
    Nothing,
}

/// Returns the bindings that are valid here.
pub(crate) fn valid(state: &State) -> impl Iterator<Item = &Bound> {
    let is_read_only = state.is_read_only();
    state.keymap.at(place(state)).iter().filter(move |bound| !(bound.mutates && is_read_only))
}

/// Returns what a key does here, after the beginning of a chord that was typed before it.
pub(crate) fn typed(state: &State, before: &str, event: &KeyEvent) -> Typed {
    let Some(name) = name(event) else { return Typed::Nothing };
    let keys = if before.is_empty() { name } else { format!("{before} {name}") };
    let here = state.keymap.at(place(state));
    if let Some(bound) = here.iter().find(|bound| bound.keys.contains(&keys)) {
        return match bound.mutates && state.is_read_only() {
            true => Typed::Denied(bound.action),
            false => Typed::Action(bound.action),
        };
    }
    let goes_on = valid(state).any(|bound| bound.keys.iter().any(|k| stroke::begins(k, &keys)));
    if goes_on { Typed::Chord(keys) } else { Typed::Nothing }
}

/// Returns how a chord that was begun can go on here: the next key and what it does then.
pub(crate) fn continuations<'a>(state: &'a State, begun: &str) -> Vec<(&'a str, &'a Bound)> {
    let mut found: Vec<(&str, &Bound)> = valid(state)
        .filter_map(|bound| {
            let chord = bound.keys.iter().find(|chord| stroke::begins(chord, begun))?;
            Some((chord[begun.len()..].trim_start(), bound))
        })
        .collect();
    found.sort_by_key(|(key, _)| key.to_lowercase());
    found
}
