//! Opens the forms that ask before something is done, has their dry runs made, takes their keys.

use crossterm::event::{KeyCode, KeyEvent};

use crate::keymap::with_keys;
use crate::message::{Act, Effect, Purpose, Timer};
use crate::rows;
use crate::state::form::Field;
use crate::state::popup::DEAF_MILLIS;
use crate::state::sheet::try_it::told;
use crate::state::sheet::{self, Plan, PluginCall, Sheet, Wish};
use crate::state::{Popup, State, Tone};
use crate::text;
use crate::theme;
use crate::types::ask::{Answer, PruneReport};
use crate::types::backfill::BackfillPlan;
use crate::types::operation::OperationView;
use crate::types::{Fault, TaskInstanceState, Timestamp};
use crate::update::form::{self, Edited};
use crate::update::{confirm, key, plugin};

pub(crate) mod alias;
pub(crate) mod logged;
pub(crate) mod open;
pub(crate) mod split;
pub(crate) mod system;
pub(crate) mod try_it;

/// How long the form must rest before it is tried.
const REST_MILLIS: u64 = 150;

/// Lines of a dry run that are kept.
const LINES_MAX: usize = 400;

/// What a sheet is made of.
struct Made {
    title: String,
    intro: Vec<String>,
    fields: Vec<Field>,
    verb: &'static str,
    wish: Wish,
}

fn show(state: &mut State, made: Made, effects: &mut Vec<Effect>) {
    let Made { title, intro, mut fields, verb, wish } = made;
    // Where there is nothing to choose, Cancel has the focus first.
    let focus = usize::from(fields.is_empty());
    let mut sheet = Sheet {
        title,
        intro,
        fields: Vec::new(),
        focus,
        verb,
        wish,
        plan: Plan::None,
        generation: 0,
        opened_at: state.now,
        scroll: 0,
    };
    let is_there = fields.iter().any(|field| field.name == "confirm");
    if let Some(expected) = sheet.expected().filter(|_| !is_there) {
        fields.push(sheet::text("confirm", "", &format!("type {expected} to go on")));
    }
    sheet.fields = fields;
    state.popup = Some(Popup::Sheet(Box::new(sheet)));
    changed(state, 0, effects);
}

/// Asks what a plugin needs, and whether to run it.
pub(crate) fn show_plugin(
    state: &mut State,
    call: PluginCall,
    fields: Vec<Field>,
    effects: &mut Vec<Effect>,
) {
    let made = Made {
        title: call.plugin.description.clone(),
        intro: vec![format!("Runs the plugin {}:", call.plugin.name)],
        fields,
        verb: "Run",
        wish: Wish::Plugin(Box::new(call)),
    };
    show(state, made, effects);
}

fn shown(state: &mut State) -> Option<&mut Sheet> {
    match &mut state.popup {
        Some(Popup::Sheet(sheet)) => Some(sheet),
        _ => None,
    }
}

/// Notes that the form is another now, and has it tried after a rest.
fn changed(state: &mut State, rest: u64, effects: &mut Vec<Effect>) {
    let generation = state.next_generation();
    let Some(sheet) = shown(state) else { return };
    sheet.generation = generation;
    if rest == 0 {
        try_out(state, generation, effects);
    } else {
        effects.push(Effect::After { millis: rest, timer: Timer::TrySheet(generation) });
    }
}

/// Asks what the form of `generation` would do, where it is still the same.
pub(crate) fn try_out(state: &mut State, generation: u64, effects: &mut Vec<Effect>) {
    let Some(sheet) = shown(state).filter(|sheet| sheet.generation == generation) else { return };
    match sheet.dry_run() {
        Ok(Some(request)) => {
            if sheet.plan == Plan::None {
                sheet.plan = Plan::Asking;
            }
            effects.push(Effect::Ask { purpose: Purpose::PlanSheet, generation, request });
        }
        Ok(None) => {}
        Err(problem) => sheet.plan = Plan::Refused(problem),
    }
}

/// Takes what a dry run said.
pub(crate) fn take_plan(state: &mut State, generation: u64, result: Result<Answer, Fault>) {
    let now = state.now;
    let Some(sheet) = shown(state).filter(|sheet| sheet.generation == generation) else { return };
    sheet.plan = match result {
        Ok(Answer::Operated(view)) => Plan::Lines(operated(&view)),
        Ok(Answer::Predicted(answer)) => Plan::Lines(told(&answer)),
        Ok(Answer::Pruned(report)) => Plan::Lines(pruned(&report)),
        Ok(Answer::BackfillPlan(plan)) => Plan::Lines(planned(&plan)),
        Ok(Answer::AliasPlan(plan)) => {
            let told = alias::planned(&plan);
            if let Wish::Alias(moves) = &mut sheet.wish {
                moves.plan = Some(*plan);
            }
            told
        }
        Ok(Answer::Operations(lines)) => {
            let open = |line: &&_| is_open(line);
            let last = lines.iter().find(open).cloned();
            let told = last.as_ref().map(|line| undone(line, now));
            sheet.wish = Wish::Undo { last: last.map(Box::new) };
            told.unwrap_or_else(|| Plan::Refused("there is nothing to undo".to_owned()))
        }
        Ok(_) => Plan::Refused("the daemon answered something else".to_owned()),
        Err(fault) => {
            let hint = fault.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            Plan::Refused(format!("{fault}{hint}"))
        }
    };
}

/// Says what would be deleted, and what that frees.
fn pruned(report: &PruneReport) -> Vec<String> {
    if report.kinds.is_empty() {
        return vec!["nothing: all there is is kept".to_owned()];
    }
    let bytes: u64 = report.kinds.iter().map(|kind| kind.bytes).sum();
    let mut lines = vec![format!("frees {} of files, for good", text::bytes(bytes))];
    lines.extend(report.kinds.iter().map(|kind| {
        let size = if kind.bytes > 0 { text::bytes(kind.bytes) } else { String::new() };
        format!("{:>8} {:<14} {size}", kind.count, kind.kind)
    }));
    lines
}

fn is_open(line: &crate::types::operation::OperationLine) -> bool {
    line.undone_by.is_none() && line.kind != "undo"
}

/// Says what undoing would take back.
fn undone(line: &crate::types::operation::OperationLine, now: Timestamp) -> Plan {
    if let Some(why) = &line.final_since {
        return Plan::Refused(format!("{} cannot be undone: {why}", line.description));
    }
    let who = line.owner.as_ref().map(|owner| format!(" by {owner}")).unwrap_or_default();
    Plan::Lines(vec![
        line.description.clone(),
        format!("operation {}, {}{who}", line.id, text::ago(now, line.when)),
        "What it changed goes back to what it was.".to_owned(),
    ])
}

/// Says what an operation touches, run by run.
pub(crate) fn operated(view: &OperationView) -> Vec<String> {
    let mut lines = vec![touched(view)];
    if let Some(why) = &view.final_since {
        lines.push(format!("! it cannot be undone: {why}"));
    }
    for run in &view.runs {
        let to = run.to.map_or("deleted", |state| theme::run_mark(state).word);
        let from = theme::run_mark(run.from).word;
        let name = text::run_name(run.dag_run_id.as_str());
        lines.push(format!("run {} {name}  {from} → {to}", run.dag_id));
    }
    let word = |state: Option<TaskInstanceState>| theme::task_mark(state).word;
    for task in &view.tasks {
        let name = rows::task_key(&task.key);
        lines.push(format!("  {name:<24} {} → {}", word(task.from), word(task.to)));
    }
    cut(lines)
}

/// Counts what an operation touches: `3 tasks, 1 run`.
pub(crate) fn touched(view: &OperationView) -> String {
    match (view.tasks.len(), view.runs.len()) {
        (0, 0) => "nothing is touched".to_owned(),
        (0, runs) => text::count(runs, "run"),
        (tasks, 0) => text::count(tasks, "task"),
        (tasks, runs) => format!("{}, {}", text::count(tasks, "task"), text::count(runs, "run")),
    }
}

/// Says what a backfill would do with each date.
fn planned(plan: &BackfillPlan) -> Vec<String> {
    let total = plan.total_dates.map_or("very many dates".to_owned(), |dates| {
        text::count(usize::try_from(dates).unwrap_or(usize::MAX), "date")
    });
    let mut lines = vec![total];
    for run in &plan.dag_runs {
        let what = match (&run.exception_reason, &run.dag_run_id) {
            (Some(reason), _) => format!("left out: {reason}"),
            (None, Some(run)) => format!("runs again: {}", text::run_name(run.as_str())),
            (None, None) => "new run".to_owned(),
        };
        lines.push(format!("  {}  {what}", text::instant(run.logical_date)));
    }
    cut(lines)
}

fn cut(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > LINES_MAX {
        let more = lines.len() - LINES_MAX;
        lines.truncate(LINES_MAX);
        lines.push(format!("… and {more} more"));
    }
    lines
}

/// Takes a key of the open form.
pub(crate) fn press(state: &mut State, event: &KeyEvent, effects: &mut Vec<Effect>) {
    let now = state.now;
    let Some(sheet) = shown(state) else { return };
    if now.as_millisecond() - sheet.opened_at.as_millisecond() < DEAF_MILLIS {
        return;
    }
    if key::is_control(event, 's') {
        go(state, effects);
        return;
    }
    if key::is_control(event, 'y') {
        let command = sheet.command();
        state.say(Tone::Info, format!("copied: {command}"));
        effects.push(Effect::Copy(command));
        return;
    }
    let is_typing = sheet.is_typing();
    match event.code {
        KeyCode::Esc => state.popup = None,
        KeyCode::Char('n' | 'q') if !is_typing => state.popup = None,
        KeyCode::Char('y') if !is_typing => go(state, effects),
        KeyCode::PageDown | KeyCode::PageUp if !sheet.is_on_date() => {
            sheet.scroll_plan(event.code == KeyCode::PageUp);
        }
        KeyCode::Tab | KeyCode::Down => sheet.move_focus(false),
        KeyCode::BackTab | KeyCode::Up => sheet.move_focus(true),
        KeyCode::Enter if sheet.is_on_verb() => go(state, effects),
        KeyCode::Enter if sheet.is_on_cancel() => state.popup = None,
        KeyCode::Enter => {
            // A form of one text needs no button; nor does one whose target's name is typed.
            let is_name = sheet.fields.get(sheet.focus).is_some_and(|f| f.name == "confirm");
            if is_name || sheet.fields.len() == 1 && is_typing {
                go(state, effects);
            } else {
                sheet.move_focus(false);
            }
        }
        _ => {
            if edit(sheet, event, now) {
                changed(state, REST_MILLIS, effects);
            }
        }
    }
}

/// Changes the focused field; says whether its value may be another now.
fn edit(sheet: &mut Sheet, event: &KeyEvent, now: Timestamp) -> bool {
    let last = sheet.fields.len();
    let Some(field) = sheet.fields.get_mut(sheet.focus) else {
        match event.code {
            KeyCode::Left | KeyCode::Right | KeyCode::Char('h' | 'l') => {
                sheet.focus = if sheet.focus == last { last + 1 } else { last };
            }
            KeyCode::Char('j') => sheet.move_focus(false),
            KeyCode::Char('k') => sheet.move_focus(true),
            _ => {}
        }
        return false;
    };
    match form::edit(field, event, now) {
        Edited::Value => true,
        Edited::Leave { backward } => {
            sheet.move_focus(backward);
            false
        }
        Edited::Look | Edited::Nothing => false,
    }
}

/// Pastes into the focused field, where it takes text.
pub(crate) fn paste(state: &mut State, pasted: &str, effects: &mut Vec<Effect>) -> bool {
    let now = state.now;
    let Some(sheet) = shown(state) else { return false };
    if now.as_millisecond() - sheet.opened_at.as_millisecond() < DEAF_MILLIS {
        return true;
    }
    let at = sheet.focus;
    let Some(field) = sheet.fields.get_mut(at).filter(|field| field.is_typed()) else {
        return false;
    };
    key::insert(&mut field.input, pasted);
    changed(state, REST_MILLIS, effects);
    true
}

/// Does it, where nothing speaks against it.
fn go(state: &mut State, effects: &mut Vec<Effect>) {
    if try_it::ask(state, effects) {
        return;
    }
    let Some(sheet) = shown(state) else { return };
    if let Plan::Refused(why) = &sheet.plan {
        let why = why.clone();
        state.say(Tone::Bad, why);
        return;
    }
    if let Wish::Plugin(call) = &sheet.wish {
        match plugin::answered(call, &sheet.fields) {
            Ok(call) => {
                state.popup = None;
                plugin::run(state, &call, effects);
            }
            Err(problem) => state.say(Tone::Bad, problem),
        }
        return;
    }
    let requests = match sheet.requests() {
        Ok(requests) => requests,
        Err(problem) => {
            state.say(Tone::Bad, problem);
            return;
        }
    };
    let wish = sheet.wish.clone();
    let act = act(state, &wish);
    state.popup = None;
    state.level_mut().marks.clear();
    for request in requests {
        confirm::send(state, act.clone(), request, effects);
    }
}

/// Returns what the flash line tells of it.
fn act(state: &State, wish: &Wish) -> Act {
    match wish {
        Wish::Clear { .. } => Act::Operate("cleared"),
        Wish::MarkTasks { .. } | Wish::MarkRuns { .. } => Act::Operate("marked"),
        Wish::Note { .. } => Act::Operate("noted"),
        Wish::Delete { .. } => Act::Operate("deleted"),
        Wish::Undo { .. } => Act::Operate("undid"),
        Wish::Cancel { .. } => Act::Cancel,
        Wish::Backfill { dag_id } => Act::Say(format!("began a backfill of {dag_id}")),
        Wish::Slots { pool, .. } => Act::Say(format!("set the slots of {pool}")),
        Wish::Variable { key, .. } => Act::Say(format!("set the variable {key}")),
        Wish::TryIt(_) => Act::Say("asked the model".to_owned()),
        Wish::Connection { conn_id, .. } => {
            Act::Say(with_keys!(state, "set the connection {conn_id}: {} tests it", Test))
        }
        Wish::Prune => Act::Say("deleted what is no longer kept".to_owned()),
        Wish::Alias(moves) => {
            let at = moves.plan.as_ref().map(|plan| {
                format!("{} of {} stands at v{}", plan.alias, plan.name, plan.to.version)
            });
            Act::Say(at.unwrap_or_default())
        }
        Wish::RegisterLogged { .. } => Act::Say("registered the model".to_owned()),
        Wish::TagLogged { .. } => Act::Say("changed the model's tags".to_owned()),
        Wish::DeleteLogged { expected, .. } => Act::Say(format!("deleted {expected}")),
        Wish::Split { model, .. } => Act::Say(format!("split the traffic of {model}")),
        Wish::Emit { name } => Act::Say(format!("emitted an event of {name}")),
        Wish::Plugin(call) => Act::Say(call.plugin.name.clone()),
        Wish::Answer(asked) => Act::Say(format!("answered: {}", asked.question.subject)),
    }
}
