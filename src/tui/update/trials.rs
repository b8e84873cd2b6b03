//! What keys do to the trials of a search.

use crate::keymap::with_keys;
use crate::rows;
use crate::rows::tracking::tree::is_parent;
use crate::rows::trials;
use crate::state::{Screen, State, Tone};
use crate::types::TrackingRunId;
use crate::update::lab;

/// The tag that says which run one hangs under.
const PARENT: &str = "mlflow.parentRunId";

/// Shows the trials of the run that the place is about, or those that it is one of; in a run of a
/// DAG those of the selected task.
pub(crate) fn open(state: &mut State) {
    if matches!(state.level().screen, Screen::Run(_)) {
        let Some(task) = rows::selected_task(state) else {
            let text =
                with_keys!(state, "select a task: {} shows the trials of its search", Trials);
            state.say(Tone::Info, text);
            return;
        };
        let key = task.key.clone();
        state.push(Screen::TaskTrials(key));
        return;
    }
    let Some(run) = lab::run_here(state) else { return };
    let above = run.tags.iter().find(|(key, _)| key == PARENT).map(|(_, value)| value);
    let of = match (is_parent(run) || run.nested.is_some(), above) {
        (true, _) => run.run_id.clone(),
        (false, Some(above)) => TrackingRunId::new(above.clone()),
        (false, None) => {
            let text = format!("no run hangs under {}", run.run_name);
            state.say(Tone::Info, text);
            return;
        }
    };
    state.push(Screen::Trials(of));
}

/// Draws the trials over another hyperparameter; says `false` where there are no trials.
pub(crate) fn draw_over(state: &mut State, forward: bool) -> bool {
    if !matches!(state.level().screen, Screen::Trials(_) | Screen::TaskTrials(_)) {
        return false;
    }
    let Some(view) = trials::shown(state) else { return true };
    let params = trials::params(view);
    let here = trials::drawn_over(state, view);
    let Some(at) = params.iter().position(|param| Some(*param) == here) else { return true };
    let next = (at + if forward { 1 } else { params.len() - 1 }) % params.len();
    state.lab.drawn_over = Some(params[next].to_owned());
    true
}
