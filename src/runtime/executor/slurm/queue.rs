//! One look at Slurm's queue for all who wait: `squeue` is asked about once a second, as long as
//! anybody waits, and never twice at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use crate::runtime::executor::slurm::batch::{self, Batches, Place};
use crate::runtime::executor::slurm::cluster::{Cluster, Failure};
use crate::runtime::executor::slurm::job::{Job, Listing, Stage};
use crate::types::executor::{PendingReason, Silence, SlurmHeard, SlurmJobs};
use crate::types::time;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// A look takes the controller a while; it has better things to do for most of the time.
const PAUSE_SHARE: u32 = 4;
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// What is known of the queue.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    /// The last listing.
    pub(super) seen: Option<Arc<Seen>>,
    /// Why there was none the last time.
    pub(super) silence: Option<String>,
}

/// A listing.
#[derive(Debug)]
pub(super) struct Seen {
    /// When it was asked for: what was done before that is in it.
    pub(super) began: Instant,
    /// By comment.
    jobs: HashMap<String, Vec<Job>>,
    pub(super) is_whole: bool,
}

/// The queue, looked at by a task of its own while there are watchers.
pub(super) struct Queue {
    view: watch::Sender<View>,
    wanted: Notify,
    /// The same in figures, for people.
    heard: watch::Sender<SlurmHeard>,
}

impl Seen {
    fn new(began: Instant, listing: Listing) -> Self {
        let mut jobs: HashMap<String, Vec<Job>> = HashMap::new();
        for job in listing.jobs {
            jobs.entry(job.comment.clone()).or_default().push(job);
        }
        Self { began, jobs, is_whole: listing.is_whole }
    }

    /// Finds an attempt's job: the one that is furthest on, where there are several.
    pub(super) fn find(&self, places: &[Place]) -> Option<&Job> {
        let rank = |job: &Job| match job.stage() {
            Stage::Active => 3,
            Stage::Pending => 2,
            Stage::Stuck => 1,
            Stage::Over => 0,
        };
        let all = places.iter().flat_map(|place| {
            let jobs = self.jobs.get(&batch::comment(&place.batch));
            jobs.into_iter().flatten().filter(|job| job.holds(place.index))
        });
        all.max_by_key(|job| rank(job))
    }

    /// Counts the jobs of these batches that have not ended.
    fn count(&self, batches: &Batches) -> SlurmJobs {
        let mut counts = SlurmJobs::default();
        let mut reasons: HashMap<String, u32> = HashMap::new();
        let ours = self.jobs.iter().filter(|(comment, _)| batches.has(comment));
        for job in ours.flat_map(|(_, jobs)| jobs) {
            match job.stage() {
                Stage::Active => counts.running += job.elements(),
                Stage::Stuck => counts.held += job.elements(),
                Stage::Pending if job.is_held() => counts.held += job.elements(),
                Stage::Pending => counts.pending += job.elements(),
                Stage::Over => continue,
            }
            if let Some(reason) = job.waits_for() {
                *reasons.entry(reason).or_default() += job.elements();
            }
        }
        let reasons = reasons.into_iter().map(|(reason, jobs)| PendingReason { reason, jobs });
        counts.reasons = reasons.collect();
        counts.reasons.sort_by(|a, b| (b.jobs, &a.reason).cmp(&(a.jobs, &b.reason)));
        counts
    }
}

impl Queue {
    pub(super) fn new(heard: watch::Sender<SlurmHeard>) -> Self {
        Self { view: watch::channel(View::default()).0, wanted: Notify::new(), heard }
    }

    /// Has the queue looked at until the receiver is dropped.
    pub(super) fn watch(&self) -> watch::Receiver<View> {
        let view = self.view.subscribe();
        self.wanted.notify_one();
        view
    }

    /// How many watch.
    pub(super) fn watchers(&self) -> usize {
        self.view.receiver_count()
    }

    /// Looks, for as long as this is polled.
    pub(super) async fn look(&self, cluster: &Cluster, batches: &Batches) {
        loop {
            while self.watchers() == 0 {
                self.heard.send_modify(|heard| heard.is_asked = false);
                self.wanted.notified().await;
            }
            let began = time::instant();
            let view = match cluster.jobs().await {
                Ok(listing) => {
                    View { seen: Some(Arc::new(Seen::new(began, listing))), silence: None }
                }
                Err(Failure::Silent(why) | Failure::Refused(why)) => {
                    let is_new = self.view.borrow().silence.is_none();
                    if is_new {
                        tracing::warn!(why, "Slurm's queue cannot be read; nothing is given up");
                    }
                    View { seen: self.view.borrow().seen.clone(), silence: Some(why) }
                }
            };
            self.tell(&view, batches);
            // Silence has had its time: what it cost says nothing of the next look.
            let pause = match view.silence {
                Some(_) => PAUSE,
                None => (began.elapsed() * PAUSE_SHARE).clamp(PAUSE, PAUSE_MAX),
            };
            self.view.send_replace(view);
            tokio::time::sleep(pause).await;
        }
    }

    fn tell(&self, view: &View, batches: &Batches) {
        let now = time::now();
        self.heard.send_modify(|heard| {
            heard.is_asked = true;
            let Some(why) = &view.silence else {
                heard.heard_at = Some(now);
                heard.silence = None;
                heard.jobs = view.seen.as_ref().map(|seen| seen.count(batches)).unwrap_or_default();
                return;
            };
            let since = heard.silence.as_ref().map_or(now, |silence| silence.since);
            heard.silence = Some(Silence { since, why: why.clone() });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::executor::slurm::job;

    #[test]
    fn the_jobs_of_this_deck_are_counted_by_element_with_why_they_wait() {
        let text = br#"{"jobs": [
            {"job_id": 5, "job_state": "PENDING", "comment": "dagdeck:one", "array_job_id": 5,
             "array_task_string": "1-3", "state_reason": "Resources"},
            {"job_id": 6, "job_state": "PENDING", "comment": "dagdeck:one",
             "state_reason": "JobHeldUser"},
            {"job_id": 7, "job_state": "RUNNING", "comment": "dagdeck:one"},
            {"job_id": 8, "job_state": "COMPLETED", "comment": "dagdeck:one"},
            {"job_id": 9, "job_state": "RUNNING", "comment": "dagdeck:anothers"}]}"#;
        let dir = tempfile::tempdir().unwrap();
        let batches = Batches::load(dir.path().join("slurm"));
        let batch = batch::Batch {
            name: "one".into(),
            is_array: true,
            members: Vec::new(),
            handovers: Vec::new(),
            munge_socket: None,
        };
        batches.keep(&batch).unwrap();
        let counts = Seen::new(time::instant(), job::parse(text).unwrap()).count(&batches);
        assert_eq!((counts.pending, counts.running, counts.held), (3, 1, 1));
        let reasons: Vec<(&str, u32)> =
            counts.reasons.iter().map(|one| (one.reason.as_str(), one.jobs)).collect();
        assert_eq!(reasons[0], ("Resources: waits for nodes to become free", 3));
        assert!(reasons[1].0.starts_with("JobHeldUser: somebody holds it"), "{reasons:?}");
    }

    #[test]
    fn of_two_jobs_of_one_attempt_the_one_that_runs_counts() {
        let text = br#"{"jobs": [
            {"job_id": 5, "job_state": "PENDING", "comment": "dagdeck:one"},
            {"job_id": 6, "job_state": "RUNNING", "comment": "dagdeck:two", "array_job_id": 6,
             "array_task_id": 1},
            {"job_id": 7, "job_state": "RUNNING", "comment": "dagdeck:two", "array_job_id": 6,
             "array_task_id": 2}]}"#;
        let seen = Seen::new(time::instant(), job::parse(text).unwrap());
        let place = |batch: &str, index| Place { batch: batch.into(), index, job: None };
        let found = |places: &[Place]| seen.find(places).map(|job| job.id.clone());
        assert_eq!(found(&[place("one", None), place("two", Some(1))]).as_deref(), Some("6_1"));
        assert_eq!(found(&[place("one", None)]).as_deref(), Some("5"));
        assert_eq!(found(&[place("two", Some(3))]), None);
    }
}
