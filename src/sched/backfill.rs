//! Backfills under way: each makes the runs of its dates one after the other, as many at once as
//! its own `max_active_runs` allows.
//!
//! ```text
//! advance ─► next date ─► in memory? ─► known to the window? ─┬─ no ─► Effect::ReadBackfill
//!    ▲                        │ yes          │ yes            │            │ (the store)
//!    │                        ▼              ▼                │            ▼
//!    │                  "in flight"   make · clear · skip     └── Input::BackfillRead ─► window
//!    └── a run of it has ended ◄────────────┘
//! ```
//! A range may hold a million dates, so nothing is made before it may begin, and what the store
//! knows of the dates is read a window at a time. The position is committed with each run that
//! is made: after a restart it goes on behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::dag::Dag;
use crate::dag::schedule::{DataInterval, Timetable};
use crate::decision::{About, Decision};
use crate::effect::Effect;
use crate::index::RunGroup;
use crate::run::NewRun;
use crate::state::{ActiveRun, EndedRun, State};
use crate::types::backfill::{Backfill, BackfillDagRun};
use crate::types::event::Severity;
use crate::types::run::DagRun;
use crate::types::state::{
    BackfillDagRunExceptionReason, DagRunType, ReprocessBehavior, TriggeredBy,
};
use crate::types::{DagId, DagRunId, DagRunState, LaunchToken, Timestamp};
use crate::when;

mod dates;
mod refusal;

pub use dates::{Dates, refuse, what_stands_in_the_way};
pub use refusal::BackfillRefusal;

/// How many dates are asked for at once. Where runs are to be cleared their tasks are read too,
/// and then it is as many as may begin now.
const WINDOW_LEN_MAX: usize = 100;

/// A backfill that has not ended; a DAG has one at most.
#[derive(Debug, Clone)]
pub struct ActiveBackfill {
    pub backfill: Backfill,
    asked: Option<Asked>,
    window: Window,
}

/// What the store was asked and has not answered.
#[derive(Debug, Clone)]
struct Asked {
    token: LaunchToken,
    logical_dates: BTreeSet<Timestamp>,
}

/// Dates of which is known what the store holds.
#[derive(Debug, Clone, Default)]
struct Window {
    logical_dates: BTreeSet<Timestamp>,
    runs: BTreeMap<Timestamp, EndedRun>,
    taken: BTreeSet<DagRunId>,
}

/// What the store holds of some dates of a DAG.
#[derive(Debug, Clone, Default)]
pub struct BackfillRead {
    /// The run of each date that has one, the last one begun where it has several. Without its
    /// task instances where they were not asked for.
    pub runs: Vec<EndedRun>,
    /// Which of the ids that new runs would get there are already.
    pub taken: Vec<DagRunId>,
}

impl ActiveBackfill {
    /// Begins anew with what the store knows.
    pub fn new(backfill: Backfill) -> Self {
        Self { backfill, asked: None, window: Window::default() }
    }
}

impl Decision<'_> {
    /// Makes the runs that may begin now, and ends the backfill after its last one.
    pub(super) fn advance_backfill(&mut self, dag_id: &DagId) {
        let Some(dag) = self.state.deck.dags.get(dag_id).cloned() else { return };
        if self.state.backfills.get(dag_id).is_none_or(|active| active.backfill.is_paused) {
            return;
        }
        // As Airflow: a paused DAG holds its backfill too.
        if self.state.dag_states.get(dag_id).is_none_or(|s| s.is_paused || s.is_stale) {
            return;
        }
        loop {
            let Some(active) = self.state.backfills.get(dag_id) else { return };
            let group = RunGroup::of_backfill(&active.backfill);
            let under_way = self.state.index.active_runs(&group);
            let next = dag
                .schedule
                .timetable()
                .and_then(|timetable| Dates::of_backfill(timetable, &active.backfill).next());
            let Some(next) = next else {
                if under_way == 0 {
                    self.complete_backfill(dag_id, None);
                }
                return;
            };
            let limit = usize::try_from(active.backfill.max_active_runs).unwrap_or(usize::MAX);
            if under_way >= limit || !self.deal_with(&dag, next, limit - under_way) {
                return;
            }
        }
    }

    /// Makes, clears or skips one date. `false`: the store is to be asked first.
    fn deal_with(&mut self, dag: &Arc<Dag>, next: DataInterval, room: usize) -> bool {
        let date = next.start;
        if self.has_run_under_way(&dag.dag_id, date) {
            self.note_date(dag, date, Err(BackfillDagRunExceptionReason::InFlight));
            return true;
        }
        let Some(active) = self.state.backfills.get_mut(&dag.dag_id) else { return true };
        if !active.window.logical_dates.remove(&date) {
            self.ask_store(dag, room);
            return false;
        }
        let behavior = active.backfill.reprocess_behavior;
        let made = match active.window.runs.remove(&date) {
            Some(ended) => match what_stands_in_the_way(behavior, ended.run.state) {
                Some(reason) => Err(reason),
                None => self.run_again(dag, ended),
            },
            None => self.make_backfill_run(dag, next),
        };
        if made.is_ok() {
            self.note_made_ahead(&dag.dag_id, next);
        }
        self.note_date(dag, date, made);
        true
    }

    fn has_run_under_way(&self, dag_id: &DagId, date: Timestamp) -> bool {
        self.state.runs_of(dag_id).any(|active| active.run.logical_date == Some(date))
    }

    fn make_backfill_run(
        &mut self,
        dag: &Arc<Dag>,
        next: DataInterval,
    ) -> Result<DagRunId, BackfillDagRunExceptionReason> {
        let active = self.state.backfills.get(&dag.dag_id).expect("it is under way");
        let backfill = active.backfill.clone();
        let plain = backfill_run_id(next.end);
        let is_taken = active.window.taken.contains(&plain);
        // An id of an older schedule: a backfill comes to each date once.
        let given = is_taken.then(|| DagRunId::new(format!("{plain}_{}", backfill.id)));
        let conf = backfill.dag_run_conf.unwrap_or_default();
        let params = match dag.params.resolve(&conf) {
            Ok(params) => params,
            Err(problems) => {
                let names: Vec<_> = problems.iter().map(|p| format!("`{}`", p.param)).collect();
                let why = format!("its params do not fit: {}", names.join(", "));
                return Err(self.no_run(dag, next.start, &why));
            }
        };
        let run = self.make_run(NewRun {
            dag: dag.clone(),
            run_type: DagRunType::Backfill,
            triggered_by: TriggeredBy::Backfill,
            user: backfill.triggering_user_name,
            dag_run_id: given,
            logical_date: Some(next.start),
            interval: Some(next),
            run_after: next.end,
            conf,
            params,
            note: None,
            events: Vec::new(),
            backfill_id: Some(backfill.id),
            partition_key: None,
        });
        Ok(run.dag_run_id)
    }

    /// Clears a run that there is; it belongs to the backfill from then on.
    fn run_again(
        &mut self,
        dag: &Arc<Dag>,
        mut ended: EndedRun,
    ) -> Result<DagRunId, BackfillDagRunExceptionReason> {
        let active = self.state.backfills.get(&dag.dag_id).expect("it is under way");
        let backfill = active.backfill.clone();
        let date = ended.run.logical_date.unwrap_or(self.now);
        ended.run.backfill_id = Some(backfill.id);
        ended.run.run_type = DagRunType::Backfill;
        ended.run.triggered_by = TriggeredBy::Backfill;
        if let Some(conf) = backfill.dag_run_conf {
            match dag.params.resolve(&conf) {
                Ok(params) => ended.run.params = params,
                Err(_) => return Err(self.no_run(dag, date, "its params do not fit")),
            }
            ended.run.conf = conf;
        }
        let key = ended.run.key();
        let user = backfill.triggering_user_name;
        match self.clear_all(&key, Some(ended), user) {
            Ok(()) => Ok(key.dag_run_id),
            Err(rejected) => Err(self.no_run(dag, date, &rejected.to_string())),
        }
    }

    fn no_run(
        &mut self,
        dag: &Arc<Dag>,
        date: Timestamp,
        why: &str,
    ) -> BackfillDagRunExceptionReason {
        let message = format!("no run of `{}` was made for {}: {why}", dag.dag_id, when::iso(date));
        let about = About(Some(&dag.dag_id), None, None);
        self.log(Severity::Error, "backfill.skipped", about, None, message);
        BackfillDagRunExceptionReason::Unknown
    }

    fn note_date(
        &mut self,
        dag: &Arc<Dag>,
        date: Timestamp,
        made: Result<DagRunId, BackfillDagRunExceptionReason>,
    ) {
        let now = self.now;
        let Some(active) = self.state.backfills.get_mut(&dag.dag_id) else { return };
        active.backfill.position += 1;
        active.backfill.last_logical_date = Some(date);
        active.backfill.updated_at = now;
        let (dag_run_id, exception_reason) = match made {
            Ok(dag_run_id) => (Some(dag_run_id), None),
            Err(reason) => (None, Some(reason)),
        };
        self.draft.put_backfill(&active.backfill);
        self.draft.put_backfill_dag_run(BackfillDagRun {
            backfill_id: active.backfill.id,
            sort_ordinal: active.backfill.position,
            logical_date: date,
            dag_run_id,
            exception_reason,
        });
    }

    /// Asks what there is of the next dates.
    fn ask_store(&mut self, dag: &Arc<Dag>, room: usize) {
        let Some(active) = self.state.backfills.get(&dag.dag_id) else { return };
        if active.asked.is_some() {
            return;
        }
        let Some(timetable) = dag.schedule.timetable() else { return };
        let clears = active.backfill.reprocess_behavior != ReprocessBehavior::None;
        let len = if clears { room.min(WINDOW_LEN_MAX) } else { WINDOW_LEN_MAX };
        let next: Vec<DataInterval> =
            Dates::of_backfill(timetable, &active.backfill).take(len).collect();
        let token = self.next_token();
        let asked = Asked {
            token: token.clone(),
            logical_dates: next.iter().map(|interval| interval.start).collect(),
        };
        self.draft.effect(Effect::ReadBackfill {
            dag_id: dag.dag_id.clone(),
            token,
            logical_dates: next.iter().map(|interval| interval.start).collect(),
            dag_run_ids: next.iter().map(|interval| backfill_run_id(interval.end)).collect(),
            with_tasks: clears,
        });
        if let Some(active) = self.state.backfills.get_mut(&dag.dag_id) {
            active.asked = Some(asked);
        }
    }

    /// Takes what the store has answered, unless something has happened in between.
    pub(super) fn backfill_read(
        &mut self,
        dag_id: &DagId,
        token: &LaunchToken,
        read: BackfillRead,
    ) {
        let Some(active) = self.state.backfills.get_mut(dag_id) else { return };
        let Some(asked) = active.asked.take_if(|asked| asked.token == *token) else { return };
        active.window = Window {
            logical_dates: asked.logical_dates,
            runs: read
                .runs
                .into_iter()
                .filter_map(|ended| Some((ended.run.logical_date?, ended)))
                .collect(),
            taken: read.taken.into_iter().collect(),
        };
        self.runs_changed(dag_id);
    }

    /// A run has ended: where its date is still to come the store knows more than it said.
    pub(super) fn forget_window_of(&mut self, run: &DagRun) {
        let Some(date) = run.logical_date else { return };
        let Some(active) = self.state.backfills.get_mut(&run.dag_id) else { return };
        let was_asked = active.asked.as_ref().is_some_and(|a| a.logical_dates.contains(&date));
        if was_asked || active.window.logical_dates.contains(&date) {
            self.forget_window(&run.dag_id);
        }
    }

    /// Has the store asked anew.
    pub(super) fn forget_window(&mut self, dag_id: &DagId) {
        if let Some(active) = self.state.backfills.get_mut(dag_id) {
            active.asked = None;
            active.window = Window::default();
        }
    }

    /// Ends a backfill; it leaves the memory.
    pub(super) fn complete_backfill(&mut self, dag_id: &DagId, user: Option<String>) {
        let Some(mut active) = self.state.backfills.remove(dag_id) else { return };
        active.backfill.completed_at = Some(self.now);
        active.backfill.updated_at = self.now;
        self.draft.put_backfill(&active.backfill);
        let Backfill { id, position, .. } = active.backfill;
        let (event, message) = match &user {
            Some(user) => ("backfill.cancelled", format!("{user} cancelled backfill {id}")),
            None => {
                ("backfill.completed", format!("backfill {id} has ended after {position} dates"))
            }
        };
        let about = About(Some(dag_id), None, None);
        self.log(Severity::Info, event, about, user, message);
    }

    /// The schedule will come to this date later: it must not make a second run of it.
    fn note_made_ahead(&mut self, dag_id: &DagId, interval: DataInterval) {
        let until = self.state.dag_states.get(dag_id).and_then(|s| s.scheduled_until);
        if until.is_none_or(|until| interval.end > until) {
            let ahead = self.state.made_ahead.entry(dag_id.clone()).or_default();
            ahead.insert(interval.start, interval.end);
        }
    }

    /// Queued runs of a backfill, in the order of their dates.
    pub(super) fn queued_of_backfill(&self, backfill: &Backfill) -> Vec<DagRun> {
        let of_backfill = |run: &&DagRun| {
            run.backfill_id == Some(backfill.id) && run.state == DagRunState::Queued
        };
        let runs = self.state.runs_of(&backfill.dag_id).map(|active| &active.run);
        runs.filter(of_backfill).cloned().collect()
    }
}

/// The id that a backfill's run gets, unless there is one.
fn backfill_run_id(run_after: Timestamp) -> DagRunId {
    DagRunId::new(format!("{}__{}", DagRunType::Backfill, when::iso(run_after)))
}

/// Says whether what follows `timetable` has dates to make up for.
pub(super) fn can_be_backfilled(timetable: Option<&Timetable>) -> bool {
    timetable.is_some_and(Timetable::is_periodic)
}

impl State {
    /// How many runs of a backfill may run now; `None` where it has ended.
    pub(super) fn backfill_limit(&self, group: &RunGroup) -> Option<u32> {
        let active = self.backfills.get(&group.dag_id)?;
        if Some(active.backfill.id) != group.backfill_id {
            return None;
        }
        let dag_state = self.dag_states.get(&group.dag_id);
        let is_held = active.backfill.is_paused || dag_state.is_some_and(|s| s.is_paused);
        Some(if is_held { 0 } else { active.backfill.max_active_runs })
    }

    /// Returns how many runs may be running beside this one, itself included.
    pub(super) fn runs_limit(&self, active: &ActiveRun) -> usize {
        let of_backfill = self.backfill_limit(&RunGroup::of(&active.run));
        let limit = of_backfill.unwrap_or(self.dag_in_force(active).max_active_runs);
        usize::try_from(limit).unwrap_or(usize::MAX)
    }
}
