//! What the deck may send over the line: whole frames, small changes, nothing where nothing is.

use crate::message::{LogStep, Message, Purpose};
use crate::painter::Painter;
use crate::tests::{Driver, text_of};
use crate::types::ask::Answer;
use crate::types::event::Event;
use crate::types::view::LogChunk;
use crate::types::{DagRunState, Timestamp};
use crate::view;

/// A whole frame at 200x60.
const WHOLE_MAX: usize = 30 * 1024;
/// A second of a run that goes on, everything on the screen.
const TICK_MAX: usize = 1536;
/// Ten lines more of a followed log.
const LINES_MAX: usize = 2048;

/// The keys that lead to each view.
const VIEWS: [&str; 12] =
    ["", "2", "3", "4", "4<enter>", "5", "5<enter>", "6", "7", "8", "d", "jjjjj<enter>"];

/// A deck and the line to its terminal.
struct Line {
    driver: Driver,
    painter: Painter<Vec<u8>>,
}

impl Line {
    fn new(keys: &str) -> Self {
        let mut driver = Driver::new(200, 60);
        driver.keys(keys);
        Self { driver, painter: Painter::new(Vec::new(), true) }
    }

    /// Draws, and returns the bytes that it took.
    fn draw(&mut self) -> usize {
        self.painter.paint(view::drawn(&self.driver.state)).unwrap();
        self.painter.taken().len()
    }

    /// Lets a second pass, as the deck does.
    fn second(&mut self) -> usize {
        self.driver.wait(1000);
        self.driver.send(Message::Tick);
        self.draw()
    }
}

#[test]
fn a_whole_frame_of_every_view_stays_within_its_bytes() {
    for keys in VIEWS {
        let bytes = Line::new(keys).draw();
        assert!(bytes <= WHOLE_MAX, "{bytes} bytes for `{keys}`");
    }
}

#[test]
fn a_second_of_a_live_run_stays_within_its_bytes() {
    let mut line = Line::new("jjjjj<enter>");
    assert_eq!(line.driver.state.shown_run().map(|run| run.run.state), Some(DagRunState::Running));
    line.draw();
    for _ in 0..90 {
        let bytes = line.second();
        assert!(bytes <= TICK_MAX, "{bytes} bytes");
    }
    // What happens to a task is told, asked for and drawn.
    line.driver.send(Message::Event(Event::Resync));
    let bytes = line.draw();
    assert!(bytes <= TICK_MAX, "{bytes} bytes");
}

/// Appends ten lines to the followed log that `keys` lead to; returns the bytes that it took.
fn ten_lines((width, height): (u16, u16), keys: &str) -> usize {
    let mut line = Line::new(keys);
    line.driver.send(Message::Resize(width, height));
    line.draw();
    let log = line.driver.state.log.as_ref().expect("the log of the selected task");
    let (generation, begun) = (log.generation, log.end);
    let text: String = (0..10)
        .map(|n| {
            format!("2026-03-02T09:14:{n:02}Z INFO  [{n}0] train-auc 0.{n}812  valid-auc 0.8671\n")
        })
        .collect();
    let end = begun + text.len() as u64;
    let chunk = LogChunk {
        offset: begun,
        next_offset: end,
        size: end,
        text,
        is_end: false,
        try_number: 2,
        day: None,
    };
    let purpose = Purpose::Log { is_beside: false, step: LogStep::Follow };
    line.driver.send(Message::answered(purpose, generation, Ok(Answer::Log(chunk))));
    line.draw()
}

#[test]
fn ten_more_lines_of_a_log_stay_within_their_bytes() {
    // A pane of the terminal's width is moved by the terminal; beside others it is sent again.
    for (size, keys, most) in [
        ((80, 24), "jjjjj<enter><tab><tab>", LINES_MAX),
        ((200, 60), "jjjjj<enter><tab><tab>z", LINES_MAX),
        ((200, 60), "jjjjj<enter>", 2 * LINES_MAX),
    ] {
        let bytes = ten_lines(size, keys);
        assert!(bytes > 0 && bytes <= most, "{bytes} bytes for `{keys}` at {size:?}");
    }
}

#[test]
fn nothing_is_sent_while_nothing_happens() {
    for keys in VIEWS {
        let mut line = Line::new(keys);
        line.driver.wait(60_000);
        line.second();
        let mut shown = String::new();
        let (mut frames, mut bytes) = (0, 0);
        for second in 0..64 {
            line.driver.wait(1000);
            line.driver.send(Message::Tick);
            let frame = view::drawn(&line.driver.state);
            let text = text_of(&frame);
            line.painter.paint(frame).unwrap();
            let sent = line.painter.taken().len();
            let is_changed = second > 0 && text != shown;
            assert!(sent == 0 || is_changed || second == 0, "only what is seen, in `{keys}`");
            frames += usize::from(sent > 0);
            bytes += sent;
            shown = text;
        }
        // The sample has a run that goes on; where it is shown each second is a change.
        if !shown.contains('►') {
            assert!(frames <= 10 && bytes <= 2048, "{frames} frames, {bytes} B in `{keys}`");
        }
    }
}

#[test]
fn a_still_page_sends_nothing_at_all_within_a_minute() {
    let mut line = Line::new("d");
    let start: Timestamp = line.driver.now;
    // To the first second of a minute, when every line that was said is gone.
    let into = start.as_second().rem_euclid(60);
    line.driver.wait((120 - into) * 1000);
    line.second();
    line.second();
    let sent: usize = (0..55).map(|_| line.second()).sum();
    assert_eq!(sent, 0);
}
