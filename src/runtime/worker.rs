//! The worker: a process in a session of its own that starts attempts, watches them and writes
//! their reports. It outlives the daemon, and ends by itself once it holds nothing and nobody is
//! connected.
//!
//! ```text
//! daemon ─ worker-BUILD.sock ─► serve ─┬─ launch ─► claim ─► direct: the user's program ─┐
//!   ▲                                  │                     wrapped: dagdeck attempt ───┤
//!   │                                  └─ adopt ──► report? claim? ─► watch its process ─┤
//!   └──────────────── Started, Ended ◄───────────────────────────────── report.json ◄────┘
//! ```
//! There is one worker for each build of the program: after an upgrade the new daemon has a new
//! worker, which adopts by the folders what the old one still holds; the old one writes the
//! reports of those and ends. No two builds ever talk to each other.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, watch};

use crate::runtime::attempt::{AttemptFolder, Claim, ClaimWorker, Order};
use crate::runtime::executor::process_table::{self, Process};
use crate::runtime::executor::{Handover, Launcher, wrapper};
use crate::runtime::layout::Layout;
use crate::types::{LaunchToken, time};

mod adopt;
mod direct;
mod files;
mod oom;
mod pipes;
mod report;
mod serve;
mod tell;
pub(crate) mod wire;
mod wrapped;

use files::OpenFiles;
use oom::OomKills;
use tell::Told;
use wire::End;

/// How long a worker waits that holds nothing and is connected to nobody: a daemon that is
/// restarted finds it still there.
const IDLE: Duration = Duration::from_secs(5);

/// How long a new worker waits for one that is just ending.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Threads that carry attempts: they start processes and pass on what those print.
const THREADS: usize = 2;

/// What `dagdeck worker BUILD` does: serves the project until it is not needed any more.
pub fn worker_main(layout: &Layout, build: &str) -> io::Result<()> {
    // An error says that it leads a session already.
    let _ = rustix::process::setsid();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    runtime.block_on(async {
        let Some(_lock) = lock(layout, build).await? else { return Ok(()) };
        serve(layout, build).await
    })
}

/// Serves a project until it is not needed any more.
pub(crate) async fn serve(layout: &Layout, build: &str) -> io::Result<()> {
    let worker = Worker::new()?;
    let socket = layout.worker_socket(build);
    let served = serve::serve(&worker, &socket).await;
    // Gone before the lock is: whoever waits for the lock binds anew.
    let _ = std::fs::remove_file(&socket);
    served
}

/// Takes the lock that one worker of a build holds; `None`: another one has it and goes on.
async fn lock(layout: &Layout, build: &str) -> io::Result<Option<File>> {
    let path = layout.worker_lock(build);
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(None)
}

/// What a worker holds; clones share it.
#[derive(Clone)]
struct Worker {
    shared: Arc<Shared>,
}

struct Shared {
    own: Process,
    boot_id: String,
    /// As many as the daemon launches.
    hands: Mutex<HashMap<LaunchToken, Arc<Hand>>>,
    /// Of the daemon that connected last. Unbounded: two messages for each attempt in hand.
    daemon: Mutex<Option<mpsc::UnboundedSender<Told>>>,
    /// Of that daemon, too.
    launcher: Mutex<Option<Arc<Launcher>>>,
    /// Outputs that a background process holds beyond its attempt's end.
    drains: Mutex<usize>,
    /// Something was let go.
    let_go: Notify,
    oom_kills: OomKills,
    open_files: OpenFiles,
}

/// An attempt in hand.
struct Hand {
    token: LaunchToken,
    folder: AttemptFolder,
    cancel: watch::Sender<bool>,
    /// Its process, the worker that will write the report, and since when it is so.
    start: Mutex<Option<(u32, u32, Instant)>>,
}

impl Worker {
    fn new() -> io::Result<Self> {
        let own = process_table::find(std::process::id())
            .ok_or_else(|| io::Error::other("`/proc` does not show this process"))?;
        let shared = Shared {
            own,
            boot_id: process_table::boot_id()?,
            hands: Mutex::default(),
            daemon: Mutex::default(),
            launcher: Mutex::default(),
            drains: Mutex::default(),
            let_go: Notify::new(),
            oom_kills: OomKills::new(),
            open_files: OpenFiles::raise(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Takes an attempt in hand and sees to it on a task of its own. One that is in hand already
    /// is only told of again, or ended.
    fn take(&self, token: LaunchToken, folder: AttemptFolder, wish: Wish) {
        let mut hands = lock_of(&self.shared.hands);
        if let Some(hand) = hands.get(&token) {
            if wish.is_kill() {
                hand.cancel.send_replace(true);
            } else if let Some((pid, holder, at)) = *lock_of(&hand.start) {
                self.tell(Told::Started { token, pid, holder, at });
            }
            return;
        }
        let cancel = watch::Sender::new(wish.is_kill());
        let hand = Arc::new(Hand { token, folder, cancel, start: Mutex::default() });
        hands.insert(hand.token.clone(), hand.clone());
        drop(hands);
        let worker = self.clone();
        tokio::spawn(async move {
            let end = match wish {
                Wish::Launch(order, handover) => launch(&worker, &hand, *order, &handover).await,
                Wish::Adopt(mask) => adopt::adopt(&worker, &hand, mask).await,
                Wish::Kill => adopt::adopt(&worker, &hand, Vec::new()).await,
            };
            lock_of(&worker.shared.hands).remove(&hand.token);
            worker.tell(Told::Ended { token: hand.token.clone(), end });
            worker.shared.let_go.notify_one();
        });
    }

    fn tell(&self, message: Told) {
        if let Some(daemon) = &*lock_of(&self.shared.daemon) {
            // An error says that it has gone: the next one finds the report.
            let _ = daemon.send(message);
        }
    }

    fn launcher(&self) -> Option<Arc<Launcher>> {
        lock_of(&self.shared.launcher).clone()
    }

    fn is_needed(&self) -> bool {
        !lock_of(&self.shared.hands).is_empty()
            || *lock_of(&self.shared.drains) > 0
            || lock_of(&self.shared.daemon).as_ref().is_some_and(|daemon| !daemon.is_closed())
    }

    /// A claim of the token for this worker, which has started nothing for it yet.
    fn claim(&self, token: &LaunchToken) -> Claim {
        self.claim_for(token, self.shared.own, None)
    }

    /// A claim for a process that this worker has started.
    fn claim_for(&self, token: &LaunchToken, process: Process, pipes: Option<[u64; 2]>) -> Claim {
        let Process { pid, start_time } = self.shared.own;
        Claim {
            token: token.clone(),
            pid: process.pid,
            start_time: process.start_time,
            boot_id: self.shared.boot_id.clone(),
            worker: Some(ClaimWorker { pid, start_time }),
            pipes,
        }
    }
}

/// What the daemon wants of an attempt.
enum Wish {
    Launch(Box<Order>, Box<Handover>),
    /// With the texts that its log may not show.
    Adopt(Vec<String>),
    Kill,
}

impl Wish {
    fn is_kill(&self) -> bool {
        matches!(self, Self::Kill)
    }
}

impl Hand {
    /// It runs, started by this worker.
    fn started(&self, worker: &Worker, pid: u32) {
        self.held_by(worker, pid, worker.shared.own.pid);
    }

    fn held_by(&self, worker: &Worker, pid: u32, holder: u32) {
        let at = time::instant();
        *lock_of(&self.start) = Some((pid, holder, at));
        worker.tell(Told::Started { token: self.token.clone(), pid, holder, at });
    }

    fn is_cancelled(&self) -> bool {
        *self.cancel.borrow()
    }

    async fn until_cancelled(&self) {
        // The sender is here: it cannot fail.
        let _ = self.cancel.subscribe().wait_for(|cancelled| *cancelled).await;
    }
}

async fn launch(worker: &Worker, hand: &Hand, order: Order, handover: &Handover) -> End {
    if hand.is_cancelled() {
        return End::Cancelled;
    }
    // Not given up for a full disk: nothing could be written of that either, and where a worker
    // was killed a process of its may still run with this token.
    let begun = tokio::select! {
        begun = wrapper::until_room(|| hand.folder.begin(&order)) => begun,
        () = hand.until_cancelled() => return End::Cancelled,
    };
    if let Err(error) = begun {
        let folder = hand.folder.path().display();
        return report::failed(format!("prepare the attempt's folder `{folder}`: {error}"));
    }
    let Some(launcher) = worker.launcher() else {
        return report::failed("the daemon has not said how to launch");
    };
    match report::runs_directly(&order) {
        true => direct::run(worker, hand, order, handover, &launcher).await,
        false => wrapped::run(worker, hand, &order, handover, &launcher).await,
    }
}

fn lock_of<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
