//! What terminals do to a deck: sizes in a storm, pasted text, a shell's job control, a question
//! answered late, a slow line; and what the deck does to them.

use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize};

use super::{Deck, nonzero};
use crate::support::{Project, binary, until};

/// Leaves the deck at once, from anywhere.
const LEAVE: &str = "\u{11}";

fn up() -> Project {
    let mut project = Project::sample();
    project.up();
    project
}

impl Deck {
    fn resize(&mut self, cols: u16, rows: u16) {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).unwrap();
        self.screen.screen_mut().set_size(nonzero(rows), nonzero(cols));
    }

    /// Returns how many bytes come within a while.
    fn bytes_within(&mut self, span: Duration) -> usize {
        self.absorb();
        let before = self.raw.len();
        let end = Instant::now() + span;
        while Instant::now() < end {
            self.absorb();
        }
        self.raw.len() - before
    }
}

#[test]
fn a_storm_of_sizes_leaves_the_screen_whole() {
    let mut project = up();
    let mut deck = Deck::open(&project, 100, 30);
    deck.wait_for("mlops_pipeline");
    for n in 0..60_u16 {
        deck.resize(1 + n * 37 % 220, 1 + n * 17 % 60);
    }
    deck.resize(20, 5);
    deck.wait_for("✓ 1/");
    deck.resize(120, 40);
    let text = deck.wait_for("mlops_pipeline");
    assert!(text.lines().next().unwrap_or_default().contains("live"), "{text}");
    deck.keys(LEAVE);
    deck.ended_and_restored();
    project.down();
}

#[test]
fn pasted_text_runs_no_keys_and_goes_into_an_input() {
    let mut project = up();
    let mut deck = Deck::open(&project, 100, 30);
    deck.wait_for("mlops_pipeline");
    deck.keys("\u{1b}[200~t\u{11}y\r\u{1b}[201~");
    deck.wait_for("nothing here takes pasted text");
    deck.keys("/");
    deck.wait_for("filter");
    deck.keys("\u{1b}[200~basic\r\u{1b}[201~");
    deck.wait_until_gone("mlops_pipeline");
    deck.wait_for("basic_dag_example");
    deck.keys("\r");
    deck.keys(LEAVE);
    deck.ended_and_restored();
    project.down();
}

#[test]
fn the_shell_gets_the_terminal_at_ctrl_z_and_the_deck_at_fg() {
    let mut project = up();
    let mut shell = CommandBuilder::new("bash");
    shell.args(["--norc", "--noprofile", "-i"]);
    shell.env("PS1", "$ ");
    let mut deck = Deck::spawn(shell, 100, 30);
    deck.keys(&format!("{} --project {} --fresh\r", binary(), project.dir().display()));
    deck.wait_for("mlops_pipeline");
    deck.keys("\u{1a}");
    deck.wait_for("Stopped");
    assert!(!deck.screen.screen().alternate_screen(), "the shell has its own screen");
    assert!(!deck.screen.screen().hide_cursor());
    deck.keys("echo $((40 + 2))\r");
    deck.wait_for("42");
    deck.keys("fg\r");
    deck.wait_for("mlops_pipeline");
    assert!(deck.screen.screen().alternate_screen());
    deck.keys("?");
    deck.wait_for("esc close");
    deck.keys("\u{1b}");
    deck.wait_until_gone("esc close");
    deck.keys(LEAVE);
    deck.wait_for("$ fg");
    deck.keys("exit\r");
    deck.ended_and_restored();
    project.down();
}

#[test]
fn everything_is_undone_in_its_order_at_every_signal() {
    let mut project = up();
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        let mut deck = Deck::open(&project, 80, 24);
        deck.wait_for("mlops_pipeline");
        deck.signal(signal);
        let ended = until(|| deck.child.try_wait().unwrap());
        assert!(ended.is_some());
        deck.absorb();
        let raw = String::from_utf8_lossy(&deck.raw).into_owned();
        let mut from = raw.rfind("\u{1b}[?2026l").expect("a frame that was cut short is ended");
        for sequence in ["\u{1b}[?1004l", "\u{1b}[?2004l", "\u{1b}[?1049l", "\u{1b}[?25h"] {
            let at = raw[from..].find(sequence);
            from += at.unwrap_or_else(|| panic!("{sequence:?} after what came before it"));
        }
        deck.ended_and_restored();
    }
    project.down();
}

#[test]
fn the_terminals_answer_is_no_key_however_late_it_comes() {
    let mut project = up();
    let mut deck = Deck::open(&project, 100, 30);
    deck.wait_for("mlops_pipeline");
    assert!(String::from_utf8_lossy(&deck.raw).contains("\u{1b}]11;?"), "it was asked");
    // The answer has a `:` and digits in it: a palette, another view.
    deck.keys("\u{1b}]11;rgb:ffff/ffff/ffff\u{1b}\\");
    deck.keys("?");
    deck.wait_for("esc close");
    deck.keys("\u{1b}");
    deck.wait_until_gone("esc close");
    deck.keys(LEAVE);
    deck.ended_and_restored();
    project.down();
}

#[test]
fn the_line_carries_little_and_nothing_while_nothing_happens() {
    let mut project = up();
    let mut deck = Deck::open(&project, 200, 60);
    deck.wait_for("mlops_pipeline");
    let first = deck.raw.len();
    assert!(first <= 3 * 30 * 1024, "{first} bytes for the first screen");
    // Runs that were due at the start come to their end; from then on there is nothing to tell but
    // that a minute has passed.
    let still = until(|| (deck.bytes_within(Duration::from_secs(4)) <= 200).then_some(()));
    assert!(still.is_some(), "the line never comes to rest");
    deck.keys("j");
    let key = deck.bytes_within(Duration::from_secs(1));
    assert!(key > 0 && key <= 8 * 1024, "{key} bytes for a key");
    deck.keys(LEAVE);
    deck.ended_and_restored();
    project.down();
}

/// Half of the way there and back.
const HALF: Duration = Duration::from_millis(100);

/// Hands keys on after half a round trip.
fn late_keys(mut writer: Box<dyn Write + Send>) -> Sender<(Instant, String)> {
    let (sender, keys) = channel::<(Instant, String)>();
    let (never, silence) = channel::<()>();
    std::thread::spawn(move || {
        let _never = never;
        for (due, text) in keys {
            while let Some(left) = due.checked_duration_since(Instant::now()) {
                let waited = silence.recv_timeout(left);
                assert_eq!(waited, Err(RecvTimeoutError::Timeout));
            }
            writer.write_all(text.as_bytes()).unwrap();
        }
    });
    sender
}

#[test]
fn over_a_slow_line_what_is_typed_shows_after_one_round_trip() {
    let mut project = up();
    let mut deck = Deck::open(&project, 100, 30);
    deck.wait_for("mlops_pipeline");
    let writer = std::mem::replace(&mut deck.writer, Box::new(std::io::sink()));
    let line = late_keys(writer);
    line.send((Instant::now() + HALF, "/".to_owned())).unwrap();
    deck.wait_for("filter");
    let mut trips = Vec::new();
    let mut typed = String::from("/");
    for c in "zqzqz".chars() {
        let begun = Instant::now();
        line.send((begun + HALF, c.to_string())).unwrap();
        typed.push(c);
        while !deck.screen.screen().contents().contains(&format!("filter {typed}")) {
            if let Ok(bytes) = deck.output.recv_timeout(Duration::from_secs(60)) {
                deck.screen.process(&bytes);
            }
        }
        // What was drawn is half a round trip away from the operator.
        trips.push(begun.elapsed() + HALF);
    }
    let best = trips.iter().min().unwrap();
    assert!(*best < HALF * 4, "one round trip and not two: {trips:?}");
    line.send((Instant::now(), format!("\r{LEAVE}"))).unwrap();
    deck.ended_and_restored();
    project.down();
}
