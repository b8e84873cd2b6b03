//! Pauses and unpauses a DAG: neither time nor assets bring runs of a paused one about. Runs
//! under way go on.

use crate::decision::{About, Decision};
use crate::input::{Rejected, Reply};
use crate::types::DagId;
use crate::types::event::Severity;

impl Decision<'_> {
    pub(super) fn set_paused(
        &mut self,
        dag_id: &DagId,
        is_paused: bool,
        user: Option<String>,
    ) -> Result<Reply, Rejected> {
        let dag = self.known_dag(dag_id)?;
        let known = self.state.dag_states.get(dag_id).cloned();
        let mut dag_state = known.unwrap_or_else(|| crate::definitions::new_dag_state(&dag));
        if dag_state.is_paused == is_paused {
            return Ok(Reply::Done);
        }
        dag_state.is_paused = is_paused;
        self.put_dag_state(dag_state);
        self.runs_changed(dag_id);
        let (event, text) =
            if is_paused { ("dag.paused", "paused") } else { ("dag.unpaused", "unpaused") };
        let message = match &user {
            Some(user) => format!("{user} {text} `{dag_id}`"),
            None => format!("`{dag_id}` was {text}"),
        };
        self.log(Severity::Info, event, About(Some(dag_id), None, None), user, message);
        Ok(Reply::Done)
    }
}
