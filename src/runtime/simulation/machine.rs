//! The machine that attempts run on: processes that outlive the daemon, claim their token in the
//! attempt's folder, work for a while and write their report, or die without.

use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;

use super::world::World;
use crate::runtime::attempt::{AttemptFolder, AttemptReport, Claim};
use crate::sched::Outcome;
use crate::types::{AttemptKey, Clock, LaunchToken};

/// Between two tries of a report where the disk is full, as the real one.
const REPORT_RETRY: Duration = Duration::from_secs(1);

/// All processes there have been.
#[derive(Default)]
pub(super) struct Machine {
    pub(super) processes: Vec<Process>,
    /// How often it was started anew.
    pub(super) boot: u64,
}

/// The process of one attempt.
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) key: AttemptKey,
    pub(super) token: LaunchToken,
    folder: AttemptFolder,
    stage: Stage,
    /// When it does what it does next.
    at: Duration,
    /// When it is killed.
    dies_at: Option<Duration>,
    /// How it will end, and how long it works.
    outcome: Option<Outcome>,
    works: Duration,
    ended: watch::Sender<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    Working,
    Ended,
}

impl World {
    /// Starts a process for an attempt; returns its id and what turns true when it has ended.
    pub(super) fn spawn(
        &self,
        key: &AttemptKey,
        token: &LaunchToken,
        folder: &AttemptFolder,
    ) -> (u32, watch::Receiver<bool>) {
        let allowed = self.lock().ledger.spawns(token);
        self.demand(allowed);
        let mut inner = self.lock();
        let now = inner.elapsed();
        let (ended, receiver) = watch::channel(false);
        let pid = 100 + u32::try_from(inner.machine.processes.len()).unwrap();
        let starts = inner.dice.millis(1, 40);
        let works = match inner.dice.below(10) {
            0 => inner.dice.millis(20_000, 60_000),
            1..5 => inner.dice.millis(0, 50),
            _ => inner.dice.millis(100, 9_000),
        };
        let fails = inner.rates.fails;
        let outcome = match inner.dice.chance(fails) && !inner.is_calm {
            false => Outcome::output(json!(pid)),
            true => match inner.dice.below(4) {
                0 => Outcome::fatal("fatal"),
                1 => Outcome::Skipped { reason: "skipped".into() },
                _ => Outcome::failed("failed"),
            },
        };
        let dies = inner.rates.dies_silently;
        let outcome = (inner.is_calm || !inner.dice.chance(dies)).then_some(outcome);
        inner.say(|| format!("    process {pid} is started for {key} {token}"));
        inner.machine.processes.push(Process {
            pid,
            key: key.clone(),
            token: token.clone(),
            folder: folder.clone(),
            stage: Stage::Starting,
            at: now + starts,
            dies_at: None,
            outcome,
            works,
            ended,
        });
        drop(inner);
        self.machine_changed.notify_one();
        (pid, receiver)
    }

    /// Returns what turns true when the process that claimed a token has ended; `None`: the
    /// machine was started anew since.
    pub(super) fn process_of(&self, claim: &Claim) -> Option<watch::Receiver<bool>> {
        let inner = self.lock();
        if claim.boot_id != inner.machine.boot.to_string() {
            return None;
        }
        let found = inner.machine.processes.iter().find(|process| process.pid == claim.pid);
        found.map(|process| process.ended.subscribe())
    }

    /// Asks a process to end, which takes a while; it may report in that time.
    pub(super) fn end_process(&self, pid: u32) {
        let mut inner = self.lock();
        let at = inner.elapsed() + inner.dice.millis(0, 800);
        let process = inner.machine.processes.iter_mut().find(|process| process.pid == pid);
        if let Some(process) = process {
            let at = process.dies_at.map_or(at, |known| known.min(at));
            process.dies_at = Some(at);
        }
        drop(inner);
        self.machine_changed.notify_one();
    }

    /// The attempts that run.
    pub(super) fn running(&self) -> Vec<(AttemptKey, LaunchToken)> {
        let inner = self.lock();
        let alive = inner.machine.processes.iter().filter(|one| one.stage != Stage::Ended);
        alive.map(|one| (one.key.clone(), one.token.clone())).collect()
    }

    /// The ids of the processes that run.
    pub(super) fn pids(&self) -> Vec<u32> {
        let inner = self.lock();
        let alive = inner.machine.processes.iter().filter(|one| one.stage != Stage::Ended);
        alive.map(|one| one.pid).collect()
    }

    /// Kills all processes, as a machine that goes down.
    pub(super) fn reboot(&self) {
        let mut inner = self.lock();
        inner.say(|| "the machine is started anew".to_owned());
        inner.machine.boot += 1;
        for process in &mut inner.machine.processes {
            process.end();
        }
    }

    /// Has every process do what it has come to.
    pub(super) fn advance(&self) {
        while let Some((index, dies)) = self.due() {
            if dies {
                let mut inner = self.lock();
                let pid = inner.machine.processes[index].pid;
                inner.say(|| format!("    process {pid} is killed"));
                inner.machine.processes[index].end();
            } else {
                self.go_on(index);
            }
        }
    }

    /// When a process does something next.
    pub(super) fn next_at(&self) -> Option<Duration> {
        let inner = self.lock();
        let alive = inner.machine.processes.iter().filter(|one| one.stage != Stage::Ended);
        alive.map(Process::next_at).min()
    }

    fn due(&self) -> Option<(usize, bool)> {
        let inner = self.lock();
        let now = inner.elapsed();
        let all = inner.machine.processes.iter().enumerate();
        let alive = all.filter(|(_, one)| one.stage != Stage::Ended && one.next_at() <= now);
        let (index, process) = alive.min_by_key(|(_, one)| one.next_at())?;
        Some((index, process.dies_at == Some(process.next_at())))
    }

    fn go_on(&self, index: usize) {
        let (pid, stage, at, folder, outcome) = {
            let inner = self.lock();
            let one = &inner.machine.processes[index];
            (one.pid, one.stage, one.at, one.folder.clone(), one.outcome.clone())
        };
        match (stage, outcome) {
            (Stage::Starting, _) => self.claim(index, pid, at, &folder),
            (Stage::Working, Some(outcome)) => self.report(index, pid, at, &folder, &outcome),
            (Stage::Working, None) => self.ends(index, "dies without a report"),
            (Stage::Ended, _) => {}
        }
    }

    fn claim(&self, index: usize, pid: u32, at: Duration, folder: &AttemptFolder) {
        let Ok(order) = folder.order() else { return self.ends(index, "cannot read its order") };
        let boot_id = self.lock().machine.boot.to_string();
        let claim = Claim { token: order.token.clone(), pid, start_time: 1, boot_id };
        match folder.claim(&claim) {
            Ok(true) => {
                let mut inner = self.lock();
                inner.say(|| format!("    process {pid} claims {} and works", order.token));
                let process = &mut inner.machine.processes[index];
                process.stage = Stage::Working;
                process.at = at + process.works;
                let counted = inner.ledger.runs(&order.token);
                drop(inner);
                self.demand(counted);
            }
            Ok(false) => self.ends(index, "finds its token claimed"),
            Err(_) => self.ends(index, "cannot claim its token"),
        }
    }

    fn report(
        &self,
        index: usize,
        pid: u32,
        at: Duration,
        folder: &AttemptFolder,
        outcome: &Outcome,
    ) {
        let token = self.lock().machine.processes[index].token.clone();
        let report = AttemptReport {
            token: token.clone(),
            finished_at: self.now(),
            outcome: outcome.clone(),
        };
        if folder.write_report(&report).is_err() {
            let mut inner = self.lock();
            inner.say(|| format!("    process {pid} cannot report"));
            inner.machine.processes[index].at = at + REPORT_RETRY;
            return;
        }
        self.lock().ledger.reported.insert(token, outcome.clone());
        self.ends(index, "reports");
    }

    fn ends(&self, index: usize, how: &str) {
        let mut inner = self.lock();
        let pid = inner.machine.processes[index].pid;
        inner.say(|| format!("    process {pid} {how}"));
        inner.machine.processes[index].end();
    }
}

impl Process {
    fn next_at(&self) -> Duration {
        self.dies_at.map_or(self.at, |dies_at| dies_at.min(self.at))
    }

    fn end(&mut self) {
        self.stage = Stage::Ended;
        self.ended.send_replace(true);
    }
}

/// Has processes do what they come to, for as long as a daemon lives.
pub(super) async fn run(world: std::sync::Arc<World>) {
    loop {
        world.advance();
        let now = world.elapsed();
        let next = world.next_at().map(|at| at.saturating_sub(now));
        tokio::select! {
            biased;
            () = world.machine_changed.notified() => {}
            () = tokio::time::sleep(next.unwrap_or(Duration::MAX / 4)), if next.is_some() => {}
        }
    }
}
