//! Ends a run because somebody asked.

use crate::sched::decision::Decision;
use crate::sched::input::{Rejected, Reply};
use crate::types::run::DagRunKey;
use crate::types::{DagId, DagRunId, TaskInstanceState};

impl Decision<'_> {
    /// As when Airflow marks a run as failed: what runs has failed, what waits is skipped.
    pub(super) fn cancel_run(
        &mut self,
        dag_id: DagId,
        dag_run_id: DagRunId,
        user: Option<String>,
    ) -> Result<Reply, Rejected> {
        let key = DagRunKey { dag_id, dag_run_id };
        let why = match &user {
            Some(user) => format!("cancelled by {user}"),
            None => "cancelled".to_owned(),
        };
        let Some(active) = self.state.runs.get_mut(&key) else {
            return Err(Rejected::NoRun { dag_id: key.dag_id, dag_run_id: key.dag_run_id });
        };
        active.run.note.get_or_insert_with(|| why.clone());
        let run = active.run.clone();
        self.break_off(&key, TaskInstanceState::Failed, user, &why);
        Ok(Reply::Run(Box::new(run)))
    }
}
