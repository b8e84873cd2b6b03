//! Opens the forms that register, tag and delete a logged model.

use crate::message::Effect;
use crate::rows::logged;
use crate::state::sheet::{self, Wish};
use crate::state::{State, Tone};
use crate::types::view::LoggedModelView;
use crate::update::sheet::{Made, show};

/// The model that a place is about, with a line that says which it is.
fn meant(state: &State) -> Option<(LoggedModelView, Vec<String>)> {
    let model = logged::here(state)?.clone();
    let intro = vec![format!("{} · {}", model.name, model.model_id)];
    Some((model, intro))
}

/// Opens the form that registers it as the next version of a model.
pub(crate) fn register(state: &mut State, effects: &mut Vec<Effect>) {
    let Some((model, mut intro)) = meant(state) else { return };
    if model.status != "READY" {
        state.say(
            Tone::Info,
            format!("{} is {}: its files are not all there", model.name, model.status),
        );
        return;
    }
    if let Some(registered) = crate::screen::logged_models::registered(&model) {
        intro.push(format!("is {registered} already"));
    }
    let name = model.registrations.last().map_or(model.name.as_str(), |(name, _)| name.as_str());
    let fields = vec![
        sheet::text("name", name, "of the registered model; it is made where there is none"),
        sheet::text("description", "", "of the version; may be empty"),
    ];
    let title = format!("Register {}", model.name);
    let wish = Wish::RegisterLogged { model_id: model.model_id };
    show(state, Made { title, intro, fields, verb: "Register", wish }, effects);
}

/// Opens the form that puts a tag on it, or takes one off.
pub(crate) fn tag(state: &mut State, effects: &mut Vec<Effect>) {
    let Some((model, intro)) = meant(state) else { return };
    let fields = vec![
        sheet::text("key", "", "such as owner"),
        sheet::text("value", "", "what it says"),
        sheet::switch("take off", false, "take the tag of this key off"),
    ];
    let title = format!("Tag {}", model.name);
    let wish = Wish::TagLogged { model_id: model.model_id };
    show(state, Made { title, intro, fields, verb: "Tag", wish }, effects);
}

/// Opens the question before it is deleted; what is registered is not.
pub(crate) fn delete(state: &mut State, effects: &mut Vec<Effect>) {
    let Some((model, mut intro)) = meant(state) else { return };
    if let Some(registered) = crate::screen::logged_models::registered(&model) {
        state.say(Tone::Info, format!("{} is {registered}: delete that version first", model.name));
        return;
    }
    intro.push("For good: its files go when the deck cleans up.".to_owned());
    let expected = model.name.clone();
    let fields = vec![sheet::text("confirm", "", &format!("type {expected} to delete"))];
    let title = format!("Delete {}?", model.name);
    let wish = Wish::DeleteLogged { model_id: model.model_id, expected };
    show(state, Made { title, intro, fields, verb: "Delete", wish }, effects);
}
