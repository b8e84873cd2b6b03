//! The daemon's end of the wire: one connection to the worker of this build, made when it is
//! first needed and again when it is gone.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::runtime::blocking::blocking;
use crate::runtime::executor::local::roster::Roster;
use crate::runtime::executor::{Launcher, process_table};
use crate::runtime::layout::Layout;
use crate::runtime::worker::wire::{self, FromWorker, PROTOCOL, ToWorker};
use crate::types::{LaunchToken, time};
use crate::web::bind;

/// How long a worker may take until it answers.
const START_TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(2);

/// Messages that wait to be written: the socket takes them at once, unless the worker is held up,
/// and then whoever launches waits.
const MESSAGES_LEN_MAX: usize = 64;

/// What a worker's standard error may grow to before it is begun anew.
const ERR_LEN_MAX: u64 = 1 << 20;

/// The way to the worker.
pub(super) struct Links {
    layout: Layout,
    launcher: Launcher,
    current: tokio::sync::Mutex<Current>,
    pub(super) roster: Arc<Roster>,
}

/// The worker that takes new attempts.
struct Current {
    /// What it is called by.
    build: String,
    link: Option<Arc<Link>>,
}

impl Links {
    pub(super) fn new(layout: Layout, launcher: Launcher, roster: Roster) -> Self {
        let current = Current { build: build_of(&launcher.executable), link: None };
        Self { layout, launcher, current: current.into(), roster: roster.into() }
    }

    /// Returns the connection that is there, or makes one; starts a worker where none listens.
    /// An error says what cannot be done, and why.
    pub(super) async fn get(&self) -> Result<Arc<Link>, String> {
        let mut current = self.current.lock().await;
        if let Some(link) = current.link.as_ref().filter(|link| !link.is_gone()) {
            return Ok(link.clone());
        }
        let made = self.make(&current.build).await;
        let link = Arc::new(made.inspect_err(|why| self.roster.troubled(why))?);
        current.link = Some(link.clone());
        Ok(link)
    }

    /// Starts another worker of the same build for what is launched from now on. Whoever sees to
    /// an attempt keeps the connection to the one before: with the last of them that is closed,
    /// and the worker ends by itself. Where none can be started all stays as it was.
    pub(super) async fn replace(&self) -> Result<(), String> {
        let mut current = self.current.lock().await;
        let build = build_of(&self.launcher.executable);
        let is_free =
            |name: &String| *name != current.build && !self.layout.worker_socket(name).exists();
        let names = (2..).map(|n: u32| format!("{build}.{n}"));
        let Some(build) = names.into_iter().find(is_free) else { return Ok(()) };
        let link = self.make(&build).await?;
        *current = Current { build, link: Some(Arc::new(link)) };
        Ok(())
    }

    async fn make(&self, build: &str) -> Result<Link, String> {
        let socket = self.layout.worker_socket(build);
        let deadline = time::instant() + START_TIMEOUT;
        let mut is_started = false;
        loop {
            let why = match bind::connect(&socket).await {
                Ok(stream) => match Link::open(stream, self.launcher.clone(), &self.roster).await {
                    Ok(link) => {
                        self.look_around(link.pid, build).await;
                        return Ok(link);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                        return Err(format!("talk to the worker: {error}"));
                    }
                    // It ended just then.
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if !is_started {
                self.start(build).map_err(|error| {
                    let program = self.launcher.executable.display();
                    format!("start the worker `{program}`: {error}")
                })?;
                is_started = true;
            }
            if time::instant() >= deadline {
                let log = self.layout.log_dir();
                let log = log.display();
                return Err(format!("reach the worker: {why} (its log is in `{log}`)"));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Finds out which workers there are beside the one that was reached.
    async fn look_around(&self, pid: u32, build: &str) {
        let project = self.layout.project().to_owned();
        let all = blocking(move || process_table::workers_of(&project)).await.unwrap_or_default();
        self.roster.found((pid, build), all);
    }

    fn start(&self, build: &str) -> io::Result<()> {
        let folder = self.layout.log_dir();
        crate::runtime::attempt::AttemptFolder::new(&folder).make()?;
        let err = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(folder.join("worker.err"))?;
        if err.metadata()?.len() > ERR_LEN_MAX {
            err.set_len(0)?;
        }
        // Not waited for: it outlives this process, and is reaped where it ends before.
        Command::new(&self.launcher.executable)
            .arg("--project")
            .arg(self.layout.project())
            .args(["worker", build])
            .current_dir(self.layout.project())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(err)
            .spawn()
            .map(drop)
    }
}

/// A connection to a worker.
pub(super) struct Link {
    /// The worker's.
    pub(super) pid: u32,
    to: mpsc::Sender<ToWorker>,
    routes: Arc<Routes>,
    tasks: [AbortHandle; 2],
}

/// Who listens for what the worker tells of a token. Two messages for each: unbounded.
#[derive(Default)]
struct Routes {
    /// `None` once the worker is gone.
    listeners: Mutex<Option<HashMap<LaunchToken, mpsc::UnboundedSender<FromWorker>>>>,
}

impl Link {
    async fn open(
        stream: UnixStream,
        launcher: Launcher,
        roster: &Arc<Roster>,
    ) -> io::Result<Self> {
        let (from, mut to) = stream.into_split();
        let mut from = BufReader::new(from);
        wire::send(&mut to, &ToWorker::Hello { protocol: PROTOCOL, launcher }).await?;
        let Some(FromWorker::Welcome { protocol, pid }) = wire::receive(&mut from).await? else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        if protocol != PROTOCOL {
            let text = "the program was replaced since this daemon started; start it again";
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        tracing::debug!(pid, "connected to the worker");
        let routes = Arc::new(Routes { listeners: Mutex::new(Some(HashMap::new())) });
        let (sender, messages) = mpsc::channel(MESSAGES_LEN_MAX);
        let reading =
            tokio::spawn(read(from, routes.clone(), (roster.clone(), pid))).abort_handle();
        let writing = tokio::spawn(write(to, messages)).abort_handle();
        Ok(Self { pid, to: sender, routes, tasks: [reading, writing] })
    }

    fn is_gone(&self) -> bool {
        self.routes.lock().is_none() || self.to.is_closed()
    }

    /// Hears what is told of a token from now on; it ends when the worker does.
    pub(super) fn listen(&self, token: &LaunchToken) -> Listening {
        let (sender, told) = mpsc::unbounded_channel();
        if let Some(listeners) = &mut *self.routes.lock() {
            listeners.insert(token.clone(), sender);
        }
        Listening { token: token.clone(), routes: self.routes.clone(), told }
    }

    /// `None`: the worker is gone.
    pub(super) async fn send(&self, message: ToWorker) -> Option<()> {
        self.to.send(message).await.ok()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Routes {
    fn lock(
        &self,
    ) -> MutexGuard<'_, Option<HashMap<LaunchToken, mpsc::UnboundedSender<FromWorker>>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is told of one token.
pub(super) struct Listening {
    token: LaunchToken,
    routes: Arc<Routes>,
    told: mpsc::UnboundedReceiver<FromWorker>,
}

impl Listening {
    /// `None`: the worker is gone.
    pub(super) async fn recv(&mut self) -> Option<FromWorker> {
        self.told.recv().await
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.told.close();
        if let Some(listeners) = &mut *self.routes.lock() {
            // Another one may listen for the same token by now.
            let is_closed = listeners.get(&self.token).is_some_and(|sender| sender.is_closed());
            if is_closed {
                listeners.remove(&self.token);
            }
        }
    }
}

async fn read(
    mut from: BufReader<OwnedReadHalf>,
    routes: Arc<Routes>,
    (roster, pid): (Arc<Roster>, u32),
) {
    loop {
        let message = match wire::receive::<FromWorker>(&mut from).await {
            Ok(Some(message)) => message,
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(%error, "the worker could not be followed");
                break;
            }
        };
        let token = match &message {
            FromWorker::Started { token, .. } | FromWorker::Ended { token, .. } => token.clone(),
            FromWorker::Welcome { .. } => continue,
        };
        let listener = routes.lock().as_ref().and_then(|all| all.get(&token).cloned());
        if let Some(listener) = listener {
            // An error says that nobody wants to know any more.
            let _ = listener.send(message);
        }
    }
    // It ends only where nobody is connected: it was killed. Before that is told to who listens,
    // for they let go of what is counted.
    roster.died(pid);
    routes.lock().take();
}

async fn write(mut to: OwnedWriteHalf, mut messages: mpsc::Receiver<ToWorker>) {
    while let Some(message) = messages.recv().await {
        if let Err(error) = wire::send(&mut to, &message).await {
            tracing::warn!(%error, "the worker does not listen any more");
            return;
        }
    }
}

/// Names the build of a program: its version, and a digest, for another file in its place is
/// another build.
pub(crate) fn build_of(executable: &Path) -> String {
    let told = std::fs::metadata(executable).map_or_else(
        |_| executable.display().to_string(),
        |found| {
            let (dev, inode, size) = (found.dev(), found.ino(), found.len());
            format!("{dev} {inode} {size} {} {}", found.mtime(), found.mtime_nsec())
        },
    );
    let digest = Sha256::digest(told.as_bytes());
    let digest: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{digest}", env!("CARGO_PKG_VERSION"))
}
