//! Asks before a rollout is steered.

use crate::message::Act;
use crate::screen::serving_traffic::rollout_here;
use crate::state::{State, Tone};
use crate::types::ask::Request;
use crate::types::serving::{RolloutState, RolloutWish, TrafficChange};
use crate::update::confirm::{Question, ask, ask_shortly};

/// Asks before a rollout is paused, or goes on.
pub(crate) fn pause(state: &mut State) {
    let is_paused = rollout_here(state).is_some_and(|r| r.state == RolloutState::Paused);
    let wish = if is_paused { RolloutWish::Resume } else { RolloutWish::Pause };
    steer(state, wish);
}

/// Asks before the rollout of the selected version's model is steered.
pub(crate) fn steer(state: &mut State, wish: RolloutWish) {
    let Some(rollout) = rollout_here(state) else {
        state.say(Tone::Info, "no version of this model is being rolled out");
        return;
    };
    let (model, version, at) = (rollout.model.clone(), rollout.version, rollout.percent());
    let next = rollout.percents.get(rollout.step as usize + 1).copied().unwrap_or(100);
    let (verb, line, done) = match wish {
        RolloutWish::Pause => ("Pause", format!("It stays at {at} %."), "paused"),
        RolloutWish::Resume => {
            ("Resume", "The step goes on with the time that it had left.".to_owned(), "resumed")
        }
        RolloutWish::Advance => (
            "Advance",
            format!("{next} % of the requests go to it now, whatever the figures say."),
            "advanced",
        ),
        RolloutWish::Abort => {
            ("Abort", "The traffic goes back to where it was.".to_owned(), "aborted")
        }
    };
    let change = TrafficChange::Rollout { wish };
    let question = Question {
        title: format!("{verb} the rollout of {model} v{version}?"),
        lines: vec![line],
        verb,
        request: Request::ChangeTraffic { model: model.clone(), change },
        act: Act::Say(format!("{done} the rollout of {model} v{version}")),
    };
    match wish {
        RolloutWish::Pause | RolloutWish::Resume => ask_shortly(state, question),
        RolloutWish::Advance | RolloutWish::Abort => ask(state, question),
    }
}
