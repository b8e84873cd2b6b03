//! A scratch copy of the sample project with a daemon.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{PATIENCE, until};

/// The copy, in a folder of its own below `target`.
pub(super) struct Scratch {
    pub(super) binary: PathBuf,
    pub(super) dir: PathBuf,
    daemon: Option<Child>,
}

impl Scratch {
    pub(super) fn make(root: &Path, binary: &Path) -> Result<Self, String> {
        let dir = root.join(format!("target/measure-{}", std::process::id()));
        let scratch = Self { binary: binary.to_owned(), dir, daemon: None };
        scratch.fill(root).map_err(|e| format!("copy the sample project: {e}"))?;
        Ok(scratch)
    }

    /// A project of its own, with nothing but these definitions.
    pub(super) fn bare(root: &Path, binary: &Path, definitions: &str) -> Result<Self, String> {
        let dir = root.join(format!("target/measure-{}", std::process::id()));
        fs::create_dir_all(&dir)
            .and_then(|()| fs::write(dir.join("dags.toml"), definitions))
            .map_err(|e| format!("make a project: {e}"))?;
        Ok(Self { binary: binary.to_owned(), dir, daemon: None })
    }

    fn fill(&self, root: &Path) -> std::io::Result<()> {
        for folder in ["dags", "data"] {
            copy_tree(&root.join(folder), &self.dir.join(folder))?;
        }
        let sample = fs::read_to_string(root.join("dags.toml"))?;
        let own = sample.replace("127.0.0.1:3000", "127.0.0.1:0").replace("@daily", "@yearly");
        fs::write(self.dir.join("dags.toml"), own)
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--project").arg(&self.dir).args(args).stdin(Stdio::null());
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Result<String, String> {
        let ran = self.command(args).output().map_err(|e| format!("start dagdeck: {e}"))?;
        if ran.status.success() {
            return Ok(String::from_utf8_lossy(&ran.stdout).into_owned());
        }
        Err(format!("`{}`: {}", args.join(" "), String::from_utf8_lossy(&ran.stderr)))
    }

    /// Starts the daemon; returns how long it took until its socket answered.
    pub(super) fn up(&mut self) -> Result<Duration, String> {
        let start = Instant::now();
        let child = self
            .command(&["up"])
            .stdout(Stdio::null())
            .spawn()
            .map_err(|e| format!("start the daemon: {e}"))?;
        self.daemon = Some(child);
        let socket = self.dir.join(".dagdeck/daemon.sock");
        let mut stream = until("the daemon listens", || UnixStream::connect(&socket).ok())?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|e| e.to_string())?;
        let asked = stream.write_all(b"GET / HTTP/1.1\r\nHost: dagdeck\r\n\r\n");
        let mut first = [0; 8];
        asked.and_then(|()| stream.read_exact(&mut first)).map_err(|e| e.to_string())?;
        Ok(start.elapsed())
    }

    pub(super) fn down(&mut self) -> Result<(), String> {
        self.run(&["down"])?;
        if let Some(mut child) = self.daemon.take() {
            child.wait().map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    /// The daemon's process.
    pub(super) fn pid(&self) -> u32 {
        self.daemon.as_ref().map_or(0, Child::id)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(mut child) = self.daemon.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
