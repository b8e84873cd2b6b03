//! The thread of the log: it writes rows, begins new files, lets old ones go, and finds rows.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use crate::dag::serving::LogSpec;
use crate::runtime::layout::file_name;
use crate::serving::log::line::{self, Answered};
use crate::serving::log::segment::{Full, Open};
use crate::serving::log::{Job, Told, index};
use crate::serving::tap::Seen;
use crate::types::{Clock, Timestamp};

/// Files that the bound on all bytes is made of: the oldest goes when there is no more room.
const FILES: u64 = 32;
/// Files that are kept, at most: each start begins new ones.
const FILES_MAX: usize = 512;
/// A file is full after an hour, so that a pipeline gets what was asked in it.
const HOUR_MS: i64 = 3_600_000;
/// Bytes that wait to be written together.
const BUFFER: usize = 256 << 10;

/// Writes.
pub(super) struct Writer {
    folder: PathBuf,
    spec: LogSpec,
    clock: Arc<dyn Clock>,
    told: Arc<Told>,
    models: BTreeMap<String, Files>,
}

/// The files of one model, with what is to be written.
#[derive(Default)]
struct Files {
    full: Vec<Full>,
    open: Option<Open>,
    lines: Vec<u8>,
    keys: Vec<(u64, u64)>,
}

impl Writer {
    /// Takes up what is there.
    pub(super) fn open(
        folder: &Path,
        spec: LogSpec,
        clock: Arc<dyn Clock>,
        told: Arc<Told>,
    ) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut models = BTreeMap::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                let files = Files { full: Full::all(&entry.path())?, ..Files::default() };
                models.insert(entry.file_name().to_string_lossy().into_owned(), files);
            }
        }
        let mut writer = Self { folder: folder.to_owned(), spec, clock, told, models };
        writer.let_go();
        Ok(writer)
    }

    pub(super) fn carry_out(&mut self, job: Job) {
        match job {
            Job::Write(seen) => self.write(&seen),
            Job::Find(wanted, reply) => {
                // What was answered before the question is found, too.
                self.flush();
                let found = wanted.iter().map(|(id, row)| self.find(id, *row)).collect();
                // Whoever asked may have gone away.
                let _ = reply.send(found);
            }
        }
    }

    fn write(&mut self, seen: &Seen) {
        let id = seen.id.to_str().unwrap_or_default();
        let files = self.models.entry(file_name(&seen.loaded.model)).or_default();
        for row in 0..seen.batch.rows() {
            let number = u32::try_from(row).unwrap_or(u32::MAX);
            files.keys.push((index::key(id, number), files.lines.len() as u64));
            line::write(seen, row, &self.spec.redact, &mut files.lines);
        }
        if files.lines.len() >= BUFFER {
            self.flush();
        }
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self) {
        let now = self.clock.now();
        let full_at = (self.spec.max_bytes / FILES).max(1);
        if self.models.values().all(|files| files.lines.is_empty()) {
            return;
        }
        let mut problem = None;
        for (name, files) in &mut self.models {
            if files.lines.is_empty() {
                continue;
            }
            let rows = files.keys.len() as u64;
            let count = match files.flush(&self.folder.join(name), now, full_at) {
                Ok(()) => &self.told.rows,
                Err(error) => {
                    problem = Some(format!("write {}: {error}", self.folder.join(name).display()));
                    &self.told.lost
                }
            };
            count.fetch_add(rows, Ordering::Relaxed);
            files.lines.clear();
            files.keys.clear();
        }
        let mut last = self.told.problem.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = problem.as_ref().filter(|_| *last != problem) {
            tracing::error!(problem = text, "predictions are not kept");
        }
        *last = problem;
        drop(last);
        self.let_go();
    }

    /// Deletes what is too old, and the oldest where all is too much; tells what is there.
    pub(super) fn let_go(&mut self) {
        let now = self.clock.now();
        let keep_ms = i64::try_from(self.spec.keep.as_millis()).unwrap_or(i64::MAX);
        let since = now.as_millisecond().saturating_sub(keep_ms);
        loop {
            let bytes: u64 = self.models.values().map(Files::bytes).sum();
            let files: usize = self.models.values().map(Files::count).sum();
            let oldest = self.models.values_mut().filter(|files| !files.full.is_empty());
            let oldest = oldest.min_by_key(|files| files.full[0].began);
            let is_over = bytes > self.spec.max_bytes || files > FILES_MAX;
            match oldest {
                // A file holds what was asked until an hour after it began.
                Some(files)
                    if is_over || files.full[0].began.as_millisecond() + HOUR_MS < since =>
                {
                    if let Err(error) = files.full.remove(0).remove() {
                        tracing::warn!(%error, "an old file of the prediction log stays");
                    }
                }
                _ => break,
            }
        }
        let (bytes, files, oldest) = self.models.values().fold((0, 0, now), |sum, files| {
            (sum.0 + files.bytes(), sum.1 + files.count() as u64, sum.2.min(files.oldest(now)))
        });
        self.told.bytes.store(bytes, Ordering::Relaxed);
        self.told.files.store(files, Ordering::Relaxed);
        let oldest = u64::try_from(oldest.as_millisecond()).unwrap_or(0);
        self.told.oldest_ms.store(oldest, Ordering::Relaxed);
    }

    fn find(&self, id: &str, row: u32) -> Option<Answered> {
        let key = index::key(id, row);
        let found = self.models.values().filter_map(|files| files.find(key, id, row));
        found.max_by_key(|answered| answered.at)
    }
}

impl Files {
    fn flush(&mut self, folder: &Path, now: Timestamp, full_at: u64) -> io::Result<()> {
        let is_full = self.open.as_ref().is_some_and(|open| {
            open.bytes >= full_at || now.as_millisecond() - open.began.as_millisecond() >= HOUR_MS
        });
        if is_full && let Some(open) = self.open.take() {
            self.full.push(open.close()?);
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(Open::create(folder, now)?),
        };
        open.add(&self.lines, &self.keys)
    }

    fn find(&self, key: u64, id: &str, row: u32) -> Option<Answered> {
        let told = |found: io::Result<Option<Answered>>| {
            found.unwrap_or_else(|error| {
                tracing::warn!(%error, "a file of the prediction log cannot be read");
                None
            })
        };
        let open = self.open.as_ref().and_then(|open| told(open.find(key, id, row)));
        open.or_else(|| self.full.iter().rev().find_map(|full| told(full.find(key, id, row))))
    }

    fn bytes(&self) -> u64 {
        let full: u64 = self.full.iter().map(|full| full.bytes).sum();
        full + self.open.as_ref().map_or(0, |open| open.bytes)
    }

    fn count(&self) -> usize {
        self.full.len() + usize::from(self.open.is_some())
    }

    fn oldest(&self, now: Timestamp) -> Timestamp {
        let open = self.open.as_ref().map_or(now, |open| open.began);
        self.full.first().map_or(open, |full| full.began)
    }
}
