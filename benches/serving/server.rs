//! The servers, each a process of its own that ends with this one.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::load::Target;

const PATIENCE: Duration = Duration::from_secs(120);

/// BentoML's server answers a constant: what it costs without any model.
const BENTO: &str = "import bentoml\n\n@bentoml.service\nclass Constant:\n    @bentoml.api\n    \
    def predict(self, rows: list) -> list:\n        \
    return [{'label': 'setosa', 'probabilities': {'setosa': 0.98}}]\n";

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn until<T>(what: &str, mut there: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = there() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::sleep(Duration::from_micros(500));
    }
}

/// The sample project with a model in service.
pub(crate) struct Project {
    folder: TempDir,
    binary: PathBuf,
    address: String,
}

impl Project {
    pub(crate) fn with_a_model(binary: &Path) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let address = free_address();
        let project = Self { folder, binary: binary.to_owned(), address };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in ["dags", "data"] {
            let from = root.join(name);
            let copied = Command::new("cp").arg("-r").arg(from).arg(project.path()).status();
            assert!(copied.unwrap().success());
        }
        let sample = fs::read_to_string(root.join("dags.toml")).unwrap();
        let own = sample.replace("127.0.0.1:3000", &project.address).replace("@daily", "@yearly");
        fs::write(project.path().join("dags.toml"), own).unwrap();
        let server = Server::spawn("dagdeck", project.command(&["up"]), project.target());
        let socket = project.path().join(".dagdeck/daemon.sock");
        until("the daemon listens", || std::os::unix::net::UnixStream::connect(&socket).ok());
        let run = project.command(&["run", "mlops_pipeline"]).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        until("the model is served", || server.target.ask());
        until("the deploy is over", || {
            let mut list = project.command(&["runs", "list", "model_serving_pipeline"]);
            let runs = list.stdout(Stdio::piped()).output();
            String::from_utf8_lossy(&runs.unwrap().stdout).contains("success").then_some(())
        });
        assert!(project.command(&["down"]).status().unwrap().success());
        drop(server);
        project
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn target(&self) -> Target {
        let body = "[[5.1,3.5,1.4,0.2]]";
        Target { address: self.address.clone(), path: "/predict", body }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--project").arg(self.path()).args(args).stdout(Stdio::null());
        command
    }

    /// Writes the model with its server; returns what that serves.
    pub(crate) fn bundle(&self) -> PathBuf {
        let folder = self.path().join("bundle");
        let mut command = self.command(&["bundle", "iris@production", "--to"]);
        assert!(command.arg(&folder).status().unwrap().success());
        folder.join("rootfs/srv")
    }

    /// The folder of the model that is served.
    fn model(&self) -> PathBuf {
        let find = Command::new("find").arg(self.path()).args(["-name", "MLmodel"]).output();
        let found = String::from_utf8(find.unwrap().stdout).unwrap();
        Path::new(found.lines().next().expect("a model")).parent().unwrap().to_owned()
    }
}

pub(crate) struct Server {
    pub(crate) name: &'static str,
    started: Instant,
    /// From its start.
    pub(crate) first_answer: Duration,
    process: Child,
    target: Target,
    /// Kept while it runs.
    folder: Option<TempDir>,
}

impl Server {
    fn spawn(name: &'static str, mut command: Command, target: Target) -> Self {
        let started = Instant::now();
        let process = command.stdin(Stdio::null()).spawn().unwrap();
        Self { name, started, first_answer: Duration::ZERO, process, target, folder: None }
    }

    fn answering(mut self) -> Self {
        until(&format!("{} answers", self.name), || self.target.ask());
        self.first_answer = self.started.elapsed();
        self
    }

    pub(crate) fn dagdeck(project: &Project) -> Self {
        Self::spawn("dagdeck", project.command(&["up"]), project.target()).answering()
    }

    /// The server of a bundle, which knows no project.
    pub(crate) fn bundled(project: &Project, folder: &Path) -> Self {
        let target = Target { address: free_address(), ..project.target() };
        let mut command = Command::new(&project.binary);
        command.arg("serve").arg(folder).args(["--listen", &target.address]).stdout(Stdio::null());
        Self::spawn("bundle", command, target).answering()
    }

    /// This very program, as the constant server.
    pub(crate) fn constant() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(crate::CONSTANT).stdout(Stdio::piped());
        let target =
            Target { address: String::new(), path: "/predict", body: "[[5.1,3.5,1.4,0.2]]" };
        let mut server = Self::spawn("constant", command, target);
        let mut said = BufReader::new(server.process.stdout.take().unwrap());
        said.read_line(&mut server.target.address).unwrap();
        server.target.address.truncate(server.target.address.trim_end().len());
        server.answering()
    }

    /// MLflow's scoring server, for the model of the project.
    pub(crate) fn mlflow(project: &Project) -> Self {
        let address = free_address();
        let (_, port) = address.rsplit_once(':').unwrap();
        let mut command = python("DAGDECK_TEST_MLFLOW", "mlflow");
        command
            .args(["-m", "mlflow", "models", "serve", "--env-manager", "local"])
            .args(["--host", "127.0.0.1", "--port", port, "--model-uri"])
            .arg(project.model());
        let body = r#"{"inputs":[[5.1,3.5,1.4,0.2]]}"#;
        let target = Target { address, path: "/invocations", body };
        Self::spawn("MLflow", command, target).answering()
    }

    pub(crate) fn bentoml() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::write(folder.path().join("service.py"), BENTO).unwrap();
        let address = free_address();
        let (_, port) = address.rsplit_once(':').unwrap();
        let mut command = python("DAGDECK_TEST_SERVING", "serving");
        command
            .args(["-m", "bentoml", "serve", "service:Constant", "--host", "127.0.0.1"])
            .args(["--port", port])
            .env("BENTOML_HOME", folder.path())
            .env("BENTOML_DO_NOT_TRACK", "true")
            .current_dir(folder.path());
        let body = r#"{"rows":[[5.1,3.5,1.4,0.2]]}"#;
        let target = Target { address, path: "/predict", body };
        let mut server = Self::spawn("BentoML", command, target).answering();
        server.folder = Some(folder);
        server
    }

    pub(crate) fn clone_target(&self) -> Target {
        self.target.clone()
    }

    /// Resident, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

/// Starts its children's group, so that they end with it.
fn python(variable: &str, made: &str) -> Command {
    use std::os::unix::process::CommandExt as _;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var_os(variable).map_or_else(
        || root.join("target/test-setup").join(made).join("bin/python"),
        PathBuf::from,
    );
    let programs = python.parent().unwrap().display();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(&python);
    command.env("PATH", path).env("MLFLOW_DISABLE_TELEMETRY", "true");
    command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    command
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.process);
        let kill = rustix::process::Signal::KILL;
        // Servers of Python have children; others are no group's first.
        let _ = rustix::process::kill_process_group(pid, kill);
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
