//! Where the deck is: sessions, profiles, banners.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::daemon::{Connected, Connector, Daemon, Later};
use crate::message::Message;
use crate::state::{Screen, View, session};
use crate::station::{Banner, BannerColour, SessionFile, Site, Station};
use crate::tests::Driver;
use crate::types::ask::{Answer, Request};
use crate::types::event::NumberedEvent;
use crate::types::{DagId, Fault, FaultKind};
use crate::{DeckOptions, sample};

/// Options of a deck that keeps its session, begun with `text`.
fn keeping(text: Option<String>) -> DeckOptions {
    let session = Some(SessionFile { path: PathBuf::from("/p/session.json"), text });
    let site = Site { session, ..Site::default() };
    let station = Station { site, ..Station::default() };
    DeckOptions { station, ..DeckOptions::default() }
}

fn with(options: DeckOptions) -> Driver {
    Driver::with(options, 80, 24, |_| None)
}

/// Lets the deck look at its session.
fn kept(driver: &mut Driver) -> Option<String> {
    driver.wait(4000);
    driver.send(Message::Tick);
    driver.sessions.pop()
}

#[test]
fn a_deck_begins_where_the_last_one_was_left() {
    let mut driver = with(keeping(None));
    driver.keys("/etl<enter>2j<space>j<enter><tab><tab>w1");
    driver.state.lists.sort_by("dags", "last", true);
    let text = kept(&mut driver).expect("the session changed");
    let mut next = with(keeping(Some(text)));
    assert_eq!(next.state.view, View::Dags);
    assert_eq!(next.state.level().filter, "etl");
    assert!(next.state.log_options.wraps);
    assert_eq!(
        next.state.lists.of("dags").sort.as_ref().map(|sort| sort.field.as_str()),
        Some("last")
    );
    next.keys("2");
    assert!(matches!(next.screen(), Screen::Run(_)));
    next.keys("<esc>");
    assert_eq!(next.state.level().marks.len(), 1);
}

#[test]
fn a_session_is_kept_when_it_changed_and_not_more_often_than_every_few_seconds() {
    let mut driver = with(keeping(None));
    driver.send(Message::Tick);
    assert!(driver.sessions.is_empty(), "too soon");
    assert!(kept(&mut driver).is_some());
    assert_eq!(kept(&mut driver), None, "nothing changed");
    driver.keys("j");
    assert!(kept(&mut driver).is_some());
    let mut nowhere = with(DeckOptions::default());
    nowhere.keys("j");
    assert_eq!(kept(&mut nowhere), None);
}

#[test]
fn a_form_that_was_begun_is_filled_again_but_for_what_is_secret() {
    let script = |request: &Request| {
        let Request::ShowDag { .. } = request else { return None };
        let Ok(Answer::Dag(mut dag)) = sample::answer(request) else { return None };
        let secret = serde_json::json!({"type": "string", "format": "password"});
        let properties = dag.params_schema.get_mut("properties")?.as_object_mut()?;
        properties.insert("trials".to_owned(), secret);
        Some(Ok(Answer::Dag(dag)))
    };
    let mut driver = Driver::with(keeping(None), 80, 24, script);
    driver.keys("jjjjjt<right><tab><tab><tab>hunter2");
    let text = kept(&mut driver).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    let mut next = Driver::with(keeping(Some(text.clone())), 80, 24, script);
    let dag_id = DagId::from("mlops_pipeline");
    assert_eq!(next.state.forms[&dag_id].conf().unwrap()["dataset"], "titanic");
    // A draft that was not looked at again is not lost.
    let mut untouched = with(keeping(Some(text.replace("\"form\"", "\"gone\""))));
    assert_eq!(*untouched.screen(), Screen::Root(View::Dags));
    untouched.keys("2");
    assert!(kept(&mut untouched).unwrap().contains("titanic"));
    next.keys("<ctrl-d>");
    assert!(!kept(&mut next).unwrap().contains("titanic"));
}

#[test]
fn what_is_no_session_is_not_begun_with() {
    for (text, why) in [
        ("", "EOF"),
        ("{\"version\": 1}", "missing field"),
        ("{\"version\": 7}", "version 7"),
        ("[[[[", "expected"),
        (&"x".repeat(300_000), "too large"),
    ] {
        assert!(session::problem(text).unwrap().contains(why), "{why}");
        let driver = with(keeping(Some(text.to_owned())));
        assert_eq!(*driver.screen(), Screen::Root(View::Dags));
    }
}

#[test]
fn a_screen_that_is_no_more_costs_itself_and_what_lay_above_it() {
    let mut driver = with(keeping(None));
    driver.keys("2<enter>");
    let text = kept(&mut driver).unwrap();
    let next = with(keeping(Some(text.replace("{\"run\":", "{\"a_screen_of_tomorrow\":"))));
    assert_eq!(*next.screen(), Screen::Root(View::Runs));
}

#[derive(Debug)]
struct Nowhere;

impl Daemon for Nowhere {
    fn ask(&self, _: Request) -> Later<Answer> {
        Box::pin(std::future::pending())
    }

    fn events(&self) -> Later<mpsc::Receiver<NumberedEvent>> {
        Box::pin(std::future::pending())
    }
}

impl Connector for Nowhere {
    fn connect(&self, _: &str) -> Later<Connected> {
        Box::pin(std::future::pending())
    }
}

fn with_profiles() -> Driver {
    let mut options = keeping(None);
    options.station.profiles = vec!["home".to_owned(), "prod".to_owned()];
    options.station.connector = Some(Arc::new(Nowhere));
    with(options)
}

fn prod() -> Connected {
    let banner = Banner { text: "PROD".to_owned(), colour: BannerColour::Red };
    let site = Site {
        profile: Some("prod".to_owned()),
        banner: Some(banner),
        read_only: true,
        name: "data.example.com:/srv".to_owned(),
        ..Site::default()
    };
    Connected { daemon: Arc::new(Nowhere), site }
}

#[test]
fn the_palette_goes_to_another_project_and_nothing_of_the_one_before_is_left() {
    let mut driver = with_profiles();
    driver.keys("2<enter>:env prod<enter>");
    assert_eq!(driver.connected, ["prod"]);
    assert!(driver.said().contains("connecting to prod"));
    assert!(matches!(driver.screen(), Screen::Run(_)), "it stays until the other is reached");
    let generation = driver.state.generation;
    driver.send(Message::Switched(Ok(prod())));
    assert_eq!(*driver.screen(), Screen::Root(View::Dags));
    assert!(driver.state.generation >= generation);
    assert!(driver.state.is_read_only());
    assert!(driver.text().starts_with(" PROD "), "{}", driver.text());
    assert!(driver.text().contains("read-only"));
    assert!(driver.sessions.pop().unwrap().contains("run"), "the other session was kept");
    driver.keys(":env prod<enter>");
    assert!(driver.said().contains("prod already"));
}

#[test]
fn a_project_that_is_not_reached_changes_nothing_but_says_why() {
    let mut driver = with_profiles();
    driver.keys(":env prod<enter>");
    let fault = Fault::new(FaultKind::Unavailable, "ssh: no route to host").hint("try later");
    driver.send(Message::Switched(Err(fault)));
    assert!(driver.said().contains("no route to host (try later)"));
    assert!(!driver.text().contains("PROD"));
}

#[test]
fn a_deck_can_begin_at_a_run_whatever_the_last_one_showed() {
    let mut driver = with(keeping(None));
    driver.keys("3");
    let text = kept(&mut driver);
    let mut options = keeping(text);
    options.station.begins_at = Some(("etl_example".into(), None));
    let mut driver = with(options);
    assert_eq!(*driver.screen(), Screen::DagRuns("etl_example".into()));
    driver.keys("<esc>");
    assert_eq!(*driver.screen(), Screen::Root(View::Dags));
}
