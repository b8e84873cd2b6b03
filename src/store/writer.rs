//! The writer thread: drains the queue of waiting jobs into one transaction, with one fsync for
//! all of them.
//!
//! ```text
//! BEGIN ─► SAVEPOINT job1 … RELEASE ─► SAVEPOINT job2 … ROLLBACK TO ─► COMMIT ─► replies
//! ```
//! A job that is refused undoes itself and not its neighbours; a commit that fails fails all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior, ffi};

use crate::store::fault::{self, StoreError};
use crate::types::{Fault, FaultKind, time};

/// How many jobs share one transaction at most: as many as can wait, so that a full queue is
/// emptied at one go.
pub(crate) const GROUP_LEN_MAX: usize = 256;

/// How long what is in no hurry waits for a transaction to go along with.
const PATIENCE: Duration = Duration::from_millis(100);

/// A closure that waits for the writer, and the one who waits for its result.
pub(crate) trait Job: Send {
    /// Runs the closure; an error says to undo what it wrote, with SQLite's code where it is
    /// SQLite that failed.
    fn run(&mut self, tx: &Transaction<'_>) -> Result<(), Option<ffi::Error>>;

    /// Whether it may wait for others, so that it costs no fsync of its own.
    fn is_patient(&self) -> bool;

    /// Answers, now that the transaction is durable or has failed.
    fn settle(self: Box<Self>, commit: Result<(), StoreError>);
}

/// A job made of a closure and a way to answer.
pub(crate) struct Work<F, R, A> {
    pub(crate) closure: Option<F>,
    pub(crate) result: Option<Result<R, StoreError>>,
    pub(crate) answer: A,
    pub(crate) is_patient: bool,
}

impl<F, R, A> Job for Work<F, R, A>
where
    F: FnOnce(&Transaction<'_>) -> Result<R, StoreError> + Send,
    R: Send,
    A: FnOnce(Result<R, StoreError>) + Send,
{
    fn run(&mut self, tx: &Transaction<'_>) -> Result<(), Option<ffi::Error>> {
        let Some(closure) = self.closure.take() else { return Err(None) };
        let result = catch_unwind(AssertUnwindSafe(|| closure(tx))).unwrap_or_else(|_| {
            Err(Fault::new(FaultKind::Internal, "write to the store: the writer panicked").into())
        });
        let verdict = result.as_ref().map(drop).map_err(code);
        self.result = Some(result);
        verdict
    }

    fn is_patient(&self) -> bool {
        self.is_patient
    }

    fn settle(self: Box<Self>, commit: Result<(), StoreError>) {
        let result = match (self.result, commit) {
            // What the closure itself refused is what its caller must hear.
            (Some(Err(refused)), _) => Err(refused),
            (_, Err(failed)) => Err(failed),
            (Some(Ok(result)), Ok(())) => Ok(result),
            (None, Ok(())) => Err(StoreError::Closed),
        };
        (self.answer)(result);
    }
}

/// Works until the last sender is gone.
pub(crate) fn work(mut conn: Connection, jobs: &Receiver<Box<dyn Job>>) {
    while let Ok(first) = jobs.recv() {
        let mut group = vec![first];
        fill(&mut group, jobs);
        wait_for_company(&mut group, jobs);
        let commit = run_group(&mut conn, &mut group);
        for job in group {
            job.settle(commit.clone().map_err(Failure::into_error));
        }
    }
}

fn fill(group: &mut Vec<Box<dyn Job>>, jobs: &Receiver<Box<dyn Job>>) {
    while group.len() < GROUP_LEN_MAX
        && let Ok(job) = jobs.try_recv()
    {
        group.push(job);
    }
}

/// Where nobody in the group is in a hurry, waits for somebody who is.
fn wait_for_company(group: &mut Vec<Box<dyn Job>>, jobs: &Receiver<Box<dyn Job>>) {
    let until = time::instant() + PATIENCE;
    while group.len() < GROUP_LEN_MAX && group.iter().all(|job| job.is_patient()) {
        match jobs.recv_timeout(until.saturating_duration_since(time::instant())) {
            Ok(job) => group.push(job),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
        }
    }
    fill(group, jobs);
}

pub(crate) fn run_group(conn: &mut Connection, group: &mut [Box<dyn Job>]) -> Result<(), Failure> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for job in group {
        tx.execute_batch("SAVEPOINT job")?;
        let verdict = job.run(&tx);
        if tx.is_autocommit() {
            // A full disk or a failing one makes SQLite undo the whole transaction at once.
            let code = verdict.err().flatten();
            return Err(Failure::undone(code));
        }
        match verdict {
            Ok(()) => tx.execute_batch("RELEASE job")?,
            Err(_) => tx.execute_batch("ROLLBACK TO job; RELEASE job")?,
        }
    }
    fault::before_write()?;
    tx.commit()?;
    Ok(())
}

/// Returns SQLite's code of an error.
fn code(error: &StoreError) -> Option<ffi::Error> {
    match error {
        StoreError::DiskFull => Some(ffi::Error::new(ffi::SQLITE_FULL)),
        StoreError::ReadOnly => Some(ffi::Error::new(ffi::SQLITE_READONLY)),
        StoreError::Sqlite(error) => error.sqlite_error().copied(),
        _ => None,
    }
}

/// A failure that can be told to everyone who waits.
#[derive(Clone)]
pub(crate) struct Failure {
    code: ffi::Error,
    message: Option<String>,
}

impl Failure {
    fn undone(code: Option<ffi::Error>) -> Self {
        Self {
            code: code.unwrap_or_else(|| ffi::Error::new(ffi::SQLITE_ABORT)),
            message: Some("the transaction was undone".into()),
        }
    }

    pub(crate) fn into_error(self) -> StoreError {
        rusqlite::Error::SqliteFailure(self.code, self.message).into()
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::SqliteFailure(code, message) => Self { code, message },
            other => {
                Self { code: ffi::Error::new(ffi::SQLITE_ERROR), message: Some(other.to_string()) }
            }
        }
    }
}
