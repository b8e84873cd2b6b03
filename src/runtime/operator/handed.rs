//! `$DAGDECK_OUTPUT`: a file into which a task may write its outputs, as one JSON table.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::error::OperatorError;
use super::said;
use crate::sched::Outcome;
use crate::types::xcom::{RETURN_VALUE, XcomValue};

/// The variable that names the file.
pub(super) const VARIABLE: &str = "DAGDECK_OUTPUT";

/// Returns where it lies.
pub(super) fn file(folder: &Path) -> PathBuf {
    folder.join("output.json")
}

/// Removes what an earlier launch left.
pub(super) fn clear(folder: &Path) -> Result<(), OperatorError> {
    match std::fs::remove_file(file(folder)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(OperatorError::io("remove the outputs of an earlier launch", &error))
        }
        _ => Ok(()),
    }
}

/// Adds to a success what was printed, then what the file says; a later name replaces an earlier
/// one. Other outcomes have no outputs.
pub(super) fn added(
    outcome: Outcome,
    printed: BTreeMap<String, Value>,
    folder: &Path,
) -> Result<Outcome, OperatorError> {
    let Outcome::Success { mut output, mut outputs, chosen, skip_all_downstream, asset_events } =
        outcome
    else {
        return Ok(outcome);
    };
    for (name, value) in printed.into_iter().chain(written(folder)?) {
        if name == RETURN_VALUE {
            output = value;
        } else {
            outputs.insert(name, XcomValue::Value(value));
        }
    }
    Ok(Outcome::Success { output, outputs, chosen, skip_all_downstream, asset_events })
}

fn written(folder: &Path) -> Result<Map<String, Value>, OperatorError> {
    let bytes = match std::fs::read(file(folder)) {
        Ok(bytes) if bytes.is_empty() => return Ok(Map::new()),
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Map::new()),
        Err(error) => return Err(OperatorError::io("read `$DAGDECK_OUTPUT`", &error)),
    };
    let table: Map<String, Value> = serde_json::from_slice(&bytes).map_err(|error| {
        OperatorError::fatal(format!("`$DAGDECK_OUTPUT` is no table of JSON: {error}"))
    })?;
    if let Some(name) = table.keys().find(|name| !said::is_name(name)) {
        return Err(OperatorError::fatal(format!("`{name}` is no name for an output")));
    }
    Ok(table)
}
