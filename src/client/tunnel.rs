//! A daemon of another machine: the system's ssh forwards its socket, and is started again when
//! the line breaks.
//!
//! ```text
//! deck ─► d.sock (0700 folder) ─► ssh -N -L ─► sshd ─► /path/.dagdeck/daemon.sock
//! ```

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::client::Client;
use crate::tui::{Daemon, Later};
use crate::types::ask::{Answer, Request};
use crate::types::event::NumberedEvent;
use crate::types::{Fault, FaultKind};

mod said;

/// How often a new line is tried until it carries.
const TRY_EVERY: Duration = Duration::from_millis(60);
/// How long it may take where nobody can be asked for a password.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);
/// First and longest pause before a broken line is laid again.
const AGAIN_MIN: Duration = Duration::from_millis(300);
const AGAIN_MAX: Duration = Duration::from_secs(10);
/// How long ssh may take to end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// What ssh takes as the path of a socket.
const SOCKET_PATH_MAX: usize = 100;
/// Runs ssh, and ends it when the standard input ends: that happens however the deck ends, by
/// SIGKILL too, which no handler sees. (A signal on the parent's death is Linux's alone, and means
/// the thread that started the child.) Exits with ssh's code.
const LEASH: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- & ssh=$!
{ read -r _; kill "$ssh"; } <&3 >/dev/null 2>&1 & watcher=$!
exec 3<&-
wait "$ssh"; code=$?
kill "$watcher" 2>/dev/null
exit "$code""#;
/// What a shell exits with where there is no such program.
const NOT_FOUND: i32 = 127;

/// A project's folder behind SSH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshTarget {
    /// `host` or `user@host`, as ssh takes it.
    pub host: String,
    /// Absolute.
    pub folder: String,
    /// More arguments of ssh, such as `-p 2222`.
    pub args: Vec<String>,
}

impl FromStr for SshTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "write `[user@]host:/path/of/the/project`";
        let Some((host, folder)) = text.split_once(':') else {
            return Err(format!("`{text}` names no folder: {example}"));
        };
        let odd = |text: &str| text.chars().any(|c| c.is_whitespace() || c.is_control());
        // What begins with a dash would be an option of ssh.
        if host.is_empty() || host.starts_with('-') || odd(host) {
            return Err(format!("`{host}` is no host: {example}"));
        }
        if !folder.starts_with('/') || folder.contains(':') || folder.chars().any(char::is_control)
        {
            return Err(format!("`{folder}` is no absolute path: {example}"));
        }
        let folder = folder.trim_end_matches('/').to_owned();
        Ok(Self { host: host.to_owned(), folder, args: Vec::new() })
    }
}

impl SshTarget {
    /// Names it as it was written.
    pub fn name(&self) -> String {
        format!("{}:{}", self.host, self.folder)
    }
}

/// How lines are laid.
#[derive(Debug, Clone)]
pub struct Tunnels {
    /// The ssh of this system.
    pub program: PathBuf,
    /// Where the sockets' folders are made.
    pub runtime_dir: PathBuf,
}

/// A daemon at the other end of a line.
#[derive(Debug, Clone)]
pub struct Tunnelled {
    client: Client,
    line: Arc<Line>,
}

/// Ends the line when the last who uses it has gone.
#[derive(Debug)]
struct Line {
    closing: watch::Sender<bool>,
    /// Why the line does not carry, where it does not.
    trouble: watch::Receiver<Option<Fault>>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.closing.send_replace(true);
    }
}

/// Waits for the end of a line, which does not end with the process by itself.
#[derive(Debug)]
pub struct Keeper {
    closing: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Ends the line and waits until ssh has gone.
    pub async fn close(self) {
        self.closing.send_replace(true);
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, self.task).await;
    }
}

impl Tunnels {
    /// Lays a line to a project's daemon and waits until it answers. `may_ask`: ssh may use the
    /// terminal to ask for a password or whether a host is known.
    pub async fn open(
        &self,
        target: &SshTarget,
        may_ask: bool,
    ) -> Result<(Tunnelled, Keeper), Fault> {
        let folder = Folder::make(&self.runtime_dir)?;
        let mut laid = Laid::lay(self, target, &folder, may_ask)?;
        let timeout = if may_ask { Duration::from_secs(600) } else { OPEN_TIMEOUT };
        let client = match tokio::time::timeout(timeout, laid.carries(&folder, target)).await {
            Ok(client) => client?,
            Err(_) => {
                let secs = timeout.as_secs();
                return Err(Fault::unavailable(format!(
                    "`{}` did not answer within {secs} s",
                    target.host
                )));
            }
        };
        let (closing, closed) = watch::channel(false);
        let (told, trouble) = watch::channel(None);
        let (tunnels, target) = (self.clone(), target.clone());
        let task = tokio::spawn(async move {
            keep(&tunnels, &target, &folder, laid, closed, &told).await;
            drop(folder);
        });
        let line = Arc::new(Line { closing: closing.clone(), trouble });
        Ok((Tunnelled { client, line }, Keeper { closing, task }))
    }
}

/// A folder for a socket, for its owner only; goes with its content.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn make(runtime_dir: &Path) -> Result<Self, Fault> {
        let name = format!("dagdeck-{}", uuid::Uuid::new_v4().simple());
        let mut path = runtime_dir.join(&name);
        if path.as_os_str().len() + "/d.sock".len() > SOCKET_PATH_MAX {
            path = Path::new("/tmp").join(&name);
        }
        std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(|error| {
            Fault::unavailable(format!("make the folder `{}`", path.display()))
                .caused_by(Some(&error))
        })?;
        Ok(Self(path))
    }

    fn socket(&self) -> PathBuf {
        self.0.join("d.sock")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An ssh that runs, and the shell that ends it with the deck.
struct Laid {
    child: Child,
    program: PathBuf,
    stderr: Lines<BufReader<ChildStderr>>,
    /// The last lines that it said.
    said: Vec<String>,
}

impl Laid {
    fn lay(
        tunnels: &Tunnels,
        target: &SshTarget,
        folder: &Folder,
        may_ask: bool,
    ) -> Result<Self, Fault> {
        let socket = folder.socket();
        let forward = format!("{}:{}/.dagdeck/daemon.sock", socket.display(), target.folder);
        let mut command = Command::new("sh");
        command.args(["-c", LEASH, "sh"]).arg(&tunnels.program);
        command.args([
            "-N",
            "-T",
            "-o",
            "ExitOnForwardFailure=yes",
            "-o",
            "StreamLocalBindUnlink=yes",
        ]);
        // A line that is cut without a word is noticed within a quarter of a minute.
        command.args(["-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"]);
        // Another ssh's shared connection would outlive this one, and its forward with it.
        command.args(["-o", "ControlMaster=no", "-o", "ControlPath=none"]);
        if !may_ask {
            command.args(["-o", "BatchMode=yes"]);
        }
        command.args(&target.args).arg("-L").arg(forward).arg("--").arg(&target.host);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        let mut child = command
            .spawn()
            .map_err(|error| Fault::unavailable("start `sh`").caused_by(Some(&error)))?;
        let stderr = child.stderr.take().ok_or_else(|| {
            Fault::new(FaultKind::Internal, "ssh was started without its standard error")
        })?;
        let (program, stderr) = (tunnels.program.clone(), BufReader::new(stderr).lines());
        Ok(Self { child, program, stderr, said: Vec::new() })
    }

    /// Waits until the daemon answers through it.
    async fn carries(&mut self, folder: &Folder, target: &SshTarget) -> Result<Client, Fault> {
        let socket = folder.socket();
        loop {
            tokio::select! {
                line = self.stderr.next_line() => {
                    let Ok(Some(line)) = line else {
                        let code = self.child.wait().await.ok().and_then(|status| status.code());
                        return Err(match code {
                            Some(NOT_FOUND) => no_program(&self.program),
                            _ => said::fault(&self.said, target),
                        });
                    };
                    self.take(line);
                }
                () = tokio::time::sleep(TRY_EVERY) => {}
            }
            if socket.exists()
                && let Ok(client) = Client::connect(&socket).await
            {
                return Ok(client);
            }
            // It listens, and the other end has nothing to connect it with.
            if self.said.iter().any(|line| said::is_refused(line)) {
                return Err(said::fault(&self.said, target));
            }
        }
    }

    fn take(&mut self, line: String) {
        tracing::info!(ssh = line, "ssh says");
        self.said.push(line);
        if self.said.len() > 20 {
            self.said.remove(0);
        }
    }

    /// Lets go of the standard input, which ends ssh, and waits for that.
    async fn end(mut self) {
        let _ = self.child.wait().await;
    }
}

fn no_program(program: &Path) -> Fault {
    Fault::unavailable(format!("there is no program `{}`", program.display()))
        .hint("install ssh, such as Debian's openssh-client")
}

/// Watches over a line, and lays it again when it breaks.
async fn keep(
    tunnels: &Tunnels,
    target: &SshTarget,
    folder: &Folder,
    mut laid: Laid,
    mut closed: watch::Receiver<bool>,
    told: &watch::Sender<Option<Fault>>,
) {
    let mut pause = AGAIN_MIN;
    loop {
        let ended = tokio::select! {
            line = laid.stderr.next_line() => match line {
                Ok(Some(line)) => {
                    if said::is_refused(&line) {
                        told.send_replace(Some(said::fault(std::slice::from_ref(&line), target)));
                    }
                    laid.take(line);
                    continue;
                }
                _ => true,
            },
            () = closing(&mut closed) => false,
        };
        if !ended {
            laid.end().await;
            return;
        }
        let _ = laid.child.wait().await;
        told.send_replace(Some(said::fault(&laid.said, target)));
        laid = loop {
            let again = tokio::select! {
                () = tokio::time::sleep(pause) => again(tunnels, target, folder).await,
                () = closing(&mut closed) => return,
            };
            pause = (pause * 2).min(AGAIN_MAX);
            match again {
                Ok(laid) => break laid,
                Err(fault) => {
                    told.send_replace(Some(fault));
                }
            }
        };
        told.send_replace(None);
        pause = AGAIN_MIN;
    }
}

async fn closing(closed: &mut watch::Receiver<bool>) {
    let _ = closed.wait_for(|is_closed| *is_closed).await;
}

async fn again(tunnels: &Tunnels, target: &SshTarget, folder: &Folder) -> Result<Laid, Fault> {
    let mut laid = Laid::lay(tunnels, target, folder, false)?;
    match tokio::time::timeout(OPEN_TIMEOUT, laid.carries(folder, target)).await {
        Ok(Ok(_)) => Ok(laid),
        // The line stands; that no daemon is there is told when it is asked.
        Ok(Err(fault)) if laid.said.iter().any(|line| said::is_refused(line)) => {
            laid.end().await;
            Err(fault)
        }
        Ok(Err(fault)) => Err(fault),
        Err(_) => {
            laid.end().await;
            Err(Fault::unavailable(format!("`{}` does not answer", target.host)))
        }
    }
}

impl Tunnelled {
    /// Says what is wrong with the line in place of that nobody answers.
    fn explain(line: &Line, fault: Fault) -> Fault {
        match (fault.kind, &*line.trouble.borrow()) {
            (FaultKind::Unavailable, Some(trouble)) => trouble.clone(),
            _ => fault,
        }
    }
}

impl Daemon for Tunnelled {
    fn ask(&self, request: Request) -> Later<Answer> {
        let Self { client, line } = self.clone();
        Box::pin(
            async move { client.ask(request).await.map_err(|fault| Self::explain(&line, fault)) },
        )
    }

    fn events(&self) -> Later<mpsc::Receiver<NumberedEvent>> {
        let Self { client, line } = self.clone();
        Box::pin(async move {
            Daemon::events(&client).await.map_err(|fault| Self::explain(&line, fault))
        })
    }
}

#[cfg(test)]
mod tests;
