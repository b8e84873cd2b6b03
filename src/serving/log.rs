//! The prediction log: what was asked and answered, a line of JSON for each row, as files that a
//! pipeline can read; and the place where later truth finds the prediction that it is about.
//!
//! ```text
//! request ─► lane ─► thread ─► .dagdeck/predictions/MODEL/2026-01-31T10-00-00.000.jsonl
//!  (never waits)       ▲                             … .idx beside it, once it is full
//!        ids of outcomes ┘ what was asked before is written by then
//! ```

mod index;
mod line;
mod segment;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::dag::serving::LogSpec;
use crate::serving::lane::Lane;
use crate::serving::tap::Seen;
use crate::types::serving::PredictionLogView;
use crate::types::{Clock, Fault, Timestamp};

pub(crate) use self::line::Answered;
use self::writer::Writer;

/// Ids that are looked for at once: what is to be written meanwhile waits so long.
const LOOKUP_LEN: usize = 256;

/// How often old files are looked for while nothing is asked.
const IDLE: Duration = Duration::from_mins(1);

/// What the thread is given.
enum Job {
    Write(Arc<Seen>),
    /// (id, row) each.
    Find(Vec<(String, u32)>, SyncSender<Vec<Option<Answered>>>),
}

/// What the thread tells.
#[derive(Debug, Default)]
struct Told {
    rows: AtomicU64,
    /// Rows that could not be written.
    lost: AtomicU64,
    bytes: AtomicU64,
    files: AtomicU64,
    /// Milliseconds since 1970: when the oldest file that is kept began.
    oldest_ms: AtomicU64,
    problem: Mutex<Option<String>>,
}

/// The log, as requests see it.
#[derive(Debug)]
pub(crate) struct PredictionLog {
    sample: f64,
    lane: Lane<Job>,
    told: Arc<Told>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Write(_) => "Write",
            Self::Find(..) => "Find",
        })
    }
}

impl PredictionLog {
    /// Opens the folder and starts the thread.
    pub(crate) fn start(
        folder: &Path,
        spec: &LogSpec,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, Fault> {
        let failed = |error: std::io::Error| {
            Fault::unavailable(format!("open the prediction log in {}: {error}", folder.display()))
        };
        let told = Arc::new(Told::default());
        let sample = spec.sample;
        let mut writer =
            Writer::open(folder, spec.clone(), clock, Arc::clone(&told)).map_err(failed)?;
        let lane = Lane::start("predictions", move |mouth| {
            while let Ok(first) = mouth.take_within(IDLE) {
                if first.is_none() {
                    writer.let_go();
                }
                let jobs = first.into_iter().chain(std::iter::from_fn(|| mouth.take_now()));
                jobs.for_each(|job| writer.carry_out(job));
                writer.flush();
            }
        });
        Ok(Arc::new(Self { sample, lane: lane.map_err(failed)?, told }))
    }

    /// Returns the share of requests that is written.
    pub(crate) fn sample(&self) -> f64 {
        self.sample
    }

    /// Has a prediction written, where there is room.
    pub(crate) fn offer(&self, bytes: usize, seen: Arc<Seen>) {
        self.lane.offer(bytes, Job::Write(seen));
    }

    /// Finds what was answered to (id, row) each; the last, where an id was used more than once.
    /// Blocks.
    pub(crate) fn find(&self, wanted: &[(String, u32)]) -> Result<Vec<Option<Answered>>, Fault> {
        let stopped = || Fault::unavailable("the prediction log has stopped");
        let mut found = Vec::with_capacity(wanted.len());
        for some in wanted.chunks(LOOKUP_LEN) {
            let (reply, answer) = sync_channel(1);
            if !self.lane.send(Job::Find(some.to_vec(), reply)) {
                return Err(stopped());
            }
            found.extend(answer.recv().map_err(|_| stopped())?);
        }
        Ok(found)
    }

    /// Returns when the oldest file that is kept began.
    pub(crate) fn oldest(&self) -> Timestamp {
        let millis = self.told.oldest_ms.load(Ordering::Relaxed);
        let millis = i64::try_from(millis).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Tells how it does.
    pub(crate) fn view(&self) -> PredictionLogView {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        PredictionLogView {
            sample: self.sample,
            rows: of(&self.told.rows),
            dropped: self.lane.dropped() + of(&self.told.lost),
            bytes: of(&self.told.bytes),
            files: of(&self.told.files),
            problem: self.told.problem.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
