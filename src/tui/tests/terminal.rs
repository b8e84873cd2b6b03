//! Themes, colours and glyphs as the terminal gets them; notifications; keys of slow lines.

use std::path::Path;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;

use crate::message::{Errand, Message};
use crate::state::{Popup, Screen, View};
use crate::tests::Driver;
use crate::types::event::Event;
use crate::types::{DagId, DagRunId, DagRunState};
use crate::{DeckOptions, theme, view};

#[test]
fn a_theme_is_chosen_live_and_a_wrong_one_is_told() {
    let text = "base = \"light\"\n[parts]\nkey = { fg = \"#123456\" }\n";
    let own = Some(("themes/mine.toml".to_owned(), text.to_owned()));
    let options = DeckOptions { theme_file: own, ..DeckOptions::default() };
    let mut driver = Driver::with(options, 80, 24, |_| None);
    assert_eq!(driver.state.theme.name, "mine");
    let has = |driver: &Driver, colour: Color| {
        view::drawn(&driver.state).content.iter().any(|cell| cell.fg == colour)
    };
    assert!(has(&driver, Color::Rgb(0x12, 0x34, 0x56)));
    driver.keys(":theme high<enter>");
    assert_eq!(driver.said(), "theme high-contrast");
    assert!(has(&driver, Color::LightCyan) && !has(&driver, Color::Rgb(0x12, 0x34, 0x56)));
    // The ground that the terminal tells later changes nothing that was chosen.
    driver.send(Message::Ground { is_light: true });
    assert_eq!(driver.state.theme.name, "high-contrast");

    let broken = Some(("themes/mine.toml".to_owned(), "[parts]\nkye = 1".to_owned()));
    let options = DeckOptions { theme_file: broken, ..DeckOptions::default() };
    let driver = Driver::with(options, 80, 24, |_| None);
    assert_eq!(driver.said(), "themes/mine.toml:2: parts.kye: no such name; did you mean `key`?");
    assert_eq!(driver.state.theme.name, "dark");
}

#[test]
fn a_light_ground_gets_the_light_theme_where_nobody_chose() {
    let mut driver = Driver::new(80, 24);
    driver.send(Message::Ground { is_light: false });
    assert_eq!(driver.state.theme.name, "dark");
    driver.send(Message::Ground { is_light: true });
    assert_eq!(driver.state.theme.name, "light");
}

/// Returns the glyphs that the deck's sources draw: what is not ASCII outside comments and tests.
fn glyphs(folder: &Path, found: &mut Vec<(char, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !matches!(name.as_str(), "tests" | "sample" | "target" | "benches") {
            glyphs(&path, found);
        }
        if !name.ends_with(".rs") || matches!(name.as_str(), "tests.rs" | "sample.rs" | "ascii.rs")
        {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let code = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            found.extend(line.chars().filter(|c| !c.is_ascii()).map(|c| (c, name.clone())));
        }
    }
}

#[test]
fn every_glyph_that_is_drawn_has_a_stand_in_and_one_cell() {
    let mut found = Vec::new();
    glyphs(Path::new(env!("CARGO_MANIFEST_DIR")), &mut found);
    assert!(found.len() > 50, "the sources are found");
    for (glyph, file) in found {
        assert_ne!(
            theme::ascii(glyph),
            '?',
            "`{glyph}` of {file} has no stand-in in theme/ascii.rs"
        );
        assert_eq!(crate::text::width(&glyph.to_string()), 1, "`{glyph}` of {file}");
    }
}

fn failed(dag: &str, run: &str) -> Message {
    Message::Event(Event::DagRunChanged {
        dag_id: DagId::new(dag),
        dag_run_id: DagRunId::new(run),
        state: DagRunState::Failed,
    })
}

#[test]
fn a_failure_of_a_watched_dag_is_told_once_and_many_in_one() {
    let options = DeckOptions { notify: vec!["etl*".to_owned()], ..DeckOptions::default() };
    let mut driver = Driver::with(options, 80, 24, |_| None);
    driver.send(failed("mlops", "manual__1"));
    assert!(driver.notified.is_empty(), "nobody watches it");
    driver.send(failed("etl_a", "manual__1"));
    assert_eq!(driver.notified, ["etl_a failed"]);
    assert_eq!(driver.said(), "etl_a failed (manual__1)");
    driver.send(failed("etl_a", "manual__1"));
    driver.send(failed("etl_b", "manual__1"));
    driver.send(failed("etl_c", "manual__1"));
    assert_eq!(driver.notified.len(), 1, "not more than one in ten seconds");
    driver.wait(10_000);
    driver.send(Message::Tick);
    assert_eq!(driver.notified[1..], ["etl_b, etl_c failed"]);
    // Who looks at the deck is not rung for.
    driver.send(Message::Focus(true));
    driver.wait(10_000);
    driver.send(failed("etl_d", "manual__1"));
    assert_eq!((driver.notified.len(), driver.said()), (2, "etl_d failed (manual__1)"));
}

#[test]
fn a_failure_that_was_there_at_the_start_rings_for_nobody() {
    let options = DeckOptions { notify: vec!["*".to_owned()], ..DeckOptions::default() };
    let mut driver = Driver::with(options, 80, 24, |_| None);
    let old = driver.state.cache.dags().unwrap_or_default().iter().find_map(|dag| {
        let run = dag.recent_runs.iter().find(|run| run.state == DagRunState::Failed)?;
        Some((dag.dag_id.clone(), run.dag_run_id.clone()))
    });
    let (dag_id, dag_run_id) = old.expect("the sample has a run that failed");
    driver.send(failed(dag_id.as_str(), dag_run_id.as_str()));
    assert!(driver.notified.is_empty());
}

#[test]
fn esc_and_the_next_key_are_two_keys_even_where_the_line_brings_them_as_one() {
    let mut driver = Driver::new(80, 24);
    driver.keys("?");
    assert!(driver.state.popup.is_some());
    driver.send(Message::Key(KeyEvent::new(KeyCode::Char('j'), KeyModifiers::ALT)));
    assert!(driver.state.popup.is_none());
    assert_eq!(driver.state.level().index, 1);
    driver.send(Message::Key(KeyEvent::new(KeyCode::Char('2'), KeyModifiers::ALT)));
    assert_eq!(*driver.screen(), Screen::Root(View::Runs));
    // A question is never answered that way.
    driver.keys("1p");
    assert!(matches!(driver.state.popup, Some(Popup::Confirm(_))));
    driver.send(Message::Key(KeyEvent::new(KeyCode::Char('y'), KeyModifiers::ALT)));
    assert!(driver.mutations.is_empty(), "{:?}", driver.state.popup);
}

#[test]
fn what_a_handed_over_program_did_not_do_is_told() {
    let mut driver = Driver::new(80, 24);
    let mut back = |outcome| {
        driver.send(Message::HandedBack { errand: Errand::Show, outcome });
        driver.said().to_owned()
    };
    assert_eq!(back(Ok(Some(0))), "");
    assert_eq!(back(Ok(Some(3))), "it ended with exit code 3");
    assert_eq!(
        back(Err("failed to start `vi`: not found".to_owned())),
        "failed to start `vi`: not found"
    );
}

#[test]
fn more_than_a_terminal_takes_is_not_said_to_be_copied() {
    let mut driver = Driver::new(80, 24);
    driver.send(Message::NotCopied { bytes: 80_000 });
    assert!(driver.said().starts_with("not copied: 80.0 KB is more"), "{}", driver.said());
}
