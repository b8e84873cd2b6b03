//! The deck's one task: waits for whatever comes first, takes all that is there, draws once.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{Event as TerminalEvent, EventStream};
use futures_util::StreamExt;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::DeckOptions;
use crate::daemon::Daemon;
use crate::effect::Runner;
use crate::message::{Effect, Message};
use crate::painter::Painter;
use crate::state::{State, Tone};
use crate::terminal::{self, Guard};
use crate::types::{Fault, FaultKind, time};
use crate::update::update;
use crate::view;

/// Between two frames that no key asked for.
const FRAME: Duration = Duration::from_millis(33);
const FRAME_SLOW: Duration = Duration::from_millis(100);

/// Answers wait here while a frame is drawn; a full queue makes their tasks wait, not the deck.
const QUEUE: usize = 256;

/// Signals that end the deck, and the one that follows a suspend.
struct Signals {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
    resume: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            resume: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }
}

/// Why the wait is over.
enum Woken {
    Message(Message),
    /// Messages to take, the first of them here.
    Answers(Message),
    /// It is time for the frame that was put off.
    Frame,
    Resumed,
    Left,
}

/// Opens the deck, and gives the terminal back when it is left.
pub(crate) async fn run(daemon: Arc<dyn Daemon>, options: DeckOptions) -> Result<(), Fault> {
    let mut signals = Signals::new().map_err(|error| broken("watch signals", &error))?;
    let guard = Guard::new().map_err(|error| broken("take over the terminal", &error))?;
    let result = Deck::new(daemon, options).live(&guard, &mut signals).await;
    drop(guard);
    result.map_err(|error| broken("draw on the terminal", &error))
}

fn broken(what: &str, error: &io::Error) -> Fault {
    Fault::new(FaultKind::Unavailable, format!("failed to {what}: {error}"))
        .hint("the deck needs a terminal; the other commands do not")
}

struct Deck {
    state: State,
    runner: Runner,
    answers: mpsc::Receiver<Message>,
    painter: Painter<io::BufWriter<io::Stdout>>,
    frame: Duration,
    /// When the last frame was drawn.
    drawn_at: Option<Instant>,
    is_dirty: bool,
    is_left: bool,
}

impl Deck {
    fn new(daemon: Arc<dyn Daemon>, options: DeckOptions) -> Self {
        let (sender, answers) = mpsc::channel(QUEUE);
        let frame = if options.slow_line { FRAME_SLOW } else { FRAME };
        Self {
            runner: Runner::new(daemon, sender, options.read_only),
            state: State::new(options, terminal::size(), time::now()),
            answers,
            painter: Painter::new(terminal::writer()),
            frame,
            drawn_at: None,
            is_dirty: true,
            is_left: false,
        }
    }

    async fn live(&mut self, guard: &Guard, signals: &mut Signals) -> io::Result<()> {
        let mut keys = EventStream::new();
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        self.draw()?;
        self.runner.watch();
        while !self.is_left {
            let pause = self.until_frame();
            let woken = tokio::select! {
                key = keys.next() => match key {
                    Some(Ok(event)) => match taken(event) {
                        Some(message) => Woken::Message(message),
                        None => continue,
                    },
                    // The terminal is gone.
                    Some(Err(error)) => return Err(error),
                    None => Woken::Left,
                },
                Some(message) = self.answers.recv() => Woken::Answers(message),
                _ = ticks.tick() => Woken::Answers(Message::Tick),
                () = tokio::time::sleep(pause), if self.is_dirty => Woken::Frame,
                _ = signals.terminate.recv() => Woken::Left,
                _ = signals.hang_up.recv() => Woken::Left,
                _ = signals.interrupt.recv() => Woken::Left,
                _ = signals.resume.recv() => Woken::Resumed,
            };
            self.wake(woken, guard)?;
        }
        Ok(())
    }

    fn wake(&mut self, woken: Woken, guard: &Guard) -> io::Result<()> {
        if guard.is_lost() {
            guard.take()?;
            self.painter.forget();
            self.state.say(Tone::Bad, "something broke inside; the daemon's log may tell more");
        }
        match woken {
            Woken::Message(message) => {
                // What a key changes is seen at once.
                self.take(message, guard)?;
                self.take_answers(guard)?;
                self.draw()?;
            }
            Woken::Answers(message) => {
                self.take(message, guard)?;
                self.take_answers(guard)?;
                if self.until_frame().is_zero() {
                    self.draw()?;
                }
            }
            Woken::Frame => self.draw()?,
            Woken::Resumed => {
                guard.take()?;
                self.painter.forget();
                let (width, height) = terminal::size();
                self.take(Message::Resize(width, height), guard)?;
                self.draw()?;
            }
            Woken::Left => self.is_left = true,
        }
        Ok(())
    }

    fn take_answers(&mut self, guard: &Guard) -> io::Result<()> {
        while let Ok(message) = self.answers.try_recv() {
            self.take(message, guard)?;
        }
        Ok(())
    }

    fn take(&mut self, message: Message, guard: &Guard) -> io::Result<()> {
        if matches!(message, Message::Resize(..)) {
            self.painter.forget();
        }
        self.is_dirty = true;
        for effect in update(&mut self.state, message, time::now()) {
            match effect {
                Effect::Ask { purpose, generation, request } => {
                    self.runner.ask(purpose, generation, request);
                }
                Effect::After { millis, timer } => self.runner.after(millis, timer),
                Effect::Copy(text) => {
                    if let Some(bytes) = terminal::clipboard(&text) {
                        self.painter.send(&bytes)?;
                    }
                }
                Effect::SaveLog(wish) => self.runner.save(wish),
                Effect::Repaint => self.painter.forget(),
                Effect::Suspend => suspend(guard),
                Effect::Quit => self.is_left = true,
            }
        }
        Ok(())
    }

    fn until_frame(&self) -> Duration {
        match self.drawn_at {
            Some(at) => self.frame.saturating_sub(time::instant() - at),
            None => Duration::ZERO,
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        self.is_dirty = false;
        self.drawn_at = Some(time::instant());
        self.painter.paint(view::drawn(&self.state))
    }
}

fn taken(event: TerminalEvent) -> Option<Message> {
    match event {
        TerminalEvent::Key(key) => Some(Message::Key(key)),
        TerminalEvent::Paste(text) => Some(Message::Paste(text)),
        TerminalEvent::Resize(width, height) => Some(Message::Resize(width, height)),
        TerminalEvent::FocusGained | TerminalEvent::FocusLost | TerminalEvent::Mouse(_) => None,
    }
}

/// Gives the terminal back and stops until the shell's `fg`; SIGCONT then takes it again.
fn suspend(guard: &Guard) {
    guard.release();
    let _ = io::stdout().flush();
    let here = rustix::process::getpid();
    // Where the stop is refused the deck just goes on.
    if rustix::process::kill_process(here, rustix::process::Signal::TSTP).is_err() {
        let _ = guard.take();
    }
}
