//! How long a key takes to become bytes, and a frame to be drawn, on projects of any size: the
//! deck without a terminal, its daemon answering at once from made-up projects. What is made beside
//! the deck's task (answers, runs arranged, layouts) is not counted; taking it in is.

use std::collections::VecDeque;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::DeckOptions;
use crate::message::{Effect, Message, Timer};
use crate::painter::Painter;
use crate::sample;
use crate::state::State;
use crate::types::DagRunState;
use crate::types::ask::{Answer, Request};
use crate::types::event::Event;
use crate::types::time;
use crate::types::view::LogChunk;
use crate::update::update;
use crate::view;

/// From a key to its bytes, at most.
pub const LIMIT: Duration = Duration::from_millis(16);

/// What was measured of one view.
#[derive(Debug)]
pub struct Figure {
    pub what: String,
    /// From a key, with the answers to what it asks, to the last byte: the median, and what one in
    /// a hundred takes at least.
    pub key: (Duration, Duration),
    /// The longest that news kept the deck's task from the next key.
    pub news: Duration,
    /// Drawing alone, the same.
    pub view: (Duration, Duration),
    /// Of a whole frame, and the most that a key took.
    pub bytes: (usize, usize),
}

/// A project of some size, and the keys that lead to what is measured.
struct Case {
    what: &'static str,
    dags: usize,
    tasks: usize,
    lines: usize,
    keys: &'static str,
    /// Pressed again and again.
    pressed: &'static str,
    /// The shown run is fetched again after each of them.
    is_busy: bool,
}

const fn case(what: &'static str, keys: &'static str, pressed: &'static str) -> Case {
    Case { what, dags: 1000, tasks: 10, lines: 40, keys, pressed, is_busy: false }
}

const CASES: [Case; 23] = [
    case("DAGs, 1,000", "", "jjjjjjjk"),
    case("DAGs, 1,000, filter being typed", "/", "d0\u{8}\u{8}"),
    case("DAGs, 1,000, filter and sort", "/dag_0\nSj\n", "jjjjjjjk"),
    case("palette, 1,000 DAGs", ":", "dag\u{8}\u{8}\u{8}"),
    case("runs", "2", "jjjk"),
    case("assets", "3", "jk"),
    case("experiments", "4", "jk"),
    case("models", "5", "jk"),
    case("serving", "6", "jk"),
    case("events", "7", "jjk"),
    case("system", "8", "jjk"),
    Case { tasks: 10, ..case("run of 10 tasks", "2\n", "jjjk") },
    Case { tasks: 100, ..case("run of 100 tasks", "2\n", "jjjk") },
    Case { tasks: 1000, ..case("run of 1,000 tasks", "2\n", "jjjk") },
    Case { tasks: 10_000, ..case("run of 10,000 tasks", "2\n", "jjjk") },
    Case { tasks: 10_000, is_busy: true, ..case("run of 10,000 tasks, busy", "2\n", "jjjk") },
    Case { tasks: 10_000, ..case("run of 10,000 tasks, filter typed", "2\n/", "s0\u{8}\u{8}") },
    Case { tasks: 10_000, ..case("palette, run of 10,000 tasks", "2\n:", "tas\u{8}\u{8}\u{8}") },
    Case { tasks: 10_000, ..case("palette opened and closed there", "2\n", ":\u{1b}") },
    Case { tasks: 10_000, ..case("run of 10,000 tasks, left and back", "2\n", "\u{1b}\n") },
    Case { tasks: 10_000, ..case("graph of 10,000 tasks", "2\n\t", "jjlh") },
    Case { lines: 1_000_000, ..case("log of 1,000,000 lines", "2\n\t\tz", "kkkj") },
    Case { lines: 1_000_000, ..case("log, top and bottom", "2\n\t\tz", "kGkG") },
];

/// Measures every view, or those whose name has `wanted` in it.
pub fn measure(wanted: &str, rounds: usize, mut tell: impl FnMut(Figure)) {
    for case in CASES.iter().filter(|case| case.what.contains(wanted)) {
        tell(Bench::new(case).measure(case, rounds));
    }
}

struct Bench {
    state: State,
    painter: Painter<Vec<u8>>,
    dags: Answer,
    run: Answer,
    lines: usize,
}

impl Bench {
    fn new(case: &Case) -> Self {
        let mut bench = Self {
            state: State::new(DeckOptions::default(), (200, 60), sample::now()),
            painter: Painter::new(Vec::new(), true),
            dags: Answer::Dags(sample::many_dags(case.dags)),
            run: Answer::RunDetail(Box::new(sample::run::wide(case.tasks, false))),
            lines: case.lines,
        };
        bench.send(Message::LinkUp);
        for c in case.keys.chars() {
            bench.press(c);
        }
        bench
    }

    fn measure(mut self, case: &Case, rounds: usize) -> Figure {
        self.paint();
        let whole = self.painter.taken().len();
        let (mut keys, mut views, mut most) = (Vec::new(), Vec::new(), 0);
        let mut news = Duration::ZERO;
        for c in case.pressed.chars().cycle().take(rounds) {
            let updated = self.press(c);
            let begun = time::instant();
            let frame = view::drawn(&self.state);
            views.push(time::instant() - begun);
            // A vector takes the bytes: nothing can fail.
            let _ = self.painter.paint(frame);
            keys.push(updated + (time::instant() - begun));
            most = most.max(self.painter.taken().len());
            // Meanwhile the daemon tells of things.
            news = news.max(self.send(Message::Event(Event::TrackingChanged)));
            if case.is_busy {
                news = news.max(self.fetch_again());
            }
        }
        Figure {
            what: case.what.to_owned(),
            key: shares(keys),
            news,
            view: shares(views),
            bytes: (whole, most),
        }
    }

    fn paint(&mut self) {
        let _ = self.painter.paint(view::drawn(&self.state));
    }

    /// Lets the shown run be fetched again.
    fn fetch_again(&mut self) -> Duration {
        let Some(run) = self.state.shown_run() else { return Duration::ZERO };
        let (dag_id, dag_run_id) = (run.run.dag_id.clone(), run.run.dag_run_id.clone());
        let state = DagRunState::Running;
        self.send(Message::Timer(Timer::RunRested));
        self.send(Message::Event(Event::DagRunChanged { dag_id, dag_run_id, state }))
    }

    /// Presses a key; tells how long the deck's task was at it.
    fn press(&mut self, c: char) -> Duration {
        let code = match c {
            '\n' => KeyCode::Enter,
            '\t' => KeyCode::Tab,
            '\u{8}' => KeyCode::Backspace,
            '\u{1b}' => KeyCode::Esc,
            c => KeyCode::Char(c),
        };
        self.send(Message::Key(KeyEvent::new(code, KeyModifiers::NONE)))
    }

    /// Takes a message and the answers to what it asks; tells how long the deck's task was at it.
    fn send(&mut self, message: Message) -> Duration {
        let mut queue = VecDeque::from([message]);
        let mut took = Duration::ZERO;
        let mut budget = 200;
        while let (Some(message), 1..) = (queue.pop_front(), budget) {
            budget -= 1;
            let begun = time::instant();
            let effects = update(&mut self.state, message, sample::now());
            took += time::instant() - begun;
            for effect in effects {
                match effect {
                    Effect::Ask { request, .. } if is_waiting(&request) => {}
                    Effect::Ask { purpose, generation, request } => {
                        let result = Ok(self.answer(&request));
                        queue.push_back(Message::answered(purpose, generation, result));
                    }
                    Effect::After {
                        timer: timer @ (Timer::StartLog(_) | Timer::PreviewRested(_)),
                        ..
                    } => {
                        queue.push_back(Message::Timer(timer));
                    }
                    Effect::After { timer: Timer::Refetch, .. } => {
                        queue.push_back(Message::Timer(Timer::Refetch));
                    }
                    Effect::Layout(job) => {
                        let laid = crate::widget::graph::fit(&job, &|| false);
                        queue.push_back(Message::Laid(Box::new(laid)));
                    }
                    _ => {}
                }
            }
        }
        took
    }

    fn answer(&self, request: &Request) -> Answer {
        match request {
            Request::ListDags => self.dags.clone(),
            Request::ShowRun { dag_id, dag_run_id, .. } => {
                let mut run = self.run.clone();
                if let Answer::RunDetail(run) = &mut run {
                    run.run.dag_id = dag_id.clone();
                    run.run.dag_run_id = dag_run_id.clone();
                    for task in &mut run.tasks {
                        task.key.dag_id = dag_id.clone();
                        task.key.dag_run_id = dag_run_id.clone();
                    }
                }
                run
            }
            Request::ReadLog { offset, max_bytes, backwards, .. } => {
                Answer::Log(self.log(*offset, *max_bytes, *backwards))
            }
            other => sample::answer(other).unwrap_or(Answer::Done),
        }
    }

    /// A stretch of a log whose lines are all of one length.
    fn log(&self, offset: u64, max_bytes: u32, backwards: bool) -> LogChunk {
        let width = line(0).len() as u64;
        let size = width * self.lines as u64;
        let room = (u64::from(max_bytes) / width).max(1) * width;
        let (from, to) = match backwards {
            true => (offset.min(size).saturating_sub(room), offset.min(size)),
            false => (offset.min(size), (offset + room).min(size)),
        };
        let text = (from / width..to / width).map(line).collect();
        LogChunk {
            text,
            offset: from,
            next_offset: to,
            size,
            is_end: to == size,
            try_number: 1,
            day: None,
        }
    }
}

fn line(n: u64) -> String {
    let word = ["INFO ", "INFO ", "WARN ", "ERROR"][(n % 4) as usize];
    format!(
        "2026-03-02T09:14:{:02}.125Z out  {word} round {n:8}, accuracy 0.9{:02}\n",
        n % 60,
        n % 97
    )
}

fn is_waiting(request: &Request) -> bool {
    matches!(request, Request::ReadLog { wait_ms: 1.., .. })
}

/// Returns the median and the share that one in a hundred is above.
fn shares(mut all: Vec<Duration>) -> (Duration, Duration) {
    all.sort_unstable();
    let at = |share: usize| all.get(all.len() * share / 100).copied().unwrap_or_default();
    (at(50), at(99))
}
