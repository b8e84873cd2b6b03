//! What an answer changes.

use crate::keymap::with_keys;
use crate::message::{Act, Effect, Purpose};
use crate::state::form::Check;
use crate::state::log::Whose;
use crate::state::{Screen, Slot, State, Tone};
use crate::types::ask::Answer;
use crate::types::event::Event;
use crate::types::view::{ParamProblem, TriggerPlan};
use crate::types::{DagId, Fault, FaultKind};
use crate::update::{feed, form, log, sheet};

/// Takes an answer; a late one changes nothing.
pub(crate) fn take(
    state: &mut State,
    purpose: Purpose,
    generation: u64,
    result: Result<Answer, Fault>,
    effects: &mut Vec<Effect>,
) {
    match purpose {
        Purpose::OlderEvents => feed::take_older(state, result),
        Purpose::Fetch(slot) => {
            if let (Slot::Events | Slot::Glance, Ok(Answer::Events(page))) = (&slot, &result) {
                state.feed.take(page);
            }
            state.cache.put(&slot, generation, result);
        }
        Purpose::Log { is_beside, step } => {
            log::read::take(state, (is_beside, step), generation, result, effects);
        }
        Purpose::PlanTrigger(dag_id) => {
            let result = result.and_then(|answer| match answer {
                Answer::Plan(plan) => Ok(plan),
                other => Err(unfitting(&other)),
            });
            take_check(state, &dag_id, generation, result);
        }
        Purpose::PlanSheet => sheet::take_plan(state, generation, result),
        Purpose::Act(act) => take_act(state, act, result, effects),
    }
}

fn take_check(
    state: &mut State,
    dag_id: &DagId,
    generation: u64,
    result: Result<Result<TriggerPlan, Vec<ParamProblem>>, Fault>,
) {
    let form = state.forms.get_mut(dag_id).filter(|form| form.generation == generation);
    let Some(form) = form else { return };
    form.check = match result {
        Ok(Ok(plan)) => Check::Good(plan),
        Ok(Err(problems)) => Check::Problems(problems),
        Err(fault) => Check::Failed(fault.to_string()),
    };
}

fn take_act(state: &mut State, act: Act, result: Result<Answer, Fault>, effects: &mut Vec<Effect>) {
    let answer = match result {
        Ok(answer) => answer,
        Err(fault) => {
            if let Act::Trigger(dag_id) = &act {
                form::refused(state, dag_id, &fault, effects);
            }
            say_fault(state, &fault);
            return;
        }
    };
    // Events would tell, but the operator looks for the effect now.
    state.cache.touch(&Event::Resync);
    match (act, answer) {
        (Act::Trigger(dag_id), Answer::Run(run)) => {
            state.forms.remove(&dag_id);
            state.say(Tone::Good, format!("triggered {} of {dag_id}", run.dag_run_id));
            if state.level().screen == Screen::Form(dag_id) {
                state.pop();
                state.push(Screen::Run(run.key()));
            }
        }
        (Act::Trigger(dag_id), _) => state.say(Tone::Good, format!("triggered {dag_id}")),
        (Act::Pause(dag_id, true), _) => {
            state.steps.paused(&dag_id, true);
            state.say(Tone::Good, format!("paused {dag_id}: its schedule starts no runs"));
        }
        (Act::Pause(dag_id, false), _) => {
            state.steps.paused(&dag_id, false);
            state.say(Tone::Good, format!("unpaused {dag_id}"));
        }
        (Act::Operate(what), Answer::Operated(view)) => {
            state.steps.answered(view.id, what);
            // The new try is what the operator waits for, also where an old one was being read.
            if let Some(Whose::Task { wanted_try, .. }) =
                state.log.as_mut().filter(|_| what == "cleared").map(|log| &mut log.whose)
            {
                *wanted_try = None;
            }
            let undo = match (&view.final_since, what) {
                (None, "cleared" | "marked" | "noted") => {
                    with_keys!(state, ": {} takes it back", Undo)
                }
                _ => String::new(),
            };
            state.say(Tone::Good, format!("{what} {}{undo}", sheet::touched(&view)));
        }
        (Act::Operate(what), _) => state.say(Tone::Good, what),
        (Act::Say(what), _) => state.say(Tone::Good, what),
        (Act::Test, Answer::ConnectionTest(test)) => {
            let tone = if test.ok { Tone::Good } else { Tone::Bad };
            state.say(tone, format!("{}: {}", test.conn_id, test.message));
        }
        (Act::Test, _) => {}
        (Act::Cancel, _) => state.say(Tone::Good, "cancelled the run"),
    }
}

/// Shows a refusal with what to do instead.
pub(crate) fn say_fault(state: &mut State, fault: &Fault) {
    let hint = fault.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    let text = match fault.kind {
        FaultKind::Unavailable => format!("no answer: {fault}{hint}"),
        FaultKind::Internal => format!("internal: {fault}; the daemon's log tells more"),
        FaultKind::Invalid
        | FaultKind::NotFound
        | FaultKind::Exists
        | FaultKind::Conflict
        | FaultKind::Denied
        | FaultKind::Busy => format!("{fault}{hint}"),
    };
    state.say(Tone::Bad, text);
}

/// The daemon said something that does not answer the question: another version, most likely.
fn unfitting(answer: &Answer) -> Fault {
    let kind = format!("{answer:?}");
    let kind = kind.split(['(', ' ']).next().unwrap_or_default();
    Fault::new(FaultKind::Internal, format!("the daemon answered with `{kind}`"))
        .hint("is it the same version?")
}
