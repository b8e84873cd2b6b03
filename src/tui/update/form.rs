//! Keys of the trigger form, and its checks while it is filled in.

use crossterm::event::{KeyCode, KeyEvent};

use crate::message::{Act, Effect, Purpose, Timer};
use crate::state::form::{Check, Kind, LOGICAL_DATE, NOTE, PARTITION_KEY, RUN_ID, Stop};
use crate::state::{Form, Screen, State, Tone};
use crate::types::DagId;
use crate::types::ask::{Request, Trigger};
use crate::types::state::TriggeredBy;
use crate::update::{command, confirm, key};

mod edit;
mod over;

pub(crate) use edit::{Edited, edit};

/// How long the form must rest before it is checked.
const REST_MILLIS: u64 = 200;
/// A choice of more than this is picked from a list.
const CYCLED_MAX: usize = 5;

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
    if form.over.is_some() {
        if over::press(form, event) {
            changed(state, &dag_id, REST_MILLIS, effects);
        }
        return;
    }
    if control(state, &dag_id, event, effects) {
        return;
    }
    let now = state.now;
    let Some(form) = state.forms.get_mut(&dag_id) else { return };
    match event.code {
        KeyCode::Esc => {
            state.pop();
        }
        KeyCode::Tab => form.move_focus(false),
        KeyCode::BackTab => form.move_focus(true),
        KeyCode::Enter => enter(state, &dag_id, effects),
        KeyCode::Char('y') if !form.focused().is_some_and(|field| field.is_typed()) => {
            copy(state, effects);
        }
        _ => {
            if edited(form, event, now) {
                changed(state, &dag_id, REST_MILLIS, effects);
            }
        }
    }
}

/// Takes the keys with control; says whether it was one.
fn control(state: &mut State, dag_id: &DagId, event: &KeyEvent, effects: &mut Vec<Effect>) -> bool {
    let KeyCode::Char(c) = event.code else { return false };
    if !key::is_control(event, c) {
        return false;
    }
    match c {
        's' => trigger(state, dag_id, effects),
        'r' => over::open_recent(state, dag_id),
        'y' => copy(state, effects),
        'j' => {
            if let Some(form) = state.forms.get_mut(dag_id) {
                over::open_editor(form, true);
            }
        }
        'd' => {
            state.forms.remove(dag_id);
            state.say(Tone::Info, "the draft is gone: all params are at their defaults");
        }
        _ => return false,
    }
    true
}

fn copy(state: &mut State, effects: &mut Vec<Effect>) {
    let command = command::equivalent(state);
    state.say(Tone::Info, format!("copied: {command}"));
    effects.push(Effect::Copy(command));
}

fn enter(state: &mut State, dag_id: &DagId, effects: &mut Vec<Effect>) {
    let Some(form) = state.forms.get_mut(dag_id) else { return };
    match form.focus {
        Stop::Trigger => trigger(state, dag_id, effects),
        Stop::Cancel => {
            state.pop();
        }
        Stop::Advanced => form.is_open = !form.is_open,
        Stop::Field(at) => match form.fields.get(at).map(|field| &field.kind) {
            Some(Kind::Choice(choices)) if choices.len() > CYCLED_MAX => {
                over::open_choices(form, None);
            }
            Some(Kind::Json) => over::open_editor(form, false),
            _ => form.move_focus(false),
        },
        Stop::AdvancedField(_) => form.move_focus(false),
    }
}

/// Hands a key to what has the focus; says whether a value may be another now.
fn edited(form: &mut Form, event: &KeyEvent, now: crate::types::Timestamp) -> bool {
    match (form.focus, event.code) {
        (Stop::Field(at), KeyCode::Char(c)) if event.modifiers.is_empty() => {
            let field = form.fields.get(at);
            let is_long = field.is_some_and(
                |field| matches!(&field.kind, Kind::Choice(choices) if choices.len() > CYCLED_MAX),
            );
            // Letters look for a value in a long list; space opens it.
            if is_long {
                over::open_choices(form, Some(c).filter(|c| *c != ' '));
                return false;
            }
        }
        (Stop::Advanced, KeyCode::Right | KeyCode::Char(' ' | 'l')) => {
            form.is_open = true;
            return false;
        }
        (Stop::Advanced, KeyCode::Left | KeyCode::Char('h')) => {
            form.is_open = false;
            return false;
        }
        (Stop::Trigger | Stop::Cancel, KeyCode::Left | KeyCode::Right) => {
            form.focus = if form.focus == Stop::Trigger { Stop::Cancel } else { Stop::Trigger };
            return false;
        }
        _ => {}
    }
    let focus = form.focus;
    let outcome = form.focused_mut().map(|field| (edit(field, event, now), field.kind.clone()));
    match (outcome, event.code) {
        (Some((Edited::Value, Kind::Tabs(_))), _) => {
            if let Stop::Field(at) = focus {
                form.turn(at);
            }
            true
        }
        (Some((Edited::Value, _)), _) => {
            if focus == Stop::AdvancedField(RUN_ID) {
                form.id_problem = None;
            }
            true
        }
        (Some((Edited::Leave { backward }, _)), _) => {
            form.move_focus(backward);
            false
        }
        (_, KeyCode::Down) | (None, KeyCode::Char('j')) => {
            form.move_focus(false);
            false
        }
        (_, KeyCode::Up) | (None, KeyCode::Char('k')) => {
            form.move_focus(true);
            false
        }
        _ => false,
    }
}

/// Pastes into the focused field, where it takes text.
pub(crate) fn paste(state: &mut State, pasted: &str, effects: &mut Vec<Effect>) -> bool {
    let Screen::Form(dag_id) = &state.level().screen else { return false };
    let (dag_id, now) = (dag_id.clone(), state.now);
    let Some(form) = state.forms.get_mut(&dag_id) else { return false };
    if form.over.is_some() {
        over::paste(form, pasted);
        return true;
    }
    let Some(field) = form.focused_mut().filter(|field| field.is_typed()) else { return false };
    key::insert(&mut field.input, pasted);
    field.is_touched = true;
    field.count_from(now);
    changed(state, &dag_id, REST_MILLIS, effects);
    true
}

/// Notes that the form is another now, and has it checked after a rest.
pub(crate) fn changed(state: &mut State, dag_id: &DagId, rest: u64, effects: &mut Vec<Effect>) {
    let generation = state.next_generation();
    let now = state.now;
    let Some(form) = state.forms.get_mut(dag_id) else { return };
    form.generation = generation;
    if rest == 0 {
        check(state, generation, effects);
    } else {
        form.edited_at = Some(now);
        effects.push(Effect::After { millis: rest, timer: Timer::CheckForm(generation) });
    }
}

/// Says so where a form is shown again that was left half filled in.
pub(crate) fn say_draft(state: &mut State, dag_id: &DagId) {
    let Some(form) = state.forms.get(dag_id) else { return };
    if let Some(at) = form.edited_at.filter(|_| form.changed_count() > 0) {
        let at = at.strftime("%H:%M");
        state.say(Tone::Info, format!("your draft of {at}Z: ctrl-d discards it"));
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
    let now = state.now;
    let Some(form) = state.forms.get_mut(dag_id) else { return };
    if form.is_sent {
        return;
    }
    form.was_tried = true;
    for field in &mut form.advanced {
        field.count_from(now);
    }
    if let Some((stop, problem)) = form.first_problem() {
        form.is_open |= matches!(stop, Stop::AdvancedField(_));
        form.focus = stop;
        state.say(Tone::Bad, problem);
        return;
    }
    let Ok(conf) = form.conf() else { return };
    form.is_sent = !state.options.read_only;
    let request = Request::Trigger(Box::new(Trigger {
        dag_id: dag_id.clone(),
        conf,
        dag_run_id: form.given(RUN_ID).map(Into::into),
        logical_date: form.given(LOGICAL_DATE).and_then(|text| text.parse().ok()),
        note: form.given(NOTE),
        triggered_by: TriggeredBy::Ui,
        user: None,
        partition_key: form.given(PARTITION_KEY),
    }));
    confirm::send(state, Act::Trigger(dag_id.clone()), request, effects);
}

/// Takes a refusal of the run: what it says of the run's id lands there, what it says of params
/// is asked for again, field by field.
pub(crate) fn refused(
    state: &mut State,
    dag_id: &DagId,
    fault: &crate::types::Fault,
    effects: &mut Vec<Effect>,
) {
    let Some(form) = state.forms.get_mut(dag_id) else { return };
    form.is_sent = false;
    let is_of_id = fault.kind == crate::types::FaultKind::Exists;
    if is_of_id || (form.given(RUN_ID).is_some() && fault.message.contains("id of the run")) {
        form.id_problem = Some(fault.to_string());
        form.is_open = true;
        form.focus = Stop::AdvancedField(RUN_ID);
        return;
    }
    changed(state, dag_id, 0, effects);
}
