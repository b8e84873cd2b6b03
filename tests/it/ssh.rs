//! A deck's line to another machine: a real sshd on this one, with keys and a configuration of
//! its own.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use dagdeck::client::tunnel::{Keeper, SshTarget, Tunnelled, Tunnels};
use dagdeck::tui::Daemon;
use dagdeck::types::Fault;
use dagdeck::types::ask::{Answer, Request};
use portable_pty::CommandBuilder;
use rustix::process::Signal;

use crate::deck::Deck;
use crate::support::{Project, binary, peer, until};

/// An sshd with everything that it needs.
struct Sshd {
    folder: tempfile::TempDir,
    child: Child,
}

impl Sshd {
    /// Starts one; says in the list of skipped tests why where it cannot be.
    fn start(test: &str) -> Option<Self> {
        let program = peer("DAGDECK_TEST_SSHD", test)?;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for key in ["host", "user", "stranger"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(path(key))
                .status();
            assert!(made.unwrap().success());
        }
        // Where it drops its privileges; Debian makes it when the service starts.
        let _ = fs::create_dir_all("/run/sshd");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::copy(path("user.pub"), path("authorized")).unwrap();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {0}/host\nPidFile none\nUsePAM no\n\
             AuthorizedKeysFile {0}/authorized\nStrictModes no\nPasswordAuthentication no\n\
             PermitRootLogin yes\nAllowStreamLocalForwarding yes\n",
            folder.path().display()
        );
        fs::write(path("sshd_config"), config).unwrap();
        let host = fs::read_to_string(path("host.pub")).unwrap();
        fs::write(path("known"), format!("[127.0.0.1]:{port} {host}")).unwrap();
        fs::write(path("nobody_known"), "").unwrap();
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap();
        let client = |host: &str, key: &str, known: &str| {
            format!(
                "Host {host}\n  HostName 127.0.0.1\n  Port {port}\n  User {0}\n  \
                 IdentityFile {1}/{key}\n  IdentitiesOnly yes\n  IdentityAgent none\n  \
                 UserKnownHostsFile {1}/{known}\n  GlobalKnownHostsFile /dev/null\n  \
                 StrictHostKeyChecking yes\n",
                user.trim(),
                folder.path().display()
            )
        };
        let hosts = client("far", "user", "known")
            + &client("unknown", "user", "nobody_known")
            + &client("denied", "stranger", "known");
        fs::write(path("ssh_config"), hosts).unwrap();
        let child = Command::new(program)
            .args(["-D", "-e", "-f"])
            .arg(path("sshd_config"))
            .stderr(fs::File::create(path("log")).unwrap())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut sshd = Self { folder, child };
        let listens = until(|| {
            assert!(sshd.child.try_wait().unwrap().is_none(), "{}", sshd.log());
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        assert!(listens.is_some(), "{}", sshd.log());
        Some(sshd)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn target(&self, host: &str, project: &Path) -> SshTarget {
        let config = self.folder.path().join("ssh_config").display().to_string();
        let target: SshTarget = format!("{host}:{}", project.display()).parse().unwrap();
        SshTarget { args: vec!["-F".to_owned(), config], ..target }
    }

    /// Lays a line, its socket below this folder.
    async fn open(&self, host: &str, project: &Path) -> Result<(Tunnelled, Keeper), Fault> {
        let runtime_dir = self.runtime_dir();
        fs::create_dir_all(&runtime_dir).unwrap();
        let tunnels = Tunnels { program: "ssh".into(), runtime_dir };
        tunnels.open(&self.target(host, project), false).await
    }

    fn runtime_dir(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// Returns the process ids of the ssh clients that were started from here.
    fn clients(&self) -> Vec<i32> {
        let mark = self.runtime_dir().display().to_string();
        let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        processes
            .filter_map(|entry| entry.file_name().to_string_lossy().parse::<i32>().ok())
            .filter(|pid| {
                let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).into_owned();
                line.starts_with("ssh\0") && line.contains(&mark)
            })
            .collect()
    }

    fn sockets(&self) -> usize {
        fs::read_dir(self.runtime_dir()).map_or(0, Iterator::count)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn on_a_runtime(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(test);
}

#[test]
fn a_line_carries_is_laid_again_when_it_breaks_and_leaves_nothing_behind() {
    let Some(sshd) = Sshd::start("a_line_carries") else { return };
    let mut project = Project::sample();
    project.up();
    on_a_runtime(async {
        let (daemon, keeper) = sshd.open("far", project.dir()).await.unwrap();
        let folder = fs::read_dir(sshd.runtime_dir()).unwrap().next().unwrap().unwrap();
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let answer = daemon.ask(Request::Status).await.unwrap();
        assert!(matches!(answer, Answer::Status(status) if status.deck_name == "practice"));
        let mut events = daemon.events().await.unwrap();
        let [pid] = sshd.clients()[..] else { panic!("{:?}", sshd.clients()) };
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        while events.recv().await.is_some() {}
        let mut tries = 0;
        while daemon.ask(Request::Status).await.is_err() {
            tries += 1;
            assert!(tries < 300, "the line is not laid again");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        keeper.close().await;
        assert_eq!((sshd.clients(), sshd.sockets()), (Vec::new(), 0));
    });
    project.down();
}

#[test]
fn who_goes_elsewhere_ends_the_line_by_dropping_it() {
    let Some(sshd) = Sshd::start("who_goes_elsewhere") else { return };
    let mut project = Project::sample();
    project.up();
    on_a_runtime(async {
        let (daemon, _keeper) = sshd.open("far", project.dir()).await.unwrap();
        drop(daemon);
        let mut tries = 0;
        while !sshd.clients().is_empty() || sshd.sockets() > 0 {
            tries += 1;
            assert!(tries < 300, "ssh goes on");
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        }
    });
    project.down();
}

#[test]
fn what_is_wrong_at_the_other_end_is_told_with_what_to_do() {
    let Some(sshd) = Sshd::start("what_is_wrong") else { return };
    let project = Project::sample();
    on_a_runtime(async {
        for (host, message, hint) in [
            ("far", "no daemon runs for", "dagdeck up"),
            ("unknown", "Host key verification failed", "asks whether to trust"),
            ("denied", "Permission denied", "ssh-add"),
        ] {
            let fault = sshd.open(host, project.dir()).await.unwrap_err();
            assert!(fault.message.contains(message), "{fault}\n{}", sshd.log());
            assert!(fault.hint.as_ref().unwrap().contains(hint), "{:?}", fault.hint);
        }
        assert_eq!((sshd.clients(), sshd.sockets()), (Vec::new(), 0));
    });
}

#[test]
fn a_deck_that_is_killed_takes_its_ssh_along() {
    let Some(sshd) = Sshd::start("a_deck_that_is_killed") else { return };
    let mut project = Project::sample();
    project.up();
    fs::create_dir_all(sshd.runtime_dir()).unwrap();
    let folder = sshd.folder.path().display();
    let config = format!(
        "[profiles.far]\nssh = \"far:{}\"\nssh_args = [\"-F\", \"{folder}/ssh_config\"]\n",
        project.dir().display()
    );
    project.write("deck.toml", config);
    let mut command = CommandBuilder::new(binary());
    command.args(["--fresh", "--profile", "far", "--config"]);
    command.arg(project.path("deck.toml"));
    command.env("XDG_RUNTIME_DIR", sshd.runtime_dir());
    let mut deck = Deck::spawn(command, 100, 30);
    deck.wait_for("mlops_pipeline");
    assert_eq!(sshd.clients().len(), 1);
    deck.signal(Signal::KILL);
    let gone = until(|| sshd.clients().is_empty().then_some(()));
    assert!(gone.is_some(), "ssh goes on: {:?}", sshd.clients());
    project.down();
}
