//! The shown run arranged for the screen: its outline of groups, tasks and instances, what stands
//! before and behind each task, the counts of their states.
//!
//! It is made when the run was fetched; after that an event changes one state in it. What is done
//! for a key or a frame takes no time that grows with the run.

use std::collections::HashMap;
use std::ops::Range;

use crate::types::ids::UNMAPPED;
use crate::types::run::{DagRunKey, TaskInstance};
use crate::types::view::RunDetailView;
use crate::types::{TaskId, TaskInstanceKey, TaskInstanceState};

pub(crate) mod counts;
pub(crate) mod fold;
pub(crate) mod past;
pub(crate) mod path;

pub(crate) use counts::Counts;
pub(crate) use fold::Fold;
pub(crate) use past::Past;
pub(crate) use path::Path;

/// A run of no more rows than this is shown with all its groups open.
pub(crate) const SMALL: usize = 40;

/// Names a row by its place in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RowId {
    Group(u32),
    /// A task, mapped or not.
    Task(u32),
    /// An instance of a mapped task, by its place in the run.
    Instance(u32),
}

/// A task with all its instances.
#[derive(Debug, Clone)]
pub(crate) struct TaskEntry {
    pub(crate) task_id: TaskId,
    pub(crate) group: Option<u32>,
    /// Where its instances stand in the run.
    pub(crate) slots: Range<u32>,
    pub(crate) counts: Counts,
    pub(crate) is_mapped: bool,
}

/// A group.
#[derive(Debug, Clone)]
pub(crate) struct GroupEntry {
    /// Its place among the run's groups.
    pub(crate) at: usize,
    pub(crate) parent: Option<u32>,
    pub(crate) depth: u16,
    pub(crate) counts: Counts,
    pub(crate) children: Vec<RowId>,
    /// Its tasks and those of the groups in it.
    pub(crate) tasks: Vec<u32>,
}

/// The run, arranged.
#[derive(Debug, Clone)]
pub(crate) struct RunIndex {
    pub(crate) key: DagRunKey,
    /// Which answer it was made of.
    pub(crate) stamp: Option<u64>,
    /// In the order of the run, which is topological.
    pub(crate) tasks: Vec<TaskEntry>,
    pub(crate) groups: Vec<GroupEntry>,
    /// What stands in no group.
    pub(crate) roots: Vec<RowId>,
    pub(crate) counts: Counts,
    pub(crate) up: Vec<Vec<u32>>,
    pub(crate) down: Vec<Vec<u32>>,
    /// Of each task the length of the longest way to it.
    pub(crate) levels: Vec<u32>,
    by_id: HashMap<TaskId, u32>,
    /// Of each instance its task.
    task_of: Vec<u32>,
    by_group: HashMap<String, u32>,
    /// A number for the shape: what is laid out for one shape fits no other.
    pub(crate) shape: u64,
    pub(crate) fold: Fold,
    pub(crate) past: Past,
    pub(crate) path: Path,
}

impl RunIndex {
    /// Arranges a run.
    pub(crate) fn new(detail: &RunDetailView, stamp: Option<u64>) -> Self {
        let mut index = Self {
            key: detail.run.key(),
            stamp,
            tasks: Vec::new(),
            groups: Vec::new(),
            roots: Vec::new(),
            counts: Counts::default(),
            up: Vec::new(),
            down: Vec::new(),
            levels: Vec::new(),
            by_id: HashMap::new(),
            task_of: Vec::with_capacity(detail.tasks.len()),
            by_group: HashMap::new(),
            shape: 0,
            fold: Fold::default(),
            past: Past::default(),
            path: Path::default(),
        };
        index.put_tasks(detail);
        index.put_groups(detail);
        index.put_edges(detail);
        index.shape = index.hash();
        index
    }

    fn put_tasks(&mut self, detail: &RunDetailView) {
        for (instance, slot) in detail.tasks.iter().zip(0_u32..) {
            let id = &instance.key.task_id;
            if self.tasks.last().is_none_or(|task| task.task_id != *id) {
                let is_mapped = instance.key.map_index != UNMAPPED;
                let at = u32::try_from(self.tasks.len()).unwrap_or(u32::MAX);
                self.by_id.entry(id.clone()).or_insert(at);
                let (counts, slots) = (Counts::default(), slot..slot);
                let task_id = id.clone();
                self.tasks.push(TaskEntry { task_id, group: None, slots, counts, is_mapped });
            }
            let at = self.tasks.len() - 1;
            let task = &mut self.tasks[at];
            task.slots.end = slot + 1;
            task.is_mapped |= task.slots.len() > 1;
            task.counts.add(instance.state);
            self.counts.add(instance.state);
            self.task_of.push(u32::try_from(at).unwrap_or(u32::MAX));
        }
    }

    /// Puts each task below its group, groups where the first of their tasks stands.
    fn put_groups(&mut self, detail: &RunDetailView) {
        let known: HashMap<&str, usize> =
            detail.groups.iter().map(|group| group.group_id.as_str()).zip(0..).collect();
        for at in 0..self.tasks.len() {
            let id = RowId::Task(u32::try_from(at).unwrap_or(u32::MAX));
            let place = detail.places.get(&self.tasks[at].task_id);
            let group = place.and_then(|place| place.group_id.as_ref());
            let group = group.and_then(|group| self.group(detail, &known, group.as_str(), 0));
            match group {
                Some(group) => self.groups[group as usize].children.push(id),
                None => self.roots.push(id),
            }
            self.tasks[at].group = group;
            let counts = self.tasks[at].counts;
            let mut next = group;
            while let Some(group) = next {
                let group = &mut self.groups[group as usize];
                group.counts += counts;
                group.tasks.push(u32::try_from(at).unwrap_or(u32::MAX));
                next = group.parent;
            }
        }
    }

    /// Returns the place of a group, which is made with those above it where it is new.
    fn group(
        &mut self,
        detail: &RunDetailView,
        known: &HashMap<&str, usize>,
        name: &str,
        below: u16,
    ) -> Option<u32> {
        if let Some(at) = self.by_group.get(name) {
            return Some(*at);
        }
        let at = *known.get(name)?;
        // A circle of groups is refused where they are parsed; a daemon may still say one.
        let above = detail.groups[at].parent.as_ref().filter(|_| below < 32);
        let parent = above.and_then(|id| self.group(detail, known, id.as_str(), below + 1));
        let id = u32::try_from(self.groups.len()).ok()?;
        let depth = parent.map_or(0, |parent| self.groups[parent as usize].depth + 1);
        let (counts, children, tasks) = (Counts::default(), Vec::new(), Vec::new());
        self.groups.push(GroupEntry { at, parent, depth, counts, children, tasks });
        match parent {
            Some(parent) => self.groups[parent as usize].children.push(RowId::Group(id)),
            None => self.roots.push(RowId::Group(id)),
        }
        self.by_group.insert(name.to_owned(), id);
        Some(id)
    }

    fn put_edges(&mut self, detail: &RunDetailView) {
        self.up = vec![Vec::new(); self.tasks.len()];
        self.down = vec![Vec::new(); self.tasks.len()];
        for (from, to) in &detail.edges {
            if let (Some(from), Some(to)) = (self.by_id.get(from), self.by_id.get(to)) {
                self.down[*from as usize].push(*to);
                self.up[*to as usize].push(*from);
            }
        }
        for at in 0..self.tasks.len() {
            // Those before it come before it: the run is in topological order.
            let before = self.up[at].iter().filter_map(|up| self.levels.get(*up as usize));
            let level = before.max().map_or(0, |level| level + 1);
            self.levels.push(level);
        }
    }

    fn hash(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        for (task, down) in self.tasks.iter().zip(&self.down) {
            (&task.task_id, task.group, task.is_mapped, task.slots.len(), down).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Returns the place of a task.
    pub(crate) fn task(&self, task_id: &TaskId) -> Option<u32> {
        self.by_id.get(task_id).copied()
    }

    /// Returns the task that an instance belongs to.
    pub(crate) fn task_of(&self, slot: u32) -> Option<u32> {
        self.task_of.get(slot as usize).copied()
    }

    /// Returns the place of an instance in the run.
    pub(crate) fn slot(&self, detail: &RunDetailView, key: &TaskInstanceKey) -> Option<u32> {
        let slots = self.tasks[self.task(&key.task_id)? as usize].slots.clone();
        let of_task = detail.tasks.get(slots.start as usize..slots.end as usize)?;
        let at = of_task.binary_search_by_key(&key.map_index, |task| task.key.map_index).ok()?;
        Some(slots.start + u32::try_from(at).ok()?)
    }

    /// Follows an instance into another state.
    pub(crate) fn change(
        &mut self,
        slot: u32,
        from: Option<TaskInstanceState>,
        to: Option<TaskInstanceState>,
    ) {
        let Some(at) = self.task_of(slot) else { return };
        let mut swap = |counts: &mut Counts| {
            let before = (counts.is_hot(), counts.is_bad());
            counts.take(from);
            counts.add(to);
            self.fold.is_old |= before != (counts.is_hot(), counts.is_bad());
        };
        swap(&mut self.counts);
        let task = &mut self.tasks[at as usize];
        swap(&mut task.counts);
        let mut next = task.group;
        while let Some(group) = next {
            let group = &mut self.groups[group as usize];
            swap(&mut group.counts);
            next = group.parent;
        }
        self.path.is_old = true;
    }

    /// Returns the tasks that a row stands for.
    pub(crate) fn tasks_of(&self, row: RowId) -> &[u32] {
        match row {
            RowId::Group(at) => self.groups.get(at as usize).map_or(&[], |group| &group.tasks),
            RowId::Task(at) => {
                // A task stands for itself: its place in a list of itself.
                self.path.identity.get(at as usize).map_or(&[], std::slice::from_ref)
            }
            RowId::Instance(slot) => match self.task_of.get(slot as usize) {
                Some(at) => std::slice::from_ref(at),
                None => &[],
            },
        }
    }

    /// Returns the counts of what a row stands for; of an instance those of its task.
    pub(crate) fn counts_of(&self, row: RowId) -> Counts {
        match row {
            RowId::Group(at) => self.groups[at as usize].counts,
            RowId::Task(at) => self.tasks[at as usize].counts,
            RowId::Instance(slot) => {
                self.task_of(slot).map(|at| self.tasks[at as usize].counts).unwrap_or_default()
            }
        }
    }

    /// Returns the row that stands right above: the group, or the mapped task of an instance.
    pub(crate) fn above(&self, row: RowId) -> Option<RowId> {
        match row {
            RowId::Group(at) => self.groups[at as usize].parent.map(RowId::Group),
            RowId::Task(at) => self.tasks[at as usize].group.map(RowId::Group),
            RowId::Instance(slot) => self.task_of(slot).map(RowId::Task),
        }
    }

    /// Finds a row by what the selection is kept by: `group/`, `task`, `task[]`, `task[3]`.
    pub(crate) fn find(&self, detail: &RunDetailView, key: &str) -> Option<RowId> {
        if let Some(group) = key.strip_suffix('/') {
            return self.by_group.get(group).map(|at| RowId::Group(*at));
        }
        let (name, index) = match key.split_once('[') {
            Some((name, rest)) => (name, rest.strip_suffix(']')?),
            None => (key, ""),
        };
        let at = *self.by_id.get(name)?;
        let task = &self.tasks[at as usize];
        let Ok(map_index) = index.parse() else { return Some(RowId::Task(at)) };
        let key = TaskInstanceKey {
            dag_id: detail.run.dag_id.clone(),
            dag_run_id: detail.run.dag_run_id.clone(),
            task_id: task.task_id.clone(),
            map_index,
        };
        Some(self.slot(detail, &key).map_or(RowId::Task(at), RowId::Instance))
    }

    /// Names a row by what the selection is kept by.
    pub(crate) fn key(&self, detail: &RunDetailView, row: RowId) -> String {
        match row {
            RowId::Group(at) => {
                format!("{}/", detail.groups[self.groups[at as usize].at].group_id)
            }
            RowId::Task(at) => {
                let task = &self.tasks[at as usize];
                let mapped = if task.is_mapped { "[]" } else { "" };
                format!("{}{mapped}", task.task_id)
            }
            RowId::Instance(slot) => match detail.tasks.get(slot as usize) {
                Some(task) => crate::rows::task_key(&task.key),
                None => String::new(),
            },
        }
    }

    /// Returns the instances that a row stands for, task by task.
    pub(crate) fn instances<'a>(
        &'a self,
        detail: &'a RunDetailView,
        row: RowId,
    ) -> impl Iterator<Item = &'a TaskInstance> + Clone {
        let one = match row {
            RowId::Instance(slot) => detail.tasks.get(slot as usize),
            RowId::Group(_) | RowId::Task(_) => None,
        };
        let tasks = if one.is_some() { &[][..] } else { self.tasks_of(row) };
        let of_task = |at: &u32| {
            let slots = &self.tasks[*at as usize].slots;
            detail.tasks.get(slots.start as usize..slots.end as usize).unwrap_or(&[])
        };
        one.into_iter().chain(tasks.iter().flat_map(of_task))
    }

    /// Returns the instance that matters most of those that a row stands for.
    pub(crate) fn instance<'a>(
        &'a self,
        detail: &'a RunDetailView,
        row: RowId,
    ) -> Option<&'a TaskInstance> {
        self.instances(detail, row).min_by_key(|task| TaskInstanceState::weight(task.state))
    }
}
