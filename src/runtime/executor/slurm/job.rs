//! What `squeue --json` says of a job, in the shape of Slurm 22.05 and in those that came after.

use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;

#[cfg(test)]
mod tests;

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It has not begun.
    Pending,
    /// It could not be begun and waits for somebody to let it go.
    Stuck,
    /// It has begun and not ended; or it is in a state that is not known here.
    Active,
    /// It has ended.
    Over,
}

/// A job, an element of an array, or all elements of an array that have not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    /// As `scancel` takes it: `12`, `12_3`.
    pub(super) id: String,
    pub(super) comment: String,
    /// `None`: no array.
    pub(super) indices: Option<Vec<(u32, u32)>>,
    /// The states that it is in, as Slurm names them; the first is the main one.
    pub(super) states: Vec<String>,
    /// Why it is pending, or how it ended.
    pub(super) reason: String,
    pub(super) description: String,
    pub(super) node: String,
    pub(super) exit_code: Option<i32>,
    pub(super) signal: Option<i32>,
    /// Whether Slurm runs it again when its node fails.
    pub(super) requeues: bool,
}

/// What was listed.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) jobs: Vec<Job>,
    /// Nothing of it was beyond reading: what is not in it is not there.
    pub(super) is_whole: bool,
}

/// Reads what `squeue --json` printed.
pub(super) fn parse(text: &[u8]) -> Result<Listing, serde_json::Error> {
    let written: Written = serde_json::from_slice(text)?;
    let mut listing = Listing { jobs: Vec::new(), is_whole: true };
    for one in written.jobs {
        match one {
            One::Job(job) => listing.jobs.push(job.read()),
            One::Other(_) => listing.is_whole = false,
        }
    }
    Ok(listing)
}

impl Job {
    /// Says whether it is, or may become, the element with this index; `None`: a job of its own.
    pub(super) fn holds(&self, index: Option<u32>) -> bool {
        match (&self.indices, index) {
            (None, None) => true,
            (Some(ranges), Some(index)) => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&index))
            }
            _ => false,
        }
    }

    pub(super) fn is_in(&self, state: &str) -> bool {
        self.states.iter().any(|one| one == state)
    }

    pub(super) fn stage(&self) -> Stage {
        const OVER: [&str; 11] = [
            "COMPLETED",
            "FAILED",
            "CANCELLED",
            "TIMEOUT",
            "NODE_FAIL",
            "PREEMPTED",
            "BOOT_FAIL",
            "DEADLINE",
            "OUT_OF_MEMORY",
            "SPECIAL_EXIT",
            "REVOKED",
        ];
        // A state comes with others: `FAILED` with `COMPLETING` has processes left.
        if ["COMPLETING", "RUNNING", "STAGE_OUT"].iter().any(|state| self.is_in(state)) {
            return Stage::Active;
        }
        if self.is_in("PENDING") || self.is_in("REQUEUE_HOLD") || self.is_in("REQUEUED") {
            return if self.is_stuck() { Stage::Stuck } else { Stage::Pending };
        }
        let is_over = OVER.iter().any(|state| self.is_in(state));
        // It comes back as pending where Slurm runs it again.
        let comes_back = self.requeues && (self.is_in("NODE_FAIL") || self.is_in("PREEMPTED"));
        if is_over && !comes_back { Stage::Over } else { Stage::Active }
    }

    fn is_stuck(&self) -> bool {
        [&self.reason, &self.description].iter().any(|text| {
            let text = text.to_lowercase().replace('_', " ");
            text.contains("launch failed") || text.contains("requeued held")
        })
    }

    /// Says in one line how it ended.
    pub(super) fn how(&self) -> String {
        let state = self.states.first().map_or("an unknown state", String::as_str);
        let mut text = match state {
            "TIMEOUT" => "Slurm ended it: its time limit (`time`) was reached".to_owned(),
            "OUT_OF_MEMORY" => "Slurm ended it: it took more memory than its `mem`".to_owned(),
            "CANCELLED" => "it was cancelled in Slurm".to_owned(),
            "NODE_FAIL" => "its node failed".to_owned(),
            "PREEMPTED" => "another job took its place (preempted)".to_owned(),
            "DEADLINE" => "its deadline passed".to_owned(),
            _ => format!("Slurm says {state}"),
        };
        match (self.signal.filter(|signal| *signal > 0), self.exit_code.filter(|code| *code > 0)) {
            (Some(signal), _) => text += &format!(" (signal {signal})"),
            (None, Some(code)) => text += &format!(" (exit code {code})"),
            (None, None) => {}
        }
        text
    }

    /// How many attempts it is: an array that is pending is listed as one.
    pub(super) fn elements(&self) -> u32 {
        let ranges = self.indices.as_ref();
        ranges.map_or(1, |ranges| ranges.iter().map(|(from, to)| to - from + 1).sum())
    }

    /// Says whether somebody keeps it from running.
    pub(super) fn is_held(&self) -> bool {
        self.reason.starts_with("JobHeld")
    }

    /// Says in Slurm's word and ours what it waits for.
    pub(super) fn waits_for(&self) -> Option<String> {
        let waits = matches!(self.stage(), Stage::Pending | Stage::Stuck);
        match self.reason.as_str() {
            "" | "None" => None,
            reason => waits.then(|| format!("{reason}{}", meaning(reason))),
        }
    }

    /// Says in one line where it stands before it ends.
    pub(super) fn standing(&self) -> String {
        let reason = self.waits_for().map(|reason| format!(" ({reason})")).unwrap_or_default();
        match self.stage() {
            Stage::Pending => format!("Slurm job {self} is pending{reason}"),
            Stage::Stuck => format!("Slurm job {self} could not be launched and is held"),
            Stage::Active if self.node.is_empty() => format!("Slurm job {self} has begun"),
            Stage::Active => format!("Slurm job {self} on {}", self.node),
            Stage::Over => format!("Slurm job {self} has ended: {}", self.how()),
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

/// What Slurm's words for a wait mean, where they need saying.
fn meaning(reason: &str) -> &'static str {
    match reason {
        "Resources" => ": waits for nodes to become free",
        "Priority" => ": jobs of higher priority come first",
        "PartitionConfig" | "BadConstraints" => {
            ": no node can ever do what it asks for; change `slurm` of the task"
        }
        "PartitionNodeLimit" | "PartitionTimeLimit" => {
            ": it asks for more than its partition allows; change `slurm` of the task"
        }
        "ReqNodeNotAvail" | "NodeDown" => ": the nodes that it asks for are down",
        "PartitionDown" | "PartitionInactive" => ": its partition is down",
        "JobHeldUser" | "JobHeldAdmin" => ": somebody holds it; `scontrol release` lets it go",
        _ => "",
    }
}

#[derive(Deserialize)]
struct Written {
    jobs: Vec<One>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum One {
    Job(Box<Raw>),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
struct Raw {
    job_id: Number,
    #[serde(default)]
    array_job_id: Option<Number>,
    #[serde(default)]
    array_task_id: Option<Number>,
    #[serde(default)]
    array_task_string: Option<String>,
    #[serde(default)]
    comment: Option<Comment>,
    job_state: States,
    #[serde(default)]
    state_reason: Option<String>,
    #[serde(default)]
    state_description: Option<String>,
    #[serde(default)]
    exit_code: Option<ExitCode>,
    #[serde(default)]
    nodes: Option<String>,
    #[serde(default)]
    requeue: bool,
}

/// A number, or a number that says whether it is one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Plain(i64),
    Marked {
        set: bool,
        #[serde(default)]
        number: i64,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum States {
    One(String),
    Many(Vec<String>),
}

/// Slurmdbd's shape has the comments of several parties.
#[derive(Deserialize)]
#[serde(untagged)]
enum Comment {
    Text(String),
    Parties {
        #[serde(default)]
        job: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ExitCode {
    /// As `wait` gives it.
    Status(i32),
    Told {
        #[serde(default)]
        return_code: Option<Number>,
        #[serde(default)]
        signal: Option<Signal>,
    },
}

#[derive(Deserialize)]
struct Signal {
    #[serde(default, alias = "signal_id")]
    id: Option<Number>,
}

impl Number {
    fn get(&self) -> Option<i64> {
        match self {
            Self::Plain(number) => Some(*number),
            Self::Marked { set, number } => set.then_some(*number),
        }
    }
}

impl Raw {
    fn read(self) -> Job {
        let number = |number: &Option<Number>| number.as_ref().and_then(Number::get);
        let own = self.job_id.get().unwrap_or_default();
        let array = number(&self.array_job_id).filter(|id| *id > 0);
        let task = number(&self.array_task_id).and_then(|id| u32::try_from(id).ok());
        let waiting = self.array_task_string.as_deref().filter(|text| !text.is_empty());
        let (id, indices) = match (array, task, waiting) {
            (Some(array), Some(task), _) => (format!("{array}_{task}"), Some(vec![(task, task)])),
            (Some(array), None, waiting) => {
                (array.to_string(), Some(ranges(waiting.unwrap_or_default())))
            }
            (None, _, _) => (own.to_string(), None),
        };
        let (exit_code, signal) = match self.exit_code {
            Some(ExitCode::Status(status)) => (Some(status >> 8 & 0xff), Some(status & 0x7f)),
            Some(ExitCode::Told { return_code, signal }) => {
                let as_small = |n: Option<i64>| n.and_then(|n| i32::try_from(n).ok());
                let signal = signal.and_then(|signal| number(&signal.id));
                (as_small(number(&return_code)), as_small(signal))
            }
            None => (None, None),
        };
        Job {
            id,
            comment: match self.comment {
                Some(Comment::Text(text)) => text,
                Some(Comment::Parties { job }) => job.unwrap_or_default(),
                None => String::new(),
            },
            indices,
            states: match self.job_state {
                States::One(state) => vec![state],
                States::Many(states) => states,
            },
            reason: self.state_reason.unwrap_or_default(),
            description: self.state_description.unwrap_or_default(),
            node: self.nodes.unwrap_or_default(),
            exit_code,
            signal,
            requeues: self.requeue,
        }
    }
}

/// Reads `0-3,7,9-11%4`. Where it is cut short (`…`), every index may be in it.
fn ranges(text: &str) -> Vec<(u32, u32)> {
    let text = text.split('%').next().unwrap_or_default();
    let mut found = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        match (from.parse(), to.parse()) {
            (Ok(from), Ok(to)) => found.push((from, to)),
            _ => return vec![(0, u32::MAX)],
        }
    }
    if found.is_empty() { vec![(0, u32::MAX)] } else { found }
}
