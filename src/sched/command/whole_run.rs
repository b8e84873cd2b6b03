//! What is done to a run as a whole, and what people write on runs and tasks.

use crate::command::operate::{Found, RunPlan, moved, selection};
use crate::decision::Decision;
use crate::input::Rejected;
use crate::types::operation::{NoteEdit, TaskChoice, TaskMove};
use crate::types::run::{DagRun, TaskInstance};
use crate::types::{DagRunState, TaskInstanceState};

/// Airflow's columns hold as much.
const NOTE_LEN_MAX: usize = 1000;

impl Decision<'_> {
    /// As in Airflow: what runs becomes as the run, what waits is skipped, what has ended stays.
    pub(super) fn plan_mark_run(
        &self,
        found: Found,
        state: DagRunState,
    ) -> Result<Option<RunPlan>, Rejected> {
        let (from, tasks) = match &found {
            Found::Row(run) => (run.state, Vec::new()),
            Found::Ended(active, _) => (active.run.state, Vec::new()),
            Found::Active(key) => {
                let Some(active) = self.state.runs.get(key) else { return Ok(None) };
                if state == DagRunState::Queued && active.run.state == DagRunState::Running {
                    let what = "it is running already";
                    return Err(Rejected::RunUnderWay { dag_run_id: key.dag_run_id.clone(), what });
                }
                let open = |ti: &&TaskInstance| !ti.state.is_some_and(|s| s.is_finished());
                let becomes = |ti: &TaskInstance| match ti.state {
                    Some(TaskInstanceState::Running | TaskInstanceState::Deferred)
                        if state == DagRunState::Success =>
                    {
                        TaskInstanceState::Success
                    }
                    Some(TaskInstanceState::Running | TaskInstanceState::Deferred) => {
                        TaskInstanceState::Failed
                    }
                    _ => TaskInstanceState::Skipped,
                };
                let open = active.tasks.values().filter(open);
                let tasks: Vec<TaskMove> = open.map(|ti| moved(ti, Some(becomes(ti)))).collect();
                (active.run.state, tasks)
            }
        };
        let plan = RunPlan { found, from, to: Some(state), tasks };
        Ok((from != state).then_some(plan))
    }

    pub(super) fn plan_note_run(
        &self,
        found: Found,
        note: &NoteEdit,
    ) -> Result<Option<RunPlan>, Rejected> {
        let Some(run) = self.row(&found) else { return Ok(None) };
        check_note(note, run.note.as_deref())?;
        let from = run.state;
        Ok(Some(RunPlan { found, from, to: Some(from), tasks: Vec::new() }))
    }

    fn row<'f>(&'f self, found: &'f Found) -> Option<&'f DagRun> {
        match found {
            Found::Row(run) => Some(run),
            Found::Active(_) | Found::Ended(..) => self.active(found).map(|active| &active.run),
        }
    }

    pub(super) fn plan_note_tasks(
        &self,
        found: Found,
        tasks: &[TaskChoice],
        note: &NoteEdit,
    ) -> Result<Option<RunPlan>, Rejected> {
        let Some(active) = self.active(&found) else { return Ok(None) };
        let from = active.run.state;
        let mut tasks_noted: Vec<TaskMove> = Vec::new();
        for ti in selection(tasks, false, false).of(active) {
            check_note(note, ti.user_note.as_deref())?;
            tasks_noted.push(moved(ti, ti.state));
        }
        let plan = RunPlan { found, from, to: Some(from), tasks: tasks_noted };
        Ok((!plan.tasks.is_empty()).then_some(plan))
    }

    /// As in Airflow a run that is running is not deleted.
    pub(super) fn plan_delete(&self, found: Found) -> Result<Option<RunPlan>, Rejected> {
        let Some(run) = self.row(&found) else { return Ok(None) };
        let from = run.state;
        if from == DagRunState::Running {
            let dag_run_id = run.dag_run_id.clone();
            let what = "cancel it before it is deleted";
            return Err(Rejected::RunUnderWay { dag_run_id, what });
        }
        Ok(Some(RunPlan { found, from, to: None, tasks: Vec::new() }))
    }

    pub(super) fn note_run(&mut self, found: Found, note: &NoteEdit) {
        match found {
            Found::Active(key) => {
                let Some(active) = self.state.runs.get_mut(&key) else { return };
                active.run.note = note.of(active.run.note.as_deref());
                self.draft.put_run(&active.run);
            }
            Found::Row(mut run) => {
                run.note = note.of(run.note.as_deref());
                self.draft.put_run(&run);
            }
            Found::Ended(mut active, _) => {
                active.run.note = note.of(active.run.note.as_deref());
                self.draft.put_run(&active.run);
            }
        }
    }

    pub(super) fn note_tasks(&mut self, plan: RunPlan, note: &NoteEdit) {
        let mut ended = match plan.found {
            Found::Ended(active, _) => Some(active),
            Found::Active(_) | Found::Row(_) => None,
        };
        for task in &plan.tasks {
            let key = crate::decision::run_key(&task.key);
            let active = match &mut ended {
                Some(active) => Some(&mut **active),
                None => self.state.runs.get_mut(&key),
            };
            let Some(ti) = active.and_then(|active| active.instance(&task.key)) else { continue };
            let before = ti.clone();
            ti.user_note = note.of(ti.user_note.as_deref());
            self.draft.put_task(ti);
            self.note_task_before(&before);
        }
    }
}

fn check_note(note: &NoteEdit, before: Option<&str>) -> Result<(), Rejected> {
    let length = note.of(before).map_or(0, |text| text.chars().count());
    match length > NOTE_LEN_MAX {
        true => Err(Rejected::NoteTooLong { length, limit: NOTE_LEN_MAX }),
        false => Ok(()),
    }
}
