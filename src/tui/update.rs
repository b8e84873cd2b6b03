//! What every message does to the state, and what is to be done then. Pure: no clock, no
//! terminal, no daemon.
//!
//! ```text
//! message ─► change the state ─► reconcile: ask for what is shown and not there ─► effects
//! ```

use crate::message::{Effect, Message, Purpose, Timer};
use crate::rows;
use crate::state::{Link, Screen, Slot, State, Tone, View};
use crate::text;
use crate::types::Timestamp;

mod action;
mod answer;
pub(crate) mod assets;
mod attention;
mod command;
mod confirm;
mod copy;
pub(crate) mod edit;
mod feed;
mod form;
mod goto;
mod key;
mod lab;
mod leave;
pub(crate) mod log;
mod logged;
mod marks;
mod menu;
pub(crate) mod models;
mod mouse;
mod movement;
pub(crate) mod notice;
mod orders;
mod origin;
pub(crate) mod pages;
pub(crate) mod palette;
pub(crate) mod plugin;
mod reconcile;
pub(crate) mod run;
mod sheet;
pub(crate) mod site;
mod sketch;
mod terminal;
pub(crate) mod theme;
pub(crate) mod tour;
mod traffic;
mod trials;

pub(crate) use lab::ChartKey;

/// How long a burst of events is waited out before what it touched is fetched again.
const DEBOUNCE_MILLIS: u64 = 80;

/// Takes one message.
pub(crate) fn update(state: &mut State, message: Message, now: Timestamp) -> Vec<Effect> {
    state.now = now;
    let mut effects = Vec::new();
    match message {
        Message::Key(event) => key::press(state, &event, &mut effects),
        Message::Paste(text) => key::paste(state, &text, &mut effects),
        Message::Resize(width, height) => {
            state.size.width = width;
            state.size.height = height;
        }
        Message::Mouse(event) => mouse::take(state, event, &mut effects),
        Message::Focus(is_focused) => state.is_focused = Some(is_focused),
        Message::NotCopied { bytes } => terminal::not_copied(state, bytes),
        Message::Ground { is_light } => theme::take_ground(state, is_light),
        Message::PluginEnded { name, outcome } => plugin::ended(state, &name, outcome),
        Message::HandedBack { errand, outcome } => terminal::handed_back(state, errand, outcome),
        Message::Answered { purpose, generation, result, arranged } => {
            state.arranged = arranged;
            if matches!(purpose, Purpose::Act(_)) {
                orders::ended(state, generation, &result);
            }
            answer::take(state, purpose, generation, result, &mut effects);
        }
        Message::Event(event) => {
            notice::take(state, &event, &mut effects);
            edit::heard(state, &event);
            if let Some(missed) = &mut state.frozen {
                *missed += 1;
                return effects;
            }
            run::follow(state, &event);
            if state.cache.touch(&event) && !state.refetch_is_due {
                state.refetch_is_due = true;
                effects.push(Effect::After { millis: DEBOUNCE_MILLIS, timer: Timer::Refetch });
            }
            // What is asked for anew waits for the timer; there are thousands of these.
            return effects;
        }
        Message::LinkUp => {
            state.link = Link::Live;
            state.cache.reset_asked();
            state.log = None;
            state.beside = None;
        }
        Message::Saved { path, result: Ok(bytes) } => {
            state.say(Tone::Good, format!("saved {} to {path}", text::bytes(bytes)));
        }
        Message::Saved { path, result: Err(problem) } => {
            state.say(Tone::Bad, format!("not saved to {path}: {problem}"));
        }
        Message::LinkDown => {
            if !matches!(state.link, Link::Down { .. }) {
                state.link = Link::Down { since: now };
            }
        }
        Message::Tick => {
            tick(state, &mut effects);
            site::keep(state, &mut effects);
        }
        Message::Laid(laid) => state.graph.put(*laid),
        Message::Switched(result) => site::switched(state, result, &mut effects),
        Message::Timer(timer) => ring(state, timer, &mut effects),
    }
    orders::note(state, &effects);
    state.note_place();
    reconcile::reconcile(state, &mut effects);
    palette::keep(state);
    effects
}

/// A second has passed: lines expire, and what moves without events is asked for again.
fn tick(state: &mut State, effects: &mut Vec<Effect>) {
    notice::tell(state, effects);
    if state.flash.as_ref().is_some_and(|flash| flash.until <= state.now) {
        state.flash = None;
    }
    if state.frozen.is_some() {
        return;
    }
    state.cache.ripen();
    // Progress is told without an event.
    let polled = polled(state);
    state.cache.mark_old(|slot| polled.contains(slot));
}

/// Returns what is asked for again in this second.
fn polled(state: &State) -> Vec<Slot> {
    let is_turn = |every: i64| state.now.as_second() % every == 0;
    let level = state.level();
    match &level.screen {
        Screen::Run(key) if state.shown_run().is_some_and(|run| !run.progress.is_empty()) => {
            vec![Slot::Run(key.clone())]
        }
        Screen::Root(View::Dags) => {
            let dag = rows::selected(level, &rows::dags(state, level));
            let dag = dag.and_then(|dag| state.cache.dag(&dag.dag_id));
            let runs = dag.filter(|dag| dag.under_way.is_some() && is_turn(2));
            let mut slots: Vec<Slot> =
                runs.map(|dag| Slot::Dag(dag.dag.dag_id.clone())).into_iter().collect();
            // What is late or slow becomes so without an event.
            slots.extend(is_turn(10).then_some(Slot::Attention));
            slots.extend(is_turn(5).then_some(Slot::Serving));
            slots.extend(is_turn(60).then_some(Slot::Pulse));
            slots
        }
        Screen::Root(View::Experiments)
        | Screen::Experiment(_)
        | Screen::TrackingRun(_)
        | Screen::Trials(_)
        | Screen::TaskTrials(_) => lab::polled(state, is_turn(5)),
        Screen::Attention if is_turn(10) => vec![Slot::Attention],
        Screen::Root(View::Serving) => vec![Slot::Serving],
        Screen::Drift(model, version) => vec![Slot::Drift(model.clone(), *version)],
        Screen::Root(View::System) => vec![Slot::Status, Slot::Executors],
        _ => Vec::new(),
    }
}

fn ring(state: &mut State, timer: Timer, effects: &mut Vec<Effect>) {
    match timer {
        Timer::Refetch => state.refetch_is_due = false,
        Timer::RunRested => state.run_view.rests = false,
        Timer::PreviewRested(generation) => state.previews.rested(generation),
        Timer::StartLog(generation) | Timer::RetryLog(generation) => {
            log::read::start(state, generation, effects);
        }
        Timer::TrySheet(generation) => sheet::try_out(state, generation, effects),
        Timer::CheckForm(generation) => form::check(state, generation, effects),
    }
}
