//! The runs beside the shown one: a cell for each task and run.

use crate::state::run::{RowId, RunIndex};
use crate::types::grid::GridView;
use crate::types::{TaskId, TaskInstanceState};
use std::collections::HashMap;

/// A cell: whether the run has the task, and its state.
pub(crate) type Cell = Option<Option<TaskInstanceState>>;

/// The other runs, by the places of the index.
#[derive(Debug, Clone, Default)]
pub(crate) struct Past {
    /// Which answer it was made of.
    pub(crate) stamp: Option<u64>,
    tasks: Vec<Vec<Cell>>,
    groups: Vec<Vec<Cell>>,
    /// Median seconds of each task.
    pub(crate) medians: Vec<Option<f64>>,
}

impl RunIndex {
    /// Takes the grid in, so that a row finds its cells at once.
    pub(crate) fn recall(&mut self, grid: Option<&GridView>, stamp: Option<u64>) {
        if self.past.stamp == stamp && self.past.medians.len() == self.tasks.len() {
            return;
        }
        let runs = grid.map_or(0, |grid| grid.runs.len());
        let rows: HashMap<&TaskId, _> =
            grid.iter().flat_map(|grid| &grid.tasks).map(|row| (&row.task_id, row)).collect();
        let cells = |task_id: &TaskId| -> Vec<Cell> {
            let states = rows.get(task_id).map_or("", |row| row.states.as_str());
            let cell = |code| (code != ' ').then(|| TaskInstanceState::from_code(code));
            states.chars().map(cell).chain(std::iter::repeat(None)).take(runs).collect()
        };
        let tasks: Vec<Vec<Cell>> = self.tasks.iter().map(|task| cells(&task.task_id)).collect();
        let groups = self.groups.iter().map(|group| {
            let column = |run: usize| {
                let cells = group.tasks.iter().filter_map(|at| tasks[*at as usize][run]);
                cells.min_by_key(|state| TaskInstanceState::weight(*state))
            };
            (0..runs).map(column).collect()
        });
        let groups = groups.collect();
        let median = |task_id| rows.get(task_id).and_then(|row| row.median_duration);
        let medians = self.tasks.iter().map(|task| median(&task.task_id)).collect();
        self.past = Past { stamp, tasks, groups, medians };
        self.path.is_old = true;
    }

    /// Returns the state that a row had in a run of the grid.
    pub(crate) fn then(&self, row: RowId, run: usize) -> Cell {
        let cells = match row {
            RowId::Group(at) => self.past.groups.get(at as usize),
            RowId::Task(at) => self.past.tasks.get(at as usize),
            // Of single instances the grid knows nothing.
            RowId::Instance(_) => None,
        };
        cells.and_then(|cells| cells.get(run)).copied().flatten()
    }
}
