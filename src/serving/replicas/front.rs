//! nginx in front of the replicas: its configuration is written, tested, and put in force in place;
//! its master process is started, taken over from an earlier daemon, and started anew where it
//! dies.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use tokio::process::Command;

use super::place::signal;
use super::{MAIN, place_name};
use crate::dag::serving::{ReplicasSpec, ServingSpec};
use crate::runtime::Layout;
use crate::runtime::executor::process_table::{self, Process};
use crate::runtime::nginx::{self, is_plain};
use crate::runtime::promotion::off_thread;
use crate::types::{Fault, time};
use crate::web::bind;

const CONFIGURATION: &str = "nginx.conf";
/// Where it listens, where any free port was asked for: for the next daemon.
const LISTEN: &str = "listen";
const LOG: &str = "nginx.log";

/// What its processes call themselves.
const MASTER: &str = "nginx: master process";
const WORKER: &str = "nginx: worker process";

/// Where it is looked for beside the usual places of programs.
const ADMINISTRATORS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

const START_PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);
/// How long requests in flight are waited for.
const DRAIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Between two tries to start it again.
const PAUSE: Duration = Duration::from_secs(1);

/// The nginx of a project.
pub(super) struct Front {
    folder: PathBuf,
    program: PathBuf,
    listen: SocketAddr,
    shown: String,
    problem: Mutex<Option<String>>,
}

impl Front {
    /// Has nginx run with this configuration. Refuses where the program is not there, it does not
    /// accept the configuration, or the address cannot be had.
    pub(super) async fn start(
        layout: &Layout,
        spec: &ServingSpec,
        replicas: &ReplicasSpec,
        listen: &str,
    ) -> Result<Self, Fault> {
        let folder = layout.serving_dir().canonicalize().map_err(|error| {
            Fault::unavailable("find the folder of the replicas").caused_by(Some(&error))
        })?;
        let program = find(layout.project(), &replicas.nginx).await?;
        let living = masters(&folder).await.into_iter().next();
        let listen = address(listen, &folder, living.is_some()).await?;
        let front =
            Self { folder, program, listen, shown: listen.to_string(), problem: Mutex::default() };
        let text = front.configuration(layout, spec, replicas.count)?;
        let is_new = front.write(&text).await?;
        match living {
            Some(master) if is_new => {
                tracing::info!(pid = master.pid, "nginx takes over its new configuration");
                signal(master, Signal::HUP);
            }
            Some(_) => {}
            None => front.run().await?,
        }
        Ok(front)
    }

    /// Where it listens.
    pub(super) fn listen(&self) -> &str {
        &self.shown
    }

    /// Why it does not run.
    pub(super) fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn configuration(
        &self,
        layout: &Layout,
        spec: &ServingSpec,
        count: u32,
    ) -> Result<String, Fault> {
        let tls = spec.tls.as_ref().map(|tls| {
            let place = |path: &Path| layout.project().join(path).display().to_string();
            (place(&tls.certificate), place(&tls.key))
        });
        if let Some((certificate, key)) = &tls
            && let Some(path) = [certificate, key].into_iter().find(|path| !is_plain(path))
        {
            let message = format!("nginx cannot be told of the path `{path}`");
            return Err(Fault::invalid(message)
                .hint("name the certificate and its key without quotes, `$`, `;` and braces"));
        }
        Ok(nginx::Front {
            listen: self.listen.to_string(),
            replicas: (1..=count).map(|n| (format!("unix:{}", place_name(n)), 1)).collect(),
            main: Some(format!("unix:{MAIN}")),
            tls,
            body_bytes_max: spec.max_body_bytes,
            timeout: spec.request_timeout,
            is_ours: true,
            is_root: rustix::process::geteuid().is_root(),
        }
        .text())
    }

    /// Writes the configuration where nginx accepts it; says whether it is another one than before.
    async fn write(&self, text: &str) -> Result<bool, Fault> {
        let path = self.folder.join(CONFIGURATION);
        if std::fs::read_to_string(&path).is_ok_and(|before| before == text) {
            return Ok(false);
        }
        let (folder, bytes) = (self.folder.clone(), text.as_bytes().to_vec());
        let fresh = format!("{CONFIGURATION}.new");
        let name = fresh.clone();
        let listen = self.shown.clone();
        off_thread(move || {
            let write = crate::tracking::artifact::write;
            write(&folder, &name, &bytes)
                .and_then(|()| write(&folder, LISTEN, listen.as_bytes()))
                .map_err(|error| {
                    Fault::unavailable("write the configuration of nginx").caused_by(Some(&error))
                })
        })
        .await?;
        let tested = self.command(&fresh).arg("-t").stderr(Stdio::piped()).output().await;
        let tested = tested.map_err(|error| cannot_start(&self.program, &error))?;
        if !tested.status.success() {
            let said = String::from_utf8_lossy(&tested.stderr).trim().to_owned();
            return Err(Fault::invalid(format!("nginx does not accept its configuration: {said}")));
        }
        std::fs::rename(self.folder.join(fresh), path).map_err(|error| {
            Fault::unavailable("write the configuration of nginx").caused_by(Some(&error))
        })?;
        Ok(true)
    }

    fn command(&self, configuration: &str) -> Command {
        let mut command = Command::new(&self.program);
        // Sockets are named relative to the folder, however long its path is.
        command
            .arg("-p")
            .arg(self.folder.join(""))
            .args(["-e", LOG, "-c", configuration])
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // What happens to the daemon's terminal is no concern of it.
            .process_group(0);
        command
    }

    /// Starts it; returns when it listens.
    async fn run(&self) -> Result<(), Fault> {
        end_workers(&self.folder).await;
        // It would try for seconds, and say why in a log only.
        drop(bind::tcp(&self.shown).await?);
        let mut options = OpenOptions::new();
        let err = options.append(true).create(true).mode(0o600).open(self.folder.join(LOG));
        let err = err.map_err(|error| cannot_start(&self.program, &error))?;
        let mut child = self
            .command(CONFIGURATION)
            .stderr(err)
            .spawn()
            .map_err(|error| cannot_start(&self.program, &error))?;
        let deadline = time::instant() + START_PATIENCE;
        // It listens before it calls itself master.
        while masters(&self.folder).await.is_empty() {
            let ended = child.try_wait().ok().flatten();
            if ended.is_some() || time::instant() > deadline {
                let log = self.folder.join(LOG);
                return Err(Fault::unavailable("nginx does not run")
                    .hint(format!("it says why in `{}`", log.display())));
            }
            tokio::time::sleep(POLL).await;
        }
        tracing::info!(listen = self.shown, "nginx listens in front of the replicas");
        Ok(())
    }

    /// Ends it; requests in flight are answered.
    pub(super) async fn stop(&self) {
        end(&self.folder).await;
    }

    fn set_problem(&self, problem: Option<String>) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }
}

/// Starts nginx anew where it dies, until it is aborted.
pub(super) async fn see_to(front: Arc<Front>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if !masters(&front.folder).await.is_empty() {
            continue;
        }
        tracing::error!("nginx has died; it is started anew");
        match front.run().await {
            Ok(()) => front.set_problem(None),
            Err(fault) => {
                tracing::error!(%fault, "nginx could not be started");
                front.set_problem(Some(fault.to_string()));
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Ends the nginx of a folder, where one runs.
pub(super) async fn end(folder: &Path) {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let masters = masters(&folder).await;
    for master in &masters {
        signal(*master, Signal::QUIT);
    }
    until_gone(&masters).await;
    end_workers(&folder).await;
}

/// Ends workers whose master was killed: they hold its address.
async fn end_workers(folder: &Path) {
    let workers = titled(WORKER, folder).await;
    for worker in &workers {
        signal(*worker, Signal::QUIT);
    }
    until_gone(&workers).await;
}

async fn until_gone(processes: &[Process]) {
    let deadline = time::instant() + DRAIN;
    for process in processes {
        while process_table::is_alive(*process) {
            if time::instant() > deadline {
                signal(*process, Signal::KILL);
                break;
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

async fn masters(folder: &Path) -> Vec<Process> {
    titled(MASTER, folder).await
}

async fn titled(title: &'static str, folder: &Path) -> Vec<Process> {
    let folder = folder.to_owned();
    let look = off_thread(move || Ok(process_table::titled(title, &folder)));
    look.await.unwrap_or_default()
}

/// Returns where to listen: what is written, or any free port.
async fn address(written: &str, folder: &Path, is_running: bool) -> Result<SocketAddr, Fault> {
    let unfit = || {
        Fault::invalid(format!("listen on `{written}`: not an address (such as `127.0.0.1:3000`)"))
    };
    let mut found = tokio::net::lookup_host(written).await.map_err(|_| unfit())?;
    let found = found.next().ok_or_else(unfit)?;
    if found.port() != 0 {
        return Ok(found);
    }
    let before = std::fs::read_to_string(folder.join(LISTEN)).ok();
    let before = before.and_then(|text| text.parse::<SocketAddr>().ok());
    if let Some(before) = before.filter(|before| is_running && before.ip() == found.ip()) {
        return Ok(before);
    }
    let free = bind::tcp(&found.to_string()).await?;
    free.local_addr().map_err(|error| Fault::internal(&error))
}

/// Finds the program, by trying it.
async fn find(project: &Path, written: &Path) -> Result<PathBuf, Fault> {
    let mut candidates = vec![match written.components().count() {
        1 => written.to_owned(),
        _ => project.join(written),
    }];
    if written.components().count() == 1 {
        candidates.extend(ADMINISTRATORS.map(|folder| Path::new(folder).join(written)));
    }
    for candidate in candidates {
        let mut version = Command::new(&candidate);
        version.arg("-v").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if version.status().await.is_ok_and(|status| status.success()) {
            return Ok(candidate);
        }
    }
    Err(Fault::unavailable(format!("replicas need nginx: `{}` does not run", written.display()))
        .hint("install it (Debian: nginx-light), or name it with `nginx = \"PATH\"` of [serving]"))
}

fn cannot_start(program: &Path, error: &std::io::Error) -> Fault {
    Fault::unavailable(format!("start `{}`", program.display())).caused_by(Some(error))
}
