//! What keys do to logged models.

use crate::keymap::{Action, with_keys};
use crate::message::Effect;
use crate::rows::logged;
use crate::state::level::LoggedOf;
use crate::state::{Screen, State, Tone, View};
use crate::update::sheet::logged as sheets;
use crate::update::{goto, lab};

/// Does what a key stands for, where that is something about logged models; says `false` where not.
pub(crate) fn perform(state: &mut State, action: Action, effects: &mut Vec<Effect>) -> bool {
    if action == Action::LoggedModels {
        open_list(state);
        return true;
    }
    if !matches!(state.level().screen, Screen::LoggedModels(_) | Screen::LoggedModel(_)) {
        return false;
    }
    match action {
        Action::Open => open(state),
        Action::Register => sheets::register(state, effects),
        Action::Tag => sheets::tag(state, effects),
        Action::Delete => sheets::delete(state, effects),
        Action::ProducingRun => source_run(state),
        Action::GoModel => registered(state),
        _ => return false,
    }
    true
}

/// Shows the logged models of the experiment, or of the run that the place is about.
fn open_list(state: &mut State) {
    let level = state.level();
    let of = match &level.screen {
        Screen::Root(View::Experiments) => {
            let shown = crate::rows::experiments(state, level);
            crate::rows::selected(level, &shown).map(|one| LoggedOf::Experiment(one.name.clone()))
        }
        Screen::Experiment(name) => Some(LoggedOf::Experiment(name.clone())),
        _ => lab::run_here(state).map(|run| LoggedOf::Run(run.run_id.clone())),
    };
    match of {
        Some(of) => state.push(Screen::LoggedModels(of)),
        None => state.say(Tone::Info, "nothing is selected"),
    }
}

fn open(state: &mut State) {
    if matches!(state.level().screen, Screen::LoggedModel(_)) {
        return;
    }
    if let Some(model_id) = logged::here(state).map(|model| model.model_id.clone()) {
        state.push(Screen::LoggedModel(model_id));
    }
}

/// Goes to the run that made the model.
fn source_run(state: &mut State) {
    let Some(model) = logged::here(state) else { return };
    match model.source_run_id.clone() {
        Some(run_id) => state.push(Screen::TrackingRun(run_id)),
        None => state.say(Tone::Info, "no run made it: it was registered from a file"),
    }
}

/// Goes to the registered model of which it is a version.
fn registered(state: &mut State) {
    let Some(model) = logged::here(state) else { return };
    match model.registrations.last().map(|(name, _)| name.clone()) {
        Some(name) => goto::open(state, View::Models, Screen::Model(name)),
        None => {
            let text = with_keys!(state, "it is not registered: {} registers it", Register);
            state.say(Tone::Info, text);
        }
    }
}
