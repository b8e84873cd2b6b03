//! What the file may say, and what is said of a wrong one.

use super::*;
use crate::cli::args::{Cli, DeckArgs};
use crate::tui::{BannerColour, PluginInputKind};
use clap::Parser as _;

fn parsed(text: &str) -> Result<Config, Fault> {
    parse(Path::new("/c/deck.toml"), text)
}

fn flags(args: &[&str]) -> DeckArgs {
    Cli::try_parse_from(std::iter::once(&"dagdeck").chain(args)).unwrap().deck
}

#[test]
fn the_example_is_right_and_says_what_holds_without_it() {
    let config = parsed(EXAMPLE).unwrap();
    assert_eq!(config.profiles.len(), 2);
    let Target::Ssh(ssh) = &config.profiles["prod"].target else { panic!("{config:?}") };
    assert_eq!(ssh.name(), "ana@data.example.com:/srv/pipelines");
    let banner = config.profiles["prod"].banner.as_ref().unwrap();
    assert_eq!((banner.text.as_str(), banner.colour), ("PROD", BannerColour::Red));
    let plugin = &config.plugins[0];
    assert_eq!(plugin.places, ["runs", "tasks"]);
    assert!(matches!(&plugin.inputs[0].kind, PluginInputKind::Choice(words) if words.len() == 2));
    let rows =
        |written: &settings::Written| Settings::resolve(&flags(&[]), written).unwrap().rows();
    let without = rows(&settings::Written::default());
    for (with, without) in rows(&config.settings).iter().zip(without) {
        assert_eq!(with[..2], without[..2], "the example says another default");
    }
}

#[test]
fn flags_go_over_the_file_and_each_value_knows_where_it_is_from() {
    let config = parsed("theme = \"dark\"\nfps = 20\neditor = 'code -w'\n").unwrap();
    let settings = Settings::resolve(&flags(&["--theme", "light"]), &config.settings).unwrap();
    assert_eq!(
        (settings.theme.value.as_str(), settings.theme.origin.as_str()),
        ("light", "--theme")
    );
    assert_eq!((settings.fps.value, settings.fps.origin.as_str()), (Some(20), "/c/deck.toml:2"));
    assert_eq!(settings.editor.value, ["code", "-w"]);
    assert_eq!(settings.mouse.origin, "default");
}

#[test]
fn an_unknown_key_is_an_error_with_its_line_and_what_was_meant() {
    let fault = parsed("theme = \"dark\"\nmuose = true\n").unwrap_err();
    assert_eq!(fault.message, "/c/deck.toml:2: the file has no key `muose`");
    assert!(fault.hint.unwrap().starts_with("did you mean `mouse`?"));
}

#[test]
fn every_error_is_told_at_once() {
    let text = "\
pager = \"'\"
fps = 900
mouse = 1
[profiles.a]
ssh = \"nowhere\"
[profiles.b]
banner = \"B\"
[plugins.p]
key = \"x\"
places = [\"run\"]
command = [\"echo\", \"$DGA\"]
[plugins.q.inputs.n]
type = \"enum\"
";
    let fault = parsed(text).unwrap_err();
    let all = format!("{fault} {:?}", fault.hint);
    for part in [
        "deck.toml:1: `pager` of the file is no command",
        "between 1 and 120",
        "expected true or false",
        "names no folder",
        "says not where it is",
        "there is no place `run`",
        "nothing is called `$DGA`",
        "did you mean `DAG`?",
        "plugin `q` lacks `key`",
        "plugin `q` lacks `command`",
        "has no choices",
    ] {
        assert!(all.contains(part), "{part} in {all}");
    }
    assert!(parsed("= 1").unwrap_err().message.contains("deck.toml:1"));
}

#[test]
fn two_plugins_may_share_a_key_in_places_apart() {
    let plugin = |name: &str, places: &str| {
        format!("[plugins.{name}]\nkey = \"ctrl-o\"\ncommand = \"true\"\nplaces = [{places}]\n")
    };
    assert!(parsed(&(plugin("a", "\"runs\"") + &plugin("b", "\"dags\""))).is_ok());
    let fault = parsed(&(plugin("a", "\"runs\"") + &plugin("b", ""))).unwrap_err();
    assert!(fault.message.contains("the key `ctrl-o` of plugin `a`"), "{fault}");
}

#[test]
fn a_theme_is_built_in_or_that_of_the_file() {
    let resolve = |args: &[&str], text: &str| {
        Settings::resolve(&flags(args), &parsed(text).unwrap().settings)
    };
    let fault = resolve(&[], "theme = \"dork\"").unwrap_err();
    assert_eq!(fault.message, "/c/deck.toml:1: there is no theme `dork`");
    assert!(fault.hint.unwrap().contains("did you mean `dark`?"));
    let own = resolve(&["--theme", "dork"], "theme_file = \"dork.toml\"").unwrap();
    assert_eq!(own.theme_file.value, Some("/c/dork.toml".into()));
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let fault = read(Some(Path::new("/nowhere/deck.toml"))).unwrap_err();
    assert!(fault.hint.unwrap().contains("--example"));
}
