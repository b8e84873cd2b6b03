//! Where a project keeps what: everything lies in `.dagdeck/` beside `dags.toml`, folders 0700,
//! files 0600.

use std::path::{Path, PathBuf};

use crate::types::{AttemptKey, DagId, DagRunId};

/// The paths of one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    project: PathBuf,
}

impl Layout {
    /// Takes the folder that holds `dags.toml` (absolute).
    pub fn new(project: impl Into<PathBuf>) -> Self {
        Self { project: project.into() }
    }

    pub fn project(&self) -> &Path {
        &self.project
    }

    /// `.dagdeck`
    pub fn state_dir(&self) -> PathBuf {
        self.project.join(".dagdeck")
    }

    pub fn database(&self) -> PathBuf {
        self.state_dir().join("dagdeck.db")
    }

    pub fn socket(&self) -> PathBuf {
        self.state_dir().join("daemon.sock")
    }

    pub fn lock(&self) -> PathBuf {
        self.state_dir().join("daemon.lock")
    }

    /// Where the worker of a build of this program listens.
    pub fn worker_socket(&self, build: &str) -> PathBuf {
        self.state_dir().join(format!("worker-{build}.sock"))
    }

    /// What that worker holds while it lives.
    pub fn worker_lock(&self, build: &str) -> PathBuf {
        self.state_dir().join(format!("worker-{build}.lock"))
    }

    /// Sockets, settings and nginx of the model server's replicas.
    pub fn serving_dir(&self) -> PathBuf {
        self.state_dir().join("serving")
    }

    pub fn token(&self) -> PathBuf {
        self.state_dir().join("token")
    }

    pub fn log_dir(&self) -> PathBuf {
        self.state_dir().join("log")
    }

    pub fn runs_dir(&self) -> PathBuf {
        self.state_dir().join("runs")
    }

    /// The folder of a run: files that its tasks share (`tables.db` …) lie in it.
    pub fn run_dir(&self, key: &AttemptKey) -> PathBuf {
        self.folder_of_run(&key.task.dag_id, &key.task.dag_run_id)
    }

    /// As `run_dir`, of a run.
    pub fn folder_of_run(&self, dag_id: &DagId, dag_run_id: &DagRunId) -> PathBuf {
        self.runs_dir().join(file_name(dag_id.as_str())).join(file_name(dag_run_id.as_str()))
    }

    /// Where the folders of deleted runs wait to be removed; no DAG has this name there.
    pub fn removed_dir(&self) -> PathBuf {
        self.runs_dir().join(".removed")
    }

    /// Which attempts were handed to Slurm.
    pub fn slurm_dir(&self) -> PathBuf {
        self.state_dir().join("slurm")
    }

    /// What the model server was asked and answered.
    pub fn predictions_dir(&self) -> PathBuf {
        self.state_dir().join("predictions")
    }

    /// Artifacts of all tracked runs.
    pub fn artifacts_dir(&self) -> PathBuf {
        self.state_dir().join("artifacts")
    }

    /// Artifacts that are still being sent: beside all others, so that a rename suffices.
    pub fn incoming_dir(&self) -> PathBuf {
        self.artifacts_dir().join(".incoming")
    }

    /// Folders on their way out.
    pub fn trash_dir(&self) -> PathBuf {
        self.state_dir().join("trash")
    }

    /// The folder of an attempt: `order.json`, `task.log`, `report.json`.
    pub fn attempt_dir(&self, key: &AttemptKey) -> PathBuf {
        self.run_dir(key)
            .join(file_name(key.task.task_id.as_str()))
            .join(key.task.map_index.to_string())
            .join(key.try_number.to_string())
    }
}

/// Makes a file name of an id: whatever is not a letter, a digit or one of `._+:@-` becomes
/// `%XX`, so that no id climbs out of its folder and no two ids meet.
pub fn file_name(id: &str) -> String {
    let mut name = String::with_capacity(id.len());
    for (i, byte) in id.bytes().enumerate() {
        let plain =
            byte.is_ascii_alphanumeric() || b"_+:@-".contains(&byte) || (byte == b'.' && i > 0);
        if plain {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    name
}
