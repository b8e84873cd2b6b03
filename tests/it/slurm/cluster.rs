//! A real Slurm cluster on this machine: one controller, several emulated nodes, a munge of its
//! own, all in a private folder and on free ports. Every process of it is ended by its id.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::support::{peer, until};

/// Names of the nodes' daemons, and of the others.
const CONTROLLER: &str = "slurmctld";
const MUNGE: &str = "munged";

/// A cluster takes a dozen processes: one at a time is enough for the machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    /// Where `slurmctld`, `slurmd` and `munged` lie.
    bin: PathBuf,
    /// By name.
    daemons: BTreeMap<String, Child>,
    _turn: MutexGuard<'static, ()>,
}

impl Cluster {
    /// Starts one with so many nodes of two cores each, `settings` added to `slurm.conf`; says in
    /// the list of skipped tests why where it cannot be.
    pub(crate) fn start(test: &str, nodes: usize, settings: &str) -> Option<Self> {
        let controller = peer("DAGDECK_TEST_SLURMCTLD", test)?;
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        // munged wants its folders closed to others' pens, and open to their eyes.
        for dir in ["", "munge", "state", "spool", "log"] {
            let path = folder.path().join(dir);
            fs::create_dir_all(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let bin = controller.parent().unwrap().to_owned();
        let mut cluster = Self { folder, bin, daemons: BTreeMap::new(), _turn: turn };
        cluster.configure(nodes, settings);
        cluster.start_munge();
        cluster.start_controller();
        for node in 1..=nodes {
            cluster.start_node(node);
        }
        let ready = until(|| {
            let idle = cluster.ask("sinfo", &["-h", "-N", "-t", "idle", "-o", "%N"]);
            (String::from_utf8_lossy(&idle.stdout).lines().count() == nodes).then_some(())
        });
        assert!(ready.is_some(), "the nodes do not come up: {}", cluster.logs());
        Some(cluster)
    }

    pub(crate) fn conf(&self) -> PathBuf {
        self.path("slurm.conf")
    }

    pub(crate) fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// Runs one of Slurm's programs.
    pub(crate) fn ask(&self, program: &str, args: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(args).env("SLURM_CONF", self.conf()).stdin(Stdio::null());
        command.output().unwrap()
    }

    /// The lines of `squeue` in a format.
    pub(crate) fn queue(&self, format: &str) -> Vec<String> {
        let listed = self.ask("squeue", &["-h", "-a", "-r", "-o", format]);
        String::from_utf8_lossy(&listed.stdout).lines().map(|line| line.trim().to_owned()).collect()
    }

    pub(crate) fn kill_controller(&mut self) {
        self.kill(CONTROLLER);
    }

    pub(crate) fn start_controller(&mut self) {
        self.daemon(CONTROLLER, CONTROLLER, &["-D"]);
    }

    pub(crate) fn kill_node(&mut self, node: usize) {
        self.kill(&format!("n{node}"));
    }

    pub(crate) fn start_node(&mut self, node: usize) {
        let name = format!("n{node}");
        self.daemon(&name, "slurmd", &["-D", "-N", &name]);
    }

    /// The processes that a job's script runs in: Slurm's step, which is their parent.
    pub(crate) fn steps(&self) -> Vec<u32> {
        let mut found = self.processes();
        found.retain(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.starts_with(b"slurmstepd:")
        });
        found
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configure(&self, nodes: usize, settings: &str) {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let host = host.trim().split('.').next().unwrap().to_owned();
        let dir = self.dir().display();
        let ports = free_ports(nodes + 1);
        let mut conf = format!(
            "ClusterName=practice\nSlurmctldHost={host}(127.0.0.1)\nSlurmctldPort={}\n\
             SlurmUser=root\nSlurmdUser=root\nAuthType=auth/munge\nAuthInfo=socket={dir}/munge/socket\n\
             CredType=cred/munge\nCommunicationParameters=NoInAddrAny,NoCtldInAddrAny\n\
             MpiDefault=none\nProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\n\
             JobAcctGatherType=jobacct_gather/none\nAccountingStorageType=accounting_storage/none\n\
             SelectType=select/cons_tres\nSelectTypeParameters=CR_Core_Memory\nDefMemPerCPU=50\n\
             SchedulerType=sched/backfill\n\
             SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1,\
             batch_sched_delay=0,default_queue_depth=2000\n\
             StateSaveLocation={dir}/state\nSlurmdSpoolDir={dir}/spool/%n\n\
             SlurmctldPidFile={dir}/slurmctld.pid\nSlurmdPidFile={dir}/slurmd-%n.pid\n\
             SlurmctldLogFile={dir}/log/slurmctld.log\nSlurmdLogFile={dir}/log/slurmd-%n.log\n\
             ReturnToService=2\nSlurmdTimeout=10\nKillWait=10\nMaxArraySize=10001\n\
             MaxJobCount=20000\n{settings}\n",
            ports[0]
        );
        for (nth, port) in ports[1..].iter().enumerate() {
            conf += &format!(
                "NodeName=n{} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 \
                 RealMemory=4000 State=UNKNOWN\n",
                nth + 1
            );
        }
        conf += "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n";
        fs::write(self.conf(), conf).unwrap();
        fs::write(self.path("cgroup.conf"), "CgroupPlugin=cgroup/v1\n").unwrap();
    }

    fn start_munge(&mut self) {
        let key = self.path("munge/key");
        let bytes: Vec<u8> = (0..64).flat_map(|_| *uuid::Uuid::new_v4().as_bytes()).collect();
        fs::write(&key, bytes).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
        let option = |name: &str, file: &str| format!("--{name}={}", self.path(file).display());
        let options = [
            "--foreground".to_owned(),
            "--force".to_owned(),
            option("key-file", "munge/key"),
            option("socket", "munge/socket"),
            option("pid-file", "munge/pid"),
            option("seed-file", "munge/seed"),
            option("log-file", "munge/log"),
        ];
        self.daemon(MUNGE, MUNGE, &options.each_ref().map(String::as_str));
        let socket = self.path("munge/socket");
        until(|| socket.exists().then_some(())).expect("munged listens");
    }

    fn daemon(&mut self, name: &str, program: &str, args: &[&str]) {
        let log = fs::File::create(self.path(&format!("log/{name}.out"))).unwrap();
        let child = Command::new(self.bin.join(program))
            .args(args)
            .env("SLURM_CONF", self.conf())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.daemons.insert(name.to_owned(), child);
    }

    fn kill(&mut self, name: &str) {
        let mut child = self.daemons.remove(name).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// All processes that go by this cluster's configuration.
    fn processes(&self) -> Vec<u32> {
        let needle = format!("SLURM_CONF={}", self.conf().display());
        let pids = fs::read_dir("/proc").unwrap().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| {
            let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ.split(|byte| *byte == 0).any(|variable| variable == needle.as_bytes())
        })
        .collect()
    }

    fn logs(&self) -> String {
        let files = fs::read_dir(self.path("log")).unwrap().flatten();
        let text = |entry: fs::DirEntry| {
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            let last: Vec<&str> = text.lines().rev().take(15).collect();
            format!("{}:\n{}\n", entry.path().display(), last.join("\n"))
        };
        files.map(text).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.logs());
        }
        for child in self.daemons.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        // Steps and what they run outlive their daemons.
        for pid in self.processes() {
            let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Ports that were free a moment ago.
fn free_ports(count: usize) -> Vec<u16> {
    let held: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    held.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}
