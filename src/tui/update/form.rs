//! Keys of the trigger form, and its checks while it is filled in.

use crossterm::event::{KeyCode, KeyEvent};

use crate::message::{Act, Effect, Purpose, Timer};
use crate::state::form::{Check, Kind};
use crate::state::{Form, Screen, State, Tone};
use crate::types::DagId;
use crate::types::ask::{Request, Trigger};
use crate::types::state::TriggeredBy;
use crate::update::{confirm, key};

/// How long the form must rest before it is checked.
const REST_MILLIS: u64 = 200;

/// Takes a key of the shown form.
pub(crate) fn press(state: &mut State, event: &KeyEvent, effects: &mut Vec<Effect>) {
    let Screen::Form(dag_id) = &state.level().screen else { return };
    let dag_id = dag_id.clone();
    let Some(form) = state.forms.get_mut(&dag_id) else {
        if matches!(event.code, KeyCode::Esc | KeyCode::Char('q')) {
            state.pop();
        }
        return;
    };
    if key::is_control(event, 's') {
        trigger(state, &dag_id, effects);
        return;
    }
    if key::is_control(event, 'r') {
        state.forms.remove(&dag_id);
        state.say(Tone::Info, "all params are at their defaults again");
        return;
    }
    match event.code {
        KeyCode::Esc => {
            state.pop();
        }
        KeyCode::Tab | KeyCode::Down => form.move_focus(false),
        KeyCode::BackTab | KeyCode::Up => form.move_focus(true),
        KeyCode::Enter => {
            if form.is_on_trigger() {
                trigger(state, &dag_id, effects);
            } else if form.is_on_cancel() {
                state.pop();
            } else {
                form.move_focus(false);
            }
        }
        _ if form.focus >= form.fields.len() => press_button(form, event),
        _ => {
            if edit(form, event) {
                changed(state, &dag_id, REST_MILLIS, effects);
            }
        }
    }
}

fn press_button(form: &mut Form, event: &KeyEvent) {
    match event.code {
        KeyCode::Left | KeyCode::Right => {
            form.focus = if form.is_on_trigger() { form.focus + 1 } else { form.focus - 1 };
        }
        KeyCode::Char('k') => form.move_focus(true),
        KeyCode::Char('j') => form.move_focus(false),
        _ => {}
    }
}

/// Changes the focused field; says whether its value may be another now.
fn edit(form: &mut Form, event: &KeyEvent) -> bool {
    let Some(field) = form.fields.get_mut(form.focus) else { return false };
    match (&field.kind, event.code) {
        (Kind::Choice(_) | Kind::Bool, KeyCode::Right | KeyCode::Char(' ' | 'l')) => {
            field.step(false);
        }
        (Kind::Choice(_) | Kind::Bool, KeyCode::Left | KeyCode::Char('h')) => field.step(true),
        (Kind::Choice(_) | Kind::Bool, KeyCode::Char('j')) => {
            form.move_focus(false);
            return false;
        }
        (Kind::Choice(_) | Kind::Bool, KeyCode::Char('k')) => {
            form.move_focus(true);
            return false;
        }
        (Kind::Choice(_) | Kind::Bool, _) => return false,
        (Kind::Integer | Kind::Number, KeyCode::Right) => field.step(false),
        (Kind::Integer | Kind::Number, KeyCode::Left) => field.step(true),
        _ => {
            let before = field.input.value().to_owned();
            key::type_into(&mut field.input, event);
            return before != field.input.value();
        }
    }
    true
}

/// Pastes into the focused field, where it takes text.
pub(crate) fn paste(state: &mut State, pasted: &str, effects: &mut Vec<Effect>) -> bool {
    let Screen::Form(dag_id) = &state.level().screen else { return false };
    let dag_id = dag_id.clone();
    let Some(form) = state.forms.get_mut(&dag_id) else { return false };
    let Some(field) = form.fields.get_mut(form.focus).filter(|field| field.is_typed()) else {
        return false;
    };
    key::insert(&mut field.input, pasted);
    changed(state, &dag_id, REST_MILLIS, effects);
    true
}

/// Notes that the form is another now, and has it checked after a rest.
pub(crate) fn changed(state: &mut State, dag_id: &DagId, rest: u64, effects: &mut Vec<Effect>) {
    let generation = state.next_generation();
    let Some(form) = state.forms.get_mut(dag_id) else { return };
    form.generation = generation;
    if rest == 0 {
        check(state, generation, effects);
    } else {
        effects.push(Effect::After { millis: rest, timer: Timer::CheckForm(generation) });
    }
}

/// Has the form of `generation` checked by the daemon, where it is still the same.
pub(crate) fn check(state: &mut State, generation: u64, effects: &mut Vec<Effect>) {
    let Some(form) = state.forms.values_mut().find(|form| form.generation == generation) else {
        return;
    };
    match form.conf() {
        Ok(conf) => {
            let dag_id = form.dag_id.clone();
            effects.push(Effect::Ask {
                purpose: Purpose::PlanTrigger(dag_id.clone()),
                generation,
                request: Request::PlanTrigger { dag_id, conf },
            });
        }
        // The field tells what is wrong; the daemon need not be asked.
        Err(_) => form.check = Check::Unchecked,
    }
}

/// Triggers, or goes to the first field with a problem.
fn trigger(state: &mut State, dag_id: &DagId, effects: &mut Vec<Effect>) {
    let Some(form) = state.forms.get_mut(dag_id) else { return };
    if form.is_sent {
        return;
    }
    let problem = form.first_problem();
    if let Some((at, field)) = problem.and_then(|at| form.fields.get(at).map(|field| (at, field))) {
        let text = format!("{}: {}", field.name, form.problem(at).unwrap_or_default());
        form.focus = at;
        state.say(Tone::Bad, text);
        return;
    }
    let conf = match form.conf() {
        Ok(conf) => conf,
        Err((at, problem)) => {
            form.focus = at;
            state.say(Tone::Bad, problem);
            return;
        }
    };
    form.is_sent = !state.options.read_only;
    let request = Request::Trigger(Trigger {
        dag_id: dag_id.clone(),
        conf,
        dag_run_id: None,
        logical_date: None,
        note: None,
        triggered_by: TriggeredBy::Ui,
        user: None,
    });
    confirm::send(state, Act::Trigger(dag_id.clone()), request, effects);
}
