//! Follows an attempt that was handed to Slurm to its end. Its report is the truth; Slurm only
//! says whether there is anything left to wait for.
//!
//! ```text
//! report.json ─► finished, whatever Slurm says
//! pending ─► its reason is noted        stuck ─► let go once, then lost
//! over, or gone from the queue ─► its token is fenced off
//!    ├─ nobody had claimed it: nothing has run
//!    └─ claimed: its processes gone? the report, or what Slurm says of its end
//! no answer ─► nothing: unknown is not failed
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::runtime::attempt::Claim;
use crate::runtime::executor::slurm::Slurm;
use crate::runtime::executor::slurm::job::{Job, Stage};
use crate::runtime::executor::slurm::node::{ASKED, End, Whereabouts};
use crate::runtime::executor::slurm::queue::{Seen, View};
use crate::runtime::executor::{Ended, Held, process_table, tree};
use crate::sched::Outcome;
use crate::types::executor::{ExecutorKind, TryPlace};
use crate::types::time;

/// How often a report is looked for, and by how much less often for each who looks.
const LOOK: Duration = Duration::from_millis(100);
const LOOK_PER_WATCHER: Duration = Duration::from_millis(2);

/// How many listings must lack a job before it is gone.
const LOOKS: u32 = 2;

/// How long a file may be on its way from another machine: the longest that NFS keeps what it
/// knew of a folder, by default.
const FILES_TAKE_MAX: Duration = Duration::from_secs(60);

/// How long a process of this machine has to end by itself once Slurm has given it up.
const ENDS_ITSELF: Duration = Duration::from_secs(15);

/// How long a node may take to its last word on an attempt that has failed.
const LAST_WORD_MAX: Duration = Duration::from_secs(5);

/// Between two `scancel`s.
const CANCEL_AGAIN: Duration = Duration::from_secs(5);

/// After so long what would not go is left to Slurm; its token is fenced.
const CANCEL_MAX: Duration = Duration::from_secs(120);

/// What is remembered from look to look.
#[derive(Default)]
struct Follower {
    judged: Option<Instant>,
    noted: Option<String>,
    has_started: bool,
    /// It was told on which node it runs.
    is_placed: bool,
    adopted: Option<&'static str>,
    was_released: bool,
    lacked: u32,
    /// As Slurm named it last.
    job: Option<String>,
}

/// What a look at the queue led to.
enum Judged {
    GoOn,
    Ended(Ended),
    /// It was never submitted: there is no sign of it.
    Nowhere,
}

/// Follows it. `None`: Slurm has never heard of it, and it may be launched.
/// `adopted` says why it is not this daemon that launched it, where that is so.
pub(super) async fn follow(
    slurm: &Slurm,
    held: &Held,
    adopted: Option<&'static str>,
) -> Option<Ended> {
    let mut view = slurm.queue.watch();
    let mut follower = Follower { adopted, ..Follower::default() };
    let since = time::instant();
    loop {
        if let Some(outcome) = held.reported().await {
            // What has ended is adopted by nobody; where it ran is kept all the same.
            follower.adopted = None;
            follower.place(held).await;
            return Some(finished(slurm, held, outcome).await);
        }
        follower.place(held).await;
        let now = view.borrow_and_update().clone();
        match follower.judge(slurm, held, &now, since).await {
            Judged::GoOn => {}
            Judged::Ended(ended) => return Some(ended),
            Judged::Nowhere => return None,
        }
        let watchers = u32::try_from(slurm.queue.watchers()).unwrap_or(u32::MAX);
        tokio::select! {
            // An error says that nobody looks any more: the engine is stopping.
            changed = view.changed() => if changed.is_err() { std::future::pending().await },
            () = tokio::time::sleep(LOOK + LOOK_PER_WATCHER * watchers.min(1_000)) => {}
            () = held.until_cancelled() => return Some(cancel(slurm, held).await),
        }
    }
}

impl Follower {
    fn told(&self) -> TryPlace {
        let adopted = self.adopted.map(Into::into);
        TryPlace { adopted, ..TryPlace::of(ExecutorKind::Slurm) }
    }

    /// Says that it runs, and where, as soon as its folder does.
    async fn place(&mut self, held: &Held) {
        if self.is_placed || !is_claimed(held).await {
            return;
        }
        let (folder, token) = (held.folder.clone(), held.token.clone());
        let read = move || Whereabouts::of(&folder, &token);
        let found = tokio::task::spawn_blocking(read).await.ok().flatten();
        self.is_placed = found.is_some();
        if found.is_none() && self.has_started {
            return;
        }
        self.has_started = true;
        let place = match &found {
            Some(found) => TryPlace {
                hostname: Some(found.node.as_str().into()),
                external_executor_id: Some(found.job.as_str().into()),
                ..self.told()
            },
            None => self.told(),
        };
        held.started(found.map(|found| found.pid), place).await;
    }

    async fn judge(&mut self, slurm: &Slurm, held: &Held, view: &View, since: Instant) -> Judged {
        if let Some(why) = &view.silence {
            let known = self.job.as_ref().map_or_else(String::new, |job| format!(" (job {job})"));
            self.note(held, format!("Slurm does not answer{known}: {why}")).await;
            return Judged::GoOn;
        }
        let Some(seen) = view.seen.as_ref().filter(|seen| seen.began > since) else {
            return Judged::GoOn;
        };
        if self.judged == Some(seen.began) {
            return Judged::GoOn;
        }
        self.judged = Some(seen.began);
        let places = slurm.batches.places(&held.token);
        let Some(job) = seen.find(&places) else { return self.missing(slurm, held, seen).await };
        self.lacked = 0;
        self.job = Some(job.id.clone());
        match job.stage() {
            Stage::Pending => self.note(held, job.standing()).await,
            Stage::Active => {
                if job.is_in("RUNNING") && !self.has_started {
                    self.has_started = true;
                    let job = Some(job.id.as_str().into());
                    let place = TryPlace { external_executor_id: job, ..self.told() };
                    held.started(None, place).await;
                }
                self.note(held, job.standing()).await;
            }
            Stage::Stuck => return self.stuck(slurm, held, job).await,
            Stage::Over => return Judged::Ended(over(slurm, held, job).await),
        }
        Judged::GoOn
    }

    /// A job that could not be launched is let go once: the node may have had a bad moment.
    async fn stuck(&mut self, slurm: &Slurm, held: &Held, job: &Job) -> Judged {
        self.note(held, job.standing()).await;
        if !self.was_released {
            self.was_released = slurm.cluster.release(&job.id).await.is_ok();
            return Judged::GoOn;
        }
        let nothing_ran = fence(held).await;
        slurm.canceller.cancel(vec![job.id.clone()]).await;
        let ran = if nothing_ran { "it never began" } else { "it may have begun" };
        let reason = format!("{}, again after it was released; {ran}", job.standing());
        Judged::Ended(lost(held, reason).await)
    }

    async fn missing(&mut self, slurm: &Slurm, held: &Held, seen: &Arc<Seen>) -> Judged {
        self.lacked += u32::from(seen.is_whole);
        if self.lacked < LOOKS {
            return Judged::GoOn;
        }
        let places = slurm.batches.places(&held.token);
        let job = self.job.clone().or_else(|| places.into_iter().find_map(|place| place.job));
        let Some(job) = job else {
            return match is_claimed(held).await {
                true => Judged::Ended(end_of(held, "Slurm does not know its job".to_owned()).await),
                false => Judged::Nowhere,
            };
        };
        let how = match slurm.cluster.accounted(&job).await {
            Some(how) => format!("Slurm job {job} has ended: {how}"),
            None => format!("Slurm does not know job {job} any more"),
        };
        if fence(held).await {
            return Judged::Ended(lost(held, format!("{how}; it never began")).await);
        }
        Judged::Ended(end_of(held, how).await)
    }

    async fn note(&mut self, held: &Held, text: String) {
        if self.noted.as_ref() != Some(&text) {
            held.noted(text.clone()).await;
            self.noted = Some(text);
        }
    }
}

/// Says how an attempt ended that has a report. Of one that failed the node knows more: whether
/// Slurm was behind it, and whether Slurm would hold its cores until somebody looks.
async fn finished(slurm: &Slurm, held: &Held, mut outcome: Outcome) -> Ended {
    if let Outcome::Failed { error, .. } = &mut outcome
        && let Some(found) = ended_on_node(held).await
    {
        match found.end {
            Some(End::Asked) if error != ASKED => *error = format!("{ASKED} ({error})"),
            Some(End::Orphaned) => slurm.canceller.cancel(vec![found.job]).await,
            _ => {}
        }
    }
    Ended::Finished(outcome)
}

/// Waits a while for the node's last word.
async fn ended_on_node(held: &Held) -> Option<Whereabouts> {
    let started = time::instant();
    loop {
        let (folder, token) = (held.folder.clone(), held.token.clone());
        let read = move || Whereabouts::of(&folder, &token);
        let found = tokio::task::spawn_blocking(read).await.ok().flatten()?;
        if found.end.is_some() || started.elapsed() > LAST_WORD_MAX {
            return Some(found);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Says how an attempt ended whose job has.
async fn over(slurm: &Slurm, held: &Held, job: &Job) -> Ended {
    if fence(held).await {
        let reason = format!("Slurm job {job} ended before the task began: {}", job.how());
        return lost(held, reason).await;
    }
    gone(held).await;
    if let Some(outcome) = held.reported().await {
        return finished(slurm, held, outcome).await;
    }
    let how = format!("Slurm job {job}: {}", job.how());
    if job.is_in("TIMEOUT") || job.is_in("OUT_OF_MEMORY") {
        held.note(&how).await;
        let failed = Outcome::Failed { error: how, exit_code: None, retryable: true };
        return Ended::Finished(failed);
    }
    lost(held, format!("{how}, and it left no report")).await
}

/// The same, where Slurm does not say.
async fn end_of(held: &Held, how: String) -> Ended {
    gone(held).await;
    lost(held, format!("{how}, and it left no report")).await
}

async fn lost(held: &Held, reason: String) -> Ended {
    match held.reported().await {
        Some(outcome) => Ended::Finished(outcome),
        None if *held.cancelled.borrow() => Ended::Cancelled,
        None => {
            held.note(&reason).await;
            Ended::Lost(reason)
        }
    }
}

/// Ends its jobs, and returns when they and its processes are gone.
pub(super) async fn cancel(slurm: &Slurm, held: &Held) -> Ended {
    let nothing_ran = fence(held).await;
    let mut view = slurm.queue.watch();
    let started = time::instant();
    let mut asked: Option<Instant> = None;
    let (mut judged, mut lacked) = (started, 0);
    while started.elapsed() < CANCEL_MAX {
        let places = slurm.batches.places(&held.token);
        if places.is_empty() {
            break;
        }
        let latest = view.borrow_and_update().clone();
        // Only a listing from after the last order is a proof.
        let after = judged.max(asked.unwrap_or(started));
        let seen = latest.seen.filter(|seen| seen.is_whole && seen.began > after);
        let found = seen.as_ref().and_then(|seen| seen.find(&places));
        if let Some(seen) = &seen {
            judged = seen.began;
            lacked += u32::from(found.is_none_or(|job| job.stage() == Stage::Over));
            if lacked >= LOOKS || found.is_some_and(|job| job.stage() == Stage::Over) {
                break;
            }
        }
        if asked.is_none_or(|asked| asked.elapsed() > CANCEL_AGAIN) {
            let ids = places.iter().filter_map(|place| place.job.clone());
            let mut ids: Vec<String> = ids.chain(found.map(|job| job.id.clone())).collect();
            ids.dedup();
            if !ids.is_empty() {
                slurm.canceller.cancel(ids).await;
                asked = Some(time::instant());
            }
        }
        wait(&mut view).await;
    }
    if started.elapsed() >= CANCEL_MAX {
        tracing::error!(attempt = %held.key, "a job would not end; its token is fenced off");
    } else if !nothing_ran {
        gone(held).await;
    }
    Ended::Cancelled
}

async fn wait(view: &mut watch::Receiver<View>) {
    tokio::select! {
        _ = view.changed() => {}
        () = tokio::time::sleep(Duration::from_secs(1)) => {}
    }
}

/// Waits until no process of the attempt is left, or its report is there. On this machine that is
/// looked up, and helped along; of another one its sign of life tells.
async fn gone(held: &Held) {
    let started = time::instant();
    let mut last: Option<(Whereabouts, Instant)> = None;
    while held.reported().await.is_none() {
        let (folder, token) = (held.folder.clone(), held.token.clone());
        let read = move || {
            // A folder that is listed is asked of its server anew.
            let _ = std::fs::read_dir(folder.path()).map(Iterator::count);
            Whereabouts::of(&folder, &token)
        };
        let found = tokio::task::spawn_blocking(read).await.ok().flatten();
        let is_new = last.as_ref().map(|(found, _)| found) != found.as_ref();
        match found {
            Some(found) if found.is_of_this_boot() => {
                let token = held.token.as_str().to_owned();
                let leader = found.process();
                let left = move || process_table::tree(leader, &token).is_empty();
                if tokio::task::spawn_blocking(left).await.unwrap_or(true) {
                    return;
                }
                if started.elapsed() > ENDS_ITSELF {
                    let left = tree::end(leader, held.token.as_str(), tree::GRACE).await;
                    if left > 0 {
                        tracing::error!(attempt = %held.key, left, "processes would not end");
                    }
                    return;
                }
            }
            Some(found) if is_new => last = Some((found, time::instant())),
            Some(_) | None => {
                let quiet = last.as_ref().map_or(started, |(_, at)| *at);
                if quiet.elapsed() > FILES_TAKE_MAX {
                    return;
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn is_claimed(held: &Held) -> bool {
    let (folder, token) = (held.folder.clone(), held.token.clone());
    tokio::task::spawn_blocking(move || folder.claimed(&token).is_some()).await.unwrap_or(false)
}

/// Claims the token for nobody, so that no job can begin with it any more. `false`: somebody has
/// claimed it before.
async fn fence(held: &Held) -> bool {
    let (folder, token) = (held.folder.clone(), held.token.clone());
    let fence = move || {
        let claim = Claim {
            token,
            pid: 0,
            start_time: 0,
            boot_id: "none: fenced off".to_owned(),
            worker: None,
            pipes: None,
        };
        folder.make().and_then(|()| folder.fence(&claim))
    };
    match tokio::task::spawn_blocking(fence).await {
        Ok(Ok(is_ours)) => is_ours,
        Ok(Err(error)) => {
            tracing::warn!(attempt = %held.key, %error, "could not fence off a token");
            false
        }
        Err(_) => false,
    }
}
