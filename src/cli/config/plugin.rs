//! `[plugins.NAME]`: commands of the operator's own.

use crate::cli::config::fields::{Fields, Report};
use crate::dag::file::Table;
use crate::dag::suggest;
use crate::tui::{
    PLUGIN_VARIABLES, Plugin, PluginInput, PluginInputKind, key_problem, place_names,
};

/// Reads all plugins.
pub(super) fn read_all(fields: &Fields<'_>) -> Vec<Plugin> {
    let mut plugins: Vec<Plugin> = Vec::new();
    for (name, entry, table) in fields.tables("plugins") {
        let Some(plugin) = read(fields.report, (name, entry.key.start), table) else { continue };
        let meets = |other: &&Plugin| {
            let shares = plugin.places.iter().any(|place| other.places.contains(place));
            other.key == plugin.key
                && (shares || plugin.places.is_empty() || other.places.is_empty())
        };
        if let Some(other) = plugins.iter().find(meets) {
            let message = format!(
                "plugin `{name}` has the key `{}` of plugin `{}` in the same place",
                plugin.key, other.name
            );
            fields.report.error(entry.key.start, message, None);
        }
        plugins.push(plugin);
    }
    plugins
}

fn read(report: &Report, (name, at): (&str, usize), table: &Table) -> Option<Plugin> {
    let fields = Fields::new(report, format!("plugin `{name}`"), table);
    let lacks = |key: &str, example: &str| {
        if !table.0.contains_key(key) {
            let message = format!("plugin `{name}` lacks `{key}`");
            report.error(at, message, Some(format!("such as {key} = {example}")));
        }
    };
    lacks("key", "\"ctrl-o\"");
    lacks("command", "[\"open\", \"https://runs.example.com/$DAG/$RUN\"]");
    let key = fields.text("key");
    let command = fields.command("command");
    let places = fields.texts("places").unwrap_or_default();
    let known = place_names();
    for place in &places {
        if !known.contains(place) {
            let hint = suggest::hint(place, "places", known.iter().map(String::as_str));
            fields.bad("places", format!("there is no place `{place}`"), Some(hint));
        }
    }
    if let Some(problem) = key.as_ref().and_then(|key| key_problem(key, &places)) {
        let hint = "ctrl-o, alt-x and F-keys are free; `?` in the deck shows the others".to_owned();
        fields.bad("key", problem, Some(hint));
    }
    let inputs: Vec<PluginInput> =
        fields.tables("inputs").iter().map(|(name, _, table)| input(report, name, table)).collect();
    let known = || PLUGIN_VARIABLES.into_iter().chain(inputs.iter().map(|one| one.name.as_str()));
    for word in command.iter().flatten() {
        for variable in crate::tui::plugin_variables(word) {
            if !known().any(|name| name == variable) {
                let hint = suggest::hint(variable, "variables", known());
                let hint = format!("{hint}; `$$` is a dollar");
                fields.bad("command", format!("nothing is called `${variable}`"), Some(hint));
            }
        }
    }
    let description = fields.text("description").unwrap_or_else(|| name.to_owned());
    let [background, confirm, dangerous] =
        ["background", "confirm", "dangerous"].map(|key| fields.flag(key).unwrap_or(false));
    fields.finish();
    Some(Plugin {
        name: name.to_owned(),
        key: key?,
        places,
        description,
        command: command?,
        background,
        confirm,
        dangerous,
        inputs,
    })
}

fn input(report: &Report, name: &str, table: &Table) -> PluginInput {
    let fields = Fields::new(report, format!("input `{name}`"), table);
    let choices = fields.texts("choices");
    let kind = fields.word("type", &["text", "number", "enum"]);
    let kind = match (kind.as_deref(), choices) {
        (None | Some("enum"), Some(choices)) if !choices.is_empty() => {
            PluginInputKind::Choice(choices)
        }
        (Some("enum"), _) => {
            let hint = "choices = [\"dev\", \"prod\"]".to_owned();
            fields.bad("type", format!("input `{name}` has no choices"), Some(hint));
            PluginInputKind::Text
        }
        (Some("number"), _) => PluginInputKind::Number,
        _ => PluginInputKind::Text,
    };
    let default = fields.text("default");
    let description = fields.text("description").unwrap_or_default();
    fields.finish();
    PluginInput { name: name.to_owned(), kind, default, description }
}
