//! Random keys on random sizes: nothing panics, and nothing is changed unasked.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;

use crate::message::Message;
use crate::painter::Painter;
use crate::state::Screen;
use crate::tests::{Driver, key};
use crate::view;

#[derive(Debug, Clone)]
enum Step {
    Key(KeyEvent),
    Paste(String),
    Resize(u16, u16),
    Wait(i64),
    LinkDown,
    LinkUp,
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    let named = [
        "enter",
        "esc",
        "tab",
        "shift-tab",
        "up",
        "down",
        "left",
        "right",
        "backspace",
        "home",
        "end",
        "pagedown",
        "pageup",
        "ctrl-d",
        "ctrl-u",
        "ctrl-s",
        "ctrl-p",
        "ctrl-r",
        "ctrl-l",
    ];
    prop_oneof![
        12 => "[ -~]".prop_map(|c| Step::Key(KeyEvent::new(
            KeyCode::Char(c.chars().next().unwrap_or('j')),
            KeyModifiers::NONE,
        ))),
        8 => proptest::sample::select(named.to_vec()).prop_map(|name| Step::Key(key(name))),
        1 => ".{0,6}".prop_map(Step::Paste),
        2 => (0_u16..230, 0_u16..70).prop_map(|(w, h)| Step::Resize(w, h)),
        2 => (0_i64..2000).prop_map(Step::Wait),
        1 => Just(Step::LinkDown),
        1 => Just(Step::LinkUp),
        1 => Just(Step::Tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_keys_on_no_size_panic_or_change_anything_unasked(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let mut driver = Driver::new(80, 24);
        for step in steps {
            let may_change = driver.is_asking() || matches!(driver.screen(), Screen::Form(_));
            let before = driver.mutations.len();
            match step.clone() {
                Step::Key(event) => driver.send(Message::Key(event)),
                Step::Paste(text) => driver.send(Message::Paste(text)),
                Step::Resize(width, height) => driver.send(Message::Resize(width, height)),
                Step::Wait(millis) => driver.wait(millis),
                Step::LinkDown => driver.send(Message::LinkDown),
                Step::LinkUp => driver.send(Message::LinkUp),
                Step::Tick => driver.send(Message::Tick),
            }
            prop_assert!(driver.mutations.len() == before || may_change, "{step:?}");
            driver.text();
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_the_terminal_shows_is_what_was_drawn(
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let mut driver = Driver::new(100, 30);
        let mut painter = Painter::new(Vec::new(), true);
        let mut terminal = vt100::Parser::new(cells(30), cells(100), 0);
        for step in steps {
            match step.clone() {
                Step::Key(event) => driver.send(Message::Key(event)),
                // What the emulator makes of characters that it does not know is its own affair.
                Step::Paste(text) if text.chars().any(|c| !c.is_alphanumeric()) => continue,
                Step::Paste(text) => driver.send(Message::Paste(text)),
                Step::Wait(millis) => driver.wait(millis),
                Step::LinkDown => driver.send(Message::LinkDown),
                Step::LinkUp => driver.send(Message::LinkUp),
                Step::Tick | Step::Resize(..) => driver.send(Message::Tick),
            }
            painter.paint(view::drawn(&driver.state)).unwrap();
            terminal.process(&painter.taken());
            let shown: Vec<String> =
                terminal.screen().rows(0, 100).map(|row| row.trim_end().to_owned()).collect();
            let drawn = driver.text();
            let drawn: Vec<&str> = drawn.lines().collect();
            prop_assert_eq!(shown, drawn, "{:?}", step);
        }
    }
}

fn cells(count: u16) -> std::num::NonZero<u16> {
    std::num::NonZero::new(count).unwrap()
}
