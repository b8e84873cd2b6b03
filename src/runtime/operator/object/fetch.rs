//! An object as a file of this machine, for operators that read files: where it lies in a folder
//! that file itself, else a copy in the attempt's folder.

use std::path::PathBuf;

use super::act::{Wish, carry};
use super::journal::Journal;
use super::place::Place;
use super::{OperatorError, block_on};
use crate::connection::object::Location;
use crate::runtime::attempt::{Order, Private};
use crate::runtime::task_log::TaskLog;

/// Returns the file that holds what lies at `uri`.
pub(in crate::runtime) fn local_file(
    order: &Order,
    private: &Private,
    log: &TaskLog,
    uri: &str,
) -> Result<PathBuf, OperatorError> {
    let location = Location::parse(uri, &private.connections, &order.project)?;
    if let Some(path) = location.path() {
        return Ok(path);
    }
    let copy = order.folder.join("objects").join(location.file_name());
    let wish = Wish {
        moves: false,
        overwrite: true,
        source: Place::read(order, private, uri)?,
        target: Place::read(order, private, &format!("file:{}", copy.display()))?,
    };
    let journal = Journal::open(order)?;
    block_on(carry(&wish, &journal, log))??;
    Ok(copy)
}
