//! A scratch copy of the sample project with the real binary in it.

mod peer;
pub(crate) mod postgres;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) use self::peer::peer;

/// How long anything may take before a test gives up: the machines are slow at times.
const PATIENCE: Duration = Duration::from_secs(90);

/// Where the sample project's model server listens.
const SAMPLE_PORT: &str = "127.0.0.1:3000";
/// Any port that is free.
pub(crate) const FREE_PORT: &str = "127.0.0.1:0";

/// How long the sample project looks at a new version; each deploy of a test would wait so long.
const WINDOWS: [(&str, &str); 2] =
    [("step = \"2s\"", "step = \"200ms\""), ("window = \"5s\"", "window = \"500ms\"")];

/// The binary under test.
pub(crate) fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_dagdeck")
}

/// A scratch project.
pub(crate) struct Project {
    dir: TempDir,
    daemon: Option<Child>,
    /// Where the test fails the folder is kept.
    is_evidence: bool,
}

/// What a command gave.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Reads what was printed with `-o json`.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("not JSON: {error}\nstdout: {}\nstderr: {}", self.stdout, self.stderr)
        })
    }

    /// Fails the test unless the command succeeded.
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Project {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), daemon: None, is_evidence: false }
    }

    /// A copy of the sample project.
    pub(crate) fn sample() -> Self {
        let project = Self::empty();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        // Tests run side by side: each model server takes a free port.
        let dags_toml = fs::read_to_string(root.join("dags.toml")).unwrap();
        assert!(dags_toml.contains(SAMPLE_PORT));
        let mut dags_toml = dags_toml.replace(SAMPLE_PORT, FREE_PORT);
        for (long, short) in WINDOWS {
            assert!(dags_toml.contains(long), "the sample has no {long}");
            dags_toml = dags_toml.replace(long, short);
        }
        project.write("dags.toml", dags_toml);
        copy_tree(&root.join("dags"), &project.path("dags"));
        for table in ["iris.csv", "titanic.csv", "housing.csv", "employees.csv"] {
            fs::create_dir_all(project.path("data")).unwrap();
            fs::copy(root.join("data").join(table), project.path("data").join(table)).unwrap();
        }
        for folder in ["incoming", "readings"] {
            fs::create_dir_all(project.path("data/lake").join(folder)).unwrap();
        }
        project
    }

    /// A folder with this `dags.toml`.
    pub(crate) fn with(dags_toml: &str) -> Self {
        let project = Self::empty();
        project.write("dags.toml", dags_toml);
        project
    }

    /// Keeps the folder where the test fails, and says where it is.
    pub(crate) fn keep_if_it_fails(&mut self) {
        self.is_evidence = true;
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.dir.path().join(inside)
    }

    /// Writes a file at once, as a careful program does: beside, then renamed.
    pub(crate) fn write(&self, inside: &str, text: impl AsRef<[u8]>) {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let beside = path.with_extension("tmp");
        fs::write(&beside, text).unwrap();
        fs::rename(&beside, &path).unwrap();
    }

    /// Makes a command of the binary on this project.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.arg("--project").arg(self.dir()).args(args);
        command.env_remove("DAGDECK_LOG").stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.command(args).output().unwrap().into()
    }

    /// Runs a command and reads its JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let mut args = args.to_vec();
        args.extend(["-o", "json"]);
        self.run(&args).ok().json()
    }

    /// Starts the daemon on free ports and waits until it answers.
    pub(crate) fn up(&mut self) {
        let mut command = self.command(&["up", "--serving", "127.0.0.1:0"]);
        let err = fs::File::create(self.path("up.err")).unwrap();
        let child = command.stdout(Stdio::null()).stderr(err).spawn().unwrap();
        self.daemon = Some(child);
        let answered = until(|| {
            let status = self.daemon.as_mut().unwrap().try_wait().unwrap();
            if let Some(status) = status {
                let text = fs::read_to_string(self.path("up.err")).unwrap_or_default();
                panic!("the daemon ended at once ({status}): {text}");
            }
            let ran: Ran = Command::new(binary())
                .arg("--project")
                .arg(self.dir.path())
                .arg("status")
                .output()
                .unwrap()
                .into();
            (ran.code == 0).then_some(())
        });
        answered.expect("the daemon answers");
    }

    /// The daemon's process id.
    pub(crate) fn daemon_pid(&self) -> u32 {
        self.daemon.as_ref().unwrap().id()
    }

    /// As `daemon_pid`, where one runs.
    pub(crate) fn daemon_pid_if_any(&self) -> Option<i32> {
        self.daemon.as_ref().map(|child| i32::try_from(child.id()).unwrap())
    }

    /// Says whether somebody has killed the daemon, and forgets it then.
    pub(crate) fn has_died(&mut self) -> bool {
        let is_over = self.daemon.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some());
        if is_over {
            self.daemon = None;
        }
        is_over
    }

    /// Kills the daemon with SIGKILL.
    pub(crate) fn kill_daemon(&mut self) {
        let mut child = self.daemon.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Stops the daemon in good order.
    pub(crate) fn down(&mut self) {
        self.run(&["down"]).ok();
        let mut child = self.daemon.take().unwrap();
        let status = until(|| child.try_wait().unwrap()).expect("the daemon ends");
        assert!(status.success(), "the daemon ended with {status}");
    }

    /// Where the model server listens.
    pub(crate) fn serving(&self) -> String {
        let status = self.json(&["status"]);
        status["serving_listen"].as_str().unwrap().to_owned()
    }

    /// Waits until the newest run of a DAG has ended, at least the `count`-th, and returns all.
    pub(crate) fn wait_for_runs(&self, dag_id: &str, count: usize) -> Vec<Value> {
        let ended = until(|| {
            let body = self.json(&["runs", "list", dag_id, "--limit", "100"]);
            let runs = body["dag_runs"].as_array().unwrap().clone();
            let over =
                |run: &Value| ["success", "failed"].contains(&run["state"].as_str().unwrap());
            (runs.len() >= count && runs.iter().all(over)).then_some(runs)
        });
        ended.unwrap_or_else(|| {
            panic!("{count} runs of {dag_id}: {}", self.run(&["runs", "list"]).stdout)
        })
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // A deck may have started a daemon that is not our child.
        if self.path(".dagdeck/daemon.sock").exists() {
            self.run(&["down"]);
        }
        if let Some(mut child) = self.daemon.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let keeps = self.is_evidence || std::env::var_os("DAGDECK_TEST_KEEP").is_some();
        if std::thread::panicking() && keeps {
            eprintln!("kept: {}", self.dir.path().display());
            let _ = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap()).keep();
        }
    }
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Asks again until there is an answer, for as long as patience lasts.
pub(crate) fn until<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if start.elapsed() > PATIENCE {
            return None;
        }
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// An HTTP answer.
pub(crate) struct Http {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Http {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Sends one request on a connection of its own.
pub(crate) fn http(addr: &str, method: &str, path: &str, body: Option<&str>) -> Http {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let body = body.unwrap_or("");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // A server that refuses a large body may answer before it has read all of it.
    let _ = stream.write_all(request.as_bytes());
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Http { status, head: head.to_owned(), body: dechunked(head, body) }
}

fn dechunked(head: &str, body: &str) -> String {
    if !head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return body.to_owned();
    }
    let mut rest = body;
    let mut whole = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || after.len() < size {
            break;
        }
        whole.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    whole
}
