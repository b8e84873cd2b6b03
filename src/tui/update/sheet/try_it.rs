//! Opens the form that asks a served model, and asks.

use crate::keymap::with_keys;
use crate::message::{Effect, Purpose};
use crate::rows;
use crate::screen::serving::siblings;
use crate::state::sheet::Wish;
use crate::state::sheet::{Plan, try_it::TryIt};
use crate::state::{State, Tone, View};
use crate::update::sheet::{Made, show, shown};

/// Opens the form for the selected version's model.
pub(crate) fn open(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(served) = rows::served_here(state) else {
        state.say(
            Tone::Info,
            with_keys!(
                state,
                "no model is loaded: promote one first ({}, then {})",
                Show(View::Models),
                Promote
            ),
        );
        return;
    };
    let detail = state.cache.model(&served.model);
    let of_version = |model: &crate::types::view::ModelDetailView| {
        model.versions.iter().find(|version| version.version == served.version).cloned()
    };
    let signature = detail.and_then(of_version).and_then(|version| version.signature);
    let listen = state.cache.serving().and_then(|serving| serving.listen.clone());
    let (wish, fields) = TryIt::new(served, &siblings(state), signature.as_ref(), listen);
    let title = format!("Try {}", served.model);
    let intro = vec!["A real request: it is answered and counted as a client's.".to_owned()];
    let wish = Wish::TryIt(Box::new(wish));
    show(state, Made { title, intro, fields, verb: "Ask", wish }, effects);
}

/// Asks what the open form says, and leaves it open for the answer; says `false` where it is
/// another form.
pub(crate) fn ask(state: &mut State, effects: &mut Vec<Effect>) -> bool {
    let Some(sheet) = shown(state) else { return false };
    let Wish::TryIt(wish) = &sheet.wish else { return false };
    if let Some(problem) =
        sheet.fields.iter().find_map(|field| Some((field.name.clone(), field.read().err()?)))
    {
        let (name, problem) = problem;
        state.say(Tone::Bad, format!("{name} {problem}"));
        return true;
    }
    let request = wish.request(sheet);
    let generation = state.next_generation();
    if let Some(sheet) = shown(state) {
        sheet.generation = generation;
        sheet.plan = Plan::Asking;
    }
    effects.push(Effect::Ask { purpose: Purpose::PlanSheet, generation, request });
    true
}
