//! Asks for what is shown and not there yet, or old. This runs after every message, so no other
//! place needs to know what a screen is made of.

use crate::message::{Effect, Purpose};
use crate::rows;
use crate::screen::events::has_rail;
use crate::screen::home::shows_events;
use crate::screen::run::shows_details;
use crate::state::session;
use crate::state::{Form, Link, Popup, Screen, Slot, State, View};
use crate::types::run::TaskInstance;
use crate::types::TaskInstanceState;
use crate::update::{feed, form, log};

/// Returns what the shown screen is made of.
pub(crate) fn needs(state: &State) -> Vec<Slot> {
    let level = state.level();
    let mut slots = vec![Slot::Status, Slot::Definitions, Slot::Approvals];
    if let Some(Popup::Why { subject, .. }) = &state.popup {
        slots.push(Slot::Why(subject.clone()));
    }
    match &level.screen {
        Screen::Root(View::Dags) => {
            slots.extend([Slot::Dags, Slot::Attention, Slot::Pulse, Slot::Serving]);
            if shows_events(state) {
                slots.push(Slot::Events);
            }
            let dag = rows::selected(state, level, &rows::dags(state, level));
            slots.extend(dag.map(|dag| Slot::Dag(dag.dag_id.clone())));
        }
        Screen::Root(View::Runs) => slots.push(Slot::Runs(None)),
        Screen::DagRuns(dag_id) => slots.push(Slot::Runs(Some(dag_id.clone()))),
        Screen::Dag(dag_id) | Screen::Form(dag_id) => slots.push(Slot::Dag(dag_id.clone())),
        Screen::Run(key) => {
            slots.push(Slot::Run(key.clone()));
            slots.push(Slot::Dag(key.dag_id.clone()));
            if shows_details(state) || matches!(state.popup, Some(Popup::Task { .. })) {
                slots.extend(rows::selected_task(state).map(|task| Slot::Task(task.key.clone())));
            }
        }
        Screen::Root(View::Assets) | Screen::Asset(_) => {
            slots.push(Slot::Assets);
            if let Some(asset) = rows::shown_asset(state) {
                slots.push(Slot::Lineage(Some(asset.name.clone())));
                slots.push(Slot::AssetEvents(Some(asset.name.clone())));
            }
        }
        Screen::Root(View::Experiments) => {
            slots.push(Slot::Experiments);
            let experiment = rows::selected(state, level, &rows::experiments(state, level));
            slots.extend(experiment.map(|e| Slot::TrackingRuns(e.name.clone())));
        }
        Screen::Experiment(name) => slots.push(Slot::TrackingRuns(name.clone())),
        Screen::TrackingRun(run_id) => slots.push(Slot::TrackingRun(run_id.clone())),
        Screen::Root(View::Models) => {
            slots.extend([Slot::Models, Slot::Serving]);
            let model = rows::selected(state, level, &rows::models(state, level));
            slots.extend(model.map(|model| Slot::Model(model.name.clone())));
        }
        Screen::Model(name) => slots.extend([Slot::Model(name.clone()), Slot::Serving]),
        Screen::Root(View::Serving) => slots.push(Slot::Serving),
        Screen::Root(View::Events) => slots.push(Slot::Events),
        Screen::Root(View::System) => {
            slots.extend([Slot::Pools, Slot::Variables, Slot::Connections]);
        }
        Screen::Versions(dag_id) => {
            slots.push(Slot::Versions(dag_id.clone()));
            let compared = rows::compared(state, dag_id);
            slots.extend(compared.map(|(from, to)| Slot::Diff(dag_id.clone(), from, to)));
        }
        Screen::Diff(dag_id, from, to) => slots.push(Slot::Diff(dag_id.clone(), *from, *to)),
        Screen::Backfills(dag_id) => {
            slots.push(Slot::Backfills(dag_id.clone()));
            let all = state.cache.backfills(dag_id).unwrap_or_default();
            let here = all.get(level.cursor(&rows::keys(state, level)));
            slots.extend(here.map(|view| Slot::Backfill(view.backfill.id)));
        }
        Screen::Attention => slots.push(Slot::Attention),
        Screen::Operations => slots.push(Slot::Operations),
        Screen::Approvals if level.attention_only => slots.push(Slot::AllApprovals),
        Screen::Log(key) => slots.push(Slot::Task(key.clone())),
        Screen::Approvals | Screen::Definitions | Screen::DaemonLog => {}
    }
    let has_feed = has_rail(state) || matches!(state.popup, Some(Popup::Events { .. }));
    if has_feed && !slots.contains(&Slot::Events) {
        slots.push(Slot::Events);
    } else if !slots.contains(&Slot::Events) {
        slots.push(Slot::Glance);
    }
    slots
}

/// Brings what is under way in line with what is shown.
pub(crate) fn reconcile(state: &mut State, effects: &mut Vec<Effect>) {
    if !matches!(state.link, Link::Down { .. }) {
        fetch(state, effects);
    }
    make_form(state, effects);
    select_what_matters(state);
    log::read::follow(state, effects);
    feed::keep(state, effects);
}

fn fetch(state: &mut State, effects: &mut Vec<Effect>) {
    // While a burst of events runs, only what was never fetched is asked for.
    for slot in needs(state) {
        let is_new = state.cache.is_new(&slot);
        if state.cache.wants(&slot) && (is_new || !state.refetch_is_due) {
            let generation = state.next_generation();
            state.cache.ask(slot.clone(), generation);
            let request = slot.request();
            effects.push(Effect::Ask { purpose: Purpose::Fetch(slot), generation, request });
        }
    }
}

/// Keeps the cursor of a run on the task that failed, else on one that runs, else, when the run is
/// over, on the one that ended last, until somebody moves it.
fn select_what_matters(state: &mut State) {
    if !state.level().is_untouched {
        return;
    }
    let Some(run) = state.shown_run() else { return };
    let here = rows::selected_task(state).and_then(|task| task.state);
    if state.level().selected.is_some() && here.is_some_and(|state| !state.is_finished()) {
        return;
    }
    let find = |wanted: TaskInstanceState| run.tasks.iter().find(|t| t.state == Some(wanted));
    let task = find(TaskInstanceState::Failed)
        .or_else(|| find(TaskInstanceState::UpForRetry))
        .or_else(|| find(TaskInstanceState::Running))
        .or_else(|| run.run.state.is_finished().then(|| last_ended(&run.tasks)).flatten());
    let Screen::Run(key) = &state.level().screen else { return };
    let shown = rows::run::rows(state, state.level(), key);
    if let Some(key) = task.and_then(|task| rows::run::key_of(&shown, task)) {
        state.level_mut().selected = Some(key);
    }
}

/// Returns the task that ended last of those that were started.
fn last_ended(tasks: &[TaskInstance]) -> Option<&TaskInstance> {
    tasks.iter().filter(|task| task.try_number > 0).max_by_key(|task| task.end_date)
}

/// Makes the form of the shown DAG once its params are known.
fn make_form(state: &mut State, effects: &mut Vec<Effect>) {
    let Screen::Form(dag_id) = &state.level().screen else { return };
    if state.forms.contains_key(dag_id) {
        return;
    }
    let Some(dag) = state.cache.dag(dag_id) else { return };
    let mut form = Form::new(dag, None);
    session::refill(&mut state.drafts, &mut form);
    let dag_id = form.dag_id.clone();
    state.forms.insert(dag_id.clone(), form);
    form::changed(state, &dag_id, 0, effects);
}
