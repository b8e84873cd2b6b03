//! Makes a run because somebody asked.

use crate::dag::partition;
use crate::decision::Decision;
use crate::input::{Rejected, Reply};
use crate::run::NewRun;
use crate::types::ask::Trigger;
use crate::types::run::DagRunKey;
use crate::types::state::DagRunType;

/// As many as a column and a folder's name take easily; Airflow's limit is the same.
const RUN_ID_LEN_MAX: usize = 250;

impl Decision<'_> {
    /// A run by hand begins also where its DAG is paused: whoever asks for it wants it now.
    /// (Airflow would let it wait until the DAG is unpaused.)
    pub(super) fn trigger(&mut self, trigger: Trigger) -> Result<Reply, Rejected> {
        let dag = self.known_dag(&trigger.dag_id)?;
        if let Some(dag_run_id) = &trigger.dag_run_id {
            if !is_fit_run_id(dag_run_id.as_str()) {
                return Err(Rejected::UnfitRunId { dag_run_id: dag_run_id.clone() });
            }
            let key = DagRunKey { dag_id: dag.dag_id.clone(), dag_run_id: dag_run_id.clone() };
            if self.state.runs.contains_key(&key) {
                let DagRunKey { dag_id, dag_run_id } = key;
                return Err(Rejected::RunExists { dag_id, dag_run_id });
            }
        }
        if let Some(problem) = trigger.partition_key.as_deref().and_then(partition::key_problem) {
            return Err(Rejected::UnfitPartitionKey { problem });
        }
        let params =
            dag.params.resolve(&trigger.conf).map_err(|problems| Rejected::Params { problems })?;
        let logical_date = trigger.logical_date.unwrap_or(self.now);
        let run = self.make_run(NewRun {
            interval: Some(dag.schedule.by_hand(logical_date)),
            dag,
            run_type: DagRunType::Manual,
            triggered_by: trigger.triggered_by,
            user: trigger.user,
            dag_run_id: trigger.dag_run_id,
            logical_date: Some(logical_date),
            run_after: self.now,
            conf: trigger.conf,
            params,
            note: trigger.note,
            events: Vec::new(),
            backfill_id: None,
            partition_key: trigger.partition_key,
        });
        Ok(Reply::Run(Box::new(run)))
    }
}

/// Airflow's `allowed_run_id_pattern`, and not a dot alone.
fn is_fit_run_id(text: &str) -> bool {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || "_.~:+-".contains(c);
    !text.is_empty()
        && text.len() <= RUN_ID_LEN_MAX
        && text.chars().all(is_fit)
        && !text.starts_with('.')
}
