//! An operation under way: what its runs were before it, so that it can be undone, and the line
//! that is kept of it.
//!
//! What cannot be undone: an attempt that was killed, a task that has begun, a run that was
//! deleted or has taken another version, and an undo.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::{Images, OperationRow};
use crate::command::{Found, reach};
use crate::decision::{Decision, run_key};
use crate::input::Reply;
use crate::types::operation::Moves;
use crate::types::run::{DagRun, DagRunKey, TaskInstance};
use crate::types::{TaskId, TaskInstanceKey, TaskInstanceState};

/// More than these are not kept twice.
const IMAGES_MAX: usize = 10_000;

/// An operation under way.
#[derive(Debug)]
pub(super) struct UnderWay {
    id: i64,
    kind: &'static str,
    owner: Option<String>,
    wish: serde_json::Value,
    runs: BTreeSet<DagRunKey>,
    tasks_before: BTreeMap<TaskInstanceKey, TaskInstance>,
    runs_before: BTreeMap<DagRunKey, DagRun>,
    outputs: Vec<TaskInstanceKey>,
    final_since: Option<String>,
    removals: usize,
}

impl Decision<'_> {
    pub(super) fn begin_operation(
        &mut self,
        kind: &'static str,
        runs: BTreeSet<DagRunKey>,
        owner: Option<String>,
        wish: serde_json::Value,
    ) -> i64 {
        let id = self.state.next_operation_id;
        self.state.next_operation_id += 1;
        self.operation = Some(UnderWay {
            id,
            kind,
            owner,
            wish,
            runs,
            tasks_before: BTreeMap::new(),
            runs_before: BTreeMap::new(),
            outputs: Vec::new(),
            final_since: None,
            removals: 0,
        });
        id
    }

    /// Says that the operation under way cannot be undone.
    pub(super) fn forbid_undo(&mut self, why: &str) {
        if let Some(under_way) = &mut self.operation {
            under_way.final_since.get_or_insert_with(|| why.to_owned());
        }
    }

    /// The same, where the run is one of the operation's.
    pub(super) fn forbid_undo_of(&mut self, run: &DagRunKey, why: &str) {
        if self.operation.as_ref().is_some_and(|under_way| under_way.runs.contains(run)) {
            self.forbid_undo(why);
        }
    }

    /// Takes note of a run before it is touched.
    pub(super) fn note_run_before(&mut self, found: &Found) {
        let row = match found {
            Found::Active(key) => self.state.runs.get(key).map(|active| active.run.clone()),
            Found::Ended(active, made) => {
                if !made.is_empty() {
                    self.forbid_undo("tasks were added to the run");
                }
                Some(active.run.clone())
            }
            Found::Row(run) => Some((**run).clone()),
        };
        if let (Some(under_way), Some(row)) = (&mut self.operation, row) {
            under_way.runs_before.entry(row.key()).or_insert(row);
        }
    }

    /// Takes note of a task instance before it is touched.
    pub(super) fn note_task_before(&mut self, ti: &TaskInstance) {
        let Some(under_way) = &mut self.operation else { return };
        if under_way.runs.contains(&run_key(&ti.key)) {
            under_way.tasks_before.entry(ti.key.clone()).or_insert_with(|| ti.clone());
        }
    }

    /// Takes note of an output that is taken away, to be given back.
    pub(super) fn note_output_taken(&mut self, key: &TaskInstanceKey) {
        let active = self.state.runs.get(&run_key(key));
        if active.is_some_and(|active| !active.dag.plan.mapped_over(&key.task_id).is_empty()) {
            self.forbid_undo("others are mapped over what was cleared");
        }
        if let Some(under_way) = &mut self.operation {
            under_way.outputs.push(key.clone());
        }
    }

    /// Names the folder that a deleted run's is moved to.
    pub(super) fn removal_name(&mut self) -> String {
        self.forbid_undo("a run was deleted");
        let Some(under_way) = &mut self.operation else { return String::new() };
        under_way.removals += 1;
        format!("{}-{}", under_way.id, under_way.removals)
    }

    /// At the end of the step: keeps the operation, and answers with its number.
    pub(super) fn close_operation(&mut self, reply: Reply) -> Reply {
        let Some(under_way) = self.operation.take() else { return reply };
        let images = self.images(&under_way);
        let final_since = under_way.final_since.clone().or_else(|| final_by(&images));
        let is_final = final_since.is_some();
        let row = OperationRow {
            id: under_way.id,
            when: self.now,
            kind: under_way.kind.to_owned(),
            description: described(&under_way, &images),
            owner: under_way.owner,
            wish: under_way.wish,
            final_since: final_since.clone(),
            outputs: if is_final { Vec::new() } else { under_way.outputs },
            images: (!is_final).then(|| Box::new(images)),
            moves: match &reply {
                Reply::Operated(view) => Moves::of(view),
                _ => Moves::default(),
            },
        };
        self.draft.insert_operation(row);
        match reply {
            Reply::Operated(mut view) => {
                view.id = Some(under_way.id);
                view.final_since = final_since;
                Reply::Operated(view)
            }
            other => other,
        }
    }

    /// Of what is touched and what lies downstream of it: nothing of that may move if the
    /// operation is to be undone.
    fn images(&self, under_way: &UnderWay) -> Images {
        let touched = under_way.tasks_before.keys();
        let mut after: BTreeMap<TaskInstanceKey, TaskInstance> =
            touched.filter_map(|key| Some((key.clone(), self.as_left(key)?))).collect();
        for key in &under_way.runs {
            let Some(active) = self.state.runs.get(key) else { continue };
            let of_run = under_way.tasks_before.keys().filter(|task| run_key(task) == *key);
            let seeds: BTreeSet<&TaskId> = of_run.map(|task| &task.task_id).collect();
            let seeds: Vec<&TaskId> = seeds.into_iter().collect();
            let downstream = reach(&seeds, |task| active.dag.graph.downstream(task));
            let below = active.tasks.values().filter(|ti| downstream.contains(&ti.key.task_id));
            for ti in below {
                after.entry(ti.key.clone()).or_insert_with(|| ti.clone());
            }
        }
        let runs_after = under_way.runs_before.keys().filter_map(|key| {
            let active = self.state.runs.get(key).map(|active| &active.run);
            active.or_else(|| self.draft.run(key)).cloned()
        });
        Images {
            runs_after: runs_after.collect(),
            tasks_after: after.into_values().collect(),
            runs_before: under_way.runs_before.values().cloned().collect(),
            tasks_before: under_way.tasks_before.values().cloned().collect(),
        }
    }

    fn as_left(&self, key: &TaskInstanceKey) -> Option<TaskInstance> {
        self.task(key).or_else(|| self.draft.task(key)).cloned()
    }
}

/// Says what of an operation cannot be taken back.
fn final_by(images: &Images) -> Option<String> {
    let held = |ti: &&TaskInstance| ti.state.is_some_and(TaskInstanceState::is_under_way);
    if let Some(killed) = images.tasks_before.iter().find(held) {
        return Some(format!("an attempt of `{}` was killed", killed.key.task_id));
    }
    let before: BTreeMap<_, _> = images.tasks_before.iter().map(|ti| (&ti.key, ti)).collect();
    let has_begun = |ti: &&TaskInstance| {
        before.get(&ti.key).is_some_and(|before| before.try_number != ti.try_number)
    };
    if let Some(begun) = images.tasks_after.iter().find(has_begun) {
        return Some(format!("`{}` has begun", begun.key.task_id));
    }
    (images.tasks_after.len() > IMAGES_MAX)
        .then(|| format!("it concerns more than {IMAGES_MAX} task instances"))
}

fn described(under_way: &UnderWay, images: &Images) -> String {
    let runs = match under_way.runs.iter().next() {
        Some(run) if under_way.runs.len() == 1 => {
            format!("run `{}` of `{}`", run.dag_run_id, run.dag_id)
        }
        _ => format!("{} runs", under_way.runs.len()),
    };
    match images.tasks_before.len() {
        0 => runs,
        1 => format!("{runs}, 1 task"),
        n => format!("{runs}, {n} tasks"),
    }
}
