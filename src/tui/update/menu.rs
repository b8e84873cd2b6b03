//! Menus: opened for what is shown, moved in, chosen from.

use crossterm::event::{KeyCode, KeyEvent};

use crate::keymap;
use crate::message::Effect;
use crate::rows;
use crate::state::menu::{Choice, Menu};
use crate::state::{Popup, State, Tone};
use crate::update::action;

/// Opens the menu of the columns to sort by.
pub(crate) fn sort(state: &mut State) {
    let Some(info) = rows::list_info(state) else {
        state.say(Tone::Info, "there is no list to sort here");
        return;
    };
    let now = state.lists.of(info.name).sort.clone();
    let mut menu = Menu::new("Sort by");
    for field in info.fields.iter().filter(|field| field.is_sortable) {
        let is_now = now.as_ref().is_some_and(|sort| sort.field == field.name);
        if is_now {
            menu.selected = menu.items.len();
        }
        let note = match now.as_ref().filter(|_| is_now) {
            Some(sort) => format!("{} again reverses", sort.arrow()),
            None => String::new(),
        };
        let choice = Choice::Sort {
            list: info.name,
            field: field.name.clone(),
            is_descending: field.is_descending,
        };
        menu.add(&field.name, note, Some(is_now), choice);
    }
    if menu.items.is_empty() {
        state.say(Tone::Info, "this list has one order only");
        return;
    }
    menu.add("as it comes", "", Some(now.is_none()), Choice::Unsorted { list: info.name });
    state.popup = Some(Popup::Menu(menu));
}

/// Opens the menu of the columns to show.
pub(crate) fn columns(state: &mut State) {
    let menu = columns_menu(state);
    match menu.filter(|menu| !menu.items.is_empty()) {
        Some(menu) => state.popup = Some(Popup::Menu(menu)),
        None => state.say(Tone::Info, "there are no columns to choose here"),
    }
}

fn columns_menu(state: &State) -> Option<Menu> {
    let info = rows::list_info(state)?;
    let mut menu = Menu::new("Columns");
    for field in info.fields.iter().filter(|field| field.is_choosable) {
        let choice = Choice::Column { list: info.name, field: field.name.clone() };
        menu.add(&field.name, "", Some(field.is_shown), choice);
    }
    Some(menu)
}

/// Takes a key of the open menu.
pub(crate) fn press(state: &mut State, event: &KeyEvent, effects: &mut Vec<Effect>) {
    let Some(Popup::Menu(menu)) = &mut state.popup else { return };
    let last = menu.items.len().saturating_sub(1);
    let letter = match event.code {
        KeyCode::Char(c) => menu.items.iter().position(|item| item.key == c),
        _ => None,
    };
    match keymap::name(event).as_deref() {
        Some("esc" | "q") => state.popup = None,
        Some("j" | "down") => menu.selected = (menu.selected + 1).min(last),
        Some("k" | "up") => menu.selected = menu.selected.saturating_sub(1),
        Some("g" | "home") => menu.selected = 0,
        Some("G" | "end") => menu.selected = last,
        Some("enter" | "space") => choose(state, None, effects),
        Some("ctrl-l") => effects.push(Effect::Repaint),
        _ if letter.is_some() => choose(state, letter, effects),
        _ => {}
    }
}

/// Does what an entry says: the one at `at`, else the selected one.
pub(crate) fn choose(state: &mut State, at: Option<usize>, effects: &mut Vec<Effect>) {
    let Some(Popup::Menu(menu)) = &mut state.popup else { return };
    menu.selected = at.unwrap_or(menu.selected);
    let Some(item) = menu.items.get(menu.selected).cloned() else { return };
    match item.choice {
        Choice::Column { list, field } => {
            let turned = &mut state.lists.of_mut(list).turned;
            if !turned.remove(&field) {
                turned.insert(field);
            }
            let selected = menu.selected;
            // More than one is chosen in a row.
            if let Some(menu) = columns_menu(state) {
                state.popup = Some(Popup::Menu(Menu { selected, ..menu }));
            }
        }
        Choice::Sort { list, field, is_descending } => {
            state.popup = None;
            state.lists.sort_by(list, &field, is_descending);
        }
        Choice::Unsorted { list } => {
            state.popup = None;
            state.lists.of_mut(list).sort = None;
        }
        Choice::Nothing => state.popup = None,
        Choice::Copy(text) => {
            state.popup = None;
            action::copy(state, text, effects);
        }
        Choice::Do(action) => {
            state.popup = None;
            action::perform(state, action, effects);
        }
    }
}
