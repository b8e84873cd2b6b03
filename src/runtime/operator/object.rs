//! `object.list`, `copy`, `move`, `delete`, `download`, `upload`: objects of folders and buckets,
//! within one and from one to another.
//!
//! ```text
//! read arguments ─► look what is there ─► journal: what is meant ─► one after the other, some at
//!                                                                    once ─► journal: done
//! ```
//! The journal lies in the run's folder: a try after a crash knows what an earlier one has done
//! from what was never there, and ends what it has left half-done.

mod act;
mod fetch;
mod journal;
mod place;
#[cfg(test)]
mod tests;
mod told;

pub(in crate::runtime) use self::fetch::local_file;
use self::journal::Journal;
use self::place::Place;
use super::args::Args;
use super::error::OperatorError;
use super::observed;
use crate::connection::object::{LakeError, LakeFault};
use crate::dag::operator::Operator;
use crate::runtime::attempt::{Order, Private};
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;

/// Does what one of these operators does.
pub(super) fn run(
    operator: Operator,
    order: &Order,
    private: &Private,
    log: &TaskLog,
) -> Result<Outcome, OperatorError> {
    block_on(async {
        match operator {
            Operator::ObjectList => list(order, private, log).await,
            Operator::ObjectDelete => delete(order, private, log).await,
            other => carry(other, order, private, log).await,
        }
    })?
}

async fn list(order: &Order, private: &Private, log: &TaskLog) -> Result<Outcome, OperatorError> {
    let source = Place::read(order, private, &Args(&order.args).text("source")?)?;
    let found = source.find().await?;
    log.say(&format!("{} objects fit `{}`", found.len(), source.shown()));
    Ok(Outcome::output(told::listed(&source, &found)))
}

async fn delete(order: &Order, private: &Private, log: &TaskLog) -> Result<Outcome, OperatorError> {
    let source = Place::read(order, private, &Args(&order.args).text("source")?)?;
    let found = source.find().await?;
    if found.is_empty() {
        log.say(&format!("`{}`: there is nothing to delete", source.shown()));
    }
    act::delete(&source, &found).await?;
    for object in found.iter().take(told::SAID_MAX) {
        log.say(&format!("deleted `{}`, {} bytes", source.lake.uri(&object.key), object.size));
    }
    Ok(Outcome::output(told::listed(&source, &found)))
}

/// Copies or moves.
async fn carry(
    operator: Operator,
    order: &Order,
    private: &Private,
    log: &TaskLog,
) -> Result<Outcome, OperatorError> {
    let args = Args(&order.args);
    let (source, target) = (args.text("source")?, args.text("target")?);
    let local = |key, text: &str| place::as_local(key, text, private);
    let source =
        if operator == Operator::ObjectUpload { local("source", &source)? } else { source };
    let target =
        if operator == Operator::ObjectDownload { local("target", &target)? } else { target };
    let source = Place::read(order, private, &source)?;
    let target = Place::read(order, private, &target)?;
    let wish = act::Wish {
        moves: operator == Operator::ObjectMove,
        overwrite: args.flag("overwrite", false)?,
        source,
        target,
    };
    let journal = Journal::open(order)?;
    let carried = act::carry(&wish, &journal, log).await?;
    journal.finish()?;
    observed::write(order, &told::seen(order, private, &carried), log)?;
    Ok(told::carried(&wish, order, &carried))
}

impl From<LakeError> for OperatorError {
    fn from(error: LakeError) -> Self {
        let text = error.to_string();
        match error.fault {
            LakeFault::Passing | LakeFault::Changed => Self::Passing(text),
            LakeFault::Exists => {
                Self::Fatal(format!("{text}; `overwrite = true` would replace it"))
            }
            LakeFault::Missing | LakeFault::Refused => Self::Fatal(text),
        }
    }
}

/// Waits for the work of an object store, which never needs more than the thread it is on; on a
/// thread of its own, so that it does not matter where the operator was called.
fn block_on<R: Send>(work: impl Future<Output = R> + Send) -> Result<R, OperatorError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| OperatorError::io("start a runtime", &error))?;
    std::thread::scope(|scope| scope.spawn(move || runtime.block_on(work)).join())
        .map_err(|_| OperatorError::fatal("the object store gave up in a way it should not"))
}
