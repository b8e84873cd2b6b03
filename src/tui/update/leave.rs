//! Leaving the deck: asked first where something is half done.

use crate::keymap::Action;
use crate::message::Effect;
use crate::state::form::Field;
use crate::state::menu::{Choice, Item, Menu};
use crate::state::{Popup, State};
use crate::text;

/// Leaves, or asks where forms were begun and not sent.
pub(crate) fn ask(state: &mut State, effects: &mut Vec<Effect>) {
    let begun = state.forms.iter().filter(|(_, form)| form.fields.iter().any(Field::is_changed));
    let mut begun: Vec<String> = begun.map(|(dag_id, _)| dag_id.to_string()).collect();
    if begun.is_empty() {
        effects.push(Effect::Quit);
        return;
    }
    begun.sort();
    let item = |key, label: &str, choice| Item {
        key,
        label: label.to_owned(),
        note: String::new(),
        is_on: None,
        choice,
    };
    let forms = text::count(begun.len(), "form");
    let title = format!("{forms} not sent ({}): leave?", text::cut(&begun.join(", "), 40));
    let items = vec![
        item('n', "stay", Choice::Nothing),
        item('y', "leave; runs go on", Choice::Do(Action::Quit)),
    ];
    state.popup = Some(Popup::Menu(Menu { title, items, selected: 0 }));
}
