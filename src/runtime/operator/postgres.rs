//! PostgreSQL as an attempt uses it: one session on a thread of its own, the types of its columns,
//! and what an error means.
//!
//! An attempt that is told to end (SIGTERM) has the server give up first: what it asked for does
//! not go on without it.

pub(super) mod copy;
mod look;
pub(super) mod types;

use tokio::signal::unix::{SignalKind, signal};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

pub(super) use self::look::first_row;
use super::error::OperatorError;
use crate::connection::OpenConnection;
use crate::connection::sql::postgres::{Session, Target};
use crate::runtime::attempt::Order;

/// Reads where a connection leads, and names the session by the task.
pub(super) fn target(order: &Order, connection: &OpenConnection) -> Result<Target, OperatorError> {
    let task = &order.key.task;
    let application = format!("dagdeck {}.{}", task.dag_id, task.task_id);
    Ok(Target::read(connection, &order.project, &application)?)
}

/// Opens a session, does the work with it and ends it. On a thread of its own, so that it does not
/// matter where the operator was called.
pub(super) fn with_session<R: Send>(
    target: &Target,
    work: impl AsyncFnOnce(&mut Client) -> Result<R, OperatorError> + Send,
) -> Result<R, OperatorError> {
    let on_thread = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| OperatorError::io("start a runtime", &error))?;
        runtime.block_on(until_told(target, work))
    };
    std::thread::scope(|scope| scope.spawn(on_thread).join())
        .map_err(|_| OperatorError::fatal("the session of PostgreSQL gave up"))?
}

async fn until_told<R>(
    target: &Target,
    work: impl AsyncFnOnce(&mut Client) -> Result<R, OperatorError>,
) -> Result<R, OperatorError> {
    let mut told = signal(SignalKind::terminate())
        .map_err(|error| OperatorError::io("listen for SIGTERM", &error))?;
    let mut session: Session = tokio::select! {
        session = target.connect() => session?,
        _ = told.recv() => return Err(OperatorError::Cancelled),
    };
    let canceller = session.canceller();
    let result = tokio::select! {
        result = work(&mut session.client) => result,
        _ = told.recv() => {
            canceller.cancel().await;
            Err(OperatorError::Cancelled)
        }
    };
    session.end().await;
    result
}

impl From<tokio_postgres::Error> for OperatorError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(said) = error.as_db_error() else {
            // No answer at all: the server went away, or the line to it.
            return Self::Passing(super::error::chain(&error));
        };
        let more = [said.detail(), said.hint(), said.where_()].into_iter().flatten();
        let text = more.fold(said.message().to_owned(), |text, more| {
            format!("{text} ({})", more.replace('\n', "; "))
        });
        if is_passing(said.code()) { Self::Passing(text) } else { Self::Fatal(text) }
    }
}

/// Says whether another try may help.
fn is_passing(code: &SqlState) -> bool {
    // connection, transaction rollback (deadlock, serialization), no resources, operator
    // intervention (shutdown, timeout), system error
    let classes = ["08", "40", "53", "57", "58"];
    classes.iter().any(|class| code.code().starts_with(class))
        || *code == SqlState::LOCK_NOT_AVAILABLE
        || *code == SqlState::IN_FAILED_SQL_TRANSACTION
}
