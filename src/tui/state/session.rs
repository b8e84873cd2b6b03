//! What a deck leaves for the next one: where each view stood, the filters and marks, how logs are
//! shown, forms that were begun. It is a convenience: what cannot be read is left out.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tui_input::Input;

use crate::state::form::Kind;
use crate::state::{Form, Level, Lists, LogOptions, Pane, Screen, State, View, Zoom};
use crate::types::DagId;

/// A file of another version is not read.
const VERSION: u32 = 1;

/// Bounds of what is kept: a session is to be small whatever was done.
const BYTES_MAX: usize = 256 * 1024;
const LEVELS_MAX: usize = 16;
const KEYS_MAX: usize = 500;
const FORMS_MAX: usize = 32;

/// The file.
#[derive(Debug, Serialize, Deserialize)]
struct Session {
    version: u32,
    view: View,
    /// Levels are read one by one: a screen that is no more costs itself and those above it.
    stacks: Vec<(View, Vec<Value>)>,
    log_options: LogOptions,
    #[serde(default)]
    lists: Lists,
    drafts: Vec<Draft>,
}

/// A level, outermost first in its view.
#[derive(Debug, Serialize, Deserialize)]
struct SavedLevel {
    screen: Screen,
    selected: Option<String>,
    index: usize,
    filter: String,
    scroll: usize,
    pane: Pane,
    is_zoomed: bool,
    attention_only: bool,
    is_untouched: bool,
    toggled: Vec<String>,
    marks: Vec<String>,
}

/// What was filled into the form of a DAG: by param, the text that was typed or what was chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Draft {
    dag_id: DagId,
    values: Map<String, Value>,
}

/// Says what keeps a text from being a session.
pub fn problem(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    if text.len() > BYTES_MAX {
        return Some("it is too large".to_owned());
    }
    match serde_json::from_str::<Versioned>(text) {
        Ok(Versioned { version: VERSION }) => {
            serde_json::from_str::<Session>(text).err().map(|error| error.to_string())
        }
        Ok(Versioned { version }) => Some(format!("it is of version {version}, not {VERSION}")),
        Err(error) => Some(error.to_string()),
    }
}

/// Writes what is to be kept; `None` where that is too much.
pub(crate) fn written(state: &State) -> Option<String> {
    let stacks = View::ALL.map(|view| {
        let levels = state.stacks[view as usize].iter().take(LEVELS_MAX);
        (view, levels.filter_map(|level| serde_json::to_value(saved(level)).ok()).collect())
    });
    let mut drafts: Vec<Draft> =
        state.forms.values().filter_map(|form| draft(state, form)).collect();
    drafts
        .extend(state.drafts.iter().filter(|one| !state.forms.contains_key(&one.dag_id)).cloned());
    drafts.sort_by(|one, other| one.dag_id.cmp(&other.dag_id));
    drafts.truncate(FORMS_MAX);
    let session = Session {
        version: VERSION,
        view: state.view,
        stacks: stacks.to_vec(),
        log_options: state.log_options,
        lists: state.lists.clone(),
        drafts,
    };
    serde_json::to_string(&session).ok().filter(|text| text.len() <= BYTES_MAX)
}

/// Puts the state where the last deck left it.
pub(crate) fn restore(state: &mut State, text: &str) {
    if problem(text).is_some() {
        return;
    }
    let Ok(session) = serde_json::from_str::<Session>(text) else { return };
    for (view, levels) in session.stacks {
        let levels = levels.into_iter().take(LEVELS_MAX);
        let read = levels.map_while(|level| serde_json::from_value::<SavedLevel>(level).ok());
        let levels: Vec<Level> = read.map(restored).collect();
        // A stack that does not begin at its root would have no way back.
        if levels.first().is_some_and(|level| level.screen == Screen::Root(view)) {
            state.stacks[view as usize] = levels;
        }
    }
    state.view = session.view;
    state.log_options = session.log_options;
    state.lists = session.lists;
    state.drafts = session.drafts;
}

/// Fills a form with what was begun in the last deck.
pub(crate) fn refill(drafts: &mut Vec<Draft>, form: &mut Form) {
    let Some(at) = drafts.iter().position(|draft| draft.dag_id == form.dag_id) else { return };
    let draft = drafts.swap_remove(at);
    for field in &mut form.fields {
        match draft.values.get(&field.name) {
            Some(Value::String(text)) if field.is_typed() => field.input = Input::new(text.clone()),
            Some(value) if !field.is_typed() => field.set(value.clone()),
            _ => {}
        }
    }
}

fn saved(level: &Level) -> SavedLevel {
    SavedLevel {
        screen: level.screen.clone(),
        selected: level.selected.clone(),
        index: level.index,
        filter: level.filter.clone(),
        scroll: level.scroll,
        pane: level.pane,
        is_zoomed: level.zoom == Zoom::Full,
        attention_only: level.attention_only,
        is_untouched: level.is_untouched,
        toggled: level.toggled.iter().take(KEYS_MAX).cloned().collect(),
        marks: level.marks.iter().take(KEYS_MAX).cloned().collect(),
    }
}

fn restored(saved: SavedLevel) -> Level {
    let mut level = Level::new(saved.screen);
    level.selected = saved.selected;
    level.index = saved.index;
    level.filter = saved.filter;
    level.scroll = saved.scroll;
    level.pane = saved.pane;
    level.zoom = if saved.is_zoomed { Zoom::Full } else { Zoom::Normal };
    level.attention_only = saved.attention_only;
    level.is_untouched = saved.is_untouched;
    level.toggled = saved.toggled.into_iter().collect();
    level.marks = saved.marks.into_iter().collect();
    level
}

/// Returns what of a form differs from its defaults and may lie in a file.
fn draft(state: &State, form: &Form) -> Option<Draft> {
    let schema = state.cache.dag(&form.dag_id).map(|dag| &dag.params_schema);
    let values: Map<String, Value> = form
        .fields
        .iter()
        .filter(|field| field.is_changed() && field.kind != Kind::Secret)
        .filter(|field| !is_secret(schema, &field.name))
        .filter_map(|field| {
            let value = match field.is_typed() {
                true => Some(Value::String(field.input.value().to_owned())),
                false => field.value.clone(),
            };
            value.map(|value| (field.name.clone(), value))
        })
        .collect();
    (!values.is_empty()).then(|| Draft { dag_id: form.dag_id.clone(), values })
}

/// Says whether a param is nobody's business: by its schema, else, to be on the safe side, by its
/// name.
fn is_secret(schema: Option<&Value>, name: &str) -> bool {
    let written = schema.and_then(|schema| schema.get("properties")?.get(name));
    let is_marked = written.is_some_and(|written| {
        written.get("format").and_then(Value::as_str) == Some("password")
            || written.get("writeOnly").and_then(Value::as_bool) == Some(true)
    });
    let name = name.to_lowercase();
    is_marked
        || ["secret", "password", "passwd", "token", "api_key"].iter().any(|w| name.contains(w))
}
