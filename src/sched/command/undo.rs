//! Takes an operation back: what it touched is as it was before, where nothing has moved since.

use std::collections::BTreeMap;

use crate::change::Images;
use crate::decision::{About, Decision, run_key};
use crate::index::{RunGroup, RunIndex};
use crate::input::{Rejected, Reply, Undo};
use crate::recover::definition_of;
use crate::state::{ActiveRun, EndedRun};
use crate::types::event::Severity;
use crate::types::operation::{OperationView, RunMove, TaskMove};
use crate::types::run::{DagRun, DagRunKey, TaskInstance};
use crate::types::{DagRunState, TaskInstanceKey, TaskInstanceState};

impl Decision<'_> {
    pub(super) fn undo(&mut self, wish: Undo) -> Result<Reply, Rejected> {
        let Undo { id, is_note, images, ended, user } = wish;
        let mut runs = self.load_all(id, &images, ended)?;
        check_unmoved(id, is_note, &images, &runs)?;
        let view = Box::new(view(&images, &runs));
        let keys = runs.keys().cloned().collect();
        let wish = serde_json::json!({ "undo": id });
        let own = self.begin_operation("undo", keys, user.clone(), wish);
        self.forbid_undo("an undo is not undone");
        for before in images.runs_before {
            let key = before.key();
            let Some(active) = runs.remove(&key) else { continue };
            let of_run = |ti: &&TaskInstance| run_key(&ti.key) == key;
            let tasks: Vec<TaskInstance> =
                images.tasks_before.iter().filter(of_run).cloned().collect();
            match is_note {
                true => self.restore_notes(active, before, tasks),
                false => {
                    let after = images.runs_after.iter().find(|run| run.key() == key);
                    let note = after.and_then(|run| run.note.clone());
                    self.restore(active, before, note.as_deref(), tasks);
                }
            }
        }
        self.draft.undo_operation(id, own);
        let by = user.as_ref().map(|user| format!(" by {user}")).unwrap_or_default();
        let message = format!("operation {id} was undone{by}");
        let about = About(None, None, None);
        self.log(Severity::Info, "operation.undone", about, user, message);
        Ok(Reply::Operated(view))
    }

    /// Takes each run as it is now, out of the memory or from its rows.
    fn load_all(
        &self,
        id: i64,
        images: &Images,
        ended: Vec<EndedRun>,
    ) -> Result<BTreeMap<DagRunKey, ActiveRun>, Rejected> {
        let mut ended: BTreeMap<DagRunKey, EndedRun> =
            ended.into_iter().map(|found| (found.run.key(), found)).collect();
        let mut runs = BTreeMap::new();
        for key in images.runs_before.iter().map(DagRun::key) {
            if let Some(active) = self.state.runs.get(&key) {
                runs.insert(key, active.clone());
                continue;
            }
            let what = || format!("run `{}` is gone", key.dag_run_id);
            let found = ended.remove(&key).filter(|found| found.run.state.is_finished());
            let found = found.ok_or_else(|| Rejected::MovedOn { id, what: what() })?;
            let present = self.state.deck.dags.get(&key.dag_id);
            let dag = definition_of(&found, present);
            let dag = dag.ok_or_else(|| Rejected::MovedOn { id, what: what() })?;
            let (active, _) = ActiveRun::reload(found, dag, self.state.deck.max_map_length);
            runs.insert(key, active);
        }
        Ok(runs)
    }

    fn restore_notes(&mut self, active: ActiveRun, before: DagRun, tasks: Vec<TaskInstance>) {
        let key = active.run.key();
        let mut ended = active;
        let active = match self.state.runs.get_mut(&key) {
            Some(active) => active,
            None => &mut ended,
        };
        if tasks.is_empty() {
            active.run.note = before.note;
            self.draft.put_run(&active.run);
        }
        for before in tasks {
            let Some(ti) = active.instance(&before.key) else { continue };
            ti.user_note = before.user_note;
            self.draft.put_task(ti);
        }
    }

    /// Puts the rows of before in the place of the present ones, and the run back where it was:
    /// under way, waiting for its turn where there is no room for it now, or ended.
    fn restore(
        &mut self,
        mut active: ActiveRun,
        before: DagRun,
        note_left: Option<&str>,
        tasks: Vec<TaskInstance>,
    ) {
        let key = active.run.key();
        if let Some(present) = self.state.runs.remove(&key) {
            self.state.index.forget_all(&present);
        }
        for mut ti in tasks {
            let Some(present) = active.instance(&ti.key) else { continue };
            ti.user_note.clone_from(&present.user_note);
            *present = ti;
            self.draft.put_task(present);
        }
        let note = match active.run.note.as_deref() == note_left {
            true => before.note.clone(),
            false => active.run.note.clone(),
        };
        active.run = DagRun { note, ..before };
        if active.run.state == DagRunState::Running && !self.has_room_for(&active) {
            active.run.state = DagRunState::Queued;
            active.run.start_date = None;
            // What was to be launched, or waited between two tries, is looked at again when its
            // run goes on: a run that waits launches nothing.
            for ti in active.tasks.values_mut().filter(|ti| is_to_be_launched(ti)) {
                ti.state = None;
                ti.scheduled_when = None;
                ti.next_retry_at = None;
                self.draft.put_task(ti);
            }
        }
        self.draft.put_run(&active.run);
        active.index = RunIndex::build(&active.dag, &active.tasks);
        self.state.past.forget(&active.run);
        if !active.run.state.is_finished() {
            self.state.index.note_all(&active);
            let waiting = active.tasks.values().filter(|ti| ti.state.is_none());
            self.work.extend(waiting.map(|ti| ti.key.clone()));
            self.state.runs.insert(key.clone(), active);
            self.maybe_ended.insert(key.clone());
        } else {
            self.state.runs.insert(key.clone(), active);
            self.remember_past(&key);
            self.state.runs.remove(&key);
            self.drop_deadlines(&key);
        }
        self.look_back_again(&key.dag_id);
        self.runs_changed(&key.dag_id);
    }

    fn has_room_for(&self, active: &ActiveRun) -> bool {
        let group = RunGroup::of(&active.run);
        let running = self.state.index.dag_runs.get(&group).map_or(0, |runs| runs.running);
        running < self.state.runs_limit(active)
    }
}

fn is_to_be_launched(ti: &TaskInstance) -> bool {
    matches!(ti.state, Some(TaskInstanceState::Scheduled | TaskInstanceState::UpForRetry))
}

/// Refuses where something that the operation touched, or that waits for it, has moved on.
fn check_unmoved(
    id: i64,
    is_note: bool,
    images: &Images,
    runs: &BTreeMap<DagRunKey, ActiveRun>,
) -> Result<(), Rejected> {
    let moved_on = |what: String| Err(Rejected::MovedOn { id, what });
    for after in &images.runs_after {
        let Some(now) = runs.get(&after.key()).map(|active| &active.run) else {
            return moved_on(format!("run `{}` is gone", after.dag_run_id));
        };
        let has_moved = match is_note {
            true => images.tasks_before.is_empty() && now.note != after.note,
            false => has_run_moved(after, now),
        };
        if has_moved {
            return moved_on(format!("run `{}` has changed since", after.dag_run_id));
        }
    }
    for after in &images.tasks_after {
        let run = runs.get(&run_key(&after.key));
        let now = run.and_then(|run| run.tasks.get(&place(&after.key)));
        let is_unmoved = now.is_some_and(|now| match is_note {
            true => now.user_note == after.user_note,
            false => is_unmoved(after, now),
        });
        if !is_unmoved {
            return moved_on(format!("`{}` has changed since", after.key.task_id));
        }
    }
    Ok(())
}

fn place(key: &TaskInstanceKey) -> (crate::types::TaskId, i32) {
    (key.task_id.clone(), key.map_index)
}

/// One that waits may have begun: its tasks tell whether anything came of it.
fn has_run_moved(after: &DagRun, now: &DagRun) -> bool {
    let is_ended = |run: &DagRun| run.state.is_finished();
    match (is_ended(after), is_ended(now)) {
        (false, false) => false,
        (true, true) => (after.state, after.end_date) != (now.state, now.end_date),
        (true, false) | (false, true) => true,
    }
}

fn is_unmoved(after: &TaskInstance, now: &TaskInstance) -> bool {
    let waits = |ti: &TaskInstance| matches!(ti.state, None | Some(TaskInstanceState::Scheduled));
    let is_same = after.state == now.state && after.end_date == now.end_date;
    after.try_number == now.try_number && (is_same || (waits(after) && waits(now)))
}

fn view(images: &Images, runs: &BTreeMap<DagRunKey, ActiveRun>) -> OperationView {
    let task = |before: &TaskInstance| {
        let now = runs.get(&run_key(&before.key))?.tasks.get(&place(&before.key))?;
        Some(TaskMove {
            key: before.key.clone(),
            try_number: now.try_number,
            from: now.state,
            to: before.state,
        })
    };
    let run = |before: &DagRun| {
        let now = &runs.get(&before.key())?.run;
        Some(RunMove {
            dag_id: before.dag_id.clone(),
            dag_run_id: before.dag_run_id.clone(),
            from: now.state,
            to: Some(before.state),
        })
    };
    OperationView {
        id: None,
        kind: "undo".to_owned(),
        tasks: images.tasks_before.iter().filter_map(task).collect(),
        runs: images.runs_before.iter().filter_map(run).collect(),
        final_since: None,
    }
}
