//! The two servers, each in a folder of its own.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::client::Client;

const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Server {
    process: Child,
    folder: TempDir,
    address: String,
    token: String,
    is_ours: bool,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    pub(crate) fn dagdeck() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let text = format!("[deck]\nname = \"bench\"\n[api]\nlisten = \"{address}\"\n");
        fs::write(folder.path().join("dags.toml"), text).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_dagdeck"))
            .arg("--project")
            .arg(folder.path())
            .args(["up", "--serving", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { process, folder, address, token: String::new(), is_ours: true };
        server.wait();
        let token = fs::read_to_string(server.folder.path().join(".dagdeck/token")).unwrap();
        token.trim().clone_into(&mut server.token);
        server
    }

    pub(crate) fn mlflow(python: &Path) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let port = free_port().to_string();
        let store = format!("sqlite:///{}/mlflow.db", folder.path().display());
        let programs = python.parent().unwrap().display();
        let process = Command::new(python)
            .args(["-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"])
            .args(["--port", &port, "--backend-store-uri", &store])
            .current_dir(folder.path())
            .env("PATH", format!("{programs}:{}", std::env::var("PATH").unwrap_or_default()))
            .env("MLFLOW_DISABLE_TELEMETRY", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let address = format!("127.0.0.1:{port}");
        let server = Self { process, folder, address, token: String::new(), is_ours: false };
        server.wait();
        server
    }

    fn wait(&self) {
        let begin = Instant::now();
        while TcpStream::connect(&self.address).is_err() {
            assert!(begin.elapsed() < PATIENCE, "{} does not come up", self.address);
            thread::sleep(Duration::from_millis(50));
        }
        // What is read and made at the start is over by then.
        thread::sleep(Duration::from_secs(3));
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address, &self.token)
    }

    /// Ours, or theirs.
    pub(crate) fn pick<T: Copy>(&self, [ours, theirs]: [T; 2]) -> T {
        if self.is_ours { ours } else { theirs }
    }

    /// The proportional memory of the process and of all that it started, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let mut open = vec![self.process.id()];
        let mut sum = 0;
        while let Some(pid) = open.pop() {
            let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"));
            let pss = rollup.ok().and_then(|text| {
                let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?.to_owned();
                line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()
            });
            sum += pss.unwrap_or(0) * 1024;
            let tasks = fs::read_dir(format!("/proc/{pid}/task"));
            for task in tasks.into_iter().flatten().flatten() {
                let children = fs::read_to_string(task.path().join("children"));
                let children = children.unwrap_or_default();
                open.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
            }
        }
        sum
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its workers end with it; that it has ended is as good.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}
