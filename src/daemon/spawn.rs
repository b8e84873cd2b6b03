//! How a deck finds the daemon of its project, or starts one in the background.
//!
//! Several decks may start at once: each starts a daemon, the lock lets one of them live, and all
//! decks attach to that one.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::client::Client;
use crate::daemon::folder::{self, io_fault};
use crate::daemon::lock;
use crate::runtime::Layout;
use crate::types::{Fault, FaultKind};

/// How long a daemon may take to answer.
const START_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_EVERY: Duration = Duration::from_millis(20);

/// What the daemon's standard error may grow to before it is begun anew.
const ERR_BYTES_MAX: u64 = 1 << 20;

/// How much of it is told.
const ERR_TOLD_MAX: usize = 8 << 10;

/// The exit code that says that the definitions or the arguments were wrong.
const EXIT_USAGE: i32 = 2;

/// Connects to the daemon of `project` (absolute); where none runs, starts
/// `executable --project DIR up --detached ARGS…`, waits until it answers, and says why where it
/// does not.
pub async fn ensure(project: &Path, executable: &Path, args: &[OsString]) -> Result<Client, Fault> {
    let layout = Layout::new(project);
    let socket = layout.socket();
    if let Ok(client) = Client::connect(&socket).await {
        return Ok(client);
    }
    folder::prepare(&layout)?;
    let deadline = Instant::now() + START_TIMEOUT;
    let mut spawned: Option<Spawned> = None;
    loop {
        if let Ok(client) = Client::connect(&socket).await {
            return Ok(client);
        }
        let is_held = lock::is_held(&layout.lock());
        match &mut spawned {
            // While another daemon starts, or ends, there is nothing to do but to wait.
            None if is_held => {}
            None => spawned = Some(Spawned::start(&layout, executable, args)?),
            Some(daemon) => {
                if let Some(status) = daemon.exit_status() {
                    let text = daemon.said();
                    if !is_held && !text.contains(lock::TAKEN) {
                        return Err(failed(status, &text));
                    }
                    spawned = None;
                }
            }
        }
        if Instant::now() >= deadline {
            let log = layout.log_dir();
            return Err(Fault::unavailable(format!(
                "the daemon does not answer after {} s",
                START_TIMEOUT.as_secs()
            ))
            .hint(format!("its log is in `{}`", log.display())));
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
}

/// Takes this process out of its terminal's session: what happens to the terminal no longer
/// concerns it. To be called first thing by `up --detached`.
pub fn detach() -> Result<(), Fault> {
    match rustix::process::setsid() {
        // A process that leads a group already was started on its own, by a shell or a supervisor.
        Ok(_) | Err(rustix::io::Errno::PERM) => Ok(()),
        Err(error) => Err(Fault::internal(&std::io::Error::from(error))),
    }
}

/// A daemon that was started just now.
struct Spawned {
    child: Child,
    err: File,
    /// Where its own words begin.
    from: u64,
}

impl Spawned {
    fn start(layout: &Layout, executable: &Path, args: &[OsString]) -> Result<Self, Fault> {
        let path = layout.log_dir().join("daemon.err");
        let fail = |error| io_fault(&format!("write `{}`", path.display()), &error);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let err = options.open(&path).map_err(fail)?;
        if err.metadata().map_err(fail)?.len() > ERR_BYTES_MAX {
            err.set_len(0).map_err(fail)?;
        }
        let from = err.metadata().map_err(fail)?.len();
        let child = Command::new(executable)
            .arg("--project")
            .arg(layout.project())
            .args(["up", "--detached"])
            .args(args)
            .current_dir(layout.project())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(err.try_clone().map_err(fail)?)
            .spawn()
            .map_err(|error| {
                Fault::unavailable(format!("start `{}`", executable.display()))
                    .caused_by(Some(&error))
            })?;
        Ok(Self { child, err, from })
    }

    fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Returns what it wrote to its standard error.
    fn said(&mut self) -> String {
        let mut bytes = Vec::new();
        // What cannot be read is left out: the exit status is told all the same.
        let _ = self
            .err
            .seek(SeekFrom::Start(self.from))
            .and_then(|_| self.err.read_to_end(&mut bytes));
        bytes.truncate(ERR_TOLD_MAX);
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

/// Makes a fault of what the CLI of the daemon printed (`error: …`, `  caused by: …`,
/// `hint: …`).
fn failed(status: ExitStatus, text: &str) -> Fault {
    let kind =
        if status.code() == Some(EXIT_USAGE) { FaultKind::Invalid } else { FaultKind::Unavailable };
    if text.is_empty() {
        return Fault::new(kind, format!("the daemon ended at once ({status})"));
    }
    let (text, hint) = match text.rsplit_once("\nhint: ") {
        Some((text, hint)) => (text, Some(hint.trim().to_owned())),
        None => (text, None),
    };
    let mut parts = text.split("\n  caused by: ");
    let message = parts.next().unwrap_or(text).trim_end();
    let message = message.strip_prefix("error: ").unwrap_or(message).to_owned();
    Fault { kind, message, hint, causes: parts.map(|cause| cause.trim().to_owned()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::{Door, Limits, bind};
    use http_body_util::Empty;
    use hyper::body::{Bytes, Incoming};
    use hyper::service::service_fn;
    use hyper::{Request, Response};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    fn project() -> tempfile::TempDir {
        let project = tempfile::tempdir().unwrap();
        std::fs::write(project.path().join("dags.toml"), "").unwrap();
        project
    }

    fn script(project: &Path, body: &str) -> PathBuf {
        let path = project.join("fake-daemon");
        std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        path
    }

    /// Answers as a daemon does that is well.
    async fn answer_at(socket: &Path) -> Door {
        let listener = bind::unix(socket).await.unwrap();
        let service = service_fn(async |_: Request<Incoming>| {
            Ok::<_, std::convert::Infallible>(Response::new(Empty::<Bytes>::new()))
        });
        Door::open(listener, service, Limits::default(), None)
    }

    #[tokio::test]
    async fn what_the_daemon_says_when_it_fails_is_told() {
        let project = project();
        let executable = script(
            project.path(),
            "echo 'error: listen on `x`: address in use' >&2; echo '  caused by: y' >&2; echo 'hint: another' >&2; exit 2",
        );
        let fault = ensure(project.path(), &executable, &[]).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Invalid);
        assert_eq!(fault.message, "listen on `x`: address in use");
        assert_eq!((fault.causes, fault.hint.as_deref()), (vec!["y".to_owned()], Some("another")));
        let silent = script(project.path(), "exit 70");
        let fault = ensure(project.path(), &silent, &[]).await.unwrap_err();
        assert!(fault.message.contains("ended at once"), "{fault}");
        let fault = ensure(project.path(), Path::new("/nowhere"), &[]).await.unwrap_err();
        assert!(fault.message.contains("start `/nowhere`"), "{fault}");
    }

    #[tokio::test]
    async fn a_daemon_that_runs_is_found_and_none_is_started() {
        let project = project();
        let layout = Layout::new(project.path());
        folder::prepare(&layout).unwrap();
        let door = answer_at(&layout.socket()).await;
        let executable = script(project.path(), "touch started");
        ensure(project.path(), &executable, &[]).await.unwrap();
        assert!(!project.path().join("started").exists());
        door.close().await;
    }

    #[tokio::test]
    async fn the_daemon_is_started_with_the_projects_folder_and_awaited() {
        let project = project();
        let executable = script(project.path(), "echo \"$@\" > args; mv args started; sleep 60");
        let layout = Layout::new(project.path());
        let args = ["--api".into(), "127.0.0.1:0".into()];
        let ensured = ensure(project.path(), &executable, &args);
        let answering = async {
            while !project.path().join("started").exists() {
                tokio::task::yield_now().await;
            }
            answer_at(&layout.socket()).await
        };
        let (client, door) = tokio::join!(ensured, answering);
        client.unwrap();
        let args = std::fs::read_to_string(project.path().join("started")).unwrap();
        let expected =
            format!("--project {} up --detached --api 127.0.0.1:0\n", project.path().display());
        assert_eq!(args, expected);
        door.close().await;
    }

    #[tokio::test]
    async fn a_daemon_that_came_second_waits_for_the_first() {
        let project = project();
        let layout = Layout::new(project.path());
        folder::prepare(&layout).unwrap();
        let executable =
            script(project.path(), "echo 'error: another daemon of this project runs' >&2; exit 1");
        let _held = lock::Lock::take(&layout.lock()).await.unwrap();
        let ensured = ensure(project.path(), &executable, &[]);
        let socket = layout.socket();
        let (client, door) = tokio::join!(ensured, answer_at(&socket));
        client.unwrap();
        door.close().await;
    }

    #[tokio::test]
    async fn a_folder_without_definitions_starts_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let fault = ensure(folder.path(), Path::new("/bin/true"), &[]).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Invalid);
    }
}
