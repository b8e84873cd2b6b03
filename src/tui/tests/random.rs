//! Random keys on random sizes: nothing panics, and nothing is changed unasked.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEventKind};
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
    Mouse(MouseEventKind, usize, usize),
    Chord(char),
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
        "ctrl-t",
        "ctrl-n",
        "ctrl-y",
    ];
    prop_oneof![
        12 => "[ -~]".prop_map(|c| Step::Key(KeyEvent::new(
            KeyCode::Char(c.chars().next().unwrap_or('j')),
            KeyModifiers::NONE,
        ))),
        8 => proptest::sample::select(named.to_vec()).prop_map(|name| Step::Key(key(name))),
        1 => ".{0,6}".prop_map(Step::Paste),
        2 => "[a-z]".prop_map(|c| Step::Chord(c.chars().next().unwrap_or('g'))),
        6 => (mouse(), 0_usize..90, 0_usize..30).prop_map(|(kind, x, y)| Step::Mouse(kind, x, y)),
        1 => (0_u16..4, 0_u16..4).prop_map(|(w, h)| Step::Resize(w, h)),
        2 => (0_u16..230, 0_u16..70).prop_map(|(w, h)| Step::Resize(w, h)),
        2 => (0_i64..2000).prop_map(Step::Wait),
        1 => Just(Step::LinkDown),
        1 => Just(Step::LinkUp),
        1 => Just(Step::Tick),
    ]
}

fn key_of(c: char) -> KeyEvent {
    KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)
}

fn mouse() -> impl Strategy<Value = MouseEventKind> {
    proptest::sample::select(vec![
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Down(MouseButton::Right),
        MouseEventKind::Drag(MouseButton::Left),
        MouseEventKind::Up(MouseButton::Left),
        MouseEventKind::ScrollDown,
        MouseEventKind::ScrollUp,
        MouseEventKind::Moved,
    ])
}

fn take(driver: &mut Driver, step: Step) {
    match step {
        Step::Key(event) => driver.send(Message::Key(event)),
        Step::Mouse(kind, x, y) => driver.mouse(kind, x, y),
        Step::Chord(c) => {
            driver.send(Message::Key(key_of('g')));
            driver.send(Message::Key(key_of(c)));
        }
        Step::Paste(text) => driver.send(Message::Paste(text)),
        Step::Resize(width, height) => driver.send(Message::Resize(width, height)),
        Step::Wait(millis) => driver.wait(millis),
        Step::LinkDown => driver.send(Message::LinkDown),
        Step::LinkUp => driver.send(Message::LinkUp),
        Step::Tick => driver.send(Message::Tick),
    }
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
            take(&mut driver, step.clone());
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
                // What the emulator makes of characters that it does not know is its own affair.
                Step::Paste(text) if text.chars().any(|c| !c.is_alphanumeric()) => continue,
                Step::Resize(..) => continue,
                step => take(&mut driver, step),
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
