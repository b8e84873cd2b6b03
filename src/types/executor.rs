//! The executors as they stand: what is in their hands, and what was last heard of a cluster.

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

/// Where an attempt is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptPlace {
    pub executor: ExecutorKind,
    /// The node of a cluster; none: the daemon's machine, or not known yet.
    pub node: Option<String>,
    /// As Slurm numbers it.
    pub job: Option<String>,
    pub pid: Option<u32>,
    /// It is under way and began before this daemon did, which took it up.
    pub is_adopted: bool,
}

/// All executors.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutorsView {
    pub local: InHand,
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
