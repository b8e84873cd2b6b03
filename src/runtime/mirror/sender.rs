//! Tells what is due until it is dropped. Nothing waits for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::dag::Deck;
use crate::dag::tracking::TrackingServer;
use crate::runtime::engine::Live;
use crate::runtime::layout::Layout;
use crate::runtime::mirror::follow;
use crate::runtime::mirror::remote::{Refusal, Remote};
use crate::runtime::mirror::run::{Desk, own};
use crate::store::{Store, StoreError};
use crate::tracking::mirror::{self, Due, Kind};
use crate::types::view::MirrorView;

/// How many are read at once.
const BATCH: u32 = 50;

/// How often it is looked whether there is something: attempts write from processes of their own.
const LOOK: Duration = Duration::from_millis(500);

/// How long after something went wrong it is tried again, for the first time and at most.
pub const AGAIN: Duration = Duration::from_secs(1);
const AGAIN_MAX: Duration = Duration::from_secs(60);

/// After how many looks what was refused is tried again: ten minutes.
const LOOKS_UNTIL_AGAIN: u32 = 1_200;

/// What a sender is made of.
pub struct SenderParts {
    pub layout: Layout,
    pub store: Store,
    pub live: watch::Receiver<Arc<Live>>,
    /// How long after something went wrong it is tried again: doubled each time, up to a minute.
    pub again: Duration,
}

/// Tells until it is dropped.
#[derive(Debug)]
pub struct Sender {
    /// How far it is; `None`: there is no such server.
    pub view: watch::Receiver<Option<MirrorView>>,
    task: tokio::task::AbortHandle,
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sender {
    /// Starts to tell whom the deck in force names; follows its changes.
    pub fn start(parts: SenderParts) -> Self {
        let (sender, view) = watch::channel(None);
        let work = Work { parts, view: sender, sent: 0 };
        Self { view, task: tokio::spawn(work.run()).abort_handle() }
    }
}

struct Work {
    parts: SenderParts,
    view: watch::Sender<Option<MirrorView>>,
    sent: u64,
}

impl Work {
    async fn run(mut self) {
        let mut live = self.parts.live.clone();
        loop {
            let now = live.borrow_and_update().clone();
            let server = now.deck.tracking.server.clone();
            if let Err(error) = self.follow(&now.deck).await {
                tracing::warn!(%error, "write down what is to go to the MLflow server");
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            let other = |live: &Arc<Live>| live.deck.tracking.server != server;
            let is_over = match &server {
                None => {
                    self.view.send_replace(None);
                    live.wait_for(other).await.is_err()
                }
                Some(server) => tokio::select! {
                    () = self.tell(server) => true,
                    changed = live.wait_for(other) => changed.is_err(),
                },
            };
            if is_over {
                return;
            }
        }
    }

    async fn follow(&self, deck: &Deck) -> Result<(), StoreError> {
        follow(&self.parts.store, deck).await?;
        match deck.tracking.server {
            // Whoever starts it, or changes the file, may have mended what was refused.
            Some(_) => self.parts.store.write(|tx| mirror::again(tx)).await,
            None => Ok(()),
        }
    }

    async fn tell(&mut self, server: &TrackingServer) {
        tracing::info!(server = server.uri, "what pipelines track goes to an MLflow server");
        let (mut again, mut looks) = (self.parts.again, 0);
        // Its connections are kept from round to round.
        let mut desk = None;
        loop {
            match self.round(server, &mut desk).await {
                Ok(0) => {
                    again = self.parts.again;
                    looks += 1;
                    if looks == LOOKS_UNTIL_AGAIN {
                        looks = 0;
                        // It is only a chance more: that it cannot be written is told by others.
                        let _ = self.parts.store.write(|tx| mirror::again(tx)).await;
                    }
                    tokio::time::sleep(LOOK).await;
                }
                Ok(_) => again = self.parts.again,
                Err(problem) => {
                    self.show(server, Some(&problem)).await;
                    tracing::warn!(server = server.uri, problem, "the MLflow server is not told");
                    tokio::time::sleep(again).await;
                    again = (again * 2).min(AGAIN_MAX);
                }
            }
        }
    }

    /// Tells some of what is due; returns how much that was.
    async fn round(
        &mut self,
        server: &TrackingServer,
        desk: &mut Option<Desk>,
    ) -> Result<usize, String> {
        let due = self.parts.store.read(|conn| mirror::due(conn, BATCH)).await;
        let due = due.map_err(|error| error.to_string())?;
        if due.is_empty() {
            self.show(server, None).await;
            return Ok(0);
        }
        let said = |refusal: Refusal| refusal.text().to_owned();
        let desk = match desk {
            Some(desk) => desk,
            None => desk.insert(self.open(server).map_err(said)?),
        };
        for one in &due {
            self.tell_one(desk, one).await.map_err(said)?;
            self.show(server, None).await;
        }
        Ok(due.len())
    }

    fn open(&self, server: &TrackingServer) -> Result<Desk, Refusal> {
        Ok(Desk {
            store: self.parts.store.clone(),
            artifacts: self.parts.layout.artifacts_dir(),
            remote: Remote::open(server)?,
        })
    }

    async fn tell_one(&mut self, desk: &Desk, due: &Due) -> Result<(), Refusal> {
        let told = match due.kind {
            Kind::Run => desk.tell_run(&due.id).await.map(drop),
            Kind::Model | Kind::Experiment => desk.tell_model(&due.id).await,
        };
        let one = due.clone();
        let noted = match told {
            Ok(()) => {
                self.sent += 1;
                desk.store.write(move |tx| mirror::told(tx, &one)).await
            }
            Err(away @ Refusal::Away(_)) => return Err(away),
            Err(refusal) => {
                let why = refusal.text().to_owned();
                tracing::warn!(kind = ?due.kind, id = due.id, why, "the MLflow server will not have it");
                desk.store.write(move |tx| mirror::refused(tx, &one, &why)).await
            }
        };
        tracing::trace!(step = "mirror told");
        noted.map_err(|error| own(&error))
    }

    async fn show(&self, server: &TrackingServer, problem: Option<&str>) {
        let standing = self.parts.store.read(mirror::standing).await.unwrap_or_default();
        let view = MirrorView {
            target: server.uri.clone(),
            sent: self.sent,
            waiting: standing.waiting,
            refused: standing.refused,
            problem: problem.map(str::to_owned).or(standing.refusal),
        };
        self.view.send_if_modified(|shown| {
            let is_news = shown.as_ref() != Some(&view);
            *shown = Some(view);
            is_news
        });
    }
}
