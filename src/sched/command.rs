//! What somebody may ask, each in a file of its own. Each checks everything before it changes
//! anything.

mod answer;
mod backfill;
mod carry;
mod operate;
mod pause;
mod select;
mod trigger;
mod trigger_by;
mod undo;
mod whole_run;

use std::sync::Arc;

use crate::dag::Dag;
use crate::decision::Decision;
use crate::input::{Command, Rejected, Reply};
use crate::types::DagId;

pub(super) use operate::Found;
pub(super) use select::{instances, reach};
pub use trigger_by::TriggerBy;

impl Decision<'_> {
    pub(super) fn command(&mut self, command: Command) -> Result<Reply, Rejected> {
        match command {
            Command::Trigger(trigger) => self.trigger(trigger),
            Command::TriggerBy(wish) => self.trigger_by(*wish),
            Command::Answer(response) => self.answer(response),
            Command::SetPaused { dag_id, is_paused, user } => {
                self.set_paused(&dag_id, is_paused, user)
            }
            Command::Operate(wish) => self.operate(wish),
            Command::Undo(wish) => self.undo(wish),
            Command::CreateBackfill(spec) => self.create_backfill(spec),
            Command::SetBackfillPaused { backfill_id, is_paused, user } => {
                self.set_backfill_paused(backfill_id, is_paused, user)
            }
            Command::CancelBackfill { backfill_id, user } => {
                self.cancel_backfill(backfill_id, user)
            }
        }
    }

    fn known_dag(&self, dag_id: &DagId) -> Result<Arc<Dag>, Rejected> {
        if let Some(dag) = self.state.deck.dags.get(dag_id) {
            return Ok(dag.clone());
        }
        let slips = |known: &DagId| strsim::damerau_levenshtein(known.as_str(), dag_id.as_str());
        let nearest = self.state.deck.dags.keys().min_by_key(|known| slips(known));
        let slips_max = (dag_id.as_str().len() / 3).max(1);
        let meant = nearest.filter(|known| slips(known) <= slips_max);
        Err(Rejected::NoDag { dag_id: dag_id.clone(), meant: meant.map(DagId::to_string) })
    }
}
