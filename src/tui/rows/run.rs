//! The rows of a run as they are looked at one by one: what a row is called, what it stands for,
//! what a request names it by.

use crate::state::run::{RowId, fold};
use crate::state::{RunIndex, Screen, State};
use crate::types::TaskId;
use crate::types::ids::{GroupId, UNMAPPED};
use crate::types::operation::TaskChoice;
use crate::types::run::TaskInstance;
use crate::types::view::{GroupView, RunDetailView, TaskPlace};

/// One row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunRow<'a> {
    pub(crate) id: RowId,
    pub(crate) run: &'a RunDetailView,
    pub(crate) index: &'a RunIndex,
    pub(crate) what: What<'a>,
}

/// What a row stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What<'a> {
    Group(&'a GroupView),
    Mapped(&'a TaskId),
    Task(&'a TaskInstance),
}

impl<'a> RunRow<'a> {
    /// Looks a row up; none where the run has changed under it.
    pub(crate) fn new(run: &'a RunDetailView, index: &'a RunIndex, id: RowId) -> Option<Self> {
        let what = match id {
            RowId::Group(at) => What::Group(run.groups.get(index.groups.get(at as usize)?.at)?),
            RowId::Task(at) => {
                let task = index.tasks.get(at as usize)?;
                match task.is_mapped {
                    true => What::Mapped(&task.task_id),
                    false => What::Task(run.tasks.get(task.slots.start as usize)?),
                }
            }
            RowId::Instance(slot) => What::Task(run.tasks.get(slot as usize)?),
        };
        Some(Self { id, run, index, what })
    }

    /// Returns what the selection is kept by.
    pub(crate) fn key(&self) -> String {
        self.index.key(self.run, self.id)
    }

    /// Returns the task instances that it stands for.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = &'a TaskInstance> + Clone {
        self.index.instances(self.run, self.id)
    }

    /// Returns the task instance that matters most of those that it stands for.
    pub(crate) fn task(&self) -> Option<&'a TaskInstance> {
        self.index.instance(self.run, self.id)
    }

    /// Says whether it opens and closes.
    pub(crate) const fn is_foldable(&self) -> bool {
        !matches!(self.what, What::Task(_))
    }

    /// Says whether it is open.
    pub(crate) fn is_open(&self, state: &State) -> bool {
        match self.id {
            RowId::Group(at) => self.index.is_group_open(self.run, state.level(), at),
            RowId::Task(_) if self.is_foldable() => {
                fold::is_open(state.level(), &self.key(), false)
            }
            RowId::Task(_) | RowId::Instance(_) => false,
        }
    }

    /// Names it: within its group where `is_nested`.
    pub(crate) fn name(&self, is_nested: bool) -> String {
        let group = self.index.above(self.id).filter(|_| is_nested);
        let group = match group {
            Some(RowId::Group(at)) => {
                self.run.groups.get(self.index.groups[at as usize].at).map(|g| &g.group_id)
            }
            _ => None,
        };
        match self.what {
            What::Group(view) => short(view.group_id.as_str(), group),
            What::Mapped(task_id) => short(task_id.as_str(), group),
            What::Task(task) if task.key.map_index == UNMAPPED => {
                short(task.key.task_id.as_str(), group)
            }
            What::Task(task) if is_nested => format!("[{}]", task.key.map_index),
            What::Task(task) => crate::rows::task_key(&task.key),
        }
    }

    /// Names what it stands for in a request.
    pub(crate) fn choices(&self) -> Vec<TaskChoice> {
        match self.what {
            What::Group(_) => self
                .index
                .tasks_of(self.id)
                .iter()
                .map(|at| whole(&self.index.tasks[*at as usize].task_id))
                .collect(),
            What::Mapped(task_id) => vec![whole(task_id)],
            What::Task(task) => {
                let index = task.key.map_index;
                let map_indexes = if index == UNMAPPED { Vec::new() } else { vec![index] };
                vec![TaskChoice { task_id: task.key.task_id.clone(), map_indexes }]
            }
        }
    }
}

fn whole(task_id: &TaskId) -> TaskChoice {
    TaskChoice { task_id: task_id.clone(), map_indexes: Vec::new() }
}

/// Returns an id without the group that it stands in.
fn short(id: &str, group: Option<&GroupId>) -> String {
    group
        .and_then(|group| id.strip_prefix(group.as_str()))
        .and_then(|rest| rest.strip_prefix('.'))
        .unwrap_or(id)
        .to_owned()
}

/// Returns the shown run with its index.
pub(crate) fn shown(state: &State) -> Option<(&RunDetailView, &RunIndex)> {
    let Screen::Run(key) = &state.level().screen else { return None };
    let index = state.run.as_ref().filter(|index| index.key == *key)?;
    Some((state.cache.run(key)?, index))
}

/// Returns the keys of the rows that are seen.
pub(crate) fn keys(state: &State) -> Vec<String> {
    let Some((run, index)) = shown(state) else { return Vec::new() };
    index.fold.rows.iter().map(|row| index.key(run, row.id)).collect()
}

/// Returns a row by its key, seen or not.
pub(crate) fn row<'a>(state: &'a State, key: &str) -> Option<RunRow<'a>> {
    let (run, index) = shown(state)?;
    RunRow::new(run, index, index.find(run, key)?)
}

/// Returns how a task of a run stands among the others, where that is told.
pub(crate) fn place<'a>(run: &'a RunDetailView, task_id: &TaskId) -> Option<&'a TaskPlace> {
    run.places.get(task_id)
}

/// Returns where the cursor stands among the rows that are seen: on the selected one, or on the
/// closed one that it stands in.
pub(crate) fn cursor(state: &State) -> usize {
    let level = state.level();
    let Some((run, index)) = shown(state) else { return 0 };
    let selected = level.selected.as_ref().and_then(|key| index.find(run, key));
    selected
        .and_then(|id| index.shown(id))
        .unwrap_or_else(|| level.index.min(index.fold.rows.len().saturating_sub(1)))
}

/// Returns the selected row of the run view: what is seen under the cursor, nothing else.
pub(crate) fn selected(state: &State) -> Option<RunRow<'_>> {
    let (run, index) = shown(state)?;
    RunRow::new(run, index, index.fold.rows.get(cursor(state))?.id)
}

#[cfg(test)]
mod tests {
    use crate::rows;
    use crate::tests::Driver;

    fn shown(driver: &Driver) -> Vec<String> {
        rows::run::keys(&driver.state)
    }

    #[test]
    fn a_mapped_task_is_one_row_until_it_is_opened_and_failed_instances_come_first() {
        let mut driver = Driver::new(200, 60);
        driver.keys("jjjjjj<enter>gg");
        let closed = shown(&driver);
        assert_eq!(
            closed[..4],
            ["start_cluster", "ingest/", "ingest.list_files", "ingest.parse[]"]
        );
        driver.keys("jjj<enter>");
        let open = shown(&driver);
        assert_eq!(open[4..7], ["ingest.parse[3]", "ingest.parse[9]", "ingest.parse[8]"]);
        assert_eq!(open.len(), closed.len() + 10);
        driver.keys("<enter>");
        assert_eq!(shown(&driver), closed);
        assert_eq!(driver.state.level().selected.as_deref(), Some("ingest.parse[]"));
    }

    #[test]
    fn a_group_closes_and_opens_again() {
        let mut driver = Driver::new(200, 60);
        driver.keys("jjjjjj<enter>ggj<enter>");
        assert!(!shown(&driver).contains(&"ingest.list_files".to_owned()));
        driver.keys("<enter>");
        assert!(shown(&driver).contains(&"ingest.list_files".to_owned()));
    }

    #[test]
    fn a_run_opens_at_the_closed_row_that_holds_what_failed() {
        let mut driver = Driver::new(200, 60);
        driver.keys("jjjjjj<enter>");
        assert_eq!(driver.state.level().selected.as_deref(), Some("ingest.parse[]"));
        let task = rows::selected_task(&driver.state).unwrap();
        assert_eq!(task.key.map_index, 3, "the failed one stands for them all");
    }
}
