//! What keys do with the thing that the place is about, or that is selected there: its DAG, its
//! run, its question.

use crate::keymap::{self, Place, with_keys};
use crate::message::{Act, Effect, Purpose};
use crate::rows;
use crate::rows::run::What;
use crate::state::{Form, Popup, Screen, Slot, State, Tone, View};
use crate::types::DagId;
use crate::types::ask::Request;
use crate::types::run::DagRunKey;
use crate::types::why::WhySubject;
use crate::update::sheet::open as sheets;
use crate::update::{assets, attention, form, lab, models};

/// Drills into what is selected.
pub(super) fn open(state: &mut State) {
    if matches!(state.level().screen, Screen::TrackingRun(_)) {
        if let Some(screen) = lab::open_fact(state) {
            state.push(screen);
        }
        return;
    }
    let level = state.level();
    let screen = match &level.screen {
        Screen::Root(View::Dags) => rows::selected(level, &rows::dags(state, level)).map(|dag| {
            match dag.recent_runs.last() {
                Some(run) => run_screen(&dag.dag_id, &run.dag_run_id),
                None => Screen::Dag(dag.dag_id.clone()),
            }
        }),
        Screen::Root(View::Runs) | Screen::DagRuns(_) => {
            rows::selected(level, &rows::runs(state, level)).map(|run| Screen::Run(run.key()))
        }
        Screen::Root(View::Experiments) => rows::selected(level, &rows::experiments(state, level))
            .map(|experiment| Screen::Experiment(experiment.name.clone())),
        Screen::Experiment(name) => rows::selected(level, &rows::tracking_runs(state, level, name))
            .map(|run| Screen::TrackingRun(run.run_id.clone())),
        Screen::Trials(_) | Screen::TaskTrials(_) => {
            rows::trials::here(state).map(|trial| Screen::TrackingRun(trial.run_id.clone()))
        }
        Screen::Root(View::Serving) => rows::served_here(state)
            .map(|served| Screen::Drift(served.model.clone(), served.version)),
        Screen::Versions(dag_id) => {
            rows::compared(state, dag_id).map(|(from, to)| Screen::Diff(dag_id.clone(), from, to))
        }
        _ => None,
    };
    if let Some(screen) = screen {
        state.push(screen);
    }
}

pub(super) fn run_screen(dag_id: &DagId, dag_run_id: &crate::types::DagRunId) -> Screen {
    Screen::Run(DagRunKey { dag_id: dag_id.clone(), dag_run_id: dag_run_id.clone() })
}

/// Returns the DAG that the place is about.
pub(crate) fn dag_here(state: &State) -> Option<DagId> {
    let level = state.level();
    match &level.screen {
        Screen::Root(View::Dags) => {
            rows::selected(level, &rows::dags(state, level)).map(|dag| dag.dag_id.clone())
        }
        Screen::Dag(dag_id)
        | Screen::Form(dag_id)
        | Screen::Versions(dag_id)
        | Screen::Backfills(dag_id)
        | Screen::Backfill(dag_id, _)
        | Screen::Diff(dag_id, ..) => Some(dag_id.clone()),
        Screen::Root(View::Runs) | Screen::DagRuns(_) => {
            let run = rows::selected(level, &rows::runs(state, level));
            match (run, &level.screen) {
                (Some(run), _) => Some(run.dag_id.clone()),
                (None, Screen::DagRuns(dag_id)) => Some(dag_id.clone()),
                (None, _) => None,
            }
        }
        Screen::Run(key) => Some(key.dag_id.clone()),
        Screen::Root(View::Assets) | Screen::Asset(_) | Screen::AssetWhy(_) | Screen::Impact(_) => {
            assets::producer(state)
        }
        Screen::Root(View::Models) | Screen::Model(_) | Screen::Compare(..) => models::maker(state),
        _ => None,
    }
}

pub(super) fn go_to_dag(state: &mut State, screen: fn(DagId) -> Screen) {
    match dag_here(state) {
        Some(dag_id) => state.push(screen(dag_id)),
        None => say_no_dag(state),
    }
}

/// Says that there is no DAG to do something with, and how there would be one.
pub(crate) fn say_no_dag(state: &mut State) {
    let words = match state.cache.dags() {
        Some([]) => with_keys!(state, "there is no DAG yet: {} opens dags.toml", Edit),
        _ if !state.level().filter.is_empty() => {
            with_keys!(state, "nothing is selected: {} clears the filter", Back)
        }
        _ => "no DAG is selected".to_owned(),
    };
    state.say(Tone::Info, words);
}

/// Asks why what is selected does or does not go on.
pub(super) fn why(state: &mut State) {
    let subject = match keymap::place(state) {
        Place::Attention if attention::asset_why(state) => return,
        Place::Attention => attention::subject(state),
        _ => subject_here(state),
    };
    let Some(subject) = subject else { return };
    // What held it back a while ago may hold it back no more.
    state.cache.mark_old(|slot| *slot == Slot::Why(subject.clone()));
    state.popup = Some(Popup::Why { subject, scroll: 0 });
}

fn subject_here(state: &State) -> Option<WhySubject> {
    let of_dag = |dag_id| WhySubject { dag_id, dag_run_id: None, task_id: None, map_index: None };
    let level = state.level();
    match &level.screen {
        Screen::Run(key) => {
            let mut subject = of_dag(key.dag_id.clone());
            subject.dag_run_id = Some(key.dag_run_id.clone());
            match rows::run::selected(state).map(|row| row.what) {
                Some(What::Task(task)) => {
                    subject.task_id = Some(task.key.task_id.clone());
                    subject.map_index = Some(task.key.map_index);
                }
                Some(What::Mapped(task_id)) => subject.task_id = Some(task_id.clone()),
                Some(What::Group(_)) | None => {}
            }
            Some(subject)
        }
        Screen::Root(View::Runs) | Screen::DagRuns(_) => {
            let run = rows::selected(level, &rows::runs(state, level))?;
            let mut subject = of_dag(run.dag_id.clone());
            subject.dag_run_id = Some(run.dag_run_id.clone());
            Some(subject)
        }
        _ => dag_here(state).map(of_dag),
    }
}

/// Opens the question of the selected task, else the list of what waits for an answer.
pub(super) fn approvals(state: &mut State, effects: &mut Vec<Effect>) {
    if !state.is_read_only() && sheets::answer_here(state, effects) {
        return;
    }
    if state.level().screen != Screen::Approvals {
        state.push(Screen::Approvals);
    }
}

/// Has the selected connection tried.
pub(super) fn test(state: &mut State, effects: &mut Vec<Effect>) {
    let level = state.level();
    let here = level.cursor(&rows::keys(state, level));
    let Some(rows::Setting::Connection(connection)) =
        rows::settings(state, level).into_iter().nth(here)
    else {
        state.say(Tone::Info, with_keys!(state, "select a connection: {} tests it", Test));
        return;
    };
    let conn_id = connection.conn_id.clone();
    let generation = state.next_generation();
    state.say(Tone::Info, format!("trying {conn_id}…"));
    let request = Request::TestConnection { conn_id };
    effects.push(Effect::Ask { purpose: Purpose::Act(Act::Test), generation, request });
}

/// Opens the form; from a run, with what that run was given.
pub(super) fn trigger(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(dag_id) = dag_here(state) else { return say_no_dag(state) };
    if let Screen::Run(key) = &state.level().screen
        && let (Some(run), Some(dag)) = (state.cache.run(key), state.cache.dag(&dag_id))
    {
        let form = Form::new(dag, Some(&run.run.conf));
        state.forms.insert(dag_id.clone(), form);
    }
    state.push(Screen::Form(dag_id.clone()));
    form::say_draft(state, &dag_id);
    form::changed(state, &dag_id, 0, effects);
}
