//! A digest of a DAG's definition, which changes when what it does changes.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::spec::Dag;

const HEX_DIGITS: usize = 12;

/// Where a definition stands, which is not what it does, and what follows from the rest of it.
const PLACE: [&str; 4] = ["fileloc", "line", "version", "plan"];

/// Returns the first hex digits of the SHA-256 of the definition. Where it stands in the file,
/// comments and spaces do not count.
pub(super) fn digest(dag: &Dag) -> String {
    let digest = Sha256::digest(canonical(dag).to_string());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hex[..HEX_DIGITS].to_owned()
}

/// The definition as the store keeps it, so that no key of it can be forgotten here.
fn canonical(dag: &Dag) -> Value {
    let mut whole = serde_json::to_value(dag).expect("a checked definition can be written");
    let Some(fields) = whole.as_object_mut() else { return whole };
    for key in PLACE {
        fields.shift_remove(key);
    }
    let tasks = fields.get_mut("tasks").and_then(Value::as_object_mut);
    for task in tasks.into_iter().flat_map(|tasks| tasks.values_mut()) {
        if let Some(fields) = task.as_object_mut() {
            fields.shift_remove("line");
        }
    }
    whole
}
