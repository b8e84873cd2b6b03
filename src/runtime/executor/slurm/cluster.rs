//! Talks to the cluster by its own programs. Each has a time limit of its own: with the
//! controller down they wait for longer than anybody here can.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::watch;

use crate::dag::Deck;
use crate::dag::slurm::SlurmOptions;
use crate::runtime::executor::Launcher;
use crate::runtime::executor::slurm::job::{self, Listing};

/// How long a question may take. A controller under load answers in a second or two.
const ASK_MAX: Duration = Duration::from_secs(8);

/// `sbatch` waits and tries again by itself where the controller is busy.
const SUBMIT_MAX: Duration = Duration::from_secs(60);

/// How much a program may print: `squeue` has about 2.5 kB for each job of the cluster.
const OUTPUT_LEN_MAX: u64 = 512 << 20;

/// How much of what a program complains of goes into an error.
const COMPLAINT_LEN_MAX: usize = 500;

/// What programs say where the controller does not answer, or has no time.
const SILENT: [&str; 8] = [
    "Unable to contact slurm controller",
    "Socket timed out",
    "Connection refused",
    "Connection timed out",
    "Transport endpoint is not connected",
    "standby mode",
    "temporarily unable",
    "Zero Bytes were transmitted",
];

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The controller does not answer: what was asked for may have been done all the same.
    Silent(String),
    /// It says no.
    Refused(String),
}

/// What is asked of the cluster once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Config {
    /// `None`: the usual one.
    pub(super) munge_socket: Option<String>,
    pub(super) has_munge: bool,
    pub(super) array_len_max: usize,
}

/// The way to one cluster.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) launcher: Launcher,
    /// The definitions in force: `[slurm]` may change.
    pub(super) deck: watch::Receiver<Arc<Deck>>,
}

/// A job to be submitted.
pub(super) struct Submission<'a> {
    pub(super) comment: &'a str,
    pub(super) name: &'a str,
    pub(super) options: &'a SlurmOptions,
    /// `None`: no array.
    pub(super) array_len: Option<usize>,
    pub(super) output: &'a Path,
    pub(super) script: String,
}

impl Cluster {
    /// Submits a job and returns its id.
    pub(super) async fn submit(&self, submission: &Submission<'_>) -> Result<String, Failure> {
        let mut args: Vec<OsString> = vec![
            "--parsable".into(),
            // With `--requeue` a second run would only find its token claimed.
            "--no-requeue".into(),
            "--export=ALL".into(),
            "--input=/dev/null".into(),
            "--open-mode=append".into(),
            format!("--comment={}", submission.comment).into(),
            format!("--job-name={}", submission.name).into(),
            joined("--output=", submission.output),
            joined("--chdir=", &self.launcher.project),
        ];
        if let Some(len) = submission.array_len {
            args.push(format!("--array=0-{}", len.saturating_sub(1)).into());
        }
        args.extend(submission.options.arguments().into_iter().map(OsString::from));
        let said = self.run("sbatch", &args, submission.script.as_bytes(), SUBMIT_MAX).await?;
        let said = String::from_utf8_lossy(&said);
        // `ID` or `ID;CLUSTER`.
        let id = said.trim().split(';').next().unwrap_or_default();
        match !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) {
            true => Ok(id.to_owned()),
            false => Err(Failure::Silent(format!("sbatch gave no job id: {}", said.trim()))),
        }
    }

    /// Asks whether a job that asks for this could ever run.
    pub(super) async fn test(&self, options: &SlurmOptions) -> Result<(), Failure> {
        let mut args: Vec<OsString> = vec!["--test-only".into()];
        args.extend(options.arguments().into_iter().map(OsString::from));
        self.run("sbatch", &args, b"#!/bin/sh\n", ASK_MAX).await.map(drop)
    }

    /// Lists the jobs of this user.
    pub(super) async fn jobs(&self) -> Result<Listing, Failure> {
        let said = self.run("squeue", &["--me".into(), "--json".into()], &[], ASK_MAX).await?;
        let read = tokio::task::spawn_blocking(move || job::parse(&said)).await;
        match read {
            Ok(Ok(listing)) => Ok(listing),
            Ok(Err(error)) => Err(Failure::Silent(format!("read what squeue says: {error}"))),
            Err(error) => Err(Failure::Silent(format!("read what squeue says: {error}"))),
        }
    }

    pub(super) async fn cancel(&self, ids: &[String]) -> Result<(), Failure> {
        let args: Vec<OsString> = ids.iter().map(OsString::from).collect();
        self.run("scancel", &args, &[], ASK_MAX).await.map(drop)
    }

    /// Lets a job go that is held.
    pub(super) async fn release(&self, id: &str) -> Result<(), Failure> {
        self.run("scontrol", &["release".into(), id.into()], &[], ASK_MAX).await.map(drop)
    }

    /// Asks the accounting how a job ended that `squeue` no longer knows: its state, with why.
    /// `None` where there is no accounting, or none of this job.
    pub(super) async fn accounted(&self, id: &str) -> Option<String> {
        let args = ["-X", "-n", "-P", "-o", "State,ExitCode", "-j", id].map(OsString::from);
        let said = self.run("sacct", &args, &[], ASK_MAX).await.ok()?;
        let said = String::from_utf8_lossy(&said);
        let (state, exit) = said.lines().next()?.split_once('|')?;
        let is_over = !["PENDING", "RUNNING", "SUSPENDED", ""].contains(&state);
        is_over.then(|| format!("{state}, exit code {exit}"))
    }

    pub(super) async fn config(&self) -> Result<Config, Failure> {
        let args = ["show".into(), "config".into()];
        let said = self.run("scontrol", &args, &[], ASK_MAX).await?;
        Ok(Config::read(&String::from_utf8_lossy(&said)))
    }

    /// Seals a text: only this user can open it, on a node of the cluster. See ADR 0039.
    pub(super) async fn seal(&self, config: &Config, text: &[u8]) -> Result<String, Failure> {
        if !config.has_munge {
            let text = "the task is handed secrets, and the cluster has no munge to seal them with";
            return Err(Failure::Refused(text.to_owned()));
        }
        let mut args: Vec<OsString> = vec![
            format!("--restrict-uid={}", rustix::process::getuid().as_raw()).into(),
            // Said, so that no default can be `none`.
            "--cipher=aes128".into(),
            "--mac=sha256".into(),
        ];
        args.extend(config.munge_socket.iter().map(|socket| joined("--socket=", socket.as_ref())));
        let sealed = self.run("munge", &args, text, ASK_MAX).await.map_err(|failure| {
            let (Failure::Silent(why) | Failure::Refused(why)) = failure;
            Failure::Refused(format!("seal the task's secrets with munge: {why}"))
        })?;
        Ok(String::from_utf8_lossy(&sealed).trim().to_owned())
    }

    async fn run(
        &self,
        program: &str,
        args: &[OsString],
        input: &[u8],
        limit: Duration,
    ) -> Result<Vec<u8>, Failure> {
        match tokio::time::timeout(limit, self.run_to_end(program, args, input)).await {
            Ok(answer) => answer,
            Err(_) => {
                let secs = limit.as_secs();
                Err(Failure::Silent(format!("`{program}` did not answer within {secs} s")))
            }
        }
    }

    async fn run_to_end(
        &self,
        program: &str,
        args: &[OsString],
        input: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let refused = |error: std::io::Error| Failure::Refused(format!("run `{program}`: {error}"));
        let mut child = self.command(program).args(args).spawn().map_err(refused)?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (mut said, mut complained) = (Vec::new(), Vec::new());
        let write = async {
            if let Some(mut stdin) = stdin {
                // An error says that it did not want to hear: its exit says why.
                let _ = stdin.write_all(input).await;
                let _ = stdin.shutdown().await;
            }
        };
        let read = async {
            match stdout {
                Some(out) => out.take(OUTPUT_LEN_MAX + 1).read_to_end(&mut said).await,
                None => Ok(0),
            }
        };
        let listen = async {
            match stderr {
                Some(err) => err.take(1 << 16).read_to_end(&mut complained).await,
                None => Ok(0),
            }
        };
        let ((), read, _) = tokio::join!(write, read, listen);
        read.map_err(refused)?;
        if said.len() as u64 > OUTPUT_LEN_MAX {
            return Err(Failure::Silent(format!("`{program}` says more than can be read")));
        }
        let status = child.wait().await.map_err(refused)?;
        if status.success() {
            return Ok(said);
        }
        let complained = String::from_utf8_lossy(&complained);
        let complaint = one_line(&complained);
        let complaint = if complaint.is_empty() { status.to_string() } else { complaint };
        match SILENT.iter().any(|sign| complained.contains(sign)) {
            true => Err(Failure::Silent(complaint)),
            false => Err(Failure::Refused(complaint)),
        }
    }

    fn command(&self, program: &str) -> Command {
        let spec = self.deck.borrow().slurm.clone();
        let path = spec.bin.as_ref().map(|bin| bin.join(program)).filter(|path| path.is_file());
        let mut command = Command::new(path.unwrap_or_else(|| program.into()));
        command
            .env_clear()
            .envs(self.launcher.environment.iter().map(|(name, value)| (name, value)))
            // Else a listing cuts the indices of an array short.
            .env("SLURM_BITSTR_LEN", "0")
            .current_dir(&self.launcher.project)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(conf) = &spec.conf {
            command.env("SLURM_CONF", conf);
        }
        command
    }
}

impl Config {
    /// Reads what `scontrol show config` says.
    fn read(text: &str) -> Self {
        let value = |key: &str| {
            text.lines().find_map(|line| {
                let (name, value) = line.split_once('=')?;
                (name.trim() == key).then(|| value.trim())
            })
        };
        let info = value("AuthInfo").unwrap_or_default();
        let socket = info.split(',').find_map(|part| part.strip_prefix("socket="));
        let array_len_max = value("MaxArraySize").and_then(|text| text.parse().ok());
        Self {
            munge_socket: socket.map(str::to_owned),
            has_munge: value("AuthType") == Some("auth/munge"),
            // The greatest index is one less.
            array_len_max: array_len_max.unwrap_or(1_001_usize).saturating_sub(1),
        }
    }
}

fn joined(option: &str, path: &Path) -> OsString {
    let mut text = OsString::from(option);
    text.push(path);
    text
}

/// Draws what a program complained of into one line.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let joined = lines.collect::<Vec<_>>().join("; ");
    joined.chars().take(COMPLAINT_LEN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_says_how_to_seal_and_how_long_arrays_may_be() {
        let text = "AuthAltTypes = (null)\nAuthInfo                = socket=/m/s,cred_expire=5\n\
                    AuthType                = auth/munge\nMaxArraySize            = 10001\n";
        let read = Config::read(text);
        assert_eq!(read.munge_socket.as_deref(), Some("/m/s"));
        assert!(read.has_munge);
        assert_eq!(read.array_len_max, 10_000);
        let other = Config::read("AuthInfo = (null)\nAuthType = auth/slurm\n");
        assert_eq!(
            (other.munge_socket, other.has_munge, other.array_len_max),
            (None, false, 1_000)
        );
    }

    #[test]
    fn complaints_are_one_line() {
        let said = "sbatch: error: invalid partition\n\nsbatch: error: Batch job failed\n";
        assert_eq!(
            one_line(said),
            "sbatch: error: invalid partition; sbatch: error: Batch job failed"
        );
    }
}
