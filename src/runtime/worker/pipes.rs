//! What a task prints, on its way from its process into its log.
//!
//! The pipes have names in the attempt's folder, and the task holds each open in both directions:
//! where the worker is killed nothing breaks, the task waits once a pipe is full, and the next
//! worker opens them by their names and reads on.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FileType, Mode, mknodat};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::{self, Receiver};

use crate::runtime::operator::output::{self, CHUNK_LEN, Reader};
use crate::runtime::operator::said::Said;
use crate::runtime::task_log::{Stream, TaskLog};

const OUT: &str = "out";
const ERR: &str = "err";

/// Both streams, being read.
pub(super) struct Pipes {
    out: Receiver,
    err: Receiver,
    folder: PathBuf,
}

/// The ends that the task holds.
pub(super) struct Ends {
    pub(super) out: File,
    pub(super) err: File,
}

impl Pipes {
    /// Makes them anew.
    pub(super) fn make(folder: &Path) -> io::Result<(Self, Ends)> {
        for name in [OUT, ERR] {
            let path = folder.join(name);
            let made =
                || mknodat(rustix::fs::CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0);
            match made() {
                // Of an attempt that was never claimed.
                Err(rustix::io::Errno::EXIST) => {
                    fs::remove_file(&path)?;
                    made()?;
                }
                made => made?,
            }
        }
        // To be read before there is a writer: opening it does not wait for one.
        let pipes = Self::open(folder)?;
        let end = |name| OpenOptions::new().read(true).write(true).open(folder.join(name));
        Ok((pipes, Ends { out: end(OUT)?, err: end(ERR)? }))
    }

    /// Opens those that another worker made.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let open = |name| pipe::OpenOptions::new().open_receiver(folder.join(name));
        Ok(Self { out: open(OUT)?, err: open(ERR)?, folder: folder.to_owned() })
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

    /// Takes their names away: nobody opens them again.
    pub(super) fn forget(&self) {
        for name in [OUT, ERR] {
            // What cannot be removed is made anew by the next launch.
            let _ = fs::remove_file(self.folder.join(name));
        }
    }
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
