//! Threads that each serve their share of the connections. A request stays on its connection's thread
//! from the head to the answer: handing it from one thread to another takes longer than a prediction.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The threads; they end when this is dropped, and what they serve with them.
#[derive(Debug)]
pub struct Threads {
    threads: Vec<Thread>,
    turn: AtomicUsize,
}

#[derive(Debug)]
struct Thread {
    handle: Handle,
    /// Dropped, it ends the thread.
    _alive: oneshot::Sender<()>,
}

impl Threads {
    /// Starts one thread a core.
    pub fn start() -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = (0..cores).map(|number| Thread::start(&format!("serving-{number}")));
        Ok(Self { threads: threads.collect::<io::Result<_>>()?, turn: AtomicUsize::new(0) })
    }

    /// Returns the thread whose turn it is.
    pub fn next(&self) -> &Handle {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        &self.threads[turn % self.threads.len()].handle
    }
}

impl Thread {
    fn start(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (alive, gone) = oneshot::channel::<()>();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            // An error says that the sender was dropped, as it should be.
            let _ = runtime.block_on(gone);
            // Rows that a model is still busy with are not waited for.
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, _alive: alive })
    }
}
