//! The composition root: puts store, engine, watchers, doors and model server together.
//!
//! ```text
//! start: lock ─► store ─► definitions ─► listeners ─► engine ─► watchers ─► serving ─► doors
//! stop:  doors ─► serving ─► watchers ─► engine ─► store ─► socket ─► lock
//! ```
//! Whatever may be refused is refused before the engine starts. Listeners are bound early and
//! served late: a client that comes while the daemon starts waits and is then answered.

use std::ffi::OsString;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::futures::OwnedNotified;
use tokio::sync::{Notify, watch};

use crate::api::{self, Guard};
use crate::client::Client;
use crate::daemon::lock::Lock;
use crate::dag::{self, Deck};
use crate::runtime::desk::Desk;
use crate::runtime::engine::{self, Engine, EngineParts};
use crate::runtime::mirror::{self, Sender, SenderParts};
use crate::runtime::openlineage::{self, Teller, TellerParts};
use crate::runtime::project::{self, Lookup, Project};
use crate::runtime::promotion::off_thread;
use crate::runtime::publish::Publisher;
use crate::runtime::retention::{Pruning, Retention};
use crate::runtime::serving::{ServingHandle, channel};
use crate::runtime::watch::{self as asset_watch, Watchers};
use crate::runtime::webhook::Webhooks;
use crate::runtime::{Control, Layout, TrackingDoor, control::ControlParts};
use crate::serving::{self, ServingParts};
use crate::store::{Store, settings};
use crate::types::settings::Settings;
use crate::types::time::SystemClock;
use crate::types::view::DefinitionsView;
use crate::types::{Clock, Fault, Timestamp};
use crate::web::{Door, PrivateSocket, Token, bind};

mod folder;
mod lock;
pub mod spawn;
#[cfg(test)]
mod tests;

pub(crate) use folder::prepare;

/// How to run a daemon.
#[derive(Clone)]
pub struct DaemonOptions {
    /// The folder that holds `dags.toml`, absolute.
    pub project: PathBuf,
    /// Where the control API listens beside its socket, such as `127.0.0.1:8080`, in place of
    /// what `dags.toml` says; where neither says anything there is only the socket.
    pub api: Option<String>,
    /// Where the model server listens, in place of what `dags.toml` says.
    pub serving: Option<String>,
    /// Resolves `${env:NAME}`.
    pub lookup: Lookup,
    /// This program: attempts are run as `executable attempt FOLDER`.
    pub executable: PathBuf,
    /// What the environment of every attempt begins with.
    pub environment: Vec<(OsString, OsString)>,
}

impl std::fmt::Debug for DaemonOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DaemonOptions")
            .field("project", &self.project)
            .field("api", &self.api)
            .field("serving", &self.serving)
            .field("executable", &self.executable)
            .finish_non_exhaustive()
    }
}

/// Tells whether a daemon of the project runs, be it one that is just starting or stopping.
pub fn is_running(layout: &Layout) -> bool {
    lock::is_held(&layout.lock())
}

/// A daemon that runs in this process.
pub struct Daemon {
    control: Control,
    doors: Vec<Door>,
    /// Ends event streams, which would last for ever.
    streams: watch::Sender<bool>,
    serving: serving::Server,
    watchers: Watchers,
    pruning: Pruning,
    teller: Teller,
    mirror: Sender,
    webhooks: Webhooks,
    project: Project,
    engine: Engine,
    store: Store,
    shutdown: Pin<Box<OwnedNotified>>,
    // Dropped in this order: the lock is let go when the socket is gone.
    socket: SocketFile,
    lock: Lock,
}

impl std::fmt::Debug for Daemon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Daemon").field("control", &self.control).finish_non_exhaustive()
    }
}

impl Daemon {
    /// Takes the project's lock, opens the store, recovers, starts everything. Refuses with
    /// `Conflict` where another daemon of this project runs (its pid is named), with `Invalid`
    /// where `dags.toml` is missing or, at the first start, broken.
    pub async fn start(options: DaemonOptions) -> Result<Self, Fault> {
        let ground = Ground::take(&options).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let publisher = Publisher::default();
        openlineage::follow(&ground.store, &ground.deck).await?;
        mirror::follow(&ground.store, &ground.deck).await?;
        let (serving_handle, orders) = channel();
        let engine = engine::start(EngineParts {
            layout: ground.layout.clone(),
            store: ground.store.clone(),
            deck: Arc::clone(&ground.deck),
            clock: Arc::clone(&clock),
            executable: options.executable.clone(),
            environment: options.environment.clone(),
            serving: serving_handle.clone(),
            publisher: publisher.clone(),
            tracking: ground.listeners.tracking(&options.environment),
        })
        .await?;
        let parts = ServingParts {
            engine: Some((engine.handle.clone(), engine.live.clone())),
            ..serving_parts(&options, &ground, &publisher, &clock)
        };
        match serving::start(parts, orders).await {
            Ok(serving) => {
                Ok(Self::open(options, ground, engine, serving, serving_handle, publisher, clock))
            }
            Err(fault) => {
                engine.stop().await;
                Err(fault)
            }
        }
    }

    /// Starts what watches and what is watched from outside; nothing of it can be refused.
    fn open(
        options: DaemonOptions,
        ground: Ground,
        engine: Engine,
        serving: serving::Server,
        serving_handle: ServingHandle,
        publisher: Publisher,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let Ground { layout, deck, store, listeners, lock, started_at } = ground;
        let first = DefinitionsView { diagnostics: Vec::new(), loaded_at: Some(started_at) };
        let (handle, live) = (engine.handle.clone(), engine.live.clone());
        let (slurm, workers) = (engine.slurm.clone(), engine.workers.clone());
        let desk =
            Desk::new(options.project.clone(), store.clone(), handle.clone(), options.lookup);
        let project = project::start(layout.clone(), desk.clone(), first, publisher.clone());
        let watchers =
            asset_watch::start(layout.clone(), store.clone(), handle.clone(), live.clone());
        let pruning = Retention {
            layout: layout.clone(),
            store: store.clone(),
            live: live.clone(),
            clock: Arc::clone(&clock),
            publisher: publisher.clone(),
        }
        .start();
        let teller = Teller::start(TellerParts {
            project: options.project.clone(),
            store: store.clone(),
            live: live.clone(),
            publisher: publisher.clone(),
            is_followed: openlineage::is_told(&deck),
            again: openlineage::AGAIN,
        });
        let mirror = Sender::start(SenderParts {
            layout: layout.clone(),
            store: store.clone(),
            live: live.clone(),
            again: mirror::AGAIN,
        });
        let webhooks = Webhooks::start(store.clone(), Arc::clone(&clock));
        let shutdown = Arc::new(Notify::new());
        let control = Control::new(ControlParts {
            layout,
            store: store.clone(),
            handle,
            desk,
            live,
            slurm,
            workers,
            definitions: project.definitions.clone(),
            watch_problems: watchers.problems.clone(),
            openlineage: teller.view.clone(),
            mirror: mirror.view.clone(),
            publisher,
            serving: serving_handle,
            clock,
            started_at,
            api_listen: listeners.api_listen(),
            listen_problems: serving.problem.iter().cloned().collect(),
            operating: Arc::default(),
            shutdown: Arc::clone(&shutdown),
        });
        // From now on: a wish to stop that comes before `run_until` is not lost.
        let shutdown = Box::pin(shutdown.notified_owned());
        let streams = watch::Sender::new(false);
        let (doors, socket) = listeners.open(&control, &streams);
        tracing::info!(project = %options.project.display(), "the daemon runs");
        Self {
            control,
            doors,
            streams,
            serving,
            watchers,
            pruning,
            teller,
            mirror,
            webhooks,
            project,
            engine,
            store,
            shutdown,
            socket,
            lock,
        }
    }

    /// Returns a client that talks to this daemon in process.
    pub fn client(&self) -> Client {
        Client::Local(self.control.clone())
    }

    /// Runs until it is told to stop (`Request::Shutdown`, or `stop` resolves), then stops the
    /// doors, drains requests, lets running attempts go on, and closes the store.
    pub async fn run_until(mut self, stop: impl Future<Output = ()>) -> Result<(), Fault> {
        tokio::select! {
            () = &mut self.shutdown => tracing::info!("the daemon was asked to stop"),
            () = stop => tracing::info!("the daemon was told to stop"),
        }
        self.streams.send_replace(true);
        futures_util::future::join_all(self.doors.into_iter().map(Door::close)).await;
        self.serving.stop().await;
        drop((self.watchers, self.pruning, self.teller, self.mirror, self.webhooks, self.project));
        self.engine.stop().await;
        drop((self.control, self.store));
        drop(self.socket);
        drop(self.lock);
        tracing::info!("the daemon has stopped");
        Ok(())
    }
}

/// What a daemon stands on: all that may be refused before anything runs.
struct Ground {
    layout: Layout,
    deck: Arc<Deck>,
    store: Store,
    listeners: Listeners,
    lock: Lock,
    /// Before anything is begun.
    started_at: Timestamp,
}

impl Ground {
    async fn take(options: &DaemonOptions) -> Result<Self, Fault> {
        let started_at = SystemClock.now();
        let layout = Layout::new(&options.project);
        folder::prepare(&layout)?;
        let lock = Lock::take(&layout.lock()).await?;
        let database = layout.database();
        let store = off_thread(move || Ok(Store::open(&database)?)).await?;
        let deck = load(options, store.read(settings::load).await?).await?;
        let api = options.api.as_deref().or(deck.api_listen.as_deref());
        let listeners = Listeners::bind(&layout, api).await?;
        Ok(Self { layout, deck, store, listeners, lock, started_at })
    }
}

fn serving_parts(
    options: &DaemonOptions,
    ground: &Ground,
    publisher: &Publisher,
    clock: &Arc<dyn Clock>,
) -> ServingParts {
    let spec = ground.deck.serving.clone();
    ServingParts {
        listen: options.serving.clone().unwrap_or_else(|| spec.listen.clone()),
        spec,
        layout: ground.layout.clone(),
        store: ground.store.clone(),
        publisher: publisher.clone(),
        clock: Arc::clone(clock),
        engine: None,
        executable: options.executable.clone(),
    }
}

/// Reads the definitions; broken ones are refused with all their drawings.
async fn load(options: &DaemonOptions, settings: Settings) -> Result<Arc<Deck>, Fault> {
    let (project, lookup) = (options.project.clone(), Arc::clone(&options.lookup));
    let loaded = off_thread(move || Ok(dag::load(&project, &*lookup, &settings))).await?;
    let deck = loaded.map_err(|diagnostics| {
        let count = diagnostics.0.len();
        let errors = if count == 1 { "1 error".to_owned() } else { format!("{count} errors") };
        Fault::invalid(format!("read `dags.toml`: {errors}\n\n{diagnostics}"))
            .hint("`dagdeck check` shows them again")
    })?;
    Ok(Arc::new(deck))
}

/// Where clients come in, bound but not yet served.
struct Listeners {
    socket: PrivateSocket,
    file: SocketFile,
    tcp: Option<(TcpListener, Token)>,
}

impl Listeners {
    async fn bind(layout: &Layout, api: Option<&str>) -> Result<Self, Fault> {
        let tcp = match api {
            Some(address) => {
                let listener = bind::tcp(address).await.map_err(|error| {
                    let hint = "choose another address with `listen` of `[api]`, or --api ADDR";
                    Fault::from(error).hint(hint)
                })?;
                let path = layout.token();
                let token = Token::load_or_create(&path).map_err(|error| {
                    folder::io_fault(&format!("make the token `{}`", path.display()), &error)
                })?;
                Some((listener, token))
            }
            None => None,
        };
        let socket = bind::unix(&layout.socket()).await?;
        Ok(Self { socket, file: SocketFile(layout.socket()), tcp })
    }

    fn api_listen(&self) -> Option<String> {
        let (listener, _) = self.tcp.as_ref()?;
        listener.local_addr().ok().map(|address| address.to_string())
    }

    /// Where scripts find the tracker, unless the operator has told them of another one.
    fn tracking(&self, environment: &[(OsString, OsString)]) -> Option<TrackingDoor> {
        let is_told = environment.iter().any(|(name, _)| name == "MLFLOW_TRACKING_URI");
        let (listener, token) = self.tcp.as_ref().filter(|_| !is_told)?;
        Some(TrackingDoor::new(listener.local_addr().ok()?, token.clone()))
    }

    fn open(self, control: &Control, stop: &watch::Sender<bool>) -> (Vec<Door>, SocketFile) {
        let mut doors =
            vec![api::open(self.socket, control.clone(), Guard::Listener, stop.subscribe())];
        if let Some((listener, token)) = self.tcp {
            let guard = Guard::Token(token);
            doors.push(api::open(listener, control.clone(), guard, stop.subscribe()));
        }
        (doors, self.file)
    }
}

/// Takes the socket's file away when the daemon ends.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the socket could not be removed");
        }
    }
}
