//! What a task prints, on its way from its process into its log.
//!
//! The task holds each pipe open in both directions: where the worker is killed nothing breaks,
//! the task waits once a pipe is full, and the next worker opens them where the task has them,
//! under `/proc`, and reads on.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::{self, Receiver};

use crate::runtime::executor::process_table::Process;
use crate::runtime::operator::output::{self, CHUNK_LEN, Reader};
use crate::runtime::operator::said::Said;
use crate::runtime::task_log::{Stream, TaskLog};

/// Both streams, being read.
pub(super) struct Pipes {
    out: Receiver,
    err: Receiver,
    /// How the kernel knows them.
    pub(super) numbers: [u64; 2],
}

/// The ends that the task holds.
pub(super) struct Ends {
    pub(super) out: File,
    pub(super) err: File,
}

impl Pipes {
    /// Makes them.
    pub(super) fn make() -> io::Result<(Self, Ends)> {
        let (out, out_end) = make()?;
        let (err, err_end) = make()?;
        let numbers = [out_end.metadata()?.ino(), err_end.metadata()?.ino()];
        Ok((Self { out, err, numbers }, Ends { out: out_end, err: err_end }))
    }

    /// Opens those that another worker made, where one of these processes holds them.
    pub(super) fn find(numbers: [u64; 2], holders: &[Process]) -> Option<Self> {
        let [out, err] = numbers.map(|number| {
            let path = holders.iter().find_map(|holder| place_of(number, *holder))?;
            pipe::OpenOptions::new().open_receiver(path).ok()
        });
        Some(Self { out: out?, err: err?, numbers })
    }

    /// Reads both to their ends, into the log.
    pub(super) async fn follow(&mut self, into: &mut Readers) {
        let Self { out, err, .. } = self;
        tokio::join!(read(out, Some(&mut into.out)), read(err, Some(&mut into.err)));
    }

    /// Reads on while a background process holds them, so that it is not held up; nothing is kept.
    pub(super) async fn drain(mut self) {
        tokio::join!(read(&mut self.out, None), read(&mut self.err, None));
    }
}

/// A pipe whose other end is open in both directions: whoever holds it can write into it, also
/// where nobody else reads.
fn make() -> io::Result<(Receiver, File)> {
    let (reading, writing) = io::pipe()?;
    let place = format!("/proc/self/fd/{}", writing.as_raw_fd());
    let end = OpenOptions::new().read(true).write(true).open(place)?;
    Ok((Receiver::from_owned_fd(OwnedFd::from(reading))?, end))
}

/// Finds a pipe among what a process has open.
fn place_of(number: u64, holder: Process) -> Option<PathBuf> {
    let name = format!("pipe:[{number}]");
    let entries = fs::read_dir(format!("/proc/{}/fd", holder.pid)).ok()?;
    let is_it = |path: &PathBuf| fs::read_link(path).is_ok_and(|to| to.as_os_str() == &*name);
    entries.flatten().map(|entry| entry.path()).find(is_it)
}

async fn read(from: &mut Receiver, mut into: Option<&mut Reader>) {
    let mut chunk = Vec::with_capacity(CHUNK_LEN);
    loop {
        chunk.clear();
        match from.read_buf(&mut chunk).await {
            Ok(0) => return,
            Ok(_) => into.iter_mut().for_each(|reader| reader.take(&chunk)),
            Err(error) => {
                into.iter().for_each(|reader| reader.say(&output::unreadable(&error)));
                return;
            }
        }
    }
}

/// What makes lines of both.
pub(super) struct Readers {
    pub(super) out: Reader,
    pub(super) err: Reader,
    pub(super) said: Arc<Said>,
}

impl Readers {
    pub(super) fn new(folder: &Path, log: &Arc<TaskLog>) -> Self {
        let said = Said::new(folder, log);
        Self {
            out: Reader::new(Stream::Out, log, Some(&said)),
            err: Reader::new(Stream::Err, log, None),
            said,
        }
    }
}
