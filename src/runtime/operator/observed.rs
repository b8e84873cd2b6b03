//! `observed.json` in an attempt's folder: what its operator read, wrote and checked. Written by
//! the attempt, also by one that fails; kept by the daemon before the attempt's report counts.

use std::path::{Path, PathBuf};

use super::error::OperatorError;
use crate::connection::dataset;
use crate::runtime::attempt::{Order, Private};
use crate::runtime::executor::handover::mask_texts;
use crate::runtime::task_log::TaskLog;
use crate::types::io::{ColumnOrigin, ColumnRef, DatasetRef, Observed, RUN_TABLES};
use crate::types::view::DatasetName;

/// A longer one is not read: a million columns are a mistake.
const LEN_MAX: u64 = 4 << 20;
/// A column of many files is said to come of so many.
const FILES_OF_COLUMN_MAX: usize = 8;

fn file(folder: &Path) -> PathBuf {
    folder.join("observed.json")
}

/// Writes it, without the secrets that an expectation or a URL may hold.
pub(super) fn write(
    order: &Order,
    observed: &Observed,
    log: &TaskLog,
) -> Result<(), OperatorError> {
    let unwritten = |error| OperatorError::io("write `observed.json`", &error);
    let mut value = serde_json::to_value(observed).map_err(|error| unwritten(error.into()))?;
    mask_texts(&mut value, log);
    std::fs::write(file(&order.folder), value.to_string()).map_err(unwritten)
}

/// Reads it; `None` where there is none, or none that can be read.
pub(crate) fn read(folder: &Path) -> Option<Observed> {
    let path = file(folder);
    let is_fit = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() <= LEN_MAX);
    let bytes = std::fs::read(path).ok().filter(|_| is_fit)?;
    serde_json::from_slice(&bytes).ok()
}

/// Names a file by its URI, an object by that too: `path` is where its content was read.
pub(super) fn file_read(order: &Order, private: &Private, uri: &str, path: &Path) -> DatasetRef {
    let bytes = std::fs::metadata(path).ok().map(|metadata| metadata.len());
    let at = dataset::of_uri(uri, &private.connections, &order.project);
    let DatasetName { namespace, name } = at.unwrap_or_else(|| dataset::of_file(path));
    DatasetRef { bytes, ..DatasetRef::new(namespace, name) }
}

/// Says that a column is that of files, the first few of them.
pub(super) fn taken_from(files: &[DatasetRef], column: &str) -> Vec<ColumnOrigin> {
    let origin = |file: &DatasetRef| ColumnOrigin {
        namespace: file.namespace.clone(),
        name: file.name.clone(),
        column: column.to_owned(),
        computed: false,
    };
    files.iter().take(FILES_OF_COLUMN_MAX).map(origin).collect()
}

/// Names a table of a SQLite database.
pub(super) fn sqlite_table(path: &Path, table: &str, rows: Option<u64>) -> DatasetRef {
    DatasetRef { rows, ..DatasetRef::new(format!("sqlite:{}", path.display()), table) }
}

/// Returns the data sets that columns come from, each once, with the columns that are taken.
pub(super) fn origins_of(columns: &[ColumnRef]) -> Vec<DatasetRef> {
    let mut found: Vec<DatasetRef> = Vec::new();
    for origin in columns.iter().flat_map(|column| &column.origins) {
        let column = ColumnRef {
            name: origin.column.clone(),
            column_type: String::new(),
            origins: Vec::new(),
        };
        match found.iter_mut().find(|set| set.is(&origin.namespace, &origin.name)) {
            Some(set) if set.columns.iter().any(|known| known.name == column.name) => {}
            Some(set) => set.columns.push(column),
            None => found.push(DatasetRef {
                columns: vec![column],
                ..DatasetRef::new(origin.namespace.as_str(), origin.name.as_str())
            }),
        }
    }
    found
}

/// Names a table of the run.
pub(super) fn run_table(
    order: &Order,
    table: &str,
    rows: Option<u64>,
    columns: Vec<ColumnRef>,
) -> DatasetRef {
    let name = format!("{}.{table}", order.key.task.dag_id);
    DatasetRef { rows, columns, ..DatasetRef::new(RUN_TABLES, name) }
}
