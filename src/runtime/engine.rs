//! The loop that owns all scheduling state.
//!
//! ```text
//! inputs ─► step, step, step ─► one commit ─► live ─► effects ─► events ─► replies
//!                                   │
//!                                   └─ fails: state is recovered from the store, callers get
//!                                      the fault, reports are held and tried again
//! ```
//! Start-up recovery is the same code as the repair after a failed commit.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::dag::Deck;
use crate::runtime::act::{Actor, Callbacks, Executors, Shared, removal};
use crate::runtime::executor::in_daemon::InDaemon;
use crate::runtime::executor::local::Local;
use crate::runtime::executor::slurm::Slurm;
use crate::runtime::executor::{Launcher, Workers, WorkersDesk};
use crate::runtime::handle::{Asked, Handle};
use crate::runtime::layout::Layout;
use crate::runtime::pass::TrackingDoor;
use crate::runtime::promotion;
use crate::runtime::publish::Publisher;
use crate::runtime::serving::ServingHandle;
use crate::runtime::trigger::{TriggerParts, Triggers};
use crate::sched::Input;
use crate::sched::change::DagState;
use crate::store::Store;
use crate::types::executor::SlurmHeard;
use crate::types::view::PoolView;
use crate::types::{Clock, Fault};

mod batch;
mod deaths;
mod live;
mod recover;
mod summary;
mod turn;

use turn::{Channels, Loop};

/// How many inputs wait: a batch being committed (milliseconds) while every attempt of a large
/// deck reports and every door asks. Whoever comes later waits in `send`, which is what they
/// would do anyway.
const INPUTS_LEN_MAX: usize = 1024;

/// What the engine is made of.
#[derive(Clone)]
pub struct EngineParts {
    pub layout: Layout,
    pub store: Store,
    pub deck: Arc<Deck>,
    pub clock: Arc<dyn Clock>,
    /// This program: the worker is `executable worker BUILD`, what computes runs as
    /// `executable attempt FOLDER`.
    pub executable: PathBuf,
    /// What the environment of every attempt begins with; `cli` says what may pass.
    pub environment: Vec<(OsString, OsString)>,
    pub serving: ServingHandle,
    pub publisher: Publisher,
    /// Where scripts log with MLflow's client.
    pub tracking: Option<TrackingDoor>,
}

/// Live state, published after each commit.
#[derive(Debug, Clone)]
pub struct Live {
    pub deck: Arc<Deck>,
    pub dag_states: Arc<Vec<DagState>>,
    pub slots_used: u32,
    pub slots_total: u32,
    pub pools: Vec<PoolView>,
    pub runs_running: u64,
    pub runs_queued: u64,
    /// Why nothing can be kept at present.
    pub trouble: Option<String>,
}

/// A running engine. Where it is dropped instead of stopped, the loop ends as well, but nobody
/// waits for it.
#[derive(Debug)]
pub struct Engine {
    pub handle: Handle,
    pub live: watch::Receiver<Arc<Live>>,
    /// What its executor last heard of Slurm.
    pub slurm: watch::Receiver<SlurmHeard>,
    pub workers: Workers,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Recovers from the store, adopts what still runs, and starts the loop on a task of its own.
pub async fn start(parts: EngineParts) -> Result<Engine, Fault> {
    let (sender, inputs) = mpsc::channel(INPUTS_LEN_MAX);
    let handle = Handle { inputs: sender };
    let (deck_sender, deck) = watch::channel(parts.deck.clone());
    let (heard, slurm) = watch::channel(SlurmHeard::default());
    let (workers, desk, died) = Workers::channel();
    tokio::spawn(deaths::write(parts.store.clone(), parts.publisher.clone(), died));
    let actor = actor(&parts, &handle, deck.clone(), executors(&parts, deck, heard, desk));
    start_with(parts, actor, Doors { handle, inputs, deck: deck_sender, slurm, workers }).await
}

/// The ends of the channels that the loop and its actor share.
pub(crate) struct Doors {
    pub(crate) handle: Handle,
    pub(crate) inputs: mpsc::Receiver<Asked>,
    pub(crate) deck: watch::Sender<Arc<Deck>>,
    pub(crate) slurm: watch::Receiver<SlurmHeard>,
    pub(crate) workers: Workers,
}

/// As `start`, with an actor at hand.
pub(crate) async fn start_with(
    parts: EngineParts,
    actor: Actor,
    doors: Doors,
) -> Result<Engine, Fault> {
    let Doors { handle, inputs, deck, slurm, workers } = doors;
    removal::make_good(&parts.layout, &parts.store).await?;
    let recovery = recover::recover(&parts.store, &parts.deck, parts.clock.now()).await?;
    let (live_sender, live) = watch::channel(Arc::new(live::of(&recovery.state)));
    let (stop, stopped) = oneshot::channel();
    let channels = Channels { inputs, stop: stopped, live: live_sender, deck };
    let mut engine = Loop::new(parts.clone(), recovery, actor, channels);
    engine.warm_up();
    engine.adopt_all();
    engine.sweep();
    engine.first(first_inputs(&parts)).await?;
    let task = tokio::spawn(engine.run());
    let engine = Engine { handle, live, slurm, workers, stop, task };
    if let Err(fault) = promotion::make_good(&parts.store, &engine.handle).await {
        engine.stop().await;
        return Err(fault);
    }
    Ok(engine)
}

impl Engine {
    /// Ends the loop after the input in hand; attempts in flight go on and are adopted by the
    /// next engine.
    pub async fn stop(self) {
        // An error says that the loop has ended already.
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the engine ended badly");
        }
    }
}

fn executors(
    parts: &EngineParts,
    deck: watch::Receiver<Arc<Deck>>,
    heard: watch::Sender<SlurmHeard>,
    desk: WorkersDesk,
) -> Executors {
    let launcher = Launcher {
        executable: parts.executable.clone(),
        project: parts.layout.project().to_owned(),
        environment: parts.environment.clone(),
    };
    let in_daemon = InDaemon {
        layout: parts.layout.clone(),
        store: parts.store.clone(),
        publisher: parts.publisher.clone(),
        serving: parts.serving.clone(),
        clock: parts.clock.clone(),
        deck: deck.clone(),
    };
    let slurm = Slurm::start(launcher.clone(), deck.clone(), parts.layout.slurm_dir(), heard);
    Executors {
        local: Arc::new(Local::new(parts.layout.clone(), launcher, deck, desk)),
        slurm: Arc::new(slurm),
        in_daemon: Arc::new(in_daemon),
    }
}

pub(crate) fn actor(
    parts: &EngineParts,
    handle: &Handle,
    deck: watch::Receiver<Arc<Deck>>,
    executors: Executors,
) -> Actor {
    let triggers = Triggers::start(TriggerParts {
        layout: parts.layout.clone(),
        store: parts.store.clone(),
        handle: handle.clone(),
        publisher: parts.publisher.clone(),
        clock: parts.clock.clone(),
        deck: deck.clone(),
    });
    Actor::new(Shared {
        layout: parts.layout.clone(),
        store: parts.store.clone(),
        handle: handle.clone(),
        publisher: parts.publisher.clone(),
        clock: parts.clock.clone(),
        deck,
        executors,
        triggers,
        tracking: parts.tracking.clone(),
        in_flight: Mutex::new(BTreeMap::new()),
        callbacks: Callbacks::new(parts.environment.clone()),
    })
}

/// What a fresh state wants to know: the definitions, and the time.
fn first_inputs(parts: &EngineParts) -> Vec<Asked> {
    [Input::DefinitionsLoaded(parts.deck.clone()), Input::Tick].into_iter().map(Asked::of).collect()
}
