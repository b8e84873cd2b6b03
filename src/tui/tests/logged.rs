//! Logged models: seen from an experiment and a run, registered, tagged, deleted.

use crate::message::Message;
use crate::state::level::LoggedOf;
use crate::state::{Screen, View};
use crate::tests::Driver;
use crate::types::ask::{ModelChange, Request};
use crate::{DeckOptions, sample};

fn id(n: usize) -> String {
    sample::lab::logged_models()[n].model_id.clone()
}

#[test]
fn they_are_shown_of_an_experiment_and_of_a_run() {
    let mut driver = Driver::new(80, 24);
    driver.keys("4m");
    let of = LoggedOf::Experiment("iris".into());
    assert_eq!(driver.screen(), &Screen::LoggedModels(of));
    assert!(driver.text().contains("iris v3"), "{}", driver.text());
    driver.keys("yy");
    assert_eq!(driver.copied.last().unwrap(), "dagdeck models logged iris");
    driver.keys("<esc><enter>j<enter>m");
    let run = "1".parse::<u32>().map(|n| format!("{n:032x}")).unwrap();
    let of = LoggedOf::Run(run.clone().into());
    assert_eq!(driver.screen(), &Screen::LoggedModels(of));
    driver.keys("yy");
    assert_eq!(driver.copied.last().unwrap(), &format!("dagdeck models logged --run {run}"));
    driver.keys("j<enter>");
    assert_eq!(driver.screen(), &Screen::LoggedModel(id(1)));
    let text = driver.text();
    assert!(text.contains("python_function, sklearn") && text.contains("sepal_length"), "{text}");
    driver.keys("gr");
    assert!(matches!(driver.screen(), Screen::TrackingRun(of) if of.as_str() == run));
}

#[test]
fn one_is_registered_by_its_form() {
    let mut driver = Driver::new(100, 30);
    driver.keys("4mj");
    driver.keys("r");
    assert!(driver.is_asking() && driver.mutations.is_empty());
    driver.wait(1_000);
    driver.send(Message::Tick);
    driver.keys("<ctrl-y>");
    let command = format!("dagdeck models logged-model register {} forest-small", id(1));
    assert_eq!(driver.copied.last().unwrap(), &command);
    driver.keys("<ctrl-s>");
    let expected = Request::RegisterLoggedModel {
        name: "forest-small".into(),
        model_id: id(1),
        description: None,
    };
    assert_eq!(driver.mutations, [expected]);
    // What is still sent has nothing to be registered.
    driver.keys("jr");
    assert!(!driver.is_asking() && driver.said().contains("not all there"), "{}", driver.said());
}

#[test]
fn one_is_tagged_and_deleted_but_not_while_it_is_registered() {
    let mut driver = Driver::new(100, 30);
    driver.keys("4mD");
    assert!(!driver.is_asking() && driver.said().contains("is iris v3"), "{}", driver.said());
    driver.keys("t");
    driver.wait(1_000);
    driver.keys("team<tab>garden<ctrl-s>");
    let change = ModelChange::SetTag { key: "team".into(), value: "garden".into() };
    assert_eq!(driver.mutations, [Request::ChangeLoggedModel { model_id: id(0), change }]);
    driver.mutations.clear();
    driver.keys("jD");
    driver.wait(1_000);
    driver.keys("forest<enter>");
    assert!(driver.mutations.is_empty() && driver.said().contains("type forest-small"));
    driver.keys("-small<enter>");
    let change = ModelChange::Delete;
    assert_eq!(driver.mutations, [Request::ChangeLoggedModel { model_id: id(1), change }]);
}

#[test]
fn a_registered_one_leads_to_its_model_and_a_read_only_deck_changes_none() {
    let mut driver = Driver::new(100, 30);
    driver.keys("4mgm");
    assert_eq!((driver.state.view, driver.screen()), (View::Models, &Screen::Model("iris".into())));
    driver.keys("4jgm");
    assert!(driver.said().contains("r registers it"), "{}", driver.said());
    let options = DeckOptions { read_only: true, ..DeckOptions::default() };
    let mut driver = Driver::with(options, 100, 30, |_| None);
    for key in ["r", "t", "D"] {
        driver.keys("4m");
        driver.keys(key);
        assert!(!driver.is_asking(), "{key}");
        driver.keys("<esc>");
    }
}
