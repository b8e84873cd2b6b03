//! What the tries of one task instance meant to do and did, a line of JSON each.
//!
//! A try reads what earlier ones wrote and adds its own. What is meant is on disk before anything
//! is done; that it is done is written when it is, and costs nothing where it is lost: the lake is
//! asked again.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::OperatorError;
use super::told::Carried;
use crate::runtime::attempt::Order;
use crate::runtime::layout::file_name;
use crate::types::LaunchToken;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// About to be copied or moved.
    Meant {
        source: String,
        target: String,
        size: u64,
    },
    /// What it would have replaced was somebody else's.
    Refused {
        target: String,
    },
    /// An upload of several parts has begun.
    Upload {
        target: String,
        id: String,
    },
    Done(Carried),
    Finished {
        token: LaunchToken,
    },
}

/// The journal of a task instance.
#[derive(Debug)]
pub(super) struct Journal {
    file: Mutex<File>,
    token: LaunchToken,
    /// By source and target: the size.
    meant: HashMap<(String, String), u64>,
    done: Vec<Carried>,
    uploads: Vec<(String, String)>,
    finished_by: Option<LaunchToken>,
}

impl Journal {
    pub(super) fn open(order: &Order) -> Result<Self, OperatorError> {
        let task = &order.key.task;
        let name = format!("{}.{}.objects", file_name(task.task_id.as_str()), task.map_index);
        let path = order.run_folder.join(name);
        let failed =
            |error: std::io::Error| OperatorError::io("keep a journal of what is done", &error);
        let lines = read(&path);
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
        let mut journal = Self {
            file: Mutex::new(file.map_err(failed)?),
            token: order.token.clone(),
            meant: HashMap::new(),
            done: Vec::new(),
            uploads: Vec::new(),
            finished_by: None,
        };
        for line in lines {
            journal.take(line);
        }
        Ok(journal)
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Meant { source, target, size } => {
                self.meant.insert((source, target), size);
            }
            Line::Refused { target } => self.meant.retain(|(_, other), _| *other != target),
            Line::Upload { target, id } => self.uploads.push((target, id)),
            Line::Done(carried) => {
                self.done.retain(|other| other.target != carried.target);
                self.done.push(carried);
            }
            Line::Finished { token } => self.finished_by = Some(token),
        }
    }

    /// Says whether an earlier try was about to bring this object there.
    pub(super) fn has_meant(&self, source: &str, target: &str) -> Option<u64> {
        self.meant.get(&(source.to_owned(), target.to_owned())).copied()
    }

    /// What earlier tries of the same work have done. A task that was cleared after it had
    /// succeeded begins anew.
    pub(super) fn done(&self) -> &[Carried] {
        let is_ours = self.finished_by.as_ref().is_none_or(|token| *token == self.token);
        if is_ours { &self.done } else { &[] }
    }

    /// Whatever any try has done with this pair.
    pub(super) fn done_with(&self, source: &str, target: &str) -> Option<&Carried> {
        self.done.iter().find(|one| one.source == source && one.target == target)
    }

    /// Uploads that earlier tries may have left: URI of the target, id.
    pub(super) fn uploads(&self) -> &[(String, String)] {
        &self.uploads
    }

    /// Writes what is meant, to disk.
    pub(super) fn mean<'a>(
        &self,
        all: impl Iterator<Item = (&'a str, &'a str, u64)>,
    ) -> Result<(), OperatorError> {
        let lines = all.map(|(source, target, size)| {
            let (source, target) = (source.to_owned(), target.to_owned());
            Line::Meant { source, target, size }
        });
        self.write(lines, true)
    }

    pub(super) fn refuse(&self, target: &str) -> Result<(), OperatorError> {
        self.write([Line::Refused { target: target.to_owned() }].into_iter(), true)
    }

    pub(super) fn begin_upload(&self, target: &str, id: &str) -> Result<(), OperatorError> {
        let line = Line::Upload { target: target.to_owned(), id: id.to_owned() };
        self.write([line].into_iter(), false)
    }

    pub(super) fn add(&self, carried: &Carried) -> Result<(), OperatorError> {
        self.write([Line::Done(carried.clone())].into_iter(), false)
    }

    /// All is done: whoever is cleared after it begins anew.
    pub(super) fn finish(&self) -> Result<(), OperatorError> {
        self.write([Line::Finished { token: self.token.clone() }].into_iter(), false)
    }

    fn write(&self, lines: impl Iterator<Item = Line>, sync: bool) -> Result<(), OperatorError> {
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, &line)
                .map_err(|error| OperatorError::fatal(format!("write the journal: {error}")))?;
            text.push(b'\n');
        }
        let mut file = self.lock();
        let written = file.write_all(&text).and_then(|()| match sync {
            true => file.sync_data(),
            false => Ok(()),
        });
        written.map_err(|error| OperatorError::io("write the journal", &error))
    }

    fn lock(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads what is there. A line that a crash has cut says nothing.
fn read(path: &Path) -> Vec<Line> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
