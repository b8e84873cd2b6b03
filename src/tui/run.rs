//! The deck's one task: waits for whatever comes first, takes all that is there, draws once.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, EventStream, KeyEvent};
use futures_util::StreamExt;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::daemon::Daemon;
use crate::effect::Runner;
use crate::message::{Effect, Message, Opening, Spot};
use crate::pace::{Pace, Wanted};
use crate::painter::Painter;
use crate::state::{State, Tone};
use crate::terminal::{self, Apart, Guard, Heard, Reply, sequence};
use crate::types::{Fault, FaultKind, time};
use crate::update::{edit, site, update};
use crate::view;
use crate::{DeckOptions, Surroundings};

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

/// A stop that the system ignored, as it does where no shell waits to continue it, is over then.
const STOP_MAX: Duration = Duration::from_millis(300);

/// Why the wait is over.
#[expect(clippy::large_enum_variant, reason = "one at a time, never stored")]
enum Woken {
    /// The operator did something.
    Input(Vec<Message>),
    /// Messages to take, the first of them here.
    Answers(Message),
    /// It is time for the frame that was put off.
    Frame,
    Resumed,
    Left,
    /// Nothing that matters to anyone.
    Idle,
}

/// Who has the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    Deck,
    /// The shell, until `fg`.
    Shell,
    /// A program that the deck started.
    Program,
}

/// Opens the deck, and gives the terminal back when it is left.
pub(crate) async fn run(daemon: Arc<dyn Daemon>, options: DeckOptions) -> Result<(), Fault> {
    let mut signals = Signals::new().map_err(|error| broken("watch signals", &error))?;
    let guard = Guard::new(options.surroundings);
    let guard = guard.map_err(|error| broken("take over the terminal", &error))?;
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
    pace: Pace,
    /// What is typed; `None` while a program has the terminal, so that nothing is taken from it.
    keys: Option<EventStream>,
    apart: Apart,
    reply: Reply,
    surroundings: Surroundings,
    holder: Holder,
    is_left: bool,
}

impl Deck {
    fn new(daemon: Arc<dyn Daemon>, options: DeckOptions) -> Self {
        let (sender, answers) = mpsc::channel(QUEUE);
        let surroundings = options.surroundings;
        let pace = Pace::new(&options);
        let state = State::new(options, terminal::size(), time::now());
        Self {
            runner: Runner::new(daemon, sender, state.is_read_only()),
            state,
            answers,
            painter: Painter::new(terminal::writer(), surroundings.has_sync),
            pace,
            keys: Some(EventStream::new()),
            apart: Apart::new(surroundings.is_remote || surroundings.is_tmux),
            reply: Reply::default(),
            surroundings,
            holder: Holder::Deck,
            is_left: false,
        }
    }

    async fn live(&mut self, guard: &Guard, signals: &mut Signals) -> io::Result<()> {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        guard.set_mouse(self.state.has_mouse)?;
        self.draw()?;
        if self.surroundings.may_probe {
            self.painter.send(sequence::ASK_GROUND)?;
            self.reply.asked(time::instant());
        }
        self.runner.watch();
        while !self.is_left {
            let pause = self.pace.pause(time::instant()).filter(|_| self.holder == Holder::Deck);
            let apart = self.apart.pause(time::instant());
            let is_program = self.holder == Holder::Program;
            let woken = tokio::select! {
                event = next(&mut self.keys) => match event {
                    Some(Ok(event)) => self.heard(event),
                    // The terminal is gone.
                    Some(Err(error)) => return Err(error),
                    None => Woken::Left,
                },
                Some(message) = self.answers.recv() => Woken::Answers(message),
                _ = ticks.tick() => Woken::Answers(Message::Tick),
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {
                    Woken::Frame
                }
                () = tokio::time::sleep(apart.unwrap_or_default()), if apart.is_some() => {
                    self.held()
                }
                () = tokio::time::sleep(STOP_MAX), if self.holder == Holder::Shell => {
                    Woken::Resumed
                }
                _ = signals.terminate.recv() => Woken::Left,
                _ = signals.hang_up.recv() => Woken::Left,
                // Both are meant for the program that has the terminal.
                _ = signals.interrupt.recv() => {
                    if is_program { Woken::Idle } else { Woken::Left }
                }
                _ = signals.resume.recv() => {
                    if is_program { Woken::Idle } else { Woken::Resumed }
                }
            };
            self.wake(woken, guard)?;
        }
        if let Some(Effect::SaveSession { path, text }) = site::kept(&mut self.state) {
            self.runner.save(path, text);
        }
        self.runner.saved().await;
        Ok(())
    }

    /// Takes what came from the terminal.
    fn heard(&mut self, event: TerminalEvent) -> Woken {
        match event {
            TerminalEvent::Key(key) => {
                let keys = self.apart.take(key, time::instant());
                self.typed(keys)
            }
            TerminalEvent::Paste(text) => Woken::Input(vec![Message::Paste(text)]),
            TerminalEvent::Resize(width, height) => {
                Woken::Input(vec![Message::Resize(width, height)])
            }
            TerminalEvent::Mouse(event) => Woken::Input(vec![Message::Mouse(event)]),
            TerminalEvent::FocusGained => Woken::Answers(Message::Focus(true)),
            TerminalEvent::FocusLost => Woken::Answers(Message::Focus(false)),
        }
    }

    /// Takes the keys that waited for more of them.
    fn held(&mut self) -> Woken {
        let keys = self.apart.give();
        self.typed(keys)
    }

    /// Takes keys, of which some may be the terminal's answer.
    fn typed(&mut self, keys: Vec<KeyEvent>) -> Woken {
        let mut messages = Vec::new();
        for key in keys {
            match self.reply.take(key, time::instant()) {
                Heard::Keys(keys) => messages.extend(keys.into_iter().map(Message::Key)),
                Heard::Ground { is_light } => messages.push(Message::Ground { is_light }),
                Heard::Nothing => {}
            }
        }
        if messages.is_empty() { Woken::Idle } else { Woken::Input(messages) }
    }

    fn wake(&mut self, woken: Woken, guard: &Guard) -> io::Result<()> {
        if guard.is_lost() {
            guard.take()?;
            self.painter.forget();
            self.state.say(Tone::Bad, "something broke inside; the daemon's log may tell more");
        }
        match woken {
            Woken::Input(messages) => {
                for message in messages {
                    self.take(message, Wanted::Input, guard)?;
                }
                self.take_answers(guard)?;
            }
            Woken::Answers(message) => {
                self.take(message, Wanted::News, guard)?;
                self.take_answers(guard)?;
            }
            Woken::Frame | Woken::Idle => {}
            Woken::Resumed => self.take_back(guard)?,
            Woken::Left => self.is_left = true,
        }
        let is_due = self.pace.pause(time::instant()).is_some_and(|pause| pause.is_zero());
        if is_due && self.holder == Holder::Deck && !self.is_left { self.draw() } else { Ok(()) }
    }

    fn take_answers(&mut self, guard: &Guard) -> io::Result<()> {
        while let Ok(message) = self.answers.try_recv() {
            self.take(message, Wanted::News, guard)?;
        }
        Ok(())
    }

    fn take(&mut self, message: Message, wanted: Wanted, guard: &Guard) -> io::Result<()> {
        match &message {
            Message::Resize(..) => self.painter.forget(),
            Message::HandedBack { .. } => self.take_back(guard)?,
            _ => {}
        }
        self.pace.want(wanted);
        for effect in update(&mut self.state, message, time::now()) {
            self.run_effect(effect, guard)?;
        }
        Ok(())
    }

    fn run_effect(&mut self, effect: Effect, guard: &Guard) -> io::Result<()> {
        match effect {
            Effect::Ask { purpose, generation, request } => {
                self.runner.ask(purpose, generation, request);
            }
            Effect::After { millis, timer } => self.runner.after(millis, timer),
            Effect::Layout(job) => self.runner.lay_out(*job),
            Effect::Copy(text) => match sequence::clipboard(&text, self.surroundings) {
                Some(bytes) => self.painter.send(&bytes)?,
                None => {
                    let message = Message::NotCopied { bytes: text.len() };
                    self.take(message, Wanted::Input, guard)?;
                }
            },
            Effect::Notify(notice) if self.holder == Holder::Deck => {
                self.painter.send(&sequence::notification(&notice, self.surroundings))?;
            }
            Effect::Notify(_) => {}
            Effect::Mouse(is_on) => guard.set_mouse(is_on && !self.surroundings.is_mosh)?,
            Effect::Handover(handover) => {
                guard.release();
                self.keys = None;
                self.holder = Holder::Program;
                self.runner.hand_over(handover);
            }
            Effect::Open(opening) => {
                let line = line_of(&opening);
                if let Some(handover) = edit::errand(&opening, line) {
                    return self.run_effect(Effect::Handover(handover), guard);
                }
            }
            Effect::Plugin(call) if call.background => self.runner.beside(call),
            Effect::Plugin(call) => {
                guard.release();
                self.keys = None;
                self.holder = Holder::Program;
                self.runner.call(call);
            }
            Effect::SaveSession { path, text } => self.runner.save(path, text),
            Effect::Connect(profile) => {
                if let Some(connector) = &self.state.options.station.connector {
                    self.runner.connect(connector, &profile);
                }
            }
            Effect::Attach(attached) => {
                let (sender, answers) = mpsc::channel(QUEUE);
                self.answers = answers;
                self.runner.attach(attached.0, sender, self.state.is_read_only());
            }
            Effect::SaveLog(wish) => self.runner.save_log(wish),
            Effect::Repaint => self.painter.forget(),
            Effect::Suspend => self.suspend(guard),
            Effect::Quit => self.is_left = true,
        }
        Ok(())
    }

    /// Gives the terminal back and stops until the shell's `fg`; SIGCONT then takes it again.
    fn suspend(&mut self, guard: &Guard) {
        guard.release();
        self.holder = Holder::Shell;
        let here = rustix::process::getpid();
        // Where the stop is refused or ignored the deck takes the terminal again by itself.
        let _ = rustix::process::kill_process(here, rustix::process::Signal::TSTP);
    }

    /// Takes the terminal again, whoever had it, and draws everything anew.
    fn take_back(&mut self, guard: &Guard) -> io::Result<()> {
        guard.take()?;
        self.holder = Holder::Deck;
        if self.keys.is_none() {
            self.keys = Some(EventStream::new());
        }
        self.painter.forget();
        let (width, height) = terminal::size();
        self.take(Message::Resize(width, height), Wanted::Input, guard)
    }

    fn draw(&mut self) -> io::Result<()> {
        let at = time::instant();
        let frame = view::drawn(&self.state);
        let drawn_at = time::instant();
        self.painter.paint(frame)?;
        self.pace.drawn(at, time::instant() - drawn_at);
        Ok(())
    }
}

/// Looks up where a file is to be opened: the terminal is about to be given away, so that nobody
/// waits for the deck meanwhile.
fn line_of(opening: &Opening) -> Option<usize> {
    match &opening.spot {
        Spot::Line(line) => Some(*line),
        Spot::Table(table) => {
            let text = std::fs::read_to_string(&opening.file).ok()?;
            crate::editor::line_of(&text, table)
        }
    }
}

/// Waits for what is typed; where nobody listens, for ever.
async fn next(keys: &mut Option<EventStream>) -> Option<io::Result<TerminalEvent>> {
    match keys {
        Some(keys) => keys.next().await,
        None => std::future::pending().await,
    }
}
