//! Outputs that are too long for the store: files below their run's folder.
//!
//! ```text
//! outcome ─► spill: file on disk, then ─► report.json ─► the store's row ─► read: path, sha256
//! ```
//! A file is named by its attempt's token and never written twice, so a row never loses what it
//! points to: a file goes with its run.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::dag::spec::XcomLimits;
use crate::runtime::attempt::{Order, folder};
use crate::runtime::layout::{Layout, file_name};
use crate::sched::Outcome;
use crate::types::xcom::{RETURN_VALUE, XcomFile, XcomValue};

/// Below a run's folder. No task's folder has that name: a leading dot is escaped there.
const FOLDER: &str = ".xcom";

/// Lists and tables of one output whose lengths are noted: a table of tables may have many.
const LENGTHS_MAX: usize = 1_000;

/// Moves outputs that are too long into files. One that is longer than a file may be makes the
/// attempt fail.
pub(crate) fn spill(outcome: Outcome, order: &Order) -> Outcome {
    let Outcome::Success { mut output, mut outputs, chosen, skip_all_downstream, asset_events } =
        outcome
    else {
        return outcome;
    };
    if !output.is_null() {
        match kept(RETURN_VALUE, output, order) {
            Ok(XcomValue::Value(short)) => output = short,
            Ok(file) => {
                output = Value::Null;
                outputs.insert(RETURN_VALUE.to_owned(), file);
            }
            Err(failed) => return failed,
        }
    }
    for (key, value) in &mut outputs {
        if let XcomValue::Value(long) = value {
            match kept(key, long.take(), order) {
                Ok(kept) => *value = kept,
                Err(failed) => return failed,
            }
        }
    }
    Outcome::Success { output, outputs, chosen, skip_all_downstream, asset_events }
}

fn kept(key: &str, value: Value, order: &Order) -> Result<XcomValue, Outcome> {
    let XcomLimits { inline_bytes, file_bytes } = order.xcom;
    let text = value.to_string();
    let size = text.len() as u64;
    if size <= inline_bytes {
        return Ok(XcomValue::Value(value));
    }
    if size > file_bytes {
        return Err(Outcome::fatal(format!(
            "the output `{key}` is {size} bytes long; at most {file_bytes} are allowed: write a \
             file (the run has a folder, `$DAGDECK_RUN_FOLDER`) and hand on its path"
        )));
    }
    let name = format!("{}.{}.json", file_name(order.token.as_str()), file_name(key));
    write(order, &name, &value)
        .map_err(|error| Outcome::failed(format!("keep the output `{key}`: {error}")))?;
    let mut lengths = BTreeMap::new();
    measure(&value, String::new(), &mut lengths);
    let length = lengths.remove("");
    let state = order.project.join(".dagdeck");
    let below = order.run_folder.strip_prefix(&state).unwrap_or(&order.run_folder);
    let path = below.join(FOLDER).join(name).to_string_lossy().into_owned();
    Ok(XcomValue::File(XcomFile { path, size, sha256: digest(text.as_bytes()), length, lengths }))
}

/// Notes how long a value is and what its tables hold.
fn measure(value: &Value, path: String, lengths: &mut BTreeMap<String, u64>) {
    if lengths.len() >= LENGTHS_MAX {
        return;
    }
    match value {
        Value::Array(items) => {
            lengths.insert(path, items.len() as u64);
        }
        Value::Object(items) => {
            for (key, item) in items {
                let inside = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                measure(item, inside, lengths);
            }
            lengths.insert(path, items.len() as u64);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn write(order: &Order, name: &str, value: &Value) -> io::Result<()> {
    let place = order.run_folder.join(FOLDER);
    folder::AttemptFolder::new(&place).make()?;
    folder::keep(&place, name, value)
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Why an output cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum XcomError {
    #[error("the output's file `{path}` lies outside of the project's state")]
    Outside { path: String },
    #[error("read the output's file `{path}`")]
    Read { path: String, source: io::Error },
    #[error("the output's file `{path}` is not what was written: its digest differs")]
    Changed { path: String },
}

/// Returns a value, from its file where it lies in one.
pub(crate) fn read(layout: &Layout, value: XcomValue) -> Result<Value, XcomError> {
    let file = match value {
        XcomValue::Value(value) => return Ok(value),
        XcomValue::File(file) => file,
    };
    let path = place(layout, &file.path)?;
    let failed = |source| XcomError::Read { path: file.path.clone(), source };
    let bytes = fs::read(&path).map_err(failed)?;
    let changed = || XcomError::Changed { path: file.path.clone() };
    if digest(&bytes) != file.sha256 {
        return Err(changed());
    }
    serde_json::from_slice(&bytes).map_err(|_| changed())
}

/// Returns where a reference leads: below `.dagdeck/runs`, not through links.
fn place(layout: &Layout, path: &str) -> Result<PathBuf, XcomError> {
    let outside = || XcomError::Outside { path: path.to_owned() };
    let relative = Path::new(path);
    let is_plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
    let full = layout.state_dir().join(relative);
    if !is_plain || !full.starts_with(layout.runs_dir()) {
        return Err(outside());
    }
    let failed = |source| XcomError::Read { path: path.to_owned(), source };
    let real = full.canonicalize().map_err(failed)?;
    let runs = layout.runs_dir().canonicalize().map_err(failed)?;
    if real.starts_with(runs) { Ok(real) } else { Err(outside()) }
}

#[cfg(test)]
mod tests;
