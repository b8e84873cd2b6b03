//! Keys in, screens out: the deck driven without a terminal and without a daemon.

use std::collections::VecDeque;
use std::fmt::Write;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use crate::DeckOptions;
use crate::message::{Call, Effect, Message, Opening, Purpose, SaveLog};
use crate::sample;
use crate::state::{Popup, Screen, State};
use crate::types::ask::{Answer, Request};
use crate::types::view::DefinitionsView;
use crate::types::{Fault, Timestamp};
use crate::update::update;
use crate::view;

mod assets;
mod budget;
mod executors;
mod failing;
mod form;
mod home;
mod keys;
mod lab;
mod labels;
mod lists;
mod logged;
mod logs;
mod models;
mod mouse;
mod newcomer;
mod operations;
mod palette;
mod random;
mod readme;
mod run;
mod runs;
mod screens;
mod shell;
mod sites;
mod small;
mod terminal;
mod tools;
mod traffic;
mod trials;

/// Draws what keys lead to at every size, and with ASCII only at two of them; at 80x24 also how it
/// is styled, in the terminal's own sixteen colours and without any.
macro_rules! snapshots {
    ($($name:ident: $keys:literal;)*) => {$(
        #[test]
        fn $name() {
            for (width, height) in [(60, 16), (80, 24), (100, 30), (200, 60)] {
                let options = $crate::DeckOptions {
                    colours: $crate::Colours::Ansi,
                    ..$crate::DeckOptions::default()
                };
                let mut driver = $crate::tests::Driver::with(options, width, height, |_| None);
                driver.keys($keys);
                let name = format!("{}_{width}x{height}", stringify!($name));
                insta::assert_snapshot!(name, driver.text());
                if height == 24 {
                    let name = concat!(stringify!($name), "_styles");
                    insta::assert_snapshot!(name, $crate::tests::style_map(&driver.state));
                }
            }
            for (width, height) in [(80, 24), (200, 60)] {
                let options = $crate::DeckOptions {
                    ascii: true,
                    colours: $crate::Colours::None,
                    ..$crate::DeckOptions::default()
                };
                let mut driver = $crate::tests::Driver::with(options, width, height, |_| None);
                driver.keys($keys);
                let text = driver.text();
                assert!(text.is_ascii(), "{text}");
                let name = format!("{}_ascii_{width}x{height}", stringify!($name));
                insta::assert_snapshot!(name, text);
                if height == 24 {
                    let name = concat!(stringify!($name), "_styles_none");
                    insta::assert_snapshot!(name, $crate::tests::style_map(&driver.state));
                }
            }
        }
    )*};
}
use snapshots;

/// Returns what a buffer shows, without the blanks at the ends of lines.
pub(crate) fn text_of(buf: &Buffer) -> String {
    let mut text = String::new();
    for y in buf.area.top()..buf.area.bottom() {
        let mut row = String::new();
        let mut skip = 0;
        for x in buf.area.left()..buf.area.right() {
            let symbol = buf.cell((x, y)).map_or(" ", |cell| cell.symbol());
            if skip > 0 {
                skip -= 1;
                continue;
            }
            skip = crate::text::width(symbol).saturating_sub(1);
            row.push_str(symbol);
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

/// Writes what is styled how, a line for each run of one style.
pub(crate) fn style_map(state: &State) -> String {
    let buf = view::drawn(state);
    let mut map = String::new();
    for y in buf.area.top()..buf.area.bottom() {
        let mut runs: Vec<(String, String)> = Vec::new();
        for x in buf.area.left()..buf.area.right() {
            let Some(cell) = buf.cell((x, y)) else { continue };
            let mut style = String::new();
            if cell.fg != Color::Reset {
                let _ = write!(style, "{} ", cell.fg);
            }
            if cell.bg != Color::Reset {
                let _ = write!(style, "on {} ", cell.bg);
            }
            if cell.modifier != Modifier::empty() {
                let _ = write!(style, "{}", format!("{:?}", cell.modifier).to_lowercase());
            }
            match runs.last_mut() {
                Some((last, text)) if *last == style => text.push_str(cell.symbol()),
                _ => runs.push((style, cell.symbol().to_owned())),
            }
        }
        for (style, text) in runs {
            if !style.is_empty() && !text.trim().is_empty() {
                let _ = writeln!(map, "{y:2} {:24} {}", style.trim(), text.trim_end());
            }
        }
    }
    map
}

/// A deck whose daemon answers from the sample, at once.
pub(crate) struct Driver {
    pub(crate) state: State,
    pub(crate) now: Timestamp,
    /// Requests that change something, in order.
    pub(crate) mutations: Vec<Request>,
    pub(crate) copied: Vec<String>,
    pub(crate) saved: Vec<SaveLog>,
    /// Sessions that were kept, and profiles that were gone to.
    pub(crate) opened: Vec<Opening>,
    pub(crate) calls: Vec<Call>,
    pub(crate) sessions: Vec<String>,
    pub(crate) connected: Vec<String>,
    pub(crate) notified: Vec<String>,
    pub(crate) has_quit: bool,
    /// Answers instead of the sample where it gives one.
    pub(crate) script: fn(&Request) -> Option<Result<Answer, Fault>>,
    /// What is answered late: when the test says so.
    pub(crate) holds: fn(&Request) -> bool,
    held: Vec<(Purpose, u64, Request)>,
}

impl Driver {
    pub(crate) fn new(width: u16, height: u16) -> Self {
        Self::with(DeckOptions::default(), width, height, |_| None)
    }

    pub(crate) fn with(
        options: DeckOptions,
        width: u16,
        height: u16,
        script: fn(&Request) -> Option<Result<Answer, Fault>>,
    ) -> Self {
        let now = sample::now();
        let mut driver = Self {
            state: State::new(options, (width, height), now),
            now,
            mutations: Vec::new(),
            copied: Vec::new(),
            saved: Vec::new(),
            opened: Vec::new(),
            calls: Vec::new(),
            sessions: Vec::new(),
            connected: Vec::new(),
            notified: Vec::new(),
            has_quit: false,
            script,
            holds: |_| false,
            held: Vec::new(),
        };
        driver.send(Message::LinkUp);
        driver
    }

    /// Hands over a message and all that comes of it; timers ring at once.
    pub(crate) fn send(&mut self, message: Message) {
        let mut queue = VecDeque::from([message]);
        // A followed log is asked for again and again; a test looks at the first stretches.
        let mut budget = 200;
        while let Some(message) = queue.pop_front() {
            for effect in update(&mut self.state, message, self.now) {
                match effect {
                    Effect::Ask { purpose, generation, request } => {
                        if request.changes_state() {
                            self.mutations.push(request.clone());
                        }
                        if matches!(purpose, Purpose::Log { .. })
                            && matches!(
                                request,
                                Request::ReadLog { wait_ms, .. }
                                | Request::ReadDaemonLog { wait_ms, .. } if wait_ms > 0
                            )
                        {
                            continue;
                        }
                        if (self.holds)(&request) {
                            self.held.push((purpose, generation, request));
                            continue;
                        }
                        queue.push_back(self.answered(purpose, generation, &request));
                    }
                    Effect::After { timer, .. } => queue.push_back(Message::Timer(timer)),
                    Effect::Layout(job) => {
                        let laid = crate::widget::graph::fit(&job, &|| false);
                        queue.push_back(Message::Laid(Box::new(laid)));
                    }
                    Effect::Copy(text) => self.copied.push(text),
                    Effect::SaveLog(wish) => self.saved.push(wish),
                    Effect::Quit => self.has_quit = true,
                    Effect::Open(opening) => self.opened.push(opening),
                    Effect::Plugin(call) => self.calls.push(call),
                    Effect::SaveSession { text, .. } => self.sessions.push(text),
                    Effect::Connect(profile) => self.connected.push(profile),
                    Effect::Suspend
                    | Effect::Repaint
                    | Effect::Mouse(_)
                    | Effect::Handover(_)
                    | Effect::Attach(_) => {}
                    Effect::Notify(text) => self.notified.push(text),
                }
            }
            budget -= 1;
            assert!(budget > 0, "the deck does not come to rest");
        }
    }

    fn answered(&self, purpose: Purpose, generation: u64, request: &Request) -> Message {
        let result = (self.script)(request).unwrap_or_else(|| sample::answer(request));
        Message::answered(purpose, generation, result)
    }

    /// Answers what was held back.
    pub(crate) fn release(&mut self) {
        self.holds = |_| false;
        for (purpose, generation, request) in std::mem::take(&mut self.held) {
            let message = self.answered(purpose, generation, &request);
            self.send(message);
        }
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, millis: i64) {
        self.now += jiff::SignedDuration::from_millis(millis);
    }

    /// Types keys as people write them: `jj<enter>t<ctrl-s>`.
    pub(crate) fn keys(&mut self, keys: &str) {
        let mut rest = keys;
        while let Some(first) = rest.chars().next() {
            let named = rest.strip_prefix('<').and_then(|tail| tail.split_once('>'));
            let event = match named {
                Some((name, tail)) => {
                    rest = tail;
                    key(name)
                }
                None => {
                    rest = &rest[first.len_utf8()..];
                    KeyEvent::new(KeyCode::Char(first), KeyModifiers::NONE)
                }
            };
            // People do not type faster than a confirm listens.
            self.wait(400);
            self.send(Message::Key(event));
        }
    }

    /// Clicks on the first place where `words` are shown.
    pub(crate) fn click(&mut self, words: &str) {
        let buf = view::drawn(&self.state);
        let rows: Vec<String> = (buf.area.top()..buf.area.bottom())
            .map(|y| {
                let cell = |x| buf.cell((x, y)).map_or(" ", |cell| cell.symbol());
                (buf.area.left()..buf.area.right()).map(cell).collect()
            })
            .collect();
        let found = rows.iter().enumerate().find_map(|(y, row)| Some((row.find(words)?, row, y)));
        let Some((at, row, y)) = found else { panic!("`{words}` is not shown:\n{}", self.text()) };
        let x = row[..at].chars().count();
        self.mouse(MouseEventKind::Down(MouseButton::Left), x, y);
    }

    /// Does something with the mouse.
    pub(crate) fn mouse(&mut self, kind: MouseEventKind, x: usize, y: usize) {
        self.wait(400);
        self.send(Message::Mouse(MouseEvent {
            kind,
            column: u16::try_from(x).unwrap(),
            row: u16::try_from(y).unwrap(),
            modifiers: KeyModifiers::NONE,
        }));
    }

    pub(crate) fn screen(&self) -> &Screen {
        &self.state.level().screen
    }

    pub(crate) fn text(&self) -> String {
        text_of(&view::drawn(&self.state))
    }

    pub(crate) fn is_asking(&self) -> bool {
        matches!(self.state.popup, Some(Popup::Confirm(_) | Popup::Sheet(_)))
    }

    pub(crate) fn said(&self) -> &str {
        self.state.flash.as_ref().map_or("", |flash| flash.text.as_str())
    }
}

/// A daemon that has nothing yet.
fn nothing(request: &Request) -> Option<Result<Answer, Fault>> {
    Some(Ok(match request {
        Request::ListDags => Answer::Dags(vec![]),
        Request::ListRuns { .. } => Answer::Runs { runs: vec![], total: 0 },
        Request::ListAssets => Answer::Assets(vec![]),
        Request::ListExperiments => Answer::Experiments(vec![]),
        Request::ListModels => Answer::Models(vec![]),
        Request::ListEvents { .. } => Answer::Events(vec![]),
        Request::ListApprovals { .. } => Answer::Approvals(vec![]),
        Request::ListOperations { .. } => Answer::Operations(vec![]),
        Request::ListBackfills { .. } => Answer::Backfills { backfills: vec![], total: 0 },
        Request::ListDagVersions { .. } => Answer::DagVersions(vec![]),
        Request::ListExecutors => Answer::Executors(Default::default()),
        Request::ListPools => Answer::Pools(vec![]),
        Request::ListVariables => Answer::Variables(vec![]),
        Request::ListConnections => Answer::Connections(vec![]),
        Request::Definitions => Answer::Definitions(DefinitionsView::default()),
        _ => return None,
    }))
}

/// Reads a key's name.
pub(crate) fn key(name: &str) -> KeyEvent {
    if let Some(c) = name.strip_prefix("ctrl-").and_then(|rest| rest.chars().next()) {
        return KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
    }
    if let Some(c) = name.strip_prefix("alt-").and_then(|rest| rest.chars().next()) {
        return KeyEvent::new(KeyCode::Char(c), KeyModifiers::ALT);
    }
    if let Some(number) = name.strip_prefix('f').and_then(|number| number.parse().ok()) {
        return KeyEvent::new(KeyCode::F(number), KeyModifiers::NONE);
    }
    let code = match name {
        "space" => KeyCode::Char(' '),
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "shift-tab" => KeyCode::BackTab,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "backspace" => KeyCode::Backspace,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "pagedown" => KeyCode::PageDown,
        "pageup" => KeyCode::PageUp,
        other => panic!("no key `{other}`"),
    };
    KeyEvent::new(code, KeyModifiers::NONE)
}
