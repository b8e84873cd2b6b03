//! `$DAGDECK_OUTPUT`: a file into which a task may write its outputs, as one JSON table.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::error::OperatorError;
use super::said::{self, SaidAsset, Words};
use crate::runtime::attempt::Order;
use crate::sched::Outcome;
use crate::types::asset::{AssetEventSource, AssetEventSpec};
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
    words: Words,
    order: &Order,
) -> Result<Outcome, OperatorError> {
    let Outcome::Success { mut output, mut outputs, chosen, skip_all_downstream, asset_events } =
        outcome
    else {
        return Ok(outcome);
    };
    let said = words.assets.into_iter().map(|said| asset_event(said, order));
    let asset_events = asset_events.into_iter().chain(said).collect();
    for (name, value) in words.outputs.into_iter().chain(written(&order.folder)?) {
        if name == RETURN_VALUE {
            output = value;
        } else {
            outputs.insert(name, XcomValue::Value(value));
        }
    }
    Ok(Outcome::Success { output, outputs, chosen, skip_all_downstream, asset_events })
}

/// Makes an event of what a task said of an asset; one without a URI has that of its asset.
fn asset_event(said: SaidAsset, order: &Order) -> AssetEventSpec {
    let source = AssetEventSource::Task(order.key.task.clone());
    AssetEventSpec {
        name: said.asset.map(Into::into),
        extra: said.extra,
        partition_key: said.partition_key,
        source_aliases: said.alias.into_iter().collect(),
        ..AssetEventSpec::new(said.uri.unwrap_or_default(), source)
    }
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
