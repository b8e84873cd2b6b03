//! The operator's own commands: which are valid here, what they are asked, how they are run.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::keymap::{self, stroke};
use crate::message::{Call, Effect};
use crate::plugin::argv;
use crate::rows;
use crate::state::form::Field;
use crate::state::sheet::{PluginCall, field, text};
use crate::state::{Screen, State, Tone, View};
use crate::station::{Plugin, PluginInput, PluginInputKind};
use crate::update::{action, sheet};

/// Returns the plugins that are valid here, each with its number.
pub(crate) fn valid(state: &State) -> impl Iterator<Item = (usize, &Plugin)> {
    let (place, read_only) = (keymap::place(state).name(), state.is_read_only());
    state.options.station.plugins.iter().enumerate().filter(move |(_, plugin)| {
        (plugin.places.is_empty() || plugin.places.contains(&place))
            && !(plugin.dangerous && read_only)
    })
}

/// Runs the plugin that has `keys` here; says `false` where none has.
pub(crate) fn press(state: &mut State, keys: &str, effects: &mut Vec<Effect>) -> bool {
    let has_key = |plugin: &Plugin| stroke::read(&plugin.key).as_deref() == Ok(keys);
    let Some((at, _)) = valid(state).find(|(_, plugin)| has_key(plugin)) else { return false };
    begin(state, at, effects);
    true
}

/// Begins a plugin: asks what it needs, or runs it at once.
pub(crate) fn begin(state: &mut State, at: usize, effects: &mut Vec<Effect>) {
    let Some(plugin) = state.options.station.plugins.get(at).cloned() else { return };
    let call = PluginCall { values: variables(state), plugin };
    let plugin = &call.plugin;
    if plugin.inputs.is_empty() && !plugin.confirm && !plugin.dangerous {
        run(state, &call, effects);
        return;
    }
    // What is selected must be enough before anything is asked.
    let inputs = plugin.inputs.iter().map(|input| (input.name.clone(), String::new()));
    let mut known = call.values.clone();
    known.extend(inputs);
    if let Err(problem) = argv(plugin, &known) {
        state.say(Tone::Bad, format!("{}: {problem}", plugin.name));
        return;
    }
    let mut fields: Vec<Field> = plugin.inputs.iter().map(asked).collect();
    if plugin.dangerous {
        fields.push(text("confirm", "", &format!("type {} to confirm", plugin.name)));
    }
    sheet::show_plugin(state, call, fields, effects);
}

fn asked(input: &PluginInput) -> Field {
    let about = &input.description;
    let default = input.default.clone();
    match &input.kind {
        PluginInputKind::Text => text(&input.name, &default.unwrap_or_default(), about),
        PluginInputKind::Number => {
            let default = default.and_then(|text| text.parse::<f64>().ok());
            let default = default.map_or(json!(0), whole);
            field(&input.name, &json!({"type": "number", "description": about}), default)
        }
        PluginInputKind::Choice(words) => {
            let first = default.filter(|word| words.contains(word)).or(words.first().cloned());
            field(&input.name, &json!({"enum": words, "description": about}), json!(first))
        }
    }
}

/// Keeps `3` a whole number.
fn whole(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 { json!(number as i64) } else { json!(number) }
}

/// Runs a plugin whose questions are answered.
pub(crate) fn run(state: &mut State, call: &PluginCall, effects: &mut Vec<Effect>) {
    let plugin = &call.plugin;
    let words = match argv(plugin, &call.values) {
        Ok(words) => words,
        Err(problem) => {
            state.say(Tone::Bad, format!("{}: {problem}", plugin.name));
            return;
        }
    };
    let Some((program, args)) = words.split_first() else { return };
    if plugin.background {
        state.say(Tone::Info, format!("{} runs…", plugin.name));
    }
    effects.push(Effect::Plugin(Call {
        name: plugin.name.clone(),
        program: program.clone(),
        args: args.to_vec(),
        variables: call.values.iter().map(|(n, v)| (format!("DAGDECK_{n}"), v.clone())).collect(),
        background: plugin.background,
    }));
}

/// Tells how a plugin ended.
pub(crate) fn ended(state: &mut State, name: &str, outcome: Result<(Option<i32>, String), String>) {
    let (code, said) = match outcome {
        Ok(ended) => ended,
        Err(problem) => {
            state.say(Tone::Bad, format!("{name}: {problem}"));
            return;
        }
    };
    let said = crate::text::clean(said.trim());
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    match code {
        Some(0) => state.say(Tone::Good, format!("{name} is done{said}")),
        Some(code) => state.say(Tone::Bad, format!("{name} ended with exit code {code}{said}")),
        None => state.say(Tone::Bad, format!("{name} was ended by a signal{said}")),
    }
}

/// Returns what the selection gives.
fn variables(state: &State) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut add = |name: &str, value: Option<String>| {
        found.extend(value.map(|value| (name.to_owned(), value)));
    };
    let site = &state.options.station.site;
    add("PROJECT", site.folder.as_ref().map(|folder| folder.display().to_string()));
    add("PROFILE", site.profile.clone());
    add("DAG", action::dag_here(state).map(|dag_id| dag_id.to_string()));
    let level = state.level();
    match &level.screen {
        Screen::Run(key) => {
            add("RUN", Some(key.dag_run_id.to_string()));
            let task = rows::selected_task(state);
            add("TASK", task.map(|task| rows::task_key(&task.key)));
            add("TRY", task.map(|task| task.try_number.to_string()));
        }
        Screen::Root(View::Runs) | Screen::DagRuns(_) => {
            let run = rows::selected(level, &rows::runs(state, level));
            add("RUN", run.map(|run| run.dag_run_id.to_string()));
        }
        Screen::Root(View::Assets) | Screen::Asset(_) => {
            add("ASSET", rows::assets::shown(state).map(|asset| asset.name.to_string()));
        }
        Screen::Root(View::Models) | Screen::Model(_) | Screen::Compare(..) => {
            add("MODEL", rows::models::model_here(state));
            let version = rows::models::version_here(state);
            add("VERSION", version.map(|version| version.version.to_string()));
        }
        _ => {}
    }
    found
}

/// Puts what was answered to the values.
pub(crate) fn answered(call: &PluginCall, fields: &[Field]) -> Result<PluginCall, String> {
    let mut call = call.clone();
    for field in fields {
        let value = field.read().map_err(|problem| format!("{} {problem}", field.name))?;
        let text = match value {
            Some(Value::String(text)) => text,
            Some(value) => value.to_string(),
            None => String::new(),
        };
        if field.name == "confirm" && call.plugin.dangerous {
            if text.trim() != call.plugin.name {
                return Err(format!("type {} to confirm", call.plugin.name));
            }
            continue;
        }
        call.values.insert(field.name.clone(), text);
    }
    Ok(call)
}
