//! A run's tasks as a tree: groups with their tasks below them, a mapped task in one line.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::cli::output::duration;
use crate::tui::state_mark;
use crate::types::run::TaskInstance;
use crate::types::view::{GroupView, RunDetailView};
use crate::types::{GroupId, TaskId, TaskInstanceState, time};

/// Draws the tree.
pub fn draw(detail: &RunDetailView) -> String {
    let mut tasks: Vec<(&TaskId, Vec<&TaskInstance>)> = Vec::new();
    let mut places: HashMap<&TaskId, usize> = HashMap::new();
    for task in &detail.tasks {
        let at = *places.entry(&task.key.task_id).or_insert_with(|| {
            tasks.push((&task.key.task_id, Vec::new()));
            tasks.len() - 1
        });
        tasks[at].1.push(task);
    }
    if tasks.is_empty() {
        return "no tasks".to_owned();
    }
    let mut tree = Tree { detail, tasks, lines: Vec::new(), drawn: HashSet::new() };
    tree.below(None, 0);
    tree.lines.join("\n")
}

struct Tree<'a> {
    detail: &'a RunDetailView,
    tasks: Vec<(&'a TaskId, Vec<&'a TaskInstance>)>,
    lines: Vec<String>,
    drawn: HashSet<&'a GroupId>,
}

impl<'a> Tree<'a> {
    /// Adds what stands in a group, groups where the first of their tasks stands.
    fn below(&mut self, group: Option<&'a GroupId>, depth: usize) {
        for at in 0..self.tasks.len() {
            let task_id = self.tasks[at].0;
            let path = self.path(task_id);
            let here = match group {
                None => 0,
                Some(group) => match path.iter().position(|one| one.group_id == *group) {
                    Some(place) => place + 1,
                    None => continue,
                },
            };
            match path.get(here) {
                None => self.task(at, depth),
                Some(inner) if self.drawn.insert(&inner.group_id) => {
                    self.group(inner, depth);
                    self.below(Some(&inner.group_id), depth + 1);
                }
                Some(_) => {}
            }
        }
    }

    /// Returns the groups that a task stands in, outermost first.
    fn path(&self, task_id: &TaskId) -> Vec<&'a GroupView> {
        let detail = self.detail;
        let find = |id: &GroupId| detail.groups.iter().find(|group| group.group_id == *id);
        let mut path = Vec::new();
        let place = detail.places.get(task_id);
        let mut next = place.and_then(|place| place.group_id.as_ref()).and_then(find);
        while let Some(group) = next {
            path.push(group);
            // A circle of groups is refused where they are parsed.
            next = group.parent.as_ref().filter(|_| path.len() < 32).and_then(find);
        }
        path.reverse();
        path
    }

    fn group(&mut self, group: &GroupView, depth: usize) {
        let inside = self.tasks.iter().filter(|(task_id, _)| {
            self.path(task_id).iter().any(|one| one.group_id == group.group_id)
        });
        let instances: Vec<&TaskInstance> = inside.flat_map(|(_, all)| all.clone()).collect();
        let about = group.tooltip.as_deref().map(|text| format!("  {text}")).unwrap_or_default();
        let line = format!("{}/  {}{about}", group.group_id, counts(&instances));
        self.push(depth, worst(&instances), &line);
    }

    fn task(&mut self, at: usize, depth: usize) {
        let (task_id, instances) = &self.tasks[at];
        let state = worst(instances);
        let line = match instances.as_slice() {
            [task] if task.key.map_index < 0 => format!("{task_id}{}", told(task)),
            many => format!("{task_id}[{}]  {}", many.len(), counts(many)),
        };
        self.push(depth, state, &line);
    }

    fn push(&mut self, depth: usize, state: Option<TaskInstanceState>, line: &str) {
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.lines.push(format!("{}{} {line}", "  ".repeat(depth), state_mark(state).0));
    }
}

fn worst(instances: &[&TaskInstance]) -> Option<TaskInstanceState> {
    let states = instances.iter().map(|task| task.state);
    states.min_by_key(|state| TaskInstanceState::weight(*state)).flatten()
}

/// Says in which state how many are: `8/10 success, 1 failed, 1 running`.
fn counts(instances: &[&TaskInstance]) -> String {
    let mut counts: BTreeMap<u8, (&str, usize)> = BTreeMap::new();
    for task in instances {
        let entry = counts.entry(TaskInstanceState::weight(task.state));
        entry.or_insert((state_mark(task.state).1, 0)).1 += 1;
    }
    let told = counts.into_values().map(|(word, count)| format!("{count} {word}"));
    told.collect::<Vec<_>>().join(", ")
}

/// Says how long a task took, its tries and what there is to be said of it.
fn told(task: &TaskInstance) -> String {
    let mut text = format!("  {}", state_mark(task.state).1);
    if let Some(secs) = task.duration_secs(time::now()) {
        text.push_str(&format!("  {}", duration(secs)));
    }
    if task.try_number > 1 {
        text.push_str(&format!("  try {}/{}", task.try_number, task.max_tries));
    }
    if let Some(note) = &task.note {
        text.push_str(&format!("  {note}"));
    }
    text
}
