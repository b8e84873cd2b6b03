//! One file of the log, for its owner only: the one that is written, or one that is full.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::serving::log::index;
use crate::serving::log::line::Answered;
use crate::types::Timestamp;

/// How files end.
const LINES: &str = "jsonl";
const INDEX: &str = "idx";

/// A line is read so far; longer ones are of models with very many columns.
const LINE_BYTES: usize = 4096;

/// A file that takes no more rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Full {
    path: PathBuf,
    pub(super) began: Timestamp,
    pub(super) bytes: u64,
}

/// The file that takes rows.
#[derive(Debug)]
pub(super) struct Open {
    file: File,
    path: PathBuf,
    pub(super) began: Timestamp,
    pub(super) bytes: u64,
    /// Keys of its rows, the last of each, with the place of the line.
    places: HashMap<u64, u64>,
    /// … and of what was written before with the same key.
    entries: Vec<(u64, u64)>,
}

impl Open {
    /// Makes a file named by the moment.
    pub(super) fn create(folder: &Path, now: Timestamp) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut began = now;
        loop {
            let name = began.strftime("%Y-%m-%dT%H-%M-%S.%3f").to_string();
            let path = folder.join(name).with_added_extension(LINES);
            let mut options = OpenOptions::new();
            let opened = options.create_new(true).read(true).append(true).mode(0o600).open(&path);
            match opened {
                Ok(file) => {
                    let (places, entries) = (HashMap::new(), Vec::new());
                    return Ok(Self { file, path, began, bytes: 0, places, entries });
                }
                // The clock was set back, or two were begun in the same moment.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    began = Timestamp::from_millisecond(began.as_millisecond() + 1)
                        .map_err(io::Error::other)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Adds whole lines with their keys, all or none.
    pub(super) fn add(&mut self, lines: &[u8], keys: &[(u64, u64)]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(lines) {
            // Half a line would spoil the file for whoever reads it.
            self.file.set_len(self.bytes)?;
            return Err(error);
        }
        for (key, place) in keys {
            let place = self.bytes + place;
            self.entries.push((*key, place));
            self.places.insert(*key, place);
        }
        self.bytes += lines.len() as u64;
        Ok(())
    }

    /// Finds a row.
    pub(super) fn find(&self, key: u64, id: &str, row: u32) -> io::Result<Option<Answered>> {
        match self.places.get(&key) {
            Some(place) => read(&self.file, *place, id, row),
            None => Ok(None),
        }
    }

    /// Ends it: its rows are found by an index from now on.
    pub(super) fn close(self) -> io::Result<Full> {
        index::write(&self.path.with_extension(INDEX), self.entries)?;
        Ok(Full { path: self.path, began: self.began, bytes: self.bytes })
    }
}

impl Full {
    /// Returns those of a folder, the oldest first. One that a crash has left without its index
    /// gets it now.
    pub(super) fn all(folder: &Path) -> io::Result<Vec<Self>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != LINES) {
                continue;
            }
            let Some(began) = began(&path) else { continue };
            if !path.with_extension(INDEX).exists() {
                mend(&path)?;
            }
            all.push(Self { bytes: path.metadata()?.len(), path, began });
        }
        all.sort_by_key(|full| full.began);
        Ok(all)
    }

    /// Finds a row; the last one written, where there are more.
    pub(super) fn find(&self, key: u64, id: &str, row: u32) -> io::Result<Option<Answered>> {
        let places = index::find(&self.path.with_extension(INDEX), key)?;
        if places.is_empty() {
            return Ok(None);
        }
        let file = File::open(&self.path)?;
        for place in places.iter().rev() {
            if let Some(found) = read(&file, *place, id, row)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Deletes it.
    pub(super) fn remove(&self) -> io::Result<()> {
        // The index goes last: without it the file would be taken for one that a crash has left.
        fs::remove_file(&self.path)?;
        fs::remove_file(self.path.with_extension(INDEX))
    }
}

fn began(path: &Path) -> Option<Timestamp> {
    let name = path.file_stem()?.to_str()?;
    let (day, time) = name.split_once('T')?;
    format!("{day}T{}Z", time.replace('-', ":")).parse().ok()
}

/// Makes the index of a file that was being written when the power went; a torn line is cut off.
fn mend(path: &Path) -> io::Result<()> {
    let mut lines = BufReader::new(File::open(path)?);
    let (mut entries, mut place, mut line) = (Vec::new(), 0_u64, Vec::new());
    loop {
        line.clear();
        let read = lines.read_until(b'\n', &mut line)?;
        let Ok(row) = serde_json::from_slice::<Answered>(&line) else { break };
        if line.last() != Some(&b'\n') {
            break;
        }
        entries.push((index::key(&row.id, row.row), place));
        place += read as u64;
    }
    OpenOptions::new().write(true).open(path)?.set_len(place)?;
    index::write(&path.with_extension(INDEX), entries)
}

/// Reads the line at a place, if it is of this row.
fn read(file: &File, place: u64, id: &str, row: u32) -> io::Result<Option<Answered>> {
    let mut bytes = vec![0; LINE_BYTES];
    loop {
        let read = file.read_at(&mut bytes, place)?;
        if let Some(end) = bytes[..read].iter().position(|byte| *byte == b'\n') {
            let found = serde_json::from_slice::<Answered>(&bytes[..end]).ok();
            return Ok(found.filter(|found| found.id == id && found.row == row));
        }
        if read < bytes.len() {
            return Ok(None);
        }
        bytes.resize(bytes.len() * 4, 0);
    }
}
