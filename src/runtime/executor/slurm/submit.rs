//! Hands attempts to Slurm. What becomes ready at once and asks for the same is one array: Slurm
//! takes five hundred elements in the time of one job.
//!
//! ```text
//! tickets ─► gather ─► seal ─► BATCH.json ─► sbatch ─► BATCH.job ─► answers
//!                                 (durable)      │
//!                                                ├─ refused: the attempts fail with its words
//!                                                └─ silent: look whether it is there, try again
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::dag::slurm::SlurmOptions;
use crate::runtime::executor::slurm::batch::{Batch, Batches, Member};
use crate::runtime::executor::slurm::cancel::Canceller;
use crate::runtime::executor::slurm::cluster::{Cluster, Config, Failure, Submission};
use crate::runtime::executor::slurm::queue::Queue;
use crate::runtime::executor::{Handover, Held};
use crate::types::time;

/// How many elements an array has at most: the jobs of one decision are hundreds, and one array
/// with a mistake in it should not be all of them.
const ARRAY_LEN_MAX: usize = 500;

/// How many tickets wait: as many as one array takes. Who comes later waits in `send`.
pub(super) const TICKETS_LEN_MAX: usize = ARRAY_LEN_MAX;

/// How long no further ticket comes before what there is goes.
const GAP: Duration = Duration::from_millis(5);
/// The same, while attempts are known to be on their way here.
const GAP_EXPECTED: Duration = Duration::from_secs(1);
/// However many come, the first waits no longer than this.
const GATHER_MAX: Duration = Duration::from_secs(5);

/// Between two tries while the controller is silent.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(15);

/// How long after a silent `sbatch` its job may still come: looks at the queue that must lack it.
const LOOKS: u32 = 2;

/// What munge takes, less its envelope.
const HANDOVERS_LEN_MAX: usize = 700 << 10;

/// An attempt that is to be a job.
pub(super) struct Ticket {
    pub(super) held: Held,
    pub(super) options: SlurmOptions,
    pub(super) handover: Handover,
    /// Gone: the attempt was cancelled meanwhile.
    pub(super) reply: oneshot::Sender<Result<(), String>>,
}

/// Counts the attempts that are being prepared for this executor.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected(Arc<AtomicUsize>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Expectation(Arc<AtomicUsize>);

impl Expected {
    pub(super) fn one(&self) -> Expectation {
        self.0.fetch_add(1, Ordering::SeqCst);
        Expectation(self.0.clone())
    }

    fn any(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}

impl Drop for Expectation {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The desk that takes tickets.
pub(super) struct Desk {
    pub(super) cluster: Cluster,
    pub(super) batches: Arc<Batches>,
    pub(super) queue: Arc<Queue>,
    pub(super) expected: Expected,
    pub(super) canceller: Canceller,
    pub(super) tickets: mpsc::Receiver<Ticket>,
}

impl Desk {
    /// Works until nobody can hand in tickets any more.
    pub(super) async fn work(mut self) {
        while let Some(first) = self.tickets.recv().await {
            let mut groups: BTreeMap<SlurmOptions, Vec<Ticket>> = BTreeMap::new();
            for ticket in self.gather(first).await {
                groups.entry(ticket.options.clone()).or_default().push(ticket);
            }
            for (options, tickets) in groups {
                self.submit(&options, tickets).await;
            }
        }
    }

    async fn gather(&mut self, first: Ticket) -> Vec<Ticket> {
        let began = time::instant();
        let mut gathered = vec![first];
        while gathered.len() < ARRAY_LEN_MAX && began.elapsed() < GATHER_MAX {
            let gap = if self.expected.any() { GAP_EXPECTED } else { GAP };
            match tokio::time::timeout(gap, self.tickets.recv()).await {
                Ok(Some(ticket)) => gathered.push(ticket),
                Ok(None) | Err(_) => break,
            }
        }
        gathered
    }

    /// Submits what asks for the same; tries for as long as the controller is silent and anybody
    /// waits.
    async fn submit(&self, options: &SlurmOptions, mut tickets: Vec<Ticket>) {
        let mut pause = RETRY_MIN;
        while !tickets.is_empty() {
            // Whoever was cancelled needs no job.
            tickets.retain(|ticket| !ticket.reply.is_closed());
            let rest = match self.cluster.config().await {
                Ok(config) => {
                    let len_max = config.array_len_max.clamp(1, ARRAY_LEN_MAX);
                    let rest = tickets.split_off(tickets.len().min(len_max));
                    match self.submit_one(&config, options, &tickets).await {
                        Ok(()) => self.take_back(answer(tickets, &Ok(()))).await,
                        Err(Failure::Refused(why)) => drop(answer(tickets, &Err(why))),
                        Err(Failure::Silent(why)) => {
                            tell(&tickets, &why).await;
                            tickets.extend(rest);
                            tokio::time::sleep(pause).await;
                            pause = (pause * 2).min(RETRY_MAX);
                            continue;
                        }
                    }
                    rest
                }
                Err(Failure::Refused(why)) => return drop(answer(tickets, &Err(why))),
                Err(Failure::Silent(why)) => {
                    tell(&tickets, &why).await;
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(RETRY_MAX);
                    continue;
                }
            };
            tickets = rest;
        }
    }

    async fn submit_one(
        &self,
        config: &Config,
        options: &SlurmOptions,
        tickets: &[Ticket],
    ) -> Result<(), Failure> {
        if tickets.is_empty() {
            return Ok(());
        }
        let batch = self.batch(config, tickets).await?;
        let (batches, kept) = (self.batches.clone(), batch.clone());
        off_thread(move || batches.keep(&kept)).await?;
        tracing::trace!(step = "enrolled", batch = %batch.name);
        let key = &tickets[0].held.key.task;
        let submission = Submission {
            comment: &batch.comment(),
            name: &format!("{}.{}", key.dag_id, key.task_id),
            options,
            array_len: batch.is_array.then_some(batch.members.len()),
            output: &self.batches.output(&batch.name),
            script: self.script(&batch),
        };
        let job = match self.cluster.submit(&submission).await {
            Ok(job) => job,
            Err(Failure::Refused(why)) => {
                self.batches.drop_batch(&batch);
                return Err(Failure::Refused(format!("Slurm refuses the job: {why}")));
            }
            // It may have come through; if so, the job is found by its comment and not made anew.
            Err(Failure::Silent(why)) => match self.is_there(&batch).await {
                true => return Ok(()),
                false => {
                    self.batches.drop_batch(&batch);
                    return Err(Failure::Silent(why));
                }
            },
        };
        tracing::trace!(step = "submitted", batch = %batch.name);
        let (batches, name) = (self.batches.clone(), batch.name.clone());
        // Without it the job is found by its comment.
        if let Err(Failure::Silent(error) | Failure::Refused(error)) =
            off_thread(move || batches.keep_job(&name, &job)).await
        {
            tracing::warn!(error, "could not keep the id of a Slurm job");
        }
        tracing::trace!(step = "recorded", batch = %batch.name);
        Ok(())
    }

    /// Takes jobs away that were cancelled while they were being submitted. Their tokens are
    /// fenced: where this fails, they end as soon as they begin.
    async fn take_back(&self, cancelled: Vec<Held>) {
        let places = cancelled.iter().flat_map(|held| self.batches.places(&held.token));
        let ids: Vec<String> = places.filter_map(|place| place.job).collect();
        if !ids.is_empty() {
            self.canceller.cancel(ids).await;
        }
        for held in cancelled {
            self.batches.forget(&held.token);
        }
    }

    /// Looks for a job whose submission was not confirmed, as soon as Slurm answers again.
    async fn is_there(&self, batch: &Batch) -> bool {
        let places = self.batches.places(&batch.members[0].token);
        let since = time::instant();
        let mut view = self.queue.watch();
        let mut lacked = 0;
        while lacked < LOOKS {
            if view.changed().await.is_err() {
                return false;
            }
            let seen = view.borrow_and_update().clone();
            let Some(seen) = seen.seen.filter(|seen| seen.began > since && seen.is_whole) else {
                continue;
            };
            if seen.find(&places).is_some() {
                return true;
            }
            lacked += 1;
        }
        false
    }

    async fn batch(&self, config: &Config, tickets: &[Ticket]) -> Result<Batch, Failure> {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut members = Vec::new();
        for ticket in tickets {
            let handover = if ticket.handover == Handover::default() {
                None
            } else {
                let text = serde_json::to_vec(&ticket.handover).unwrap_or_default();
                if text.len() > HANDOVERS_LEN_MAX {
                    let why = "the task is handed more secrets than can be sealed";
                    return Err(Failure::Refused(why.to_owned()));
                }
                // The instances of a mapped task are handed the same.
                let same = texts.iter().position(|known| *known == text);
                Some(same.unwrap_or_else(|| {
                    texts.push(text);
                    texts.len() - 1
                }))
            };
            members.push(Member {
                folder: ticket.held.folder.path().to_owned(),
                token: ticket.held.token.clone(),
                handover,
            });
        }
        let mut handovers = Vec::new();
        for text in texts {
            handovers.push(self.cluster.seal(config, &text).await?);
        }
        Ok(Batch {
            name: Uuid::new_v4().simple().to_string(),
            is_array: members.len() > 1,
            members,
            handovers,
            munge_socket: config.munge_socket.clone(),
        })
    }

    fn script(&self, batch: &Batch) -> String {
        let own = self.cluster.deck.borrow().slurm.dagdeck.clone();
        let program: PathBuf = own.unwrap_or_else(|| self.cluster.launcher.executable.clone());
        // An element of an array goes by `12_3`, as `squeue` shows it, not by its raw number.
        format!(
            "#!/bin/sh\nexec {} attempt-on-node {} \"${{SLURM_ARRAY_TASK_ID:-0}}\" \
             \"${{SLURM_ARRAY_JOB_ID:+${{SLURM_ARRAY_JOB_ID}}_}}${{SLURM_ARRAY_TASK_ID:-$SLURM_JOB_ID}}\" \
             \"${{SLURMD_NODENAME:-}}\"\n",
            quoted(&program.to_string_lossy()),
            quoted(&self.batches.path(&batch.name).to_string_lossy()),
        )
    }
}

/// Returns who does not want to know: they were cancelled meanwhile.
fn answer(tickets: Vec<Ticket>, answer: &Result<(), String>) -> Vec<Held> {
    let send = |ticket: Ticket| ticket.reply.send(answer.clone()).err().map(|_| ticket.held);
    tickets.into_iter().filter_map(send).collect()
}

/// Says to whoever waits that the controller is silent.
async fn tell(tickets: &[Ticket], why: &str) {
    tracing::warn!(why, "Slurm does not answer; the jobs will be submitted when it does");
    for ticket in tickets {
        ticket.held.noted(format!("Slurm does not answer: {why}")).await;
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Does what blocks; a failure of this machine is no refusal of Slurm's, but as final.
async fn off_thread(
    work: impl FnOnce() -> std::io::Result<()> + Send + 'static,
) -> Result<(), Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::Refused(format!("keep the batch of jobs: {error}"))),
        Err(error) => Err(Failure::Refused(format!("keep the batch of jobs: {error}"))),
    }
}
