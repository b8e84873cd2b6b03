//! Chords that go from one thing to what it is tied to: its assets, its model, its endpoint.

use crate::state::menu::{Choice, Menu};
use crate::state::{Popup, Screen, State, Tone, View};
use crate::types::AssetName;
use crate::update::action;

/// Goes to the asset that the DAG here produces; asks which where there are several.
pub(crate) fn asset(state: &mut State) {
    let Some(dag_id) = action::dag_here(state) else { return };
    let Some(dag) = state.cache.dag(&dag_id) else {
        state.say(Tone::Info, format!("{dag_id} is not read yet"));
        return;
    };
    let mut names: Vec<AssetName> = Vec::new();
    for outlet in dag.tasks.iter().flat_map(|task| &task.outlets) {
        let name = AssetName::from(outlet.clone());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    match names.as_slice() {
        [] => state.say(Tone::Info, format!("{dag_id} produces no asset")),
        [name] => open(state, View::Assets, Screen::Asset(name.clone())),
        _ => {
            let mut menu = Menu::new(format!("Assets of {dag_id}"));
            for name in names {
                let label = name.to_string();
                let choice = Choice::Open(View::Assets, Box::new(Screen::Asset(name)));
                menu.add(label, "", None, choice);
            }
            state.popup = Some(Popup::Menu(menu));
        }
    }
}

/// Goes to the model that answers where no name is given.
pub(crate) fn model(state: &mut State) {
    let model = state.cache.serving().and_then(|serving| serving.default_model.clone());
    match model {
        Some(name) => open(state, View::Models, Screen::Model(name)),
        None => state.say(Tone::Info, "no model is served yet"),
    }
}

/// Shows a screen on top of what its view shows.
pub(crate) fn open(state: &mut State, view: View, screen: Screen) {
    state.switch(view);
    if state.level().screen != screen {
        state.push(screen);
    }
}
