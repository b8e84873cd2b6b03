//! The deck in a real (pseudo) terminal.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use dagdeck::client::Client;
use dagdeck::tui::DeckOptions;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::termios::LocalModes;
use tokio::signal::unix::{SignalKind, signal};

use crate::support::{Project, binary, until};

mod handover;
mod terminal;

/// The deck on a terminal of its own.
pub(crate) struct Deck {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    raw: Vec<u8>,
}

impl Deck {
    fn open(project: &Project, cols: u16, rows: u16) -> Self {
        let mut command = CommandBuilder::new(binary());
        command.arg("--project");
        command.arg(project.dir());
        // Neither a tour nor what an earlier deck left.
        command.arg("--fresh");
        Self::spawn(command, cols, rows)
    }

    pub(crate) fn spawn(mut command: CommandBuilder, cols: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env_remove("SSH_CONNECTION");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let writer = pair.master.take_writer().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0u8; 65_536];
            while let Ok(count) = reader.read(&mut buffer) {
                if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let screen = vt100::Parser::new(nonzero(rows), nonzero(cols), 0);
        Self { master: pair.master, child, writer, output, screen, raw: Vec::new() }
    }

    fn absorb(&mut self) {
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(20)) {
            self.screen.process(&bytes);
            self.raw.extend(bytes);
        }
    }

    fn text(&mut self) -> String {
        self.absorb();
        self.screen.screen().contents()
    }

    pub(crate) fn wait_for(&mut self, part: &str) -> String {
        let found = until(|| {
            let text = self.text();
            text.contains(part).then_some(text)
        });
        found.unwrap_or_else(|| panic!("`{part}` on the screen:\n{}", self.text()))
    }

    fn wait_until_gone(&mut self, part: &str) {
        let gone = until(|| (!self.text().contains(part)).then_some(()));
        assert!(gone.is_some(), "`{part}` is still there:\n{}", self.text());
    }

    fn keys(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal)
            .unwrap();
    }

    /// Waits for the end of the deck and checks that the terminal was given back; returns what it
    /// shows then.
    fn ended_and_restored(mut self) -> String {
        let ended = until(|| self.child.try_wait().unwrap());
        assert!(ended.is_some(), "the deck ends:\n{}", self.text());
        self.absorb();
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "the alternate screen was left");
        assert!(!screen.hide_cursor(), "the cursor shows");
        assert!(!screen.bracketed_paste(), "bracketed paste is off");
        assert!(!screen.application_cursor());
        let tty = std::fs::File::open(self.master.tty_name().unwrap()).unwrap();
        let modes = rustix::termios::tcgetattr(&tty).unwrap().local_modes;
        let cooked = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        assert!(modes.contains(cooked), "the terminal is not raw any more: {modes:?}");
        self.screen.screen().contents()
    }
}

fn nonzero(cells: u16) -> std::num::NonZero<u16> {
    std::num::NonZero::new(cells).unwrap()
}

#[test]
fn the_deck_starts_the_daemon_shows_the_dags_and_leaves_it_running() {
    for (cols, rows) in [(80, 24), (200, 60)] {
        let project = Project::sample();
        let mut deck = Deck::open(&project, cols, rows);
        deck.wait_for("mlops_pipeline");
        deck.keys("?");
        deck.wait_for("esc close");
        // A key right behind an escape would be read as alt and that key.
        deck.keys("\u{1b}");
        deck.wait_until_gone("esc close");
        deck.keys("q");
        deck.ended_and_restored();
        project.run(&["status"]).ok();
        // Found again by the next deck.
        let pid = project.json(&["status"])["pid"].clone();
        let mut deck = Deck::open(&project, cols, rows);
        deck.wait_for("mlops_pipeline");
        assert_eq!(project.json(&["status"])["pid"], pid);
        deck.keys("q");
        deck.ended_and_restored();
        project.run(&["down"]).ok();
    }
}

#[test]
fn a_run_is_triggered_and_watched_from_the_keyboard() {
    let mut project = Project::sample();
    project.up();
    let mut deck = Deck::open(&project, 200, 60);
    deck.wait_for("basic_dag_example");
    deck.keys("/basic\r");
    deck.keys("t");
    deck.wait_for("Trigger");
    deck.keys("\u{13}");
    let runs = project.wait_for_runs("basic_dag_example", 1);
    assert_eq!(runs[0]["state"], "success");
    deck.keys("G");
    deck.wait_for("total: ");
    deck.keys("q");
    deck.keys("\u{3}\u{3}");
    deck.ended_and_restored();
    project.down();
}

#[test]
fn the_terminal_is_restored_after_sigterm_and_sighup() {
    let mut project = Project::sample();
    project.up();
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::HUP] {
        let mut deck = Deck::open(&project, 100, 30);
        deck.wait_for("mlops_pipeline");
        deck.signal(signal);
        deck.ended_and_restored();
    }
    project.run(&["status"]).ok();
    project.down();
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    let mut project = Project::sample();
    project.up();
    // The product has no way to panic on demand: this same program runs the deck and breaks it.
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--exact", "deck::breaks_a_deck_where_one_is_asked_for", "--nocapture"]);
    // A backtrace would push the report off the screen.
    command.env("RUST_BACKTRACE", "0");
    command.env(SOCKET_TO_BREAK, project.path(".dagdeck/daemon.sock"));
    let mut deck = Deck::spawn(command, 100, 30);
    deck.wait_for("mlops_pipeline");
    assert!(deck.screen.screen().alternate_screen());
    deck.signal(rustix::process::Signal::USR1);
    let text = deck.ended_and_restored();
    assert!(text.contains("broken on purpose"), "the report is on the restored screen:\n{text}");
    project.run(&["status"]).ok();
    project.down();
}

const SOCKET_TO_BREAK: &str = "DAGDECK_TEST_SOCKET_TO_BREAK";

/// Not a test by itself: the other half of the one above, in a process of its own.
#[test]
fn breaks_a_deck_where_one_is_asked_for() {
    let Some(socket) = std::env::var_os(SOCKET_TO_BREAK) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::connect(Path::new(&socket)).await.unwrap();
        let mut asked = signal(SignalKind::user_defined1()).unwrap();
        tokio::select! {
            left = dagdeck::tui::run(std::sync::Arc::new(client), DeckOptions::default()) => left.unwrap(),
            _ = asked.recv() => panic!("broken on purpose"),
        }
    });
}

#[test]
fn the_deck_says_that_the_daemon_is_gone_and_finds_it_again() {
    let mut project = Project::sample();
    project.up();
    let mut deck = Deck::open(&project, 120, 40);
    deck.wait_for("live");
    project.kill_daemon();
    deck.wait_for("daemon gone");
    project.up();
    deck.wait_for("live");
    deck.keys("q");
    deck.ended_and_restored();
    project.down();
}
