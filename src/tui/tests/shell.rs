//! The shell of keys: chords, the history of places.

use crate::DeckOptions;
use crate::state::{Screen, View};
use crate::tests::Driver;

#[test]
fn a_chord_shows_how_it_goes_on_and_esc_or_a_stranger_gives_it_up() {
    let mut driver = Driver::new(80, 24);
    driver.keys("jjg");
    let text = driver.text();
    assert!(text.contains("g …") && text.contains("the runs of the DAG"), "{text}");
    driver.keys("<esc>");
    assert!(!driver.text().contains("g …"));
    assert_eq!(*driver.screen(), Screen::Root(View::Dags), "esc only gave up the chord");
    driver.keys("gq");
    assert_eq!(driver.said(), "`g q` is no key here");
    assert!(!driver.has_quit);
    driver.keys("gr");
    assert!(matches!(driver.screen(), Screen::DagRuns(_)));
    driver.keys("<esc>gg");
    assert_eq!(driver.state.level().index, 0);
}

#[test]
fn brackets_go_through_the_places_that_led_here() {
    let mut driver = Driver::new(80, 24);
    driver.keys("[");
    assert_eq!(driver.said(), "this is where you began");
    driver.keys("jr<esc>3jj<enter>");
    let asset = driver.screen().clone();
    driver.keys("[");
    assert_eq!(*driver.screen(), Screen::Root(View::Assets));
    assert_eq!(driver.state.level().index, 2, "as it was left");
    driver.keys("[[");
    assert!(matches!(driver.screen(), Screen::DagRuns(_)));
    driver.keys("[");
    assert_eq!(*driver.screen(), Screen::Root(View::Dags));
    driver.keys("]]]]");
    assert_eq!(*driver.screen(), asset);
    driver.keys("]");
    assert_eq!(driver.said(), "there is nothing further on");
    driver.keys("-");
    assert_eq!(*driver.screen(), Screen::Root(View::Dags));
    driver.keys("-");
    assert_eq!(*driver.screen(), asset);
}

#[test]
fn a_read_only_deck_says_so_where_a_key_would_change_something() {
    let options = DeckOptions { read_only: true, ..DeckOptions::default() };
    let mut driver = Driver::with(options, 80, 24, |_| None);
    driver.keys("t");
    assert_eq!(driver.said(), "this deck is read-only");
    assert_eq!(*driver.screen(), Screen::Root(View::Dags));
}

#[test]
fn ctrl_q_leaves_at_once_from_anywhere() {
    let mut driver = Driver::new(80, 24);
    driver.keys("j<enter><ctrl-q>");
    assert!(driver.has_quit);
}
