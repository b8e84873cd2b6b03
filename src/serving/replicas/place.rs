//! One place among the replicas: has a process in it at all times, which is started, taken over,
//! watched, and replaced when it dies.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::sync::Notify;

use super::wire::{Ask, Told, ask};
use super::{SYNC_PATIENCE, fresh_socket, place_name, questions_socket};
use crate::runtime::Layout;
use crate::runtime::blocking::blocking;
use crate::runtime::executor::process_table::{self, Process};
use crate::runtime::publish::Publisher;
use crate::types::event::Event;
use crate::types::serving::{ReplicaState, ReplicaView};
use crate::types::{Fault, time};
use crate::web::bind;

/// How often it is looked whether its process lives; each fifth time it is asked.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LOOKS_TO_A_CHECK: u32 = 5;
const CHECK_PATIENCE: Duration = Duration::from_secs(2);
/// Checks in a row that fail before it is replaced.
const FAILURES_MAX: u32 = 3;

/// How long a process may take to listen: it loads all that is served.
const START_PATIENCE: Duration = Duration::from_secs(60);
const START_POLL: Duration = Duration::from_millis(10);

/// How long requests in flight are waited for: the door gives them 10 s.
const DRAIN: Duration = Duration::from_secs(12);

/// Between two processes of one place: longer each time, anew once one has lived for a while.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
];
const LIVED: Duration = Duration::from_secs(30);

/// What their standard error may grow to before it is begun anew.
const ERR_LEN_MAX: u64 = 1 << 20;

/// What all places share.
pub(super) struct Desk {
    pub(super) layout: Layout,
    pub(super) folder: PathBuf,
    pub(super) executable: PathBuf,
    pub(super) fingerprint: String,
    pub(super) publisher: Publisher,
    pub(super) moving: Arc<tokio::sync::Mutex<()>>,
}

/// A process of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Running {
    process: Process,
    fingerprint: String,
    replica: u32,
    id: String,
}

/// A place.
pub(super) struct Place {
    pub(super) replica: u32,
    state: Mutex<Standing>,
    given_up: Notify,
}

struct Standing {
    state: ReplicaState,
    /// The process that requests go to, and where it is asked.
    running: Option<(Running, PathBuf)>,
    deaths: u32,
    problem: Option<String>,
}

impl Place {
    pub(super) fn new(replica: u32) -> Self {
        let standing =
            Standing { state: ReplicaState::Starting, running: None, deaths: 0, problem: None };
        Self { replica, state: Mutex::new(standing), given_up: Notify::new() }
    }

    /// Asks the process in the place; `None`: there is none.
    pub(super) async fn ask(
        &self,
        question: Ask,
        patience: Duration,
    ) -> Option<Result<Told, Fault>> {
        let socket = self.standing().running.as_ref().map(|(_, socket)| socket.clone())?;
        Some(ask(&socket, question, patience).await)
    }

    /// Has its process killed and replaced: what it answers is not to be trusted.
    pub(super) fn give_up(&self, why: &str) {
        let mut standing = self.standing();
        standing.problem = Some(why.to_owned());
        if let Some((running, _)) = &standing.running {
            signal(running.process, Signal::KILL);
        }
        self.given_up.notify_one();
    }

    pub(super) fn view(&self) -> ReplicaView {
        let standing = self.standing();
        let process = standing.running.as_ref().map(|(running, _)| running.process);
        ReplicaView {
            replica: self.replica,
            state: standing.state,
            pid: process.map(|process| process.pid),
            since: process.and_then(process_table::started_at),
            deaths: standing.deaths,
            requests_total: 0,
            requests_per_sec: 0.0,
            in_flight: 0,
            memory_bytes: process.map(|process| process_table::memory_of(&[process])),
            problem: standing.problem.clone(),
        }
    }

    /// Ends its process; requests in flight are answered.
    pub(super) async fn stop(&self) {
        let running = self.standing().running.take();
        if let Some((running, socket)) = running {
            end(&running, &socket).await;
        }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: ReplicaState, running: Option<(Running, PathBuf)>) {
        let mut standing = self.standing();
        standing.state = state;
        standing.running = running;
    }
}

/// Sees to a place until it is aborted.
pub(super) async fn see_to(place: Arc<Place>, desk: Arc<Desk>) {
    let mut tried = 0;
    loop {
        let begin = time::instant();
        let died = match occupy(&place, &desk).await {
            Ok(running) => {
                desk.publisher.publish(Event::ServingChanged);
                watch(&place, &running).await
            }
            Err(fault) => fault.to_string(),
        };
        tried = if begin.elapsed() > LIVED { 0 } else { tried + 1 };
        tracing::error!(replica = place.replica, died, "a replica is started anew");
        place.set(ReplicaState::Waiting, None);
        {
            let mut standing = place.standing();
            standing.deaths += 1;
            standing.problem = Some(died);
        }
        desk.publisher.publish(Event::ServingChanged);
        tokio::time::sleep(PAUSES[tried.min(PAUSES.len()) - usize::from(tried > 0)]).await;
        place.set(ReplicaState::Starting, None);
    }
}

/// Puts a process into the place: one that is there already, or a new one.
async fn occupy(place: &Place, desk: &Desk) -> Result<Running, Fault> {
    let mut there = of_place(&desk.layout, place.replica).await;
    // Of two of them the younger one was on its way into the place.
    let own = there.iter().rposition(|found| found.fingerprint == desk.fingerprint);
    let running = match own.map(|at| there.remove(at)) {
        Some(running) => running,
        None => start(place, desk).await?,
    };
    let linked = link(place, desk, &running).await;
    if linked.is_err() {
        signal(running.process, Signal::KILL);
    }
    linked?;
    // Those before it: what they are asked already they answer.
    for before in there {
        let socket = questions_socket(&desk.folder, before.replica, &before.id);
        tokio::spawn(async move { end(&before, &socket).await });
    }
    Ok(running)
}

/// Brings a process up to date, and connections to it. Nothing that is in force changes meanwhile.
async fn link(place: &Place, desk: &Desk, running: &Running) -> Result<(), Fault> {
    let socket = questions_socket(&desk.folder, place.replica, &running.id);
    let _nothing_changes = desk.moving.lock().await;
    ask(&socket, Ask::Sync, SYNC_PATIENCE).await?;
    let fresh = fresh_socket(&desk.folder, place.replica, &running.id);
    match fs::rename(&fresh, desk.folder.join(place_name(place.replica))) {
        Ok(()) => {}
        // It is in its place: an earlier daemon has put it there.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(Fault::unavailable(format!("link replica {}: {error}", place.replica)));
        }
    }
    place.set(ReplicaState::Ready, Some((running.clone(), socket)));
    tracing::info!(replica = place.replica, pid = running.process.pid, "requests go to a replica");
    Ok(())
}

async fn start(place: &Place, desk: &Desk) -> Result<Running, Fault> {
    let fail = |error: io::Error| {
        Fault::unavailable(format!("start replica {}", place.replica)).caused_by(Some(&error))
    };
    let id = uuid::Uuid::new_v4().simple().to_string()[..8].to_owned();
    let mut child = command(place.replica, &id, desk).map_err(fail)?.spawn().map_err(fail)?;
    let process = child.id().and_then(process_table::name_child);
    let process = process.ok_or_else(|| fail(io::Error::other("it ended at once")))?;
    let socket = questions_socket(&desk.folder, place.replica, &id);
    let deadline = time::instant() + START_PATIENCE;
    loop {
        if bind::connect(&socket).await.is_ok() {
            let fingerprint = desk.fingerprint.clone();
            return Ok(Running { process, fingerprint, replica: place.replica, id });
        }
        if let Ok(Some(status)) = child.try_wait() {
            let log = desk.layout.log_dir();
            let text = format!("replica {} ended ({status}) before it answered", place.replica);
            return Err(Fault::unavailable(text)
                .hint(format!("see `replicas.err` and its log in `{}`", log.display())));
        }
        if time::instant() > deadline {
            signal(process, Signal::KILL);
            let text = format!("replica {} does not answer after 60 s", place.replica);
            return Err(Fault::unavailable(text));
        }
        tokio::time::sleep(START_POLL).await;
    }
}

fn command(replica: u32, id: &str, desk: &Desk) -> io::Result<Command> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    let err = options.open(desk.layout.log_dir().join("replicas.err"))?;
    if err.metadata()?.len() > ERR_LEN_MAX {
        err.set_len(0)?;
    }
    let mut command = Command::new(&desk.executable);
    command
        .arg("--project")
        .arg(desk.layout.project())
        .args(["replica", &replica.to_string(), &desk.fingerprint, id])
        .current_dir(desk.layout.project())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(err);
    Ok(command)
}

/// Watches a process until it has died, or has to; returns how.
async fn watch(place: &Place, running: &Running) -> String {
    let (mut failures, mut looks) = (0, 0_u32);
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = place.given_up.notified() => {}
        }
        if !process_table::is_alive(running.process) {
            return format!("process {} has died", running.process.pid);
        }
        looks = looks.wrapping_add(1);
        if !looks.is_multiple_of(LOOKS_TO_A_CHECK) {
            continue;
        }
        let socket = place.standing().running.as_ref().map(|(_, socket)| socket.clone());
        let Some(folder) = socket.as_deref().and_then(Path::parent) else {
            return "it was taken away".to_owned();
        };
        match answers(&folder.join(place_name(place.replica))).await {
            Ok(()) => failures = 0,
            Err(why) => {
                failures += 1;
                tracing::warn!(replica = place.replica, why, failures, "a check failed");
                if failures >= FAILURES_MAX {
                    signal(running.process, Signal::KILL);
                    return format!("process {} does not answer: {why}", running.process.pid);
                }
            }
        }
    }
}

/// Asks over the very socket that nginx asks.
async fn answers(socket: &Path) -> Result<(), String> {
    const REQUEST: &[u8] = b"GET /livez HTTP/1.1\r\nHost: replica\r\nConnection: close\r\n\r\n";
    let asked = async {
        let mut stream = bind::connect(socket).await?;
        stream.write_all(REQUEST).await?;
        let mut answer = Vec::new();
        stream.take(4096).read_to_end(&mut answer).await?;
        Ok::<_, io::Error>(answer)
    };
    match tokio::time::timeout(CHECK_PATIENCE, asked).await {
        Ok(Ok(answer)) if answer.starts_with(b"HTTP/1.1 200") => Ok(()),
        Ok(Ok(_)) => Err("it says that it does not live".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", CHECK_PATIENCE.as_secs())),
    }
}

/// Ends a process that nobody is sent to any more.
async fn end(running: &Running, socket: &Path) {
    if let Err(fault) = ask(socket, Ask::Stop, CHECK_PATIENCE).await {
        tracing::warn!(%fault, replica = running.replica, "a replica was not told to end");
        signal(running.process, Signal::TERM);
    }
    let deadline = time::instant() + DRAIN;
    while process_table::is_alive(running.process) {
        if time::instant() > deadline {
            tracing::warn!(replica = running.replica, "a replica did not end and was killed");
            signal(running.process, Signal::KILL);
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Ends replicas of a number that is not wanted any more.
pub(super) async fn end_others(desk: &Desk, count: u32) {
    for running in all(&desk.layout).await.into_iter().filter(|found| found.replica > count) {
        // nginx does not send anybody there by now.
        let _ = fs::remove_file(desk.folder.join(place_name(running.replica)));
        let socket = questions_socket(&desk.folder, running.replica, &running.id);
        tokio::spawn(async move { end(&running, &socket).await });
    }
}

/// Ends all replicas of a project.
pub(super) async fn end_all(layout: &Layout) {
    let folder = layout.serving_dir();
    let all = all(layout).await;
    let ending = all.iter().map(|running| {
        let socket = questions_socket(&folder, running.replica, &running.id);
        async move { end(running, &socket).await }
    });
    futures_util::future::join_all(ending).await;
}

/// Lists the living processes of a place, the eldest first.
async fn of_place(layout: &Layout, replica: u32) -> Vec<Running> {
    let mut found = all(layout).await;
    found.retain(|running| running.replica == replica);
    found.sort_by_key(|running| (running.process.start_time, running.process.pid));
    found
}

async fn all(layout: &Layout) -> Vec<Running> {
    let project = layout.project().to_owned();
    let called = blocking(move || process_table::called(&project, "replica")).await;
    let read = |(process, words): (Process, Vec<String>)| {
        let [replica, fingerprint, id] = <[String; 3]>::try_from(words).ok()?;
        Some(Running { process, replica: replica.parse().ok()?, fingerprint, id })
    };
    called.unwrap_or_default().into_iter().filter_map(read).collect()
}

/// Sends a signal, unless another process has its id by now.
pub(super) fn signal(process: Process, signal: Signal) {
    let pid = i32::try_from(process.pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid.filter(|_| process_table::is_alive(process)) {
        // It may have ended just then.
        let _ = kill_process(pid, signal);
    }
}
