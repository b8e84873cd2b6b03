//! Begins, pauses and cancels backfills.

use crate::backfill::{ActiveBackfill, BackfillRefusal, refuse};
use crate::decision::{About, Decision};
use crate::input::{Rejected, Reply};
use crate::types::DagId;
use crate::types::backfill::{Backfill, BackfillId, BackfillSpec};
use crate::types::event::Severity;
use crate::types::state::ReprocessBehavior;
use crate::when;

impl Decision<'_> {
    pub(super) fn create_backfill(&mut self, spec: BackfillSpec) -> Result<Reply, Rejected> {
        let dag = self.known_dag(&spec.dag_id)?;
        if let Some(active) = self.state.backfills.get(&dag.dag_id) {
            let (dag_id, backfill_id) = (dag.dag_id.clone(), active.backfill.id);
            return Err(BackfillRefusal::UnderWay { dag_id, backfill_id }.into());
        }
        refuse(&dag, &spec, self.now)?;
        let backfill = Backfill {
            id: self.state.next_backfill_id,
            dag_id: spec.dag_id,
            from_date: spec.from_date,
            to_date: spec.to_date,
            dag_run_conf: spec.dag_run_conf,
            is_paused: false,
            reprocess_behavior: spec.reprocess_behavior,
            run_backwards: spec.run_backwards,
            max_active_runs: spec.max_active_runs.max(1),
            created_at: self.now,
            completed_at: None,
            updated_at: self.now,
            triggering_user_name: spec.user,
            position: 0,
            last_logical_date: None,
        };
        self.state.next_backfill_id += 1;
        self.draft.put_backfill(&backfill);
        let message = format!(
            "backfill {} of `{}` from {} to {}{}",
            backfill.id,
            backfill.dag_id,
            when::iso(backfill.from_date),
            when::iso(backfill.to_date),
            match backfill.reprocess_behavior {
                ReprocessBehavior::None => "",
                ReprocessBehavior::Failed => ", failed runs again",
                ReprocessBehavior::Completed => ", all runs again",
            }
        );
        self.log_backfill(
            "backfill.created",
            &backfill,
            backfill.triggering_user_name.clone(),
            message,
        );
        let active = ActiveBackfill::new(backfill.clone());
        self.state.backfills.insert(backfill.dag_id.clone(), active);
        self.runs_changed(&backfill.dag_id);
        Ok(Reply::Backfill(Box::new(backfill)))
    }

    pub(super) fn set_backfill_paused(
        &mut self,
        backfill_id: BackfillId,
        is_paused: bool,
        user: Option<String>,
    ) -> Result<Reply, Rejected> {
        let now = self.now;
        let dag_id = self.dag_of_backfill(backfill_id)?;
        let active = self.state.backfills.get_mut(&dag_id).expect("it was just found");
        if active.backfill.is_paused != is_paused {
            active.backfill.is_paused = is_paused;
            active.backfill.updated_at = now;
            let backfill = active.backfill.clone();
            self.draft.put_backfill(&backfill);
            let (event, text) = match is_paused {
                true => ("backfill.paused", "was paused"),
                false => ("backfill.unpaused", "goes on"),
            };
            let message = format!("backfill {backfill_id} {text}");
            self.log_backfill(event, &backfill, user, message);
            self.runs_changed(&dag_id);
        }
        Ok(Reply::Backfill(Box::new(self.state.backfills[&dag_id].backfill.clone())))
    }

    /// As Airflow: runs of it that wait have failed, those that run go on.
    pub(super) fn cancel_backfill(
        &mut self,
        backfill_id: BackfillId,
        user: Option<String>,
    ) -> Result<Reply, Rejected> {
        let dag_id = self.dag_of_backfill(backfill_id)?;
        let active = self.state.backfills.get_mut(&dag_id).expect("it was just found");
        active.backfill.is_paused = true;
        let mut backfill = active.backfill.clone();
        let why = match &user {
            Some(user) => format!("{user} cancelled backfill {backfill_id}"),
            None => format!("backfill {backfill_id} was cancelled"),
        };
        for run in self.queued_of_backfill(&backfill) {
            let key = run.key();
            self.break_off(&key, crate::types::TaskInstanceState::Failed, user.clone(), &why);
        }
        self.complete_backfill(&dag_id, Some(user.unwrap_or_else(|| "somebody".to_owned())));
        backfill.completed_at = Some(self.now);
        backfill.updated_at = self.now;
        Ok(Reply::Backfill(Box::new(backfill)))
    }

    fn dag_of_backfill(&self, backfill_id: BackfillId) -> Result<DagId, Rejected> {
        let mut all = self.state.backfills.values();
        match all.find(|active| active.backfill.id == backfill_id) {
            Some(active) => Ok(active.backfill.dag_id.clone()),
            None => Err(BackfillRefusal::NotUnderWay { backfill_id }.into()),
        }
    }

    fn log_backfill(
        &mut self,
        event: &str,
        backfill: &Backfill,
        user: Option<String>,
        message: String,
    ) {
        let about = About(Some(&backfill.dag_id), None, None);
        self.log(Severity::Info, event, about, user, message);
    }
}
