//! A pool of read-only connections; each read sees one snapshot.

use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OpenFlags};

use crate::store::db::BUSY_TIMEOUT;
use crate::store::fault::StoreError;

/// Screens, doors and the engine's templates rarely read more than this at once.
const READERS: usize = 4;

/// The readers that are free.
#[derive(Debug)]
pub(crate) struct Readers {
    free: Mutex<Vec<Connection>>,
    returned: Condvar,
}

impl Readers {
    /// Opens them; the database exists by now.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let free = (0..READERS).map(|_| reader(path)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { free: Mutex::new(free), returned: Condvar::new() })
    }

    /// There are none.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self { free: Mutex::default(), returned: Condvar::new() }
    }

    /// Runs `f` on one, waiting until one is free.
    pub(crate) fn read<R>(
        &self,
        f: impl FnOnce(&Connection) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let lent = Lent { conn: Some(self.take()), readers: self };
        let conn = lent.conn.as_ref().expect("it is taken only when the loan ends");
        // A transaction, so that several queries see one state; dropping it ends it.
        let snapshot = conn.unchecked_transaction()?;
        f(&snapshot)
    }

    /// Closes those that are free.
    pub(crate) fn close(&self) {
        self.lock().clear();
    }

    fn take(&self) -> Connection {
        let mut free = self.lock();
        loop {
            if let Some(conn) = free.pop() {
                return conn;
            }
            free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader that goes back to the pool however the read ends.
struct Lent<'a> {
    conn: Option<Connection>,
    readers: &'a Readers,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            self.readers.lock().push(conn);
            self.readers.returned.notify_one();
        }
    }
}

fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}
