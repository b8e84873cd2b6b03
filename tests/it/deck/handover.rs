//! Programs that are given the deck's terminal: the editor, and commands of the operator's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use portable_pty::CommandBuilder;

use super::Deck;
use crate::support::{Project, binary};

/// Leaves the deck at once, from anywhere.
const LEAVE: &str = "\u{11}";

/// Writes a program into the project's folder; returns its path.
fn program(project: &Project, name: &str, script: &str) -> String {
    project.write(name, format!("#!/bin/sh\n{script}\n"));
    let path = project.path(name);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

fn open(project: &Project, config: &str) -> Deck {
    project.write("deck.toml", config);
    let mut command = CommandBuilder::new(binary());
    command.args(["--fresh", "--project"]);
    command.arg(project.dir());
    command.arg("--config");
    command.arg(project.path("deck.toml"));
    Deck::spawn(command, 100, 30)
}

/// Checks that the deck has its screen again and listens.
fn is_whole(deck: &mut Deck) {
    deck.wait_for("mlops_pipeline");
    let screen = deck.screen.screen();
    assert!(screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste());
    deck.keys("?");
    deck.wait_for("esc close");
    deck.keys("\u{1b}");
    deck.wait_until_gone("esc close");
}

#[test]
fn a_plugin_has_the_terminal_to_itself_and_gives_it_back() {
    let mut project = Project::sample();
    project.up();
    // A plain line is read only where the terminal is as a shell has it.
    let script = "printf 'about %s: ' \"$1\"; read -r answer; printf 'took <%s>\\n' \"$answer\"";
    let path = program(&project, "about", script);
    let config = format!(
        "[plugins.about]\nkey = \"ctrl-o\"\nplaces = [\"dags\"]\n\
         description = \"tell more\"\ncommand = [\"{path}\", \"$DAG\"]\n"
    );
    let mut deck = open(&project, &config);
    deck.wait_for("mlops_pipeline");
    deck.keys("/etl\r\u{f}");
    deck.wait_for("about etl_example: ");
    let screen = deck.screen.screen();
    assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
    deck.keys("jq?\r");
    deck.wait_for("took <jq?>");
    deck.wait_for("about: exit code 0; press enter to go back to the deck");
    deck.keys("\r");
    deck.wait_for("filter etl");
    deck.keys("\u{1b}");
    is_whole(&mut deck);
    deck.keys(LEAVE);
    deck.ended_and_restored();
    project.down();
}

#[test]
fn the_editor_has_the_terminal_and_what_it_saves_is_in_force() {
    let mut project = Project::sample();
    project.up();
    let script = "printf 'editing %s\\n' \"$*\"; read -r word\n\
                  sed \"s/A chain of three tasks/$word/\" \"$1\" > \"$1.new\"\n\
                  mv \"$1.new\" \"$1\"";
    let path = program(&project, "edit", script);
    let mut deck = open(&project, &format!("editor = \"{path}\"\n"));
    deck.wait_for("mlops_pipeline");
    deck.keys("e");
    deck.wait_for("editing ");
    assert!(!deck.screen.screen().alternate_screen());
    deck.keys("Three\r");
    deck.wait_for("the edit is in force");
    is_whole(&mut deck);
    let dag = project.json(&["dags", "show", "basic_dag_example"]);
    assert!(dag.to_string().contains("Three that hand values on"), "{dag}");
    deck.keys(LEAVE);
    deck.ended_and_restored();
    project.down();
}
