//! The questions before something is changed: they name their target, Cancel has the focus
//! first, and they are deaf for a moment after they opened.

use crossterm::event::{KeyCode, KeyEvent};

use crate::message::{Act, Effect, Purpose};
use crate::rows;
use crate::state::backfill;
use crate::state::popup::{Confirm, Gate};
use crate::state::steps::Step;
use crate::state::{Popup, Screen, State, Tone, View};
use crate::text;
use crate::types::ask::Request;
use crate::types::backfill::Backfill;
use crate::types::run::{DagRun, TaskInstance};
use crate::types::{DagId, TaskInstanceState};
use crate::update::{action, pages};

/// A question without its target's details.
pub(crate) struct Question {
    pub(crate) title: String,
    pub(crate) lines: Vec<String>,
    pub(crate) verb: &'static str,
    pub(crate) request: Request,
    pub(crate) act: Act,
}

/// Asks in a dialog.
pub(crate) fn ask(state: &mut State, question: Question) {
    open(state, question, Gate::Button { on_yes: false });
}

/// Asks on the row above the hints: what is small and can be taken back.
pub(crate) fn ask_shortly(state: &mut State, question: Question) {
    open(state, question, Gate::Line);
}

fn open(state: &mut State, question: Question, gate: Gate) {
    let Question { title, lines, verb, request, act } = question;
    state.popup = Some(Popup::Confirm(Box::new(Confirm {
        title,
        lines,
        verb,
        gate,
        request,
        act,
        opened_at: state.now,
    })));
}

/// Asks before a DAG is paused or unpaused.
pub(crate) fn pause(state: &mut State) {
    let Some(dag_id) = action::dag_here(state) else { return action::say_no_dag(state) };
    let listed = state.cache.dags().and_then(|dags| dags.iter().find(|dag| dag.dag_id == dag_id));
    let Some(dag) = listed.or_else(|| state.cache.dag(&dag_id).map(|view| &view.dag)) else {
        return;
    };
    let is_paused = !dag.is_paused;
    set_paused(state, "", dag_id, is_paused);
}

/// Asks before a DAG is paused or not; `why` stands before the question.
fn set_paused(state: &mut State, why: &str, dag_id: DagId, is_paused: bool) {
    let (verb, line) = match is_paused {
        true => ("Pause", "Its schedule starts no more runs; those under way go on."),
        false => ("Unpause", "Its schedule starts runs again."),
    };
    ask_shortly(
        state,
        Question {
            title: format!("{why}{verb} {dag_id}?"),
            lines: vec![line.to_owned()],
            verb,
            request: Request::SetPaused { dag_id: dag_id.clone(), is_paused },
            act: Act::Pause(dag_id, is_paused),
        },
    );
}

/// Asks before a new worker takes new attempts.
pub(crate) fn replace_worker(state: &mut State) {
    let workers = state.cache.executors().map(|view| view.workers.workers.as_slice());
    let current = workers.unwrap_or_default().iter().find(|worker| worker.is_current);
    let (title, line) = match current {
        Some(worker) => (
            format!("Replace worker {}?", worker.pid),
            format!(
                "It finishes the {} that it has.",
                text::count(worker.attempts as usize, "attempt")
            ),
        ),
        None => ("Start a worker?".to_owned(), "None runs.".to_owned()),
    };
    ask_shortly(
        state,
        Question {
            title,
            lines: vec![line],
            verb: "Replace",
            request: Request::ReplaceWorker,
            act: Act::Say("a new worker takes new attempts".to_owned()),
        },
    );
}

/// Asks before this deck's last pause is taken back; says `false` where that was not its last step.
pub(crate) fn undo_pause(state: &mut State) -> bool {
    let Some(Step::Pause(dag_id, is_paused)) = state.steps.last().cloned() else { return false };
    set_paused(state, "Undo: ", dag_id, !is_paused);
    true
}

/// Asks before what was taken back last is done again.
pub(crate) fn redo(state: &mut State) {
    match state.steps.last_undone().cloned() {
        None => state.say(Tone::Info, "nothing that this deck did was undone"),
        Some(Step::Pause(dag_id, is_paused)) => set_paused(state, "Redo: ", dag_id, is_paused),
        Some(Step::Operation { request, what, .. }) => {
            let runs = match &*request {
                Request::Operate { runs, .. } => runs.len(),
                _ => 0,
            };
            let question = Question {
                title: format!("Redo: what was {what} and then undone?"),
                lines: vec![format!("The same again, to {}.", text::count(runs, "run"))],
                verb: "Redo",
                request: *request,
                act: Act::Operate(what),
            };
            ask(state, question);
        }
    }
}

fn is_busy(task: &TaskInstance) -> bool {
    task.state.is_some_and(TaskInstanceState::is_in_flight)
}

/// Returns the run that the place is about.
fn run_here(state: &State) -> Option<&DagRun> {
    let level = state.level();
    match &level.screen {
        Screen::Run(key) => state.cache.run(key).map(|view| &view.run),
        Screen::Root(View::Runs) | Screen::DagRuns(_) => {
            rows::selected(level, &rows::runs(state, level))
        }
        _ => None,
    }
}

/// Returns the selected backfill.
fn backfill_here(state: &State) -> Option<Backfill> {
    let level = state.level();
    match &level.screen {
        Screen::Backfill(_, id) => {
            backfill::shown(state, level, *id).map(|detail| detail.backfill.backfill.clone())
        }
        _ => pages::backfill_here(state).map(|view| view.backfill.clone()),
    }
}

/// Asks before a backfill is paused or goes on.
pub(crate) fn pause_backfill(state: &mut State) {
    let Some(backfill) = backfill_here(state) else { return };
    if is_over(state, &backfill) {
        return;
    }
    let (backfill_id, is_paused) = (backfill.id, !backfill.is_paused);
    let (verb, line) = match is_paused {
        true => ("Pause", "No more of its runs are made or begun. Those that run go on."),
        false => ("Unpause", "Its runs are made and begun again."),
    };
    let act = Act::Say(format!("{}d backfill {backfill_id}", verb.to_lowercase()));
    ask_shortly(
        state,
        Question {
            title: format!("{verb} backfill {backfill_id} of {}?", backfill.dag_id),
            lines: vec![line.to_owned()],
            verb,
            request: Request::SetBackfillPaused { backfill_id, is_paused },
            act,
        },
    );
}

/// Asks before a backfill is cancelled.
pub(crate) fn cancel_backfill(state: &mut State) {
    let Some(backfill) = backfill_here(state) else { return };
    if is_over(state, &backfill) {
        return;
    }
    let backfill_id = backfill.id;
    ask(
        state,
        Question {
            title: format!("Cancel backfill {backfill_id} of {}?", backfill.dag_id),
            lines: vec!["Its runs that wait fail. Those that run go on.".to_owned()],
            verb: "Cancel the backfill",
            request: Request::CancelBackfill { backfill_id },
            act: Act::Say(format!("cancelled backfill {backfill_id}")),
        },
    );
}

fn is_over(state: &mut State, backfill: &Backfill) -> bool {
    if backfill.completed_at.is_some() {
        state.say(Tone::Info, format!("backfill {} has ended already", backfill.id));
    }
    backfill.completed_at.is_some()
}

/// Asks before a run is cancelled.
pub(crate) fn cancel(state: &mut State) {
    let Some(run) = run_here(state) else { return };
    if run.state.is_finished() {
        let text = format!("{} has ended already", run.dag_run_id);
        state.say(Tone::Info, text);
        return;
    }
    let mut lines = vec![format!("run {}", run.dag_run_id)];
    if let Some(view) = state.shown_run() {
        let busy = view.tasks.iter().filter(|task| is_busy(task)).count();
        let left = view
            .tasks
            .iter()
            .filter(|t| !t.state.is_some_and(TaskInstanceState::is_finished))
            .count();
        lines.push(format!(
            "{} under way killed, {} not started",
            text::count(busy, "task"),
            left.saturating_sub(busy)
        ));
    }
    let request =
        Request::CancelRun { dag_id: run.dag_id.clone(), dag_run_id: run.dag_run_id.clone() };
    let title = format!("Cancel this run of {}?", run.dag_id);
    ask(state, Question { title, lines, verb: "Cancel the run", request, act: Act::Cancel });
}

/// Takes a key of the open confirm.
pub(crate) fn press(state: &mut State, event: &KeyEvent, effects: &mut Vec<Effect>) {
    let now = state.now;
    let Some(Popup::Confirm(confirm)) = &mut state.popup else { return };
    if !confirm.listens(now) {
        return;
    }
    let goes = match event.code {
        KeyCode::Esc | KeyCode::Char('n' | 'q') => {
            state.popup = None;
            return;
        }
        KeyCode::Char('y') => true,
        KeyCode::Tab
        | KeyCode::BackTab
        | KeyCode::Left
        | KeyCode::Right
        | KeyCode::Char('h' | 'l') => {
            if let Gate::Button { on_yes } = &mut confirm.gate {
                *on_yes = !*on_yes;
            }
            false
        }
        KeyCode::Enter if matches!(confirm.gate, Gate::Button { on_yes: true }) => true,
        KeyCode::Enter => {
            state.popup = None;
            return;
        }
        _ => false,
    };
    if goes && let Some(Popup::Confirm(confirm)) = state.popup.take() {
        send(state, confirm.act, confirm.request, effects);
    }
}

/// Sends a change; the one way out for them all.
pub(crate) fn send(state: &mut State, act: Act, request: Request, effects: &mut Vec<Effect>) {
    if state.is_read_only() {
        state.say(Tone::Bad, "this deck is read-only");
        return;
    }
    state.steps.sending(&request);
    let generation = state.next_generation();
    effects.push(Effect::Ask { purpose: Purpose::Act(act), generation, request });
}
