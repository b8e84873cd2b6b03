//! The executors as they stand: what is in their hands, which workers there are, and what was last
//! heard of a cluster.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::DagId;
use crate::time::Timestamp;

/// Where the attempts of a task run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutorKind {
    /// As processes of the daemon's machine.
    #[default]
    Local,
    /// As jobs of a Slurm cluster.
    Slurm,
    /// Inside the daemon: waits and decisions.
    Daemon,
}

/// Where a try runs, or ran: kept with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TryPlace {
    /// `None`: it was not handed to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<ExecutorKind>,
    /// The machine, or the node of a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<Arc<str>>,
    /// The job, as Slurm numbers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_executor_id: Option<Arc<str>>,
    /// Why somebody else than who launched it saw it to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<Arc<str>>,
}

/// All executors.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutorsView {
    pub local: InHand,
    /// Of the local executor.
    #[serde(default)]
    pub workers: WorkersHeard,
    /// `None`: no task goes there.
    pub slurm: Option<SlurmView>,
}

/// The attempts in an executor's hands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InHand {
    /// Handed over, and not begun.
    pub queued: u32,
    pub running: u32,
}

/// What the daemon knows of the workers of its machine. They are asked nothing for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkersHeard {
    /// The one that takes new attempts first; none: it is started with the next attempt.
    pub workers: Vec<WorkerView>,
    /// The last ones, the newest last.
    pub deaths: Vec<WorkerDeath>,
    /// None can be started.
    pub trouble: Option<Silence>,
}

/// A worker process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerView {
    pub pid: u32,
    pub since: Timestamp,
    /// Of the program; `None` where it is older than what says it.
    pub version: Option<String>,
    /// Names the program's file: two of one version may differ.
    pub build: String,
    /// Those that run, as far as this daemon sees to them.
    pub attempts: u32,
    /// It takes new attempts; another one finishes what it has.
    pub is_current: bool,
}

/// How long the death of a worker is news.
pub const DEATHS_ARE_NEWS: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// A worker that ended while it was needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerDeath {
    pub at: Timestamp,
    pub pid: u32,
    /// What it held: the next worker adopts it.
    pub attempts: u32,
}

/// The Slurm executor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlurmView {
    pub tasks: InHand,
    /// Those with a task that goes there.
    pub dags: Vec<DagId>,
    #[serde(flatten)]
    pub heard: SlurmHeard,
}

/// What was last heard of the cluster. It is asked only while attempts wait for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlurmHeard {
    pub is_asked: bool,
    /// When its queue was last read.
    pub heard_at: Option<Timestamp>,
    /// It has not answered since.
    pub silence: Option<Silence>,
    pub jobs: SlurmJobs,
}

/// An answer that does not come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    pub since: Timestamp,
    pub why: String,
}

/// The jobs of this deck; each element of an array is one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlurmJobs {
    pub pending: u32,
    pub running: u32,
    /// They go on when somebody lets them go.
    pub held: u32,
    /// Why those that are pending are, the most frequent first.
    pub reasons: Vec<PendingReason>,
}

/// A reason of Slurm's, with how many jobs it holds up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingReason {
    /// With what it means, where that needs saying.
    pub reason: String,
    pub jobs: u32,
}

impl ExecutorKind {
    /// Returns its name, as `dags.toml` writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Slurm => "slurm",
            Self::Daemon => "daemon",
        }
    }
}

impl TryPlace {
    /// A place of which the executor is known, and no more.
    pub fn of(executor: ExecutorKind) -> Self {
        Self { executor: Some(executor), ..Self::default() }
    }

    /// Takes over what is told of it; `false`: nothing that was not known.
    pub fn learn(&mut self, told: &Self) -> bool {
        let before = self.clone();
        let take = |mine: &mut Option<Arc<str>>, told: &Option<Arc<str>>| {
            if told.is_some() {
                mine.clone_from(told);
            }
        };
        self.executor = told.executor.or(self.executor);
        take(&mut self.hostname, &told.hostname);
        take(&mut self.external_executor_id, &told.external_executor_id);
        take(&mut self.adopted, &told.adopted);
        *self != before
    }

    /// Says in a few words where it is: executor, job and machine.
    pub fn words(&self) -> Option<String> {
        let mut words = vec![self.executor?.as_str().to_owned()];
        words.extend(self.external_executor_id.as_ref().map(|job| format!("job {job}")));
        words.extend(self.hostname.as_ref().map(|host| format!("on {host}")));
        Some(words.join(" · "))
    }
}

impl WorkerDeath {
    /// Says what becomes of what it held.
    pub fn words(&self) -> String {
        match self.attempts {
            0 => "it held nothing".to_owned(),
            1 => "the attempt that it held goes on, and the next worker adopts it".to_owned(),
            n => format!("the {n} attempts that it held go on, and the next worker adopts them"),
        }
    }
}

impl WorkersHeard {
    /// Returns the deaths that are news still.
    pub fn recent_deaths(&self, now: Timestamp) -> &[WorkerDeath] {
        let since = now - DEATHS_ARE_NEWS;
        let first = self.deaths.partition_point(|death| death.at < since);
        self.deaths.get(first..).unwrap_or_default()
    }
}

impl InHand {
    /// Says in a few words what is in hand.
    pub fn words(self) -> String {
        match (self.running, self.queued) {
            (0, 0) => "idle".to_owned(),
            (running, 0) => format!("{running} running"),
            (running, queued) => format!("{running} running, {queued} queued"),
        }
    }
}

impl SlurmHeard {
    /// What keeps attempts waiting: an old silence that nobody waits for is none.
    pub fn trouble(&self) -> Option<&Silence> {
        self.silence.as_ref().filter(|_| self.is_asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_troubles_only_while_somebody_waits() {
        let silence = Some(Silence { since: Timestamp::UNIX_EPOCH, why: "down".into() });
        let mut heard = SlurmHeard { silence, is_asked: true, ..SlurmHeard::default() };
        assert_eq!(heard.trouble().map(|silence| silence.why.as_str()), Some("down"));
        heard.is_asked = false;
        assert_eq!(heard.trouble(), None);
    }

    #[test]
    fn what_is_in_hand_is_said_in_a_few_words() {
        assert_eq!(InHand::default().words(), "idle");
        assert_eq!(InHand { queued: 0, running: 2 }.words(), "2 running");
        assert_eq!(InHand { queued: 3, running: 0 }.words(), "0 running, 3 queued");
    }
}
