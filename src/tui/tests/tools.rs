//! What surrounds the deck: the editor, plugins, the command log.

use std::path::PathBuf;

use crate::DeckOptions;
use crate::message::{Errand, Message, Spot};
use crate::state::Screen;
use crate::state::commands::Outcome;
use crate::station::{Plugin, PluginInput, PluginInputKind, Site, Station};
use crate::tests::Driver;
use crate::types::ask::Request;
use crate::types::event::Event;
use crate::types::{Fault, FaultKind};
use crate::update::edit;

fn station() -> Station {
    let site = Site { folder: Some(PathBuf::from("/p")), ..Site::default() };
    Station { site, editor: vec!["nvim".to_owned()], ..Station::default() }
}

fn deck(station: Station) -> Driver {
    let options = DeckOptions { station, ..DeckOptions::default() };
    Driver::with(options, 100, 30, |_| None)
}

#[test]
fn e_opens_the_editor_where_the_selected_thing_is_defined() {
    let mut driver = deck(station());
    driver.keys("jjjjj<enter>e");
    let opening = driver.opened.pop().unwrap();
    assert_eq!(opening.file, "/p/dags.toml");
    let Spot::Line(line) = opening.spot else { panic!("{opening:?}") };
    let handover = edit::errand(&opening, Some(line)).unwrap();
    assert_eq!(handover.program, "nvim");
    assert_eq!(handover.args, [format!("+{line}"), "/p/dags.toml".to_owned()]);
    driver.keys("3e");
    let opening = driver.opened.pop().unwrap();
    assert!(matches!(&opening.spot, Spot::Table(table) if table.starts_with("asset.")));
    driver.keys("8e");
    assert!(driver.opened.is_empty());
}

#[test]
fn what_came_of_an_edit_is_told_when_the_daemon_has_read_it() {
    let mut driver = deck(station());
    let back = || Message::HandedBack { errand: Errand::Edit, outcome: Ok(Some(0)) };
    driver.send(back());
    driver.send(Message::Event(Event::DefinitionsChanged { broken: false }));
    assert_eq!(driver.said(), "the edit is in force");
    driver.send(back());
    driver.send(Message::Event(Event::DefinitionsChanged { broken: true }));
    assert_eq!(*driver.screen(), Screen::Definitions);
    driver.keys("<esc>");
    // A change that nobody made here is not taken for an effect of the edit.
    driver.send(Message::Event(Event::DefinitionsChanged { broken: true }));
    assert_ne!(*driver.screen(), Screen::Definitions);
}

#[test]
fn a_deck_that_is_elsewhere_says_where_the_files_are() {
    let mut station = station();
    station.site = Site { name: "ana@far:/srv".to_owned(), ..Site::default() };
    let mut driver = deck(station);
    driver.keys("e");
    assert!(driver.said().contains("ana@far:/srv"), "{}", driver.said());
    assert!(driver.opened.is_empty());
}

fn plugin(name: &str, key: &str, command: &[&str]) -> Plugin {
    Plugin {
        name: name.to_owned(),
        key: key.to_owned(),
        places: Vec::new(),
        description: format!("does {name}"),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        background: true,
        confirm: false,
        dangerous: false,
        inputs: Vec::new(),
    }
}

fn with_plugins(plugins: Vec<Plugin>, read_only: bool) -> Driver {
    let options = DeckOptions {
        station: Station { plugins, ..station() },
        read_only,
        ..DeckOptions::default()
    };
    Driver::with(options, 160, 30, |_| None)
}

#[test]
fn a_plugin_gets_what_is_selected_and_tells_how_it_ended() {
    let mut open = plugin("browse", "ctrl-o", &["xdg-open", "x/$DAG/$RUN"]);
    open.places = vec!["dags".to_owned(), "runs".to_owned()];
    let mut driver = with_plugins(vec![open], false);
    assert!(driver.text().contains("ctrl-o does browse"), "{}", driver.text());
    driver.keys("<ctrl-o>");
    assert!(driver.said().contains("nothing is selected that gives $RUN"));
    driver.keys("2<ctrl-o>");
    let call = driver.calls.pop().unwrap();
    assert_eq!(call.program, "xdg-open");
    assert!(call.args[0].starts_with("x/") && call.args[0].matches('/').count() >= 2, "{call:?}");
    assert!(call.variables.iter().any(|(name, _)| name == "DAGDECK_RUN"));
    let outcome = Ok((Some(3), "no such\u{1b}[31m ticket".to_owned()));
    driver.send(Message::PluginEnded { name: "browse".to_owned(), outcome });
    assert!(driver.said().starts_with("browse ended with exit code 3: no such"));
    assert!(!driver.said().contains('\u{1b}'));
    driver.keys(":browse<enter>");
    assert_eq!(driver.calls.len(), 1);
}

#[test]
fn what_a_plugin_needs_is_asked_for_and_a_dangerous_one_wants_its_name() {
    let mut wipe = plugin("wipe", "ctrl-o", &["wipe", "$LEVEL", "$DAG"]);
    wipe.dangerous = true;
    wipe.inputs = vec![PluginInput {
        name: "LEVEL".to_owned(),
        kind: PluginInputKind::Choice(vec!["low".to_owned(), "high".to_owned()]),
        default: None,
        description: String::new(),
    }];
    let mut driver = with_plugins(vec![wipe.clone()], false);
    driver.keys("<ctrl-o><right><ctrl-s>");
    assert!(driver.calls.is_empty());
    assert!(driver.said().contains("type wipe to confirm"));
    driver.keys("<tab>wipe<ctrl-s>");
    let call = driver.calls.pop().unwrap();
    assert_eq!(call.args, ["high", "basic_dag_example"]);
    let mut driver = with_plugins(vec![wipe], true);
    driver.keys("<ctrl-o>");
    assert!(driver.state.popup.is_none() && !driver.text().contains("does wipe"));
}

#[test]
fn a_plugin_that_asks_first_is_left_with_escape() {
    let mut ask = plugin("ask", "ctrl-o", &["true"]);
    ask.confirm = true;
    let mut driver = with_plugins(vec![ask], false);
    driver.keys("<ctrl-o><enter>");
    assert!(driver.calls.is_empty(), "cancel has the focus first");
    driver.keys("<ctrl-o>y");
    assert_eq!(driver.calls.len(), 1);
}

#[test]
fn every_change_stands_in_the_command_log_with_its_outcome() {
    let mut driver = Driver::with(DeckOptions::default(), 120, 30, |request| match request {
        Request::Trigger(_) => Some(Err(Fault::new(FaultKind::Conflict, "it is paused"))),
        _ => None,
    });
    driver.keys("gc");
    assert!(driver.text().contains("This deck has changed nothing yet"));
    driver.keys("<esc>pyjjjjjt<right><ctrl-s>");
    let orders: Vec<_> = driver.state.orders.iter().collect();
    assert_eq!(orders[0].command, "dagdeck trigger mlops_pipeline -p dataset=titanic");
    assert_eq!(orders[0].outcome, Outcome::Refused("it is paused".to_owned()));
    assert_eq!(orders[1].command, "dagdeck dags pause basic_dag_example");
    assert_eq!(orders[1].outcome, Outcome::Done);
    driver.keys("<esc>gc");
    assert!(driver.text().contains("✗ it is paused"), "{}", driver.text());
    driver.keys("jyy");
    assert!(driver.copied.pop().unwrap().contains("dags pause"));
}

#[test]
fn the_tour_goes_on_when_the_key_is_pressed_that_it_names_and_ends_with_escape() {
    let mut driver = deck(Station { offers_tour: true, ..station() });
    assert!(driver.text().contains("New here? :tour"), "{}", driver.text());
    driver.keys("j");
    assert!(driver.text().contains("New here?"));
    driver.keys(":tour<enter>");
    assert!(driver.text().contains("Tour 1 of 6"));
    driver.keys("k");
    assert!(driver.text().contains("Tour 1 of 6"), "another key is no step");
    driver.keys("j");
    assert!(driver.text().contains("Tour 2 of 6"));
    driver.keys("<enter>");
    assert!(matches!(driver.screen(), Screen::Run(_)), "the key does what it does");
    driver.keys("<tab>");
    assert!(driver.text().contains("Tour 4 of 6"));
    driver.keys("<esc>");
    assert!(driver.text().contains("Tour 5 of 6"));
    driver.keys("?<esc>:<esc>");
    assert!(!driver.text().contains("Tour"), "{}", driver.text());
    driver.keys(":tour<enter>j<esc>");
    assert!(!driver.text().contains("Tour 2"));
    assert!(driver.said().contains(":tour"));
    let mut driver = deck(Station { offers_tour: true, ..station() });
    driver.keys("2");
    assert!(!driver.text().contains("New here?"), "who knows where to go needs none");
}
