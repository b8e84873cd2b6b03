//! The connection to the database: one writer thread, a pool of readers.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, Transaction, ffi};
use tokio::sync::oneshot;

use crate::sched::Change;
use crate::sched::state::Recovered;
use crate::store::fault::StoreError;
use crate::store::readers::Readers;
use crate::store::writer::{GROUP_LEN_MAX, Job, Work};
use crate::store::{apply, migrate, recover, writer};
use crate::types::{Fault, FaultKind};

/// Attempts write to the same file from their own processes, each for milliseconds.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Who finds the queue full waits: a group's worth may wait while another is being written.
const QUEUE_LEN_MAX: usize = GROUP_LEN_MAX;

/// The store; clones share it. Dropping the last one writes what waits and closes it.
#[derive(Debug, Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    readers: Readers,
    /// Where the simulation has it: everything is done at once, on the thread that asks.
    #[cfg(test)]
    inline: Option<crate::store::inline::Inline>,
    /// `None` while it closes.
    queue: Option<SyncSender<Box<dyn Job>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens the database, makes it where there is none (mode 0600) and migrates it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Open { path: path.to_owned(), source };
        create(path).map_err(failed)?;
        let mut conn = connect(path).map_err(failed)?;
        migrate::migrate(&mut conn, path)?;
        let readers = Readers::open(path).map_err(failed)?;
        let (queue, jobs) = sync_channel::<Box<dyn Job>>(QUEUE_LEN_MAX);
        let writer = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer::work(conn, &jobs))
            .map_err(|error| failed(cannot_open(&error)))?;
        let shared = Shared {
            path: path.to_owned(),
            readers,
            #[cfg(test)]
            inline: None,
            queue: Some(queue),
            writer: Mutex::new(Some(writer)),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// A store in memory that does everything at once, on the thread that asks.
    #[cfg(test)]
    pub(crate) fn inline(inline: crate::store::inline::Inline) -> Self {
        let shared = Shared {
            path: PathBuf::new(),
            readers: Readers::none(),
            inline: Some(inline),
            queue: None,
            writer: Mutex::new(None),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Writes the changes of one decision; durable when it returns.
    pub async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        #[cfg(test)]
        if let Some(inline) = &self.shared.inline {
            return inline.commit(changes).await;
        }
        self.write(move |tx| apply::apply(tx, changes)).await
    }

    /// Runs `f` in a transaction on the writer thread; durable when it returns. An error of `f`
    /// undoes what it wrote.
    pub async fn write<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<R, StoreError> + Send + 'static,
    {
        #[cfg(test)]
        if let Some(inline) = &self.shared.inline {
            return inline.write(f).await;
        }
        let (reply, result) = oneshot::channel();
        let job = job(f, move |result| {
            // Nobody waits any more; it is written all the same.
            let _ = reply.send(result);
        });
        self.enqueue(Box::new(job)).await?;
        result.await.map_err(|_| StoreError::Closed)?
    }

    /// Has `f` run in a transaction that is made anyway, or in one of its own after a while;
    /// returns when it waits for it. An error goes to `refused`.
    pub async fn write_along<F, E>(&self, f: F, refused: E) -> Result<(), StoreError>
    where
        F: FnOnce(&Transaction<'_>) -> Result<(), StoreError> + Send + 'static,
        E: FnOnce(StoreError) + Send + 'static,
    {
        #[cfg(test)]
        if let Some(inline) = &self.shared.inline {
            inline.write(f).await.unwrap_or_else(refused);
            return Ok(());
        }
        let answer = |result: Result<(), StoreError>| {
            if let Err(error) = result {
                refused(error);
            }
        };
        let job = Work { is_patient: true, ..job(f, answer) };
        self.enqueue(Box::new(job)).await
    }

    async fn enqueue(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let queue = self.queue()?;
        match queue.try_send(job) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(_)) => Err(StoreError::Closed),
            Err(TrySendError::Full(job)) => {
                let queue = queue.clone();
                let sent = tokio::task::spawn_blocking(move || queue.send(job)).await;
                if matches!(sent, Ok(Ok(()))) { Ok(()) } else { Err(StoreError::Closed) }
            }
        }
    }

    /// As `write`, from a thread that may block (an attempt's own process).
    pub fn write_blocking<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<R, StoreError> + Send + 'static,
    {
        #[cfg(test)]
        if let Some(inline) = &self.shared.inline {
            return inline.write_now(f);
        }
        let (reply, result) = sync_channel(1);
        let job = job(f, move |result| {
            // The caller waits below; a failure to tell it cannot be told either.
            let _ = reply.send(result);
        });
        self.queue()?.send(Box::new(job)).map_err(|_| StoreError::Closed)?;
        result.recv().map_err(|_| StoreError::Closed)?
    }

    /// Runs `f` on a reader, off the async threads; all it reads is of one moment.
    pub async fn read<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Connection) -> Result<R, StoreError> + Send + 'static,
    {
        #[cfg(test)]
        if let Some(inline) = &self.shared.inline {
            return inline.read(f).await;
        }
        let store = self.clone();
        match tokio::task::spawn_blocking(move || store.read_blocking(f)).await {
            Ok(result) => result,
            Err(error) if error.is_cancelled() => Err(StoreError::Closed),
            Err(_) => {
                Err(Fault::new(FaultKind::Internal, "read the store: the reader panicked").into())
            }
        }
    }

    /// As `read`, from a thread that may block.
    pub fn read_blocking<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        F: FnOnce(&Connection) -> Result<R, StoreError>,
    {
        #[cfg(test)]
        if let Some(inline) = &self.shared.inline {
            return inline.read_now(f);
        }
        self.shared.readers.read(f)
    }

    /// Returns what the scheduler starts from.
    pub fn recover(&self) -> Result<Recovered, StoreError> {
        self.read_blocking(recover::recover)
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Returns how many bytes the database takes on disk, its write-ahead log included.
    pub fn size_bytes(&self) -> u64 {
        let of = |suffix: &str| {
            let mut name = self.shared.path.clone().into_os_string();
            name.push(suffix);
            std::fs::metadata(name).map_or(0, |found| found.len())
        };
        of("") + of("-wal")
    }

    fn queue(&self) -> Result<&SyncSender<Box<dyn Job>>, StoreError> {
        self.shared.queue.as_ref().ok_or(StoreError::Closed)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The writer is to be the last connection: it folds the write-ahead log into the file.
        self.readers.close();
        self.queue = None;
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer
            // A closure that held the last clone drops it on the writer thread itself.
            && writer.thread().id() != std::thread::current().id()
        {
            // A panic of the writer has been told to those who waited.
            let _ = writer.join();
        }
    }
}

pub(crate) fn job<R, F, A>(f: F, answer: A) -> Work<F, R, A>
where
    F: FnOnce(&Transaction<'_>) -> Result<R, StoreError>,
    A: FnOnce(Result<R, StoreError>),
{
    Work { closure: Some(f), result: None, answer, is_patient: false }
}

/// Makes the file where there is none: SQLite would make it for everyone to read.
fn create(path: &Path) -> rusqlite::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let made = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    made.map(drop).map_err(|error| cannot_open(&error))
}

fn cannot_open(error: &std::io::Error) -> rusqlite::Error {
    let code = ffi::Error::new(ffi::SQLITE_CANTOPEN);
    rusqlite::Error::SqliteFailure(code, Some(error.to_string()))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open(path)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    // Of a new file only: what is pruned can be given back to the disk a few pages at a time.
    conn.pragma_update(None, "auto_vacuum", "incremental")?;
    conn.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "full")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}

#[cfg(test)]
mod tests;
