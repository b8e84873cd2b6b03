//! One life of the daemon: the real engine on a runtime whose time is moved by hand, until it is
//! stopped, killed at a step, or has nothing left to do.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::executors::{Inside, OnMachine};
use super::world::World;
use super::{machine, people, relay};
use crate::runtime::act::Executors;
use crate::runtime::engine::{self, Doors, EngineParts};
use crate::runtime::executor::Workers;
use crate::runtime::handle::Handle;
use crate::runtime::layout::Layout;
use crate::runtime::publish::Publisher;
use crate::runtime::serving;
use crate::store::Store;
use crate::store::inline::Inline;
use crate::types::executor::SlurmHeard;

/// As many inputs wait as in the real channel.
const INPUTS_LEN_MAX: usize = 1024;

/// How a life comes to its end, if it is not stopped by hand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Until {
    /// Killed at this step.
    pub(super) step: Option<u64>,
    /// Or ended after this time.
    pub(super) time: Duration,
    /// In good order, or by a kill.
    pub(super) in_order: bool,
}

/// What a kill unwinds with.
struct Killed;

/// Has a daemon live.
pub(super) fn live(world: &Arc<World>, until: Until) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let listening = tracing::subscriber::set_default(Steps(world.clone()));
    let lived = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work(world.clone(), until))));
    drop(listening);
    drop(runtime);
    if let Err(panic) = lived
        && !panic.is::<Killed>()
    {
        resume_unwind(panic);
    }
}

async fn work(world: Arc<World>, until: Until) {
    world.begin_life(until.step);
    tokio::spawn(machine::run(world.clone()));
    let work = async {
        let (to_loop, inputs) = mpsc::channel(INPUTS_LEN_MAX);
        let (to_relay, told) = mpsc::channel(INPUTS_LEN_MAX);
        tokio::spawn(relay::relay(world.clone(), told, to_loop.clone()));
        let (deck_sender, deck) = watch::channel(world.deck());
        let parts = parts(&world);
        let executors = Executors {
            local: Arc::new(OnMachine(world.clone())),
            slurm: Arc::new(OnMachine(world.clone())),
            in_daemon: Arc::new(Inside(world.clone())),
        };
        let actor = engine::actor(&parts, &Handle { inputs: to_relay }, deck, executors);
        let handle = Handle { inputs: to_loop };
        let slurm = watch::channel(SlurmHeard::default()).1;
        let workers = Workers::channel().0;
        let doors = Doors { handle, inputs, deck: deck_sender, slurm, workers };
        let engine = match engine::start_with(parts, actor, doors).await {
            Ok(engine) => engine,
            Err(fault) => return world.end_life(&format!("it does not start: {fault}")),
        };
        let all_done = tokio::time::timeout(until.time, people::act(&world, &engine.handle)).await;
        if until.in_order || all_done.is_ok() {
            engine.stop().await;
            world.end_life("the daemon is stopped");
        } else {
            world.end_life("the daemon is killed, between two steps");
        }
    };
    tokio::select! {
        biased;
        () = world.died() => {}
        () = work => {}
    }
}

fn parts(world: &Arc<World>) -> EngineParts {
    EngineParts {
        layout: Layout::new("/simulated"),
        store: Store::inline(Inline::new(world.db.clone(), world.clone())),
        deck: world.deck(),
        clock: world.clone(),
        executable: PathBuf::new(),
        environment: Vec::new(),
        serving: serving::channel().0,
        publisher: Publisher::default(),
        tracking: None,
    }
}

/// Hears of the steps of the runtime, and kills the daemon at one.
struct Steps(Arc<World>);

impl Subscriber for Steps {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("dagdeck::") && metadata.fields().field("step").is_some()
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        if self.0.step(&text.0) {
            resume_unwind(Box::new(Killed));
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The fields of an event, the step first.
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, _: &Field, value: &dyn std::fmt::Debug) {
        let gap = if self.0.is_empty() { "" } else { " " };
        self.0 += &format!("{gap}{value:?}");
    }
}
