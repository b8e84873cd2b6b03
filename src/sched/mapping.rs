//! How mapped tasks come by their instances: what the outputs that they are mapped over said,
//! how many instances that makes, and putting these in the place of the one without index.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::dag::mapping::{at_path, length, shown};
use crate::decision::{About, Decision, run_key};
use crate::run::new_task_instance;
use crate::state::ActiveRun;
use crate::types::event::Severity;
use crate::types::ids::UNMAPPED;
use crate::types::run::{DagRunKey, TaskInstance};
use crate::types::xcom::XcomValue;
use crate::types::{MapIndex, TaskId, TaskInstanceKey, TaskInstanceState};

/// What is known of the outputs of one task that others are mapped over.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskMap {
    /// Of a task that is not mapped: how many elements the parts of its output have, by their
    /// path.
    lengths: BTreeMap<String, usize>,
    /// Of a mapped task: which instances left an output.
    outputs: BTreeSet<MapIndex>,
}

/// How many instances a mapped task has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Known(usize),
    /// Something that it is mapped over has not ended.
    Pending,
    /// It will never be known.
    Unavailable,
}

impl ActiveRun {
    /// Takes note of what an output said.
    pub(super) fn note_map(
        &mut self,
        task: &TaskId,
        index: MapIndex,
        lengths: BTreeMap<String, usize>,
    ) {
        let map = self.maps.entry(task.clone()).or_default();
        if index == UNMAPPED {
            map.lengths = lengths;
        } else {
            map.outputs.insert(index);
        }
    }

    /// Forgets it: the output is gone.
    pub(super) fn forget_map(&mut self, task: &TaskId, index: MapIndex) {
        let Some(map) = self.maps.get_mut(task) else { return };
        if index == UNMAPPED {
            map.lengths.clear();
        } else {
            map.outputs.remove(&index);
        }
        if *map == TaskMap::default() {
            self.maps.remove(task);
        }
    }

    /// Returns how many instances a mapped task has.
    pub(super) fn length(&self, task: &TaskId) -> Length {
        let Some(expand) = self.dag.mapping(task) else { return Length::Unavailable };
        if expand.tasks().any(|source| self.rows(source).any(TaskInstance::is_open)) {
            return Length::Pending;
        }
        let known = expand.count(|source, path| {
            let map = self.maps.get(source);
            match self.tasks.get(&(source.clone(), UNMAPPED)) {
                Some(_) => map?.lengths.get(&path.join(".")).copied(),
                // As Airflow: a mapped one counts with the outputs that there are.
                None => Some(map.map_or(0, |map| map.outputs.len())),
            }
        });
        known.map_or(Length::Unavailable, Length::Known)
    }
}

impl Decision<'_> {
    /// Says what is to be noted of an output, or why nothing can be mapped over it.
    pub(super) fn measure(
        &self,
        key: &TaskInstanceKey,
        output: &Value,
        in_file: Option<&XcomValue>,
    ) -> Result<Option<BTreeMap<String, usize>>, String> {
        let Some(active) = self.state.runs.get(&run_key(key)) else { return Ok(None) };
        let paths = active.dag.plan.mapped_over(&key.task_id);
        if paths.is_empty() || (key.map_index != UNMAPPED && output.is_null() && in_file.is_none())
        {
            return Ok(None);
        }
        if key.map_index != UNMAPPED {
            return Ok(Some(BTreeMap::new()));
        }
        let limit = self.state.deck.max_map_length;
        let mut lengths = BTreeMap::new();
        for path in paths {
            let part = shown(&key.task_id, path);
            let found = match in_file {
                Some(XcomValue::File(file)) if path.is_empty() => {
                    file.length.and_then(|length| usize::try_from(length).ok())
                }
                Some(XcomValue::File(file)) => {
                    let length = file.lengths.get(&path.join("."));
                    length.and_then(|length| usize::try_from(*length).ok())
                }
                Some(XcomValue::Value(value)) => at_path(value, path).and_then(length),
                None => at_path(output, path).and_then(length),
            };
            let found = found.ok_or_else(|| {
                format!("{part} is neither a list nor a table, and others are mapped over it")
            })?;
            if found > limit {
                return Err(format!(
                    "{part} has {found} elements to map over; `max_map_length` is {limit}"
                ));
            }
            lengths.insert(path.join("."), found);
        }
        Ok(Some(lengths))
    }

    /// Keeps what was measured.
    pub(super) fn put_task_map(&mut self, key: &TaskInstanceKey, lengths: BTreeMap<String, usize>) {
        if let Some(active) = self.state.runs.get_mut(&run_key(key)) {
            active.note_map(&key.task_id, key.map_index, lengths.clone());
        }
        self.draft.put_task_map(key.clone(), lengths);
    }

    /// Removes the output of a task, and what was noted of it.
    pub(super) fn forget_output(&mut self, key: &TaskInstanceKey) {
        if let Some(active) = self.state.runs.get_mut(&run_key(key)) {
            active.forget_map(&key.task_id, key.map_index);
        }
        self.draft.delete_xcoms(key.clone());
    }

    /// Brings the instances of a mapped task in line with what it is mapped over, where one of
    /// them may run. Says whether that one may go on.
    pub(super) fn is_mapped_right(&mut self, key: &TaskInstanceKey) -> bool {
        let Some(active) = self.state.runs.get(&run_key(key)) else { return false };
        let is_in_group = active.dag.plan.mapped_group(&key.task_id).is_some();
        let limit = self.state.deck.max_map_length;
        match active.length(&key.task_id) {
            // Deeper in a mapped group nobody would look again: its first tasks do.
            Length::Pending => is_in_group && key.map_index != UNMAPPED,
            Length::Unavailable if is_in_group && key.map_index != UNMAPPED => true,
            Length::Unavailable => {
                let why = "what it is mapped over is not there".to_owned();
                self.pass_over(key, TaskInstanceState::UpstreamFailed, why);
                false
            }
            Length::Known(0) => {
                self.pass_over(key, TaskInstanceState::Skipped, "nothing to map over".to_owned());
                false
            }
            Length::Known(length) if length > limit => {
                self.refuse_to_map(key, length, limit);
                false
            }
            Length::Known(length) if key.map_index == UNMAPPED => {
                for task in self.mapped_together(key) {
                    self.expand(&run_key(key), &task, length);
                }
                false
            }
            Length::Known(length) => {
                if active.index.alive(&key.task_id) != length {
                    for task in self.mapped_together(key) {
                        self.revise(&run_key(key), &task, length);
                    }
                }
                self.task(key).is_some_and(|ti| ti.state.is_none())
            }
        }
    }

    fn mapped_together(&self, key: &TaskInstanceKey) -> Vec<TaskId> {
        let Some(active) = self.state.runs.get(&run_key(key)) else { return Vec::new() };
        match active.dag.plan.mapped_group(&key.task_id) {
            Some(group) => active.dag.plan.mapped_with(group).cloned().collect(),
            None => vec![key.task_id.clone()],
        }
    }

    fn refuse_to_map(&mut self, key: &TaskInstanceKey, length: usize, limit: usize) {
        let error = format!("it would have {length} instances; `max_map_length` is {limit}");
        let message = format!("`{}` failed: {error}", key.task_id);
        self.pass_over(key, TaskInstanceState::Failed, error.clone());
        self.call_back(key, Some(&error));
        self.log(Severity::Error, "task_instance.failed", About::task(key), None, message);
    }

    /// Puts instances 0 to `length - 1` in the place of the one without index.
    fn expand(&mut self, run: &DagRunKey, task: &TaskId, length: usize) {
        let unmapped = instance(run, task, UNMAPPED);
        // One that has ended so stays: it was passed over, or failed to be mapped.
        if self.task(&unmapped).is_some_and(|ti| ti.state.is_none()) {
            self.take_out_task(&unmapped);
            self.add_instances(run, task, 0..length);
        }
    }

    /// What a mapped task is mapped over has changed: adds instances, takes back removed ones,
    /// and removes those that have no element any more.
    fn revise(&mut self, run: &DagRunKey, task: &TaskId, length: usize) {
        use TaskInstanceState as S;
        let Some(active) = self.state.runs.get(run) else { return };
        let rows: Vec<(MapIndex, Option<S>)> =
            active.rows(task).map(|ti| (ti.key.map_index, ti.state)).collect();
        let length_index = MapIndex::try_from(length).unwrap_or(MapIndex::MAX);
        let mut next = 0;
        for (index, state) in rows {
            next = next.max(index + 1);
            let key = instance(run, task, index);
            match state {
                Some(S::Removed) if (0..length_index).contains(&index) => {
                    self.move_task(&key, None, |ti| ti.note = None);
                    self.work.push_back(key);
                }
                None | Some(S::Scheduled | S::UpForRetry) if index >= length_index => {
                    let why = "what it is mapped over has become shorter".to_owned();
                    self.pass_over(&key, S::Removed, why);
                }
                _ => {}
            }
        }
        if next > 0 {
            self.add_instances(run, task, usize::try_from(next).unwrap_or(length)..length);
        }
    }

    fn add_instances(&mut self, run: &DagRunKey, task: &TaskId, indexes: std::ops::Range<usize>) {
        for index in indexes {
            let Some(active) = self.state.runs.get(run) else { return };
            let Some(spec) = active.dag.tasks.get(task) else { return };
            let index = MapIndex::try_from(index).unwrap_or(MapIndex::MAX);
            let ti = new_task_instance(&active.run, spec, index);
            self.work.push_back(ti.key.clone());
            self.put_in_task(ti);
        }
    }
}

fn instance(run: &DagRunKey, task: &TaskId, map_index: MapIndex) -> TaskInstanceKey {
    TaskInstanceKey {
        dag_id: run.dag_id.clone(),
        dag_run_id: run.dag_run_id.clone(),
        task_id: task.clone(),
        map_index,
    }
}
