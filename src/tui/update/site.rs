//! Where the deck is: its session is kept, and it can go to another project.

use crate::daemon::Connected;
use crate::message::{Attached, Effect};
use crate::state::session;
use crate::state::{State, Tone};
use crate::types::Fault;
use crate::update::answer;

/// Between two looks at whether the session has changed.
const KEEP_EVERY_MILLIS: i64 = 3000;

/// Has the session kept where it has changed; not more often than every few seconds.
pub(crate) fn keep(state: &mut State, effects: &mut Vec<Effect>) {
    let since = state.now.as_millisecond() - state.session_at.as_millisecond();
    if since >= KEEP_EVERY_MILLIS {
        state.session_at = state.now;
        effects.extend(kept(state));
    }
}

/// Returns what keeps the session, where it has changed since it was kept.
pub(crate) fn kept(state: &mut State) -> Option<Effect> {
    let path = state.options.station.site.session.as_ref()?.path.clone();
    let text = session::written(state)?;
    if state.session.as_ref() == Some(&text) {
        return None;
    }
    state.session = Some(text.clone());
    Some(Effect::SaveSession { path, text })
}

/// Goes to the project of a profile; what is shown stays until its daemon is reached.
pub(crate) fn connect(state: &mut State, profile: &str, effects: &mut Vec<Effect>) {
    let station = &state.options.station;
    if station.site.profile.as_deref() == Some(profile) {
        state.say(Tone::Info, format!("this is {profile} already"));
        return;
    }
    if station.connector.is_none() {
        state.say(Tone::Bad, "this deck cannot go elsewhere");
        return;
    }
    state.say(Tone::Info, format!("connecting to {profile}…"));
    effects.push(Effect::Connect(profile.to_owned()));
}

/// Takes the daemon that was reached: all that is shown is of the other project from now on.
pub(crate) fn switched(
    state: &mut State,
    result: Result<Connected, Fault>,
    effects: &mut Vec<Effect>,
) {
    let Connected { daemon, site } = match result {
        Ok(connected) => connected,
        Err(fault) => {
            answer::say_fault(state, &fault);
            return;
        }
    };
    effects.extend(kept(state));
    let mut options = state.options.clone();
    options.station.site = site;
    options.station.offers_tour = false;
    let (generation, size) = (state.generation, (state.size.width, state.size.height));
    *state = State::new(options, size, state.now);
    // Numbers go on: an answer that is on its way belongs to none of the new questions.
    state.generation = generation;
    effects.push(Effect::Attach(Attached(daemon)));
    effects.push(Effect::Repaint);
    let site = &state.options.station.site;
    let name = site.profile.clone().unwrap_or_else(|| site.name.clone());
    state.say(Tone::Good, format!("this is {name}"));
}
