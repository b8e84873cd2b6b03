//! Makes a run because an attempt asked (`trigger_dag_run`). What it made is remembered by its
//! token, in the same transaction: an attempt that is launched again finds the run instead of
//! making another, and one that was ended makes none.

use crate::decision::Decision;
use crate::input::{Rejected, Reply};
use crate::state::EndedRun;
use crate::types::ask::Trigger;
use crate::types::run::DagRunKey;
use crate::types::{AttemptKey, LaunchToken};

/// A wish of an attempt for a run.
#[derive(Debug, Clone)]
pub struct TriggerBy {
    pub trigger: Trigger,
    pub by: AttemptKey,
    pub token: LaunchToken,
    /// A run of that id is cleared where there is one.
    pub resets: bool,
    /// That run and its task instances, where it has ended.
    pub ended: Option<Box<EndedRun>>,
}

impl Decision<'_> {
    pub(super) fn trigger_by(&mut self, wish: TriggerBy) -> Result<Reply, Rejected> {
        let TriggerBy { trigger, by, token, resets, ended } = wish;
        self.check_in_force(&by, &token)?;
        let named = trigger.dag_run_id.clone();
        let key = named.map(|id| DagRunKey { dag_id: trigger.dag_id.clone(), dag_run_id: id });
        let existing =
            key.filter(|key| resets && (ended.is_some() || self.state.runs.contains_key(key)));
        let reply = match existing {
            Some(key) => self.reset(key, ended)?,
            None => self.trigger(trigger)?,
        };
        if let Reply::Run(run) = &reply {
            self.draft.put_triggered_run(token, run.key());
        }
        Ok(reply)
    }

    fn reset(&mut self, key: DagRunKey, ended: Option<Box<EndedRun>>) -> Result<Reply, Rejected> {
        match self.clear_all(&key, ended.map(|ended| *ended), None) {
            // It has not begun yet: as good as cleared.
            Ok(_) | Err(Rejected::NothingToClear { .. }) => {}
            Err(rejected) => return Err(rejected),
        }
        match self.state.runs.get(&key) {
            Some(active) => Ok(Reply::Run(Box::new(active.run.clone()))),
            None => Err(Rejected::NoRun { dag_id: key.dag_id, dag_run_id: key.dag_run_id }),
        }
    }
}
