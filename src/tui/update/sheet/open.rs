//! Which forms there are and what each is meant for: the marked rows, else the selected one.

use serde_json::{Value, json};

use crate::message::Effect;
use crate::rows;
use crate::state::form::Field;
use crate::state::sheet::{self, Wish};
use crate::state::{Screen, State, Tone, View};
use crate::text;
use crate::types::approval::HitlDetail;
use crate::types::backfill::MAX_ACTIVE_RUNS;
use crate::types::operation::TaskChoice;
use crate::types::run::{DagRun, DagRunKey};
use crate::types::{DagRunState, TaskInstanceState};
use crate::update::action;
use crate::update::sheet::{Made, show, shown, undone};

/// Returns the runs that the place is about: those that are marked, else the selected one.
pub(crate) fn runs_here(state: &State) -> Vec<DagRun> {
    let level = state.level();
    match &level.screen {
        Screen::Run(key) => state.cache.run(key).map(|view| view.run.clone()).into_iter().collect(),
        Screen::Root(View::Runs) | Screen::DagRuns(_) => {
            let shown = rows::runs(state, level);
            let marked = |run: &&&DagRun| level.marks.contains(&rows::run_key(run));
            let runs: Vec<DagRun> = shown.iter().filter(marked).map(|run| (*run).clone()).collect();
            if runs.is_empty() {
                rows::selected(level, &shown).cloned().into_iter().collect()
            } else {
                runs
            }
        }
        _ => Vec::new(),
    }
}

/// Returns the tasks of the run view that are marked, else the selected ones, with their name.
fn tasks_here(state: &State) -> Option<(Vec<TaskChoice>, String)> {
    let level = state.level();
    if !matches!(level.screen, Screen::Run(_)) {
        return None;
    }
    let marked: Vec<_> = level.marks.iter().filter_map(|key| rows::run::row(state, key)).collect();
    if marked.is_empty() {
        let row = rows::run::selected(state)?;
        let key = row.key();
        let name = key.trim_end_matches('/').trim_end_matches("[]").to_owned();
        return Some((row.choices(), name));
    }
    let choices = marked.iter().flat_map(|row| row.choices()).collect();
    Some((choices, text::count(marked.len(), "marked task")))
}

fn keys(runs: &[DagRun]) -> Vec<DagRunKey> {
    runs.iter().map(DagRun::key).collect()
}

/// Names runs: the one, or how many.
fn named(runs: &[DagRun]) -> String {
    match runs {
        [run] => format!("{} {}", run.dag_id, text::run_name(run.dag_run_id.as_str())),
        runs => text::count(runs.len(), "run"),
    }
}

fn listed(runs: &[DagRun]) -> Vec<String> {
    const SHOWN: usize = 4;
    let mut lines: Vec<String> = runs
        .iter()
        .take(SHOWN)
        .map(|run| format!("run {} of {}, {}", run.dag_run_id, run.dag_id, run.state))
        .collect();
    if runs.len() > SHOWN {
        lines.push(format!("and {} more", runs.len() - SHOWN));
    }
    lines
}

/// Opens the form of a clear: of tasks in the run view, of whole runs in a list of runs.
pub(crate) fn clear(state: &mut State, only_failed: bool, effects: &mut Vec<Effect>) {
    let runs = runs_here(state);
    if runs.is_empty() {
        return;
    }
    if only_failed && runs.iter().all(|run| run.state != DagRunState::Failed) {
        let text = match runs.as_slice() {
            [run] => format!("{} has not failed", run.dag_run_id),
            _ => "none of them has failed".to_owned(),
        };
        state.say(Tone::Info, text);
        return;
    }
    let of_tasks = if only_failed { None } else { tasks_here(state) };
    let (tasks, title) = match of_tasks {
        Some((tasks, name)) => (tasks, format!("Clear {name}?")),
        None if only_failed => (Vec::new(), format!("Clear what failed of {}?", named(&runs))),
        None => (Vec::new(), format!("Clear {}?", named(&runs))),
    };
    let mut fields = sheet::reach_fields(true);
    fields.push(sheet::switch("only failed", only_failed, "leave what did well as it is"));
    fields.push(sheet::switch("latest version", false, "run by the DAG as it is defined now"));
    let wish = Wish::Clear { runs: keys(&runs), tasks };
    show(state, Made { title, intro: listed(&runs), fields, verb: "Clear", wish }, effects);
}

/// Opens the form that clears what failed of one run.
pub(crate) fn clear_failed(state: &mut State, run: DagRunKey, effects: &mut Vec<Effect>) {
    let mut fields = sheet::reach_fields(true);
    fields.push(sheet::switch("only failed", true, "leave what did well as it is"));
    fields.push(sheet::switch("latest version", false, "run by the DAG as it is defined now"));
    let name = text::run_name(run.dag_run_id.as_str());
    let made = Made {
        title: format!("Clear what failed of {} {name}?", run.dag_id),
        intro: vec![format!("run {} of {}, failed", run.dag_run_id, run.dag_id)],
        fields,
        verb: "Clear",
        wish: Wish::Clear { runs: vec![run], tasks: Vec::new() },
    };
    show(state, made, effects);
}

/// Opens the form of a mark, of tasks or of runs.
pub(crate) fn mark(state: &mut State, effects: &mut Vec<Effect>) {
    let runs = runs_here(state);
    if runs.is_empty() {
        return;
    }
    let about = "what it is to count as";
    let intro = listed(&runs);
    let made = match tasks_here(state) {
        Some((tasks, name)) => {
            let mut fields = vec![sheet::choice("state", &["success", "failed", "skipped"], about)];
            fields.extend(sheet::reach_fields(false));
            let wish = Wish::MarkTasks { runs: keys(&runs), tasks };
            Made { title: format!("Mark {name}"), intro, fields, verb: "Mark", wish }
        }
        None => {
            let fields = vec![sheet::choice("state", &["success", "failed", "queued"], about)];
            let wish = Wish::MarkRuns { runs: keys(&runs) };
            Made { title: format!("Mark {}", named(&runs)), intro, fields, verb: "Mark", wish }
        }
    };
    show(state, made, effects);
}

/// Opens the form of a note, on the task or the run.
pub(crate) fn note(state: &mut State, effects: &mut Vec<Effect>) {
    let runs = runs_here(state);
    let Some(first) = runs.first() else { return };
    let on = tasks_here(state);
    let before = match &on {
        Some(_) => rows::selected_task(state).and_then(|task| task.user_note.clone()),
        None => first.note.clone(),
    };
    let about = "empty takes it away";
    let mut fields = vec![sheet::text("note", &before.unwrap_or_default(), about)];
    fields.push(sheet::switch("add a line", false, "keep what is there and add to it"));
    let (tasks, name) = on.unwrap_or_default();
    let title = if tasks.is_empty() {
        format!("Note on {}", named(&runs))
    } else {
        fields.push(sheet::choice("on", &["task", "run"], "what the note is about"));
        format!("Note on {name}")
    };
    let wish = Wish::Note { runs: keys(&runs), tasks };
    show(state, Made { title, intro: listed(&runs), fields, verb: "Write", wish }, effects);
}

/// Opens the form of a deletion, which takes a name typed.
pub(crate) fn delete(state: &mut State, effects: &mut Vec<Effect>) {
    let runs = runs_here(state);
    let expected = match runs.as_slice() {
        [] => return,
        [run] => run.dag_id.to_string(),
        runs => text::count(runs.len(), "run"),
    };
    let mut intro = listed(&runs);
    intro.push("With their logs and outputs, for good.".to_owned());
    let fields = vec![sheet::text("confirm", "", &format!("type {expected} to delete"))];
    let title = format!("Delete {}?", named(&runs));
    let wish = Wish::Delete { runs: keys(&runs), expected };
    show(state, Made { title, intro, fields, verb: "Delete", wish }, effects);
}

/// Opens the question before several runs are cancelled.
pub(crate) fn cancel_marked(state: &mut State, effects: &mut Vec<Effect>) {
    let mut runs = runs_here(state);
    runs.retain(|run| !run.state.is_finished());
    if runs.is_empty() {
        state.say(Tone::Info, "those that are marked have ended already");
        return;
    }
    let made = Made {
        title: format!("Cancel {}?", text::count(runs.len(), "run")),
        intro: listed(&runs),
        fields: Vec::new(),
        verb: "Cancel them",
        wish: Wish::Cancel { runs: keys(&runs) },
    };
    show(state, made, effects);
}

/// Opens the question whether the last operation is undone.
pub(crate) fn undo(state: &mut State, effects: &mut Vec<Effect>) {
    if matches!(state.level().screen, Screen::Operations | Screen::Operation(_)) {
        return undo_selected(state, effects);
    }
    let made = Made {
        title: "Undo the last operation?".to_owned(),
        intro: Vec::new(),
        fields: Vec::new(),
        verb: "Undo",
        wish: Wish::Undo { last: None },
    };
    show(state, made, effects);
}

/// Asks whether the selected operation is to be taken back.
fn undo_selected(state: &mut State, effects: &mut Vec<Effect>) {
    let level = state.level();
    let line = match level.screen {
        Screen::Operation(id) => state.cache.operation(id).map(|detail| detail.line.clone()),
        _ => rows::selected(level, &rows::operations(state, level)).cloned(),
    };
    let Some(line) = line else { return };
    if line.undone_by.is_some() || line.kind == "undo" {
        state.say(Tone::Info, "this one cannot be undone: it was, or is an undo itself");
        return;
    }
    let plan = undone(&line, state.now);
    let made = Made {
        title: format!("Undo operation {}?", line.id),
        intro: Vec::new(),
        fields: Vec::new(),
        verb: "Undo",
        wish: Wish::Undo { last: Some(Box::new(line)) },
    };
    show(state, made, effects);
    if let Some(sheet) = shown(state) {
        sheet.plan = plan;
    }
}

/// Opens the form of a backfill: the last week unless something else is typed.
pub(crate) fn backfill(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(dag_id) = action::dag_here(state) else { return };
    let day = |back: i64| {
        let at = state.now - jiff::SignedDuration::from_hours(24 * back);
        at.strftime("%Y-%m-%d").to_string()
    };
    let fields = vec![
        sheet::text("from", &day(7), "the first logical date, a day or an instant in UTC"),
        sheet::text("to", &day(1), "the last one, inclusive"),
        sheet::choice(
            "reprocess",
            &["none", "failed", "completed"],
            "which dates that have a run are run again",
        ),
        sheet::switch("newest first", false, "the newest date first"),
        sheet::whole("at once", MAX_ACTIVE_RUNS, "how many of its runs run at once"),
    ];
    let title = format!("Backfill {dag_id}");
    let wish = Wish::Backfill { dag_id };
    show(state, Made { title, intro: Vec::new(), fields, verb: "Begin", wish }, effects);
}

/// Opens the form of a question: its choices, then the fields that come with them.
pub(crate) fn answer(state: &mut State, asked: HitlDetail, effects: &mut Vec<Effect>) {
    let question = &asked.question;
    let is_default = |option: &String| {
        question.defaults.as_ref().is_some_and(|defaults| defaults.contains(option))
    };
    let mut fields: Vec<Field> = if question.multiple {
        let switch = |option: &String| sheet::switch(option, is_default(option), "");
        question.options.iter().map(switch).collect()
    } else {
        let first = question.options.iter().find(|option| is_default(option));
        let first = first.or(question.options.first());
        vec![sheet::field("choice", &json!({"enum": question.options}), json!(first))]
    };
    for (name, schema) in &question.params {
        let default = schema.get("default").or_else(|| schema.get("value")).cloned();
        let kind = schema.get("schema").unwrap_or(schema);
        fields.push(Field::new(name, kind, default.filter(|value| *value != Value::Null)));
    }
    let key = &asked.key.task;
    let mut intro = vec![format!("{} {} asks in {}", key.dag_id, key.task_id, key.dag_run_id)];
    intro.extend(question.body.iter().flat_map(|body| body.lines()).map(str::to_owned));
    if let Some(at) = asked.timeout_at {
        let then = match &question.defaults {
            Some(defaults) => format!("then {} is taken", defaults.join(", ")),
            None => "then the task fails".to_owned(),
        };
        intro.push(format!(
            "It waits until {} ({}), {then}.",
            text::instant(at),
            text::until(state.now, at)
        ));
    }
    if !question.assignees.is_empty() {
        intro.push(format!("Asked are {}.", question.assignees.join(", ")));
    }
    let title = question.subject.clone();
    let wish = Wish::Answer(Box::new(asked));
    show(state, Made { title, intro, fields, verb: "Answer", wish }, effects);
}

/// Opens the question of the selected task, where it has one; says `false` where not.
pub(crate) fn answer_here(state: &mut State, effects: &mut Vec<Effect>) -> bool {
    let Some(task) = rows::selected_task(state) else { return false };
    if task.state != Some(TaskInstanceState::Deferred) {
        return false;
    }
    let asked = state.cache.approvals().unwrap_or_default();
    let Some(asked) = asked.iter().find(|asked| asked.key.task == task.key).cloned() else {
        return false;
    };
    answer(state, asked, effects);
    true
}

/// Opens the form of an event of the shown asset.
pub(crate) fn emit(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(asset) = rows::assets::shown(state) else { return };
    let name = asset.name.clone();
    let waiting: Vec<&str> = asset.scheduled_dags.iter().map(|dag| dag.as_str()).collect();
    let intro = vec![
        format!("uri {}", asset.uri),
        match waiting.as_slice() {
            [] => "No DAG waits for it.".to_owned(),
            dags => format!("DAGs that wait for it: {}", dags.join(", ")),
        },
    ];
    let kind = json!({"type": "object", "description": "details of the change, as JSON"});
    let part =
        json!({"type": ["string", "null"], "description": "which part of it, where it has parts"});
    let fields = vec![
        sheet::field("extra", &kind, json!({})),
        sheet::field("partition_key", &part, serde_json::Value::Null),
    ];
    let title = format!("Say that {name} changed?");
    show(state, Made { title, intro, fields, verb: "Emit", wish: Wish::Emit { name } }, effects);
}
