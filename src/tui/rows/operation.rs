//! What an operation did, as rows: the runs first, below them each task.

use crate::rows::task_key;
use crate::screen::operation::list;
use crate::state::{Level, State};
use crate::theme::{self, Mark};
use crate::types::TaskInstanceKey;
use crate::types::operation::OperationDetailView;
use crate::types::run::DagRunKey;

/// What became of one run or task.
pub(crate) struct Moved {
    /// The task; of a run, that it is the run.
    pub(crate) name: String,
    pub(crate) run: DagRunKey,
    /// `None`: it is the run itself.
    pub(crate) task: Option<TaskInstanceKey>,
    pub(crate) try_number: Option<u32>,
    pub(crate) before: Mark,
    /// `None`: it is gone.
    pub(crate) after: Option<Mark>,
}

/// Returns what is kept of it, the runs first.
fn of(detail: &OperationDetailView) -> Vec<Moved> {
    let Some(moves) = &detail.moves else { return Vec::new() };
    let runs = moves.runs.iter().map(|run| Moved {
        name: "the run itself".to_owned(),
        run: DagRunKey { dag_id: run.dag_id.clone(), dag_run_id: run.dag_run_id.clone() },
        task: None,
        try_number: None,
        before: theme::run_mark(run.from),
        after: run.to.map(theme::run_mark),
    });
    let tasks = moves.tasks.iter().map(|task| Moved {
        name: task_key(&task.key),
        run: DagRunKey { dag_id: task.key.dag_id.clone(), dag_run_id: task.key.dag_run_id.clone() },
        task: Some(task.key.clone()),
        try_number: Some(task.try_number),
        before: theme::task_mark(task.from),
        after: Some(theme::task_mark(task.to)),
    });
    runs.chain(tasks).collect()
}

/// Names a row: the selection is kept by it.
pub(crate) fn key(one: &Moved) -> String {
    format!("{}\n{}\n{}", one.run.dag_id, one.run.dag_run_id, one.name)
}

/// Returns the rows as they are shown.
pub(crate) fn moved(state: &State, level: &Level, id: i64) -> Vec<Moved> {
    let all = state.cache.operation(id).map(of).unwrap_or_default();
    list().arrange(state, level, all)
}

/// Returns what is selected.
pub(crate) fn here(state: &State, id: i64) -> Option<Moved> {
    let level = state.level();
    let mut all = moved(state, level, id);
    let keys: Vec<String> = all.iter().map(key).collect();
    let at = level.cursor(&keys);
    (at < all.len()).then(|| all.swap_remove(at))
}
