//! Pauses a DAG whose runs fail one after the other (`max_consecutive_failed_dag_runs`).
//!
//! Airflow looks at the last N runs by `run_after`, whoever made them: all must have failed. One
//! that is under way, or that succeeded, ends the row.

use crate::change::{FailedRow, FailedRun};
use crate::dag::Dag;
use crate::decision::{About, Decision};
use crate::types::DagRunState;
use crate::types::event::Severity;
use crate::types::run::DagRun;

impl Decision<'_> {
    /// Takes note of how a run has ended, after it has left the memory.
    pub(super) fn note_failures(&mut self, run: &DagRun, is_by_hand: bool) {
        let Some(dag) = self.state.deck.dags.get(&run.dag_id).cloned() else { return };
        let limit = usize::try_from(dag.max_consecutive_failed_dag_runs).unwrap_or(usize::MAX);
        let Some(mut dag_state) = self.state.dag_states.get(&run.dag_id).cloned() else { return };
        if limit == 0 {
            dag_state.failed_in_a_row = FailedRow::default();
            self.put_dag_state(dag_state);
            return;
        }
        note(&mut dag_state.failed_in_a_row, run, limit);
        // One that is under way is newer than all that count.
        let newest = self.state.runs_of(&run.dag_id).map(|active| active.run.run_after).max();
        let failed = dag_state.failed_in_a_row.runs.iter();
        let in_a_row = failed.filter(|failed| newest.is_none_or(|at| failed.run_after > at));
        let is_enough = in_a_row.count() >= limit;
        self.put_dag_state(dag_state);
        if run.state == DagRunState::Failed && is_enough && !is_by_hand {
            self.pause_for_failures(&dag);
        }
    }

    fn pause_for_failures(&mut self, dag: &Dag) {
        let Some(mut dag_state) = self.state.dag_states.get(&dag.dag_id).cloned() else { return };
        if dag_state.is_paused {
            return;
        }
        dag_state.is_paused = true;
        self.put_dag_state(dag_state);
        self.runs_changed(&dag.dag_id);
        let message = format!(
            "`{}` was paused: its last {} runs failed",
            dag.dag_id, dag.max_consecutive_failed_dag_runs
        );
        let about = About(Some(&dag.dag_id), None, None);
        self.log(Severity::Warning, "dag.paused", about, None, message);
    }
}

/// Enters a run that has ended; as many failed ones are kept as matter.
fn note(row: &mut FailedRow, run: &DagRun, limit: usize) {
    row.runs.retain(|failed| failed.dag_run_id != run.dag_run_id);
    if run.state == DagRunState::Failed {
        let (run_after, dag_run_id) = (run.run_after, run.dag_run_id.clone());
        row.runs.push(FailedRun { run_after, dag_run_id });
        row.runs.sort();
    } else {
        row.since = row.since.max(Some(run.run_after));
    }
    let since = row.since;
    row.runs.retain(|failed| since.is_none_or(|since| failed.run_after > since));
    let too_many = row.runs.len().saturating_sub(limit);
    row.runs.drain(..too_many);
}
