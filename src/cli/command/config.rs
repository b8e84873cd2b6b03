//! `config`: what holds for the deck, and where each of it comes from.

use serde_json::json;

use crate::cli::args::DeckArgs;
use crate::cli::config::{self, Config, EXAMPLE, Settings, Target};
use crate::cli::error::CliError;
use crate::cli::output::{Output, table};

/// Shows the settings, profiles and plugins, or an example to begin with.
pub fn config(args: &DeckArgs, example: bool, output: &mut Output) -> Result<u8, CliError> {
    if example {
        output.line(EXAMPLE);
        return Ok(0);
    }
    let config = config::read(args.config.as_deref())?;
    let settings = Settings::resolve(args, &config.settings)?;
    let rows = settings.rows();
    let body = json!({
        "file": config.path,
        "settings": rows.iter().map(|[name, value, origin]| {
            json!({ "name": name, "value": value, "origin": origin })
        }).collect::<Vec<_>>(),
        "profiles": config.profiles.values().map(|profile| {
            json!({
                "name": profile.name,
                "target": target(&profile.target),
                "banner": profile.banner.as_ref().map(|banner| &banner.text),
                "read_only": profile.read_only,
            })
        }).collect::<Vec<_>>(),
        "plugins": config.plugins.iter().map(|plugin| {
            json!({
                "name": plugin.name,
                "key": plugin.key,
                "places": plugin.places,
                "command": plugin.command,
            })
        }).collect::<Vec<_>>(),
    });
    output.answer(&body, |_| drawn(&config, &settings));
    Ok(0)
}

fn drawn(config: &Config, settings: &Settings) -> String {
    let file = match &config.path {
        Some(path) if path.exists() => path.display().to_string(),
        Some(path) => format!("{} (not there: `dagdeck config --example`)", path.display()),
        None => "none: there is no home folder".to_owned(),
    };
    let mut text = format!("file  {file}\n\n");
    text.push_str(&table(
        &["SETTING", "VALUE", "FROM"],
        settings.rows().into_iter().map(|row| row.to_vec()),
        "",
    ));
    if !config.profiles.is_empty() {
        let rows = config.profiles.values().map(|profile| {
            let banner = profile.banner.as_ref().map_or("-", |banner| &banner.text);
            let may = if profile.read_only { "read-only" } else { "all" };
            let row = [&profile.name, &target(&profile.target), banner, may];
            row.map(str::to_owned).to_vec()
        });
        text.push_str("\n\n");
        text.push_str(&table(&["PROFILE", "PROJECT", "BANNER", "KEYS"], rows, ""));
    }
    if !config.plugins.is_empty() {
        let rows = config.plugins.iter().map(|plugin| {
            let places = match plugin.places.as_slice() {
                [] => "everywhere".to_owned(),
                places => places.join(" "),
            };
            vec![plugin.name.clone(), plugin.key.clone(), places, plugin.description.clone()]
        });
        text.push_str("\n\n");
        text.push_str(&table(&["PLUGIN", "KEY", "WHERE", "DOES"], rows, ""));
    }
    text
}

fn target(target: &Target) -> String {
    match target {
        Target::Folder(folder) => folder.display().to_string(),
        Target::Ssh(ssh) => ssh.name(),
    }
}
