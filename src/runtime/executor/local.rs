//! Runs attempts as processes of this machine, by way of the worker: launches, kills and adoptions
//! go to it, starts and ends come back. Where it is gone another one is started, and adopts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::dag::Deck;
use crate::runtime::act::secrets_of;
use crate::runtime::attempt::{AttemptFolder, Order};
use crate::runtime::executor::{
    AFTER_RESTART, Adopted, Ended, Executor, Handover, Held, Launcher, Prepared, named,
    process_table,
};
use crate::runtime::layout::Layout;
use crate::runtime::worker::wire::{End, FromWorker, ToWorker};
use crate::sched::Outcome;
use crate::types::executor::{ExecutorKind, TryPlace};
use crate::types::{AttemptKey, LaunchToken};

mod door;
mod link;
mod roster;
#[cfg(test)]
mod tests;

pub use door::{Workers, WorkersDesk};
pub(crate) use link::build_of;
use link::{Link, Links};
use roster::{Holding, Roster};

/// Between two tries to reach a worker for an attempt that may run: what became of it is not
/// known, and not to be guessed.
const RETRY: Duration = Duration::from_secs(1);

/// How often an attempt is handed to a worker that ends before it has claimed it.
const LAUNCHES_MAX: u32 = 5;

/// The local executor; clones share the worker.
#[derive(Clone)]
pub(crate) struct Local {
    runs_dir: PathBuf,
    /// This machine's name.
    hostname: Option<Arc<str>>,
    links: Arc<Links>,
    /// The definitions in force.
    deck: watch::Receiver<Arc<Deck>>,
}

impl Local {
    pub(crate) fn new(
        layout: Layout,
        launcher: Launcher,
        deck: watch::Receiver<Arc<Deck>>,
        desk: WorkersDesk,
    ) -> Self {
        let runs_dir = layout.runs_dir();
        let WorkersDesk { heard, deaths, mut orders } = desk;
        let links = Arc::new(Links::new(layout, launcher, Roster::new(heard, deaths)));
        let replaced = links.clone();
        tokio::spawn(async move {
            while let Some(reply) = orders.recv().await {
                // An error says that nobody waits for it any more.
                let _ = reply.send(replaced.replace().await);
            }
        });
        let hostname = process_table::hostname().map(Into::into);
        Self { runs_dir, hostname, links, deck }
    }

    fn place(&self, adopted: Option<String>) -> TryPlace {
        let (hostname, adopted) = (self.hostname.clone(), adopted.map(Into::into));
        TryPlace { hostname, adopted, ..TryPlace::of(ExecutorKind::Local) }
    }
}

impl Executor for Local {
    fn launch(&self, attempt: Prepared) -> BoxFuture<'static, Ended> {
        launch(self.clone(), attempt).boxed()
    }

    fn adopt(&self, held: Held) -> BoxFuture<'static, Adopted> {
        adopt(self.clone(), held).boxed()
    }

    fn running(&self) -> Vec<(AttemptKey, LaunchToken)> {
        let found = process_table::attempts_below(&self.runs_dir).into_iter();
        let pids: BTreeMap<PathBuf, u32> = found.map(|(process, at)| (at, process.pid)).collect();
        let name = |(path, pid): (PathBuf, u32)| {
            let folder = AttemptFolder::new(path);
            let (key, token) = named(&folder, Some(pid))?;
            // What a task that has ended left in the background is no attempt.
            folder.report(&token).is_none().then_some((key, token))
        };
        pids.into_iter().filter_map(name).collect()
    }

    /// The worker does: it is about to write there anyway.
    fn begins_folders(&self) -> bool {
        true
    }

    fn warm_up(&self) {
        let links = self.links.clone();
        tokio::spawn(async move {
            if let Err(error) = links.get().await {
                tracing::warn!(%error, "no worker could be started; it will be tried again");
            }
        });
    }
}

async fn launch(local: Local, attempt: Prepared) -> Ended {
    let Prepared { order, handover, held } = attempt;
    for tried in 0..LAUNCHES_MAX {
        let link = match local.links.get().await {
            Ok(link) => link,
            // Another launch of it may have been handed over before.
            Err(_) if tried > 0 => local.reached(&held).await,
            Err(error) => {
                held.note(&error).await;
                return Ended::Finished(Outcome::failed(error));
            }
        };
        let wish = Wish::Launch(&order, &handover);
        let end = match see(&local, &link, &held, wish).await {
            Some(end) => end,
            None => local.adopted(&held, after_death(link.pid)).await,
        };
        match ended(end) {
            Adopted::Ended(ended) => return ended,
            Adopted::Unstarted => {}
        }
    }
    let text = format!("{LAUNCHES_MAX} workers ended before they had begun with it");
    held.note(&text).await;
    Ended::Finished(Outcome::failed(text))
}

async fn adopt(local: Local, held: Held) -> Adopted {
    ended(local.adopted(&held, AFTER_RESTART.to_owned()).await)
}

impl Local {
    /// Has a worker adopt it, and another one where that ends.
    async fn adopted(&self, held: &Held, mut why: String) -> End {
        loop {
            let link = self.reached(held).await;
            let wish = match *held.cancelled.borrow() {
                true => Wish::Kill,
                false => Wish::Adopt { mask: secrets_of(&self.deck.borrow()), why },
            };
            if let Some(end) = see(self, &link, held, wish).await {
                return end;
            }
            why = after_death(link.pid);
        }
    }

    /// Goes on trying until there is a worker.
    async fn reached(&self, held: &Held) -> Arc<Link> {
        loop {
            match self.links.get().await {
                Ok(link) => return link,
                Err(error) => {
                    tracing::error!(attempt = %held.key, error, "no worker to ask for it");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }
}

enum Wish<'a> {
    Launch(&'a Order, &'a Handover),
    Adopt {
        /// The texts that its log may not show.
        mask: Vec<String>,
        why: String,
    },
    Kill,
}

fn after_death(worker: u32) -> String {
    format!("after the death of worker {worker}")
}

/// Sees an attempt to its end at one worker; `None`: that worker is gone.
async fn see(local: &Local, link: &Link, held: &Held, wish: Wish<'_>) -> Option<End> {
    let (token, folder) = (held.token.clone(), held.folder.path().to_owned());
    let mut told = link.listen(&token);
    let kill = || ToWorker::Kill { token: token.clone(), folder: folder.clone() };
    let mut is_killed = matches!(wish, Wish::Kill);
    let is_launch = matches!(wish, Wish::Launch(..));
    let mut adopted = None;
    let message = match wish {
        Wish::Launch(order, handover) => ToWorker::Launch {
            order: Box::new(order.clone()),
            handover: Box::new(handover.clone()),
        },
        Wish::Adopt { mask, why } => {
            adopted = Some(why);
            ToWorker::Adopt { token: token.clone(), folder: folder.clone(), mask }
        }
        Wish::Kill => kill(),
    };
    link.send(message).await?;
    if is_launch {
        tracing::trace!(step = "handed over", attempt = %held.key);
    }
    let mut holding: Option<Holding> = None;
    loop {
        tokio::select! {
            message = told.recv() => match message? {
                FromWorker::Started { start, .. } => {
                    let before = holding.as_ref().map(|held| held.worker);
                    if let Some(before) = before.filter(|before| *before != start.holder) {
                        adopted = Some(after_death(before));
                    }
                    holding = Some(local.links.roster.hold(start.holder));
                    held.started_before(start, local.place(adopted.clone())).await;
                }
                FromWorker::Ended { end, start, .. } => {
                    held.remember(start, local.place(adopted));
                    return Some(end);
                }
                FromWorker::Welcome { .. } => {}
            },
            () = held.until_cancelled(), if !is_killed => {
                is_killed = true;
                link.send(kill()).await?;
            }
        }
    }
}

fn ended(end: End) -> Adopted {
    Adopted::Ended(match end {
        End::Finished(outcome) => Ended::Finished(outcome),
        End::Lost(reason) => Ended::Lost(reason),
        End::Cancelled => Ended::Cancelled,
        End::Unstarted => return Adopted::Unstarted,
    })
}
