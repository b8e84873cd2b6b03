//! The list to pick from and the editor of JSON that lie over the form.

use crossterm::event::{KeyCode, KeyEvent};
use serde_json::{Map, Value};

use crate::state::form::{Editor, Field, Kind, List, Over, Pick, Stop, plain};
use crate::state::{Form, State, Tone};
use crate::text;
use crate::types::DagId;
use crate::types::run::DagRun;
use crate::update::key;

/// Opens the list of a choice's values, with a letter typed already.
pub(crate) fn open_choices(form: &mut Form, typed: Option<char>) {
    let Stop::Field(at) = form.focus else { return };
    let Some(field) = form.fields.get(at) else { return };
    let Kind::Choice(choices) = &field.kind else { return };
    let entry = |value: &Value| (field.label(value), Pick::Value(value.clone()));
    let entries: Vec<_> = choices.iter().map(entry).collect();
    let selected = choices.iter().position(|choice| Some(choice) == field.value.as_ref());
    let mut list = List::new(field.name.clone(), Some(at), entries);
    match typed {
        Some(typed) => list.input = tui_input::Input::new(typed.to_string()),
        None => list.selected = selected.unwrap_or(0),
    }
    form.over = Some(Over::List(list));
}

/// Opens what the last runs were given: for the field with the focus, else for all of them.
pub(crate) fn open_recent(state: &mut State, dag_id: &DagId) {
    let runs = state.cache.runs(Some(dag_id)).unwrap_or_default();
    let Some(form) = state.forms.get(dag_id) else { return };
    let list = match form.focus {
        Stop::Field(at) => form.fields.get(at).and_then(|field| values(field, at, runs)),
        _ => Some(confs(form, runs)),
    };
    match list.filter(|list| !list.entries.is_empty()) {
        Some(list) => {
            if let Some(form) = state.forms.get_mut(dag_id) {
                form.over = Some(Over::List(list));
            }
        }
        None => state.say(Tone::Info, "no other value is known: no run was given one"),
    }
}

/// What the last runs were given for one param, then what the schema suggests, then the default.
fn values(field: &Field, at: usize, runs: &[DagRun]) -> Option<List> {
    // What is secret is in no list.
    if field.kind == Kind::Secret {
        return None;
    }
    let mut entries: Vec<(String, Pick)> = Vec::new();
    let mut add = |value: &Value, from: String| {
        let pick = Pick::Value(value.clone());
        if !entries.iter().any(|(_, other)| *other == pick) {
            entries.push((format!("{}  ({from})", text::clean(&field.label(value))), pick));
        }
    };
    for run in runs {
        if let Some(value) = run.conf.get(&field.name).or_else(|| run.params.get(&field.name)) {
            add(value, text::run_name(run.dag_run_id.as_str()));
        }
    }
    for value in &field.examples {
        add(value, "example".to_owned());
    }
    if let Some(default) = &field.default {
        add(default, "default".to_owned());
    }
    Some(List::new(format!("{}: recent values", field.name), Some(at), entries))
}

fn confs(form: &Form, runs: &[DagRun]) -> List {
    let is_secret = |name: &String| {
        form.fields.iter().any(|field| field.name == *name && field.kind == Kind::Secret)
    };
    let mut entries: Vec<(String, Pick)> = Vec::new();
    for run in runs {
        let mut conf = run.conf.clone();
        conf.retain(|name, _| !is_secret(name));
        let pick = Pick::Conf(conf.clone());
        if conf.is_empty() || entries.iter().any(|(_, other)| *other == pick) {
            continue;
        }
        let words: Vec<String> =
            conf.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect();
        let name = text::run_name(run.dag_run_id.as_str());
        entries.push((text::clean(&format!("{name}  {}", words.join(" "))), pick));
    }
    entries.push(("all params at their defaults".to_owned(), Pick::Conf(Map::new())));
    List::new("Recent confs".to_owned(), None, entries)
}

/// Opens the editor: of the field with the focus where it is JSON, else of all params.
pub(crate) fn open_editor(form: &mut Form, of_all: bool) {
    let field = match form.focus {
        Stop::Field(at) if !of_all => Some(at),
        _ => None,
    };
    let value = match field.and_then(|at| form.fields.get(at)) {
        // What cannot be read is kept as it is typed.
        Some(field) => match field.read() {
            Ok(value) => value.unwrap_or(Value::Null),
            Err(_) => Value::String(field.input.value().to_owned()),
        },
        None => Value::Object(form.params()),
    };
    form.over = Some(Over::Editor(Editor::new(field, &value)));
}

/// Takes a key of what lies over the form; says whether a value may be another now.
pub(crate) fn press(form: &mut Form, event: &KeyEvent) -> bool {
    match form.over.take() {
        Some(Over::List(list)) => press_list(form, list, event),
        Some(Over::Editor(editor)) => press_editor(form, editor, event),
        None => false,
    }
}

fn press_list(form: &mut Form, mut list: List, event: &KeyEvent) -> bool {
    let len = list.fitting().len();
    list.selected = list.selected.min(len.saturating_sub(1));
    match event.code {
        KeyCode::Esc => return false,
        KeyCode::Enter | KeyCode::Tab => {
            let Some((_, pick)) = list.picked().cloned() else { return false };
            match (pick, list.field) {
                (Pick::Value(value), Some(at)) => {
                    form.put(at, value);
                    if let Some(field) = form.fields.get_mut(at) {
                        field.is_touched = true;
                    }
                }
                (Pick::Conf(conf), _) => form.reset(&conf),
                (Pick::Value(_), None) => {}
            }
            return true;
        }
        KeyCode::Down => list.selected = (list.selected + 1).min(len.saturating_sub(1)),
        KeyCode::Up => list.selected = list.selected.saturating_sub(1),
        _ => {
            let before = list.input.value().to_owned();
            key::type_into(&mut list.input, event);
            if before != list.input.value() {
                list.selected = 0;
            }
        }
    }
    form.over = Some(Over::List(list));
    false
}

fn press_editor(form: &mut Form, mut editor: Editor, event: &KeyEvent) -> bool {
    if event.code == KeyCode::Esc {
        return false;
    }
    if key::is_control(event, 's') || key::is_control(event, 'j') {
        match take(form, &editor) {
            Ok(()) => return true,
            Err(problem) => editor.problem = Some(problem),
        }
    } else {
        editor.area.input(*event);
        editor.problem = None;
    }
    form.over = Some(Over::Editor(editor));
    false
}

/// Takes what was typed into the editor into the form.
fn take(form: &mut Form, editor: &Editor) -> Result<(), String> {
    let value = editor.read()?;
    if let Some(at) = editor.field {
        form.put(at, value);
        if let Some(field) = form.fields.get_mut(at) {
            field.is_touched = true;
        }
        return Ok(());
    }
    let Value::Object(params) = value else {
        return Err("is no table: write {\"name\": value}".to_owned());
    };
    let is_known = |name: &String| form.fields.iter().any(|field| field.name == *name);
    if let Some(name) = params.keys().find(|name| !is_known(name)) {
        return Err(format!("there is no param `{name}`"));
    }
    let secrets: Vec<(usize, Option<Value>)> = form
        .fields
        .iter()
        .enumerate()
        .filter(|(_, field)| field.kind == Kind::Secret && !params.contains_key(&field.name))
        .map(|(at, field)| (at, field.read().ok().flatten()))
        .collect();
    form.reset(&params);
    // They were not shown, so nobody has taken them out.
    for (at, secret) in secrets {
        if let Some(secret) = secret {
            form.put(at, secret);
        }
    }
    Ok(())
}

/// Pastes into what lies over the form.
pub(crate) fn paste(form: &mut Form, pasted: &str) {
    match &mut form.over {
        Some(Over::List(list)) => key::insert(&mut list.input, pasted),
        Some(Over::Editor(editor)) => {
            editor.area.insert_str(pasted);
        }
        None => {}
    }
}
