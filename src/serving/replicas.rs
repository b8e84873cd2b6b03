//! Replicas: processes that answer side by side, with a real nginx in front (ADR 0070).
//!
//! ```text
//! client ─► nginx ─┬─► r1.sock ─► replica 1 ─┐ each reads what is in force from the store
//!                  ├─► r2.sock ─► replica 2 ─┤ when the daemon says that it changed
//!                  └─► main.sock: the daemon ┴ figures of all, load and unload; everything while
//!                                              no replica can
//! ```
//! A replica's place is a path. A new process listens beside it, is brought up to date, and is
//! then renamed into its place: from that moment on connections go to it, and the one before is
//! told to end. nginx needs no reload for that, and no client loses its connection. All of them are
//! in sessions of their own and outlive the daemon; the next one finds them by their command
//! lines and takes them over.

mod front;
mod merge;
mod place;
pub(crate) mod wire;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

use crate::dag::serving::{ReplicasSpec, ServingSpec};
use crate::runtime::executor::build_of;
use crate::runtime::promotion::off_thread;
use crate::runtime::publish::Publisher;
use crate::runtime::{Layout, serving_file};
use crate::serving::drift::Drained;
use crate::types::Fault;
use crate::types::serving::{ReplicaView, ServingStatus};
use front::Front;
use place::{Desk, Place};
use wire::{Ask, Told};

/// How long a status may keep whoever asks waiting.
const STATUS_PATIENCE: Duration = Duration::from_secs(1);
/// How long a replica may take to load what is served.
const SYNC_PATIENCE: Duration = Duration::from_secs(60);

/// The replicas' own settings, as they were when the daemon started.
pub const SETTINGS: &str = "serving.toml";

/// Settings that are of no concern to a replica: nginx or the daemon sees to them.
const LEFT_OUT: [&str; 7] =
    ["listen", "socket", "tls_certificate", "tls_key", "log", "drift", "alert"];

/// Where a process listens until it is linked to its place.
pub(super) fn fresh_socket(folder: &Path, replica: u32, id: &str) -> PathBuf {
    folder.join(format!("r{replica}-{id}.sock"))
}

/// Where it is asked by the daemon.
pub(super) fn questions_socket(folder: &Path, replica: u32, id: &str) -> PathBuf {
    folder.join(format!("r{replica}-{id}.ask"))
}

/// The name of a place, as nginx has it: relative to the folder that it runs in.
fn place_name(replica: u32) -> String {
    format!("r{replica}.sock")
}

/// Where the daemon itself answers.
pub(super) const MAIN: &str = "main.sock";

/// What the replicas are started with.
pub(super) struct FleetParts {
    pub(super) layout: Layout,
    pub(super) executable: PathBuf,
    pub(super) spec: ServingSpec,
    pub(super) listen: String,
    pub(super) publisher: Publisher,
}

/// The replicas and their nginx.
pub(crate) struct Fleet {
    places: Vec<Arc<Place>>,
    front: Arc<Front>,
    tasks: Vec<JoinHandle<()>>,
    /// Held while a process is linked to its place, and while all are told of a change: nobody
    /// that was linked has missed it.
    moving: Arc<tokio::sync::Mutex<()>>,
}

impl Fleet {
    /// Starts or takes over all of it; returns when nginx listens. The replicas may still be
    /// starting: until then the daemon answers, over [`MAIN`], which must listen already.
    pub(super) async fn start(parts: FleetParts, replicas: &ReplicasSpec) -> Result<Self, Fault> {
        let FleetParts { layout, executable, spec, listen, publisher } = parts;
        let folder = layout.serving_dir();
        let settings = write_settings(&layout, &folder).await?;
        let fingerprint = fingerprint(&build_of(&executable), &settings);
        let moving = Arc::new(tokio::sync::Mutex::new(()));
        let desk = Arc::new(Desk {
            layout: layout.clone(),
            folder: folder.clone(),
            executable,
            fingerprint,
            publisher,
            moving: Arc::clone(&moving),
        });
        let front = Front::start(&layout, &spec, replicas, &listen).await?;
        let front = Arc::new(front);
        let places: Vec<_> =
            (1..=replicas.count).map(|replica| Arc::new(Place::new(replica))).collect();
        let mut tasks: Vec<_> = places
            .iter()
            .map(|place| tokio::spawn(place::see_to(Arc::clone(place), Arc::clone(&desk))))
            .collect();
        tasks.push(tokio::spawn(front::see_to(Arc::clone(&front))));
        // Those of a larger number, from before.
        place::end_others(&desk, replicas.count).await;
        Ok(Self { places, front, tasks, moving })
    }

    /// Ends what replicas an earlier daemon left, where none are wanted any more.
    pub(super) async fn sweep(layout: &Layout) {
        let folder = layout.serving_dir();
        if folder.exists() {
            front::end(&folder).await;
            place::end_all(layout).await;
        }
    }

    /// Where nginx listens.
    pub(super) fn listen(&self) -> &str {
        self.front.listen()
    }

    /// Tells all replicas to put in force what the store keeps; one that cannot is replaced. When
    /// it returns no replica answers by what was in force before.
    pub(crate) async fn sync(&self) {
        let _one_at_a_time = self.moving.lock().await;
        join_all(self.places.iter().map(|place| async {
            if let Some(Err(fault)) = place.ask(Ask::Sync, SYNC_PATIENCE).await {
                tracing::error!(%fault, replica = place.replica, "a replica is replaced");
                place.give_up(&fault.to_string());
            }
        }))
        .await;
    }

    /// Adds what the replicas tell to what the daemon's own server does.
    pub(crate) async fn status(&self, own: ServingStatus) -> ServingStatus {
        let mut status = own;
        let mut views = Vec::with_capacity(self.places.len());
        let asked = self.places.iter().map(|place| place.ask(Ask::Status, STATUS_PATIENCE));
        for (place, told) in self.places.iter().zip(join_all(asked).await) {
            let mut view: ReplicaView = place.view();
            if let Some(Ok(Told::Status(told))) = told {
                merge::describe(&mut view, &told);
                merge::add(&mut status, &told);
            }
            views.push(view);
        }
        status.problem = status.problem.or_else(|| self.front.problem());
        status.replicas = views;
        status
    }

    /// Takes what the replicas have counted for drift since this was last done.
    pub(crate) async fn drained(&self) -> Vec<Drained> {
        let asked = self.places.iter().map(|place| place.ask(Ask::Drained, STATUS_PATIENCE));
        let told = join_all(asked).await.into_iter().filter_map(|told| match told {
            Some(Ok(Told::Drained(drained))) => Some(drained),
            _ => None,
        });
        told.flatten().collect()
    }

    /// Puts the figures of all together, each with the label `replica`.
    pub(crate) async fn metrics(&self, own: &[u8]) -> String {
        let mut texts = vec![("daemon".to_owned(), String::from_utf8_lossy(own).into_owned())];
        let asked = self.places.iter().map(|place| place.ask(Ask::Metrics, STATUS_PATIENCE));
        for (place, told) in self.places.iter().zip(join_all(asked).await) {
            if let Some(Ok(Told::Metrics(text))) = told {
                texts.push((place.replica.to_string(), text));
            }
        }
        merge::metrics(&texts)
    }

    /// Ends nginx, then the replicas; requests in flight are answered.
    pub(super) async fn stop(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.front.stop().await;
        join_all(self.places.iter().map(|place| place.stop())).await;
    }
}

async fn write_settings(layout: &Layout, folder: &Path) -> Result<String, Fault> {
    let (project, folder) = (layout.project().to_owned(), folder.to_owned());
    off_thread(move || {
        let settings = serving_file::of_project(&project, &LEFT_OUT)?;
        let written = make_folder(&folder).and_then(|()| {
            crate::tracking::artifact::write(&folder, SETTINGS, settings.as_bytes())
        });
        written.map_err(|error| {
            Fault::unavailable(format!("write `{}`", folder.join(SETTINGS).display()))
                .caused_by(Some(&error))
        })?;
        Ok(settings)
    })
    .await
}

pub(super) fn make_folder(folder: &Path) -> std::io::Result<()> {
    crate::runtime::attempt::AttemptFolder::new(folder).make()
}

/// Says what a replica was started as: another program or other settings give another one.
fn fingerprint(build: &str, settings: &str) -> String {
    let digest = Sha256::digest(format!("{build}\n{settings}").as_bytes());
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
