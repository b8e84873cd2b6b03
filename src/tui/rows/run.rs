//! The rows of a run: groups with their tasks below them, a mapped task as one row that opens to
//! its instances.

use std::collections::HashMap;

use crate::rows::task_key;
use crate::state::{Level, Screen, State};
use crate::types::ids::{GroupId, UNMAPPED};
use crate::types::operation::TaskChoice;
use crate::types::run::{DagRunKey, TaskInstance};
use crate::types::view::{GroupView, RunDetailView, TaskPlace};
use crate::types::{TaskId, TaskInstanceState};

/// One row.
#[derive(Debug, Clone)]
pub(crate) struct RunRow<'a> {
    /// What the selection is kept by.
    pub(crate) key: String,
    /// How many groups it stands in, and one more for an instance of a mapped task.
    pub(crate) depth: usize,
    pub(crate) name: String,
    pub(crate) what: What<'a>,
}

/// What a row stands for.
#[derive(Debug, Clone)]
pub(crate) enum What<'a> {
    Group { group: &'a GroupView, tasks: Vec<&'a TaskInstance>, is_open: bool },
    Mapped { task_id: &'a TaskId, instances: Vec<&'a TaskInstance>, is_open: bool },
    Task(&'a TaskInstance),
}

impl<'a> RunRow<'a> {
    /// Returns the task instances that it stands for.
    pub(crate) fn tasks(&self) -> &[&'a TaskInstance] {
        match &self.what {
            What::Group { tasks, .. } => tasks,
            What::Mapped { instances, .. } => instances,
            What::Task(task) => std::slice::from_ref(task),
        }
    }

    /// Returns the task instance that matters most of those that it stands for.
    pub(crate) fn task(&self) -> Option<&'a TaskInstance> {
        self.tasks().iter().copied().min_by_key(|task| weight(task.state))
    }

    /// Says whether it opens and closes.
    pub(crate) const fn is_foldable(&self) -> bool {
        !matches!(self.what, What::Task(_))
    }

    /// Names what it stands for in a request.
    pub(crate) fn choices(&self) -> Vec<TaskChoice> {
        match &self.what {
            What::Group { tasks, .. } => {
                let mut choices: Vec<TaskChoice> = Vec::new();
                for task in tasks {
                    if !choices.iter().any(|choice| choice.task_id == task.key.task_id) {
                        choices.push(whole(&task.key.task_id));
                    }
                }
                choices
            }
            What::Mapped { task_id, .. } => vec![whole(task_id)],
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

/// Ranks states by how much an operator wants to see them, most first.
pub(crate) const fn weight(state: Option<TaskInstanceState>) -> u8 {
    use TaskInstanceState as S;
    match state {
        Some(S::Failed) => 0,
        Some(S::UpForRetry) => 1,
        Some(S::Running | S::Restarting) => 2,
        Some(S::Deferred | S::UpForReschedule) => 3,
        Some(S::Queued) => 4,
        Some(S::Scheduled) => 5,
        None => 6,
        Some(S::UpstreamFailed) => 7,
        Some(S::Success) => 8,
        Some(S::Skipped) => 9,
        Some(S::Removed) => 10,
    }
}

/// Returns the rows of a run as they are shown.
pub(crate) fn rows<'a>(state: &'a State, level: &Level, key: &DagRunKey) -> Vec<RunRow<'a>> {
    let Some(run) = state.cache.run(key) else { return Vec::new() };
    let mut places: HashMap<&TaskId, usize> = HashMap::new();
    let mut by_task: Vec<(&TaskId, Vec<&TaskInstance>)> = Vec::new();
    for task in &run.tasks {
        let at = *places.entry(&task.key.task_id).or_insert_with(|| {
            by_task.push((&task.key.task_id, Vec::new()));
            by_task.len() - 1
        });
        by_task[at].1.push(task);
    }
    let tasks = by_task
        .into_iter()
        .map(|(task_id, instances)| Placed { task_id, path: path(run, task_id), instances })
        .collect();
    let mut made = Maker { level, tasks, rows: Vec::new() };
    made.below(&[]);
    made.rows
}

/// A task with the groups that it stands in, outermost first.
struct Placed<'a> {
    task_id: &'a TaskId,
    path: Vec<&'a GroupView>,
    instances: Vec<&'a TaskInstance>,
}

struct Maker<'a, 'b> {
    level: &'b Level,
    tasks: Vec<Placed<'a>>,
    rows: Vec<RunRow<'a>>,
}

impl Maker<'_, '_> {
    /// Adds what stands in the innermost group of `groups`.
    fn below(&mut self, groups: &[GroupId]) {
        let depth = groups.len();
        let mut seen: Vec<GroupId> = Vec::new();
        for at in 0..self.tasks.len() {
            let task = &self.tasks[at];
            let is_here = task.path.len() >= depth
                && task.path.iter().zip(groups).all(|(group, id)| group.group_id == *id);
            if !is_here {
                continue;
            }
            let Some(group) = task.path.get(depth).copied() else {
                self.task(at, groups.last(), depth);
                continue;
            };
            if seen.contains(&group.group_id) {
                continue;
            }
            seen.push(group.group_id.clone());
            self.group(group, groups, depth);
        }
    }
}

impl<'a> Maker<'a, '_> {
    fn group(&mut self, group: &'a GroupView, groups: &[GroupId], depth: usize) {
        let key = format!("{}/", group.group_id);
        // A group is open until somebody closes it.
        let is_open = !self.level.toggled.contains(&key);
        let inside = |task: &&Placed<'a>| task.path.iter().any(|g| g.group_id == group.group_id);
        let tasks =
            self.tasks.iter().filter(inside).flat_map(|task| task.instances.clone()).collect();
        let name = short(group.group_id.as_str(), groups.last());
        self.rows.push(RunRow { key, depth, name, what: What::Group { group, tasks, is_open } });
        if is_open {
            let mut inner = groups.to_vec();
            inner.push(group.group_id.clone());
            self.below(&inner);
        }
    }

    fn task(&mut self, at: usize, group: Option<&GroupId>, depth: usize) {
        let Placed { task_id, instances, .. } = &self.tasks[at];
        let (task_id, instances) = (*task_id, instances.clone());
        let name = short(task_id.as_str(), group);
        if let [task] = instances.as_slice()
            && task.key.map_index == UNMAPPED
        {
            let key = task_key(&task.key);
            self.rows.push(RunRow { key, depth, name, what: What::Task(task) });
            return;
        }
        let key = format!("{task_id}[]");
        let is_open = self.level.toggled.contains(&key);
        let mut below = instances.clone();
        self.rows.push(RunRow {
            key,
            depth,
            name: name.clone(),
            what: What::Mapped { task_id, instances, is_open },
        });
        if is_open {
            below.sort_by_key(|task| (weight(task.state), task.key.map_index));
            self.rows.extend(below.into_iter().map(|task| RunRow {
                key: task_key(&task.key),
                depth: depth + 1,
                name: format!("{name}[{}]", task.key.map_index),
                what: What::Task(task),
            }));
        }
    }
}

/// Returns an id without the group that it stands in.
fn short(id: &str, group: Option<&GroupId>) -> String {
    group
        .and_then(|group| id.strip_prefix(group.as_str()))
        .and_then(|rest| rest.strip_prefix('.'))
        .unwrap_or(id)
        .to_owned()
}

/// Returns the groups that a task stands in, outermost first.
fn path<'a>(run: &'a RunDetailView, task_id: &TaskId) -> Vec<&'a GroupView> {
    let mut path = Vec::new();
    let mut next = place(run, task_id).and_then(|place| place.group_id.as_ref());
    while let Some(group) = next.and_then(|id| run.groups.iter().find(|g| g.group_id == *id)) {
        path.push(group);
        // A circle of groups is refused where they are parsed; a daemon may still say one.
        next = group.parent.as_ref().filter(|_| path.len() < 32);
    }
    path.reverse();
    path
}

/// Returns how a task of a run stands among the others, where that is told.
pub(crate) fn place<'a>(run: &'a RunDetailView, task_id: &TaskId) -> Option<&'a TaskPlace> {
    run.places.get(task_id)
}

/// Returns the selected row of the run view.
pub(crate) fn selected(state: &State) -> Option<RunRow<'_>> {
    let level = state.level();
    let Screen::Run(key) = &level.screen else { return None };
    let rows = rows(state, level, key);
    let keys: Vec<String> = rows.iter().map(|row| row.key.clone()).collect();
    rows.into_iter().nth(level.cursor(&keys))
}

/// Returns the key of the row that shows a task instance, be it an open one or a closed one above.
pub(crate) fn key_of(rows: &[RunRow<'_>], task: &TaskInstance) -> Option<String> {
    let shows = |row: &&RunRow<'_>| row.tasks().iter().any(|other| other.key == task.key);
    rows.iter().rfind(shows).map(|row| row.key.clone())
}

#[cfg(test)]
mod tests {
    use crate::rows;
    use crate::tests::Driver;

    fn shown(driver: &Driver) -> Vec<String> {
        rows::keys(&driver.state, driver.state.level())
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
        driver.keys("jh");
        assert_eq!(shown(&driver), closed);
        assert_eq!(driver.state.level().selected.as_deref(), Some("ingest.parse[]"));
    }

    #[test]
    fn a_group_closes_and_opens_again() {
        let mut driver = Driver::new(200, 60);
        driver.keys("jjjjjj<enter>ggjh");
        assert!(!shown(&driver).contains(&"ingest.list_files".to_owned()));
        driver.keys("l");
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
