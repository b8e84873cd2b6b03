//! What outlives the daemon in a simulation: time, the dice, the database, the disk, the processes
//! of attempts, and the books.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::decks;
use super::dice::Dice;
use super::disk::Disk;
use super::ledger::Ledger;
use super::machine::Machine;
use crate::dag::Deck;
use crate::sched::{Input, Report};
use crate::store::inline::{End, Fate, Fates};
use crate::types::{Clock, Timestamp};

/// The longest history that is told; a seed rarely has more.
const HISTORY_LEN_MAX: usize = 20_000;

pub(super) struct World {
    inner: Mutex<Inner>,
    pub(super) disk: Arc<Disk>,
    pub(super) db: Arc<Mutex<Connection>>,
    /// The daemon died, or something is wrong.
    pub(super) changed: Notify,
    /// A process was started or is to end.
    pub(super) machine_changed: Notify,
}

pub(super) struct Inner {
    pub(super) dice: Dice,
    pub(super) rates: Rates,
    pub(super) ledger: Ledger,
    pub(super) machine: Machine,
    /// Which definitions lie on the disk.
    pub(super) deck: u64,
    /// Reports that went by, for repeats.
    pub(super) reports: Vec<Input>,
    pub(super) triggers: u64,
    /// How far the clock is off, in seconds.
    pub(super) clock_off: i64,
    pub(super) store_broken_until: Duration,
    pub(super) is_calm: bool,
    pub(super) violation: Option<String>,
    pub(super) commits: u64,
    is_dead: bool,
    /// This life's steps, and the one at which it ends.
    steps: u64,
    kill_at: Option<u64>,
    lives: u64,
    /// Time at the begin of this life.
    base: Duration,
    began: Option<Instant>,
    prefixes: u64,
    history: Option<Vec<String>>,
}

/// How often what goes wrong, in percent; each seed has its own.
pub(super) struct Rates {
    pub(super) report_dropped: u64,
    pub(super) report_delayed: u64,
    pub(super) report_twice: u64,
    pub(super) write_fails: u64,
    pub(super) spawn_fails: u64,
    pub(super) dies_silently: u64,
    pub(super) fails: u64,
}

impl Rates {
    fn new(dice: &mut Dice) -> Self {
        let mut rate = |most: u64| if dice.chance(50) { 0 } else { 1 + dice.below(most) };
        Self {
            report_dropped: rate(10),
            report_delayed: rate(60),
            report_twice: rate(40),
            write_fails: rate(12),
            spawn_fails: rate(10),
            dies_silently: rate(15),
            fails: rate(40),
        }
    }
}

impl World {
    pub(super) fn new(seed: u64, db: Arc<Mutex<Connection>>, with_history: bool) -> Arc<Self> {
        let mut dice = Dice::new(seed);
        let disk = Disk::new(Dice::new(dice.below(u64::MAX)));
        let inner = Inner {
            rates: Rates::new(&mut dice),
            deck: dice.below(1 << 20),
            dice,
            ledger: Ledger::default(),
            machine: Machine::default(),
            reports: Vec::new(),
            triggers: 0,
            clock_off: 0,
            store_broken_until: Duration::ZERO,
            is_calm: false,
            violation: None,
            commits: 0,
            is_dead: false,
            steps: 0,
            kill_at: None,
            lives: 0,
            base: Duration::ZERO,
            began: None,
            prefixes: 0,
            history: with_history.then(Vec::new),
        };
        Arc::new(Self {
            inner: Mutex::new(inner),
            disk: Arc::new(disk),
            db,
            changed: Notify::new(),
            machine_changed: Notify::new(),
        })
    }

    /// The database; a kill may have unwound through whoever held it.
    pub(super) fn conn(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A daemon starts; it dies at its `kill_at`-th step. Of the end of an attempt it can be told
    /// what lies in a report; what the one before only said to itself, such as that a launch had
    /// failed, is gone with it.
    pub(super) fn begin_life(&self, kill_at: Option<u64>) {
        let mut guard = self.lock();
        let inner = &mut *guard;
        let reported = &inner.ledger.reported;
        inner.reports.retain(|input| match input {
            Input::Report(Report::Finished { token, outcome, .. }) => {
                reported.get(token) == Some(outcome)
            }
            Input::Report(Report::Lost { .. }) => false,
            _ => true,
        });
        inner.is_dead = false;
        inner.steps = 0;
        inner.kill_at = kill_at;
        inner.lives += 1;
        inner.began = Some(Instant::now());
        inner.say(|| format!("a daemon starts, to die at step {kill_at:?}"));
    }

    /// Nothing that it does counts any more.
    pub(super) fn end_life(&self, how: &str) {
        let mut inner = self.lock();
        if inner.is_dead {
            return;
        }
        inner.say(|| how.to_owned());
        inner.base = inner.elapsed();
        inner.began = None;
        inner.is_dead = true;
        drop(inner);
        self.changed.notify_one();
    }

    /// Resolves when the daemon has died.
    pub(super) async fn died(&self) {
        while !self.is_dead() {
            self.changed.notified().await;
        }
    }

    /// Says that a promise is broken, and ends the life.
    pub(super) fn violated(&self, what: String) {
        let mut inner = self.lock();
        inner.say(|| format!("WRONG: {what}"));
        inner.violation.get_or_insert(what);
        drop(inner);
        self.end_life("it is stopped");
    }

    /// As `violated`, where there is something.
    pub(super) fn demand(&self, checked: Result<(), String>) {
        if let Err(what) = checked {
            self.violated(what);
        }
    }

    /// Counts a step of the runtime; `true`: the daemon dies here.
    pub(super) fn step(&self, text: &str) -> bool {
        let mut inner = self.lock();
        inner.say(|| text.to_owned());
        inner.steps += 1;
        let dies = !inner.is_dead && inner.kill_at == Some(inner.steps);
        drop(inner);
        if dies {
            self.end_life("the daemon is killed");
        }
        dies
    }

    pub(super) fn token_prefix(&self) -> String {
        let mut inner = self.lock();
        inner.ledger.forget_pending();
        inner.prefixes += 1;
        format!("r{}", inner.prefixes)
    }

    pub(super) fn deck(&self) -> Arc<Deck> {
        decks::deck(self.lock().deck)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.lock().elapsed()
    }

    /// Lets time pass without a daemon.
    pub(super) fn pass(&self, time: Duration) {
        self.lock().base += time;
    }

    pub(super) fn history(&self) -> String {
        self.lock().history.as_ref().map(|lines| lines.join("\n")).unwrap_or_default()
    }
}

impl Inner {
    pub(super) fn elapsed(&self) -> Duration {
        self.base + self.began.map_or(Duration::ZERO, |began| began.elapsed())
    }

    /// Adds a line to the history, where one is kept.
    pub(super) fn say(&mut self, line: impl FnOnce() -> String) {
        let (life, at) = (self.lives, self.elapsed());
        if let Some(history) = self.history.as_mut().filter(|all| all.len() < HISTORY_LEN_MAX) {
            history.push(format!("{life:>2} {:>9.3}s  {}", at.as_secs_f64(), line()));
        }
    }

    fn fate(&mut self) -> Fate {
        let (before, after) = (self.dice.millis(0, 4), self.dice.millis(0, 4));
        let is_broken = self.elapsed() < self.store_broken_until && self.dice.chance(50);
        let fails = is_broken || self.dice.chance(self.rates.write_fails);
        let end = match fails && !self.is_calm {
            false => End::Well,
            true if self.dice.chance(30) => End::FailedButWritten,
            true => End::Failed,
        };
        if end != End::Well {
            self.say(|| format!("a write to the store: {end:?}"));
        }
        Fate { before, end, after }
    }
}

impl Fates for World {
    fn of_write(&self) -> Fate {
        self.lock().fate()
    }

    fn of_commit(&self) -> Fate {
        self.lock().fate()
    }

    fn committed(&self) {
        let entered = self.lock().ledger.committed();
        self.demand(entered);
    }

    fn of_read(&self) -> Fate {
        let mut inner = self.lock();
        let is_broken = !inner.is_calm && inner.elapsed() < inner.store_broken_until;
        let fails = is_broken && inner.dice.chance(40);
        let end = if fails { End::Failed } else { End::Well };
        Fate { before: Duration::ZERO, end, after: Duration::ZERO }
    }

    fn is_dead(&self) -> bool {
        self.lock().is_dead
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        let inner = self.lock();
        let micros = i64::try_from(inner.elapsed().as_micros()).unwrap();
        let began: i64 = 1_773_144_000_000_000;
        Timestamp::from_microsecond(began + inner.clock_off * 1_000_000 + micros).unwrap()
    }
}
