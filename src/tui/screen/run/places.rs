//! Columns of the grid that are shown where they are chosen: where tasks run. By Airflow's words.

use crate::rows::run::{RunRow, What};
use crate::state::State;
use crate::types::run::TaskInstance;
use crate::widget::list::{FieldInfo, ListInfo};

/// What the choice is remembered by.
const LIST: &str = "tasks";

/// A column.
pub(super) struct PlaceColumn {
    name: &'static str,
    pub(super) head: &'static str,
    pub(super) width: u16,
    cell: fn(&TaskInstance) -> Option<String>,
}

const COLUMNS: &[PlaceColumn] = &[
    PlaceColumn {
        name: "executor",
        head: "EXECUTOR",
        width: 8,
        cell: |task| Some(task.place.executor?.as_str().to_owned()),
    },
    PlaceColumn {
        name: "hostname",
        head: "HOSTNAME",
        width: 14,
        cell: |task| Some(task.place.hostname.as_ref()?.to_string()),
    },
    PlaceColumn {
        name: "pid",
        head: "PID",
        width: 7,
        cell: |task| Some(task.pid.filter(|_| task.end_date.is_none())?.to_string()),
    },
    PlaceColumn {
        name: "external_executor_id",
        head: "JOB",
        width: 9,
        cell: |task| Some(task.place.external_executor_id.as_ref()?.to_string()),
    },
    PlaceColumn {
        name: "adopted",
        head: "ADOPTED",
        width: 28,
        cell: |task| Some(task.place.adopted.as_ref()?.to_string()),
    },
];

/// Returns the columns that were chosen.
pub(super) fn chosen(state: &State) -> impl Iterator<Item = &'static PlaceColumn> {
    let turned = &state.lists.of(LIST).turned;
    COLUMNS.iter().filter(move |column| turned.contains(column.name))
}

/// Returns what the menu of choosing needs to know.
pub(crate) fn info(state: &State) -> ListInfo {
    let turned = &state.lists.of(LIST).turned;
    let fields = COLUMNS.iter().map(|column| FieldInfo {
        name: column.name.to_owned(),
        is_sortable: false,
        is_descending: false,
        is_shown: turned.contains(column.name),
        is_choosable: true,
    });
    ListInfo { name: LIST, fields: fields.collect() }
}

impl PlaceColumn {
    /// What it says of a row: where its instances differ, how many places there are.
    pub(super) fn cell(&self, row: &RunRow<'_>) -> String {
        if let What::Task(task) = row.what {
            return (self.cell)(task).unwrap_or_default();
        }
        let mut cells: Vec<String> = row.tasks().filter_map(self.cell).collect();
        cells.sort();
        cells.dedup();
        match cells.len() {
            0 => String::new(),
            1 => cells.swap_remove(0),
            n => format!("({n})"),
        }
    }
}
