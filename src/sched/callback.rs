//! Callbacks: rows that are written with what brings them about, and carried out after the commit.
//! None changes what it tells of.

use crate::dag::spec::Callbacks;
use crate::decision::{Decision, run_key};
use crate::effect::Effect;
use crate::types::callback::{
    CallbackEvent, CallbackRequest, CallbackSpec, CallbackState, CallbackSubject,
};
use crate::types::ids::UNMAPPED;
use crate::types::run::DagRunKey;
use crate::types::{AssetName, DagRunState, TaskInstanceKey, TaskInstanceState, Timestamp};

/// What a callback tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) event: CallbackEvent,
    /// Of the task instance, the run or the asset.
    pub(super) state: &'a str,
    pub(super) reason: Option<&'a str>,
    pub(super) deadline: Option<Timestamp>,
}

impl<'a> Told<'a> {
    /// Tells of a task instance that has come to a state by an attempt; `None` where nobody is
    /// told of that state.
    pub(super) fn of_task(state: TaskInstanceState, reason: Option<&'a str>) -> Option<Self> {
        use TaskInstanceState as S;
        let event = match state {
            S::Running => CallbackEvent::OnExecute,
            S::Success => CallbackEvent::OnSuccess,
            S::Failed => CallbackEvent::OnFailure,
            S::UpForRetry => CallbackEvent::OnRetry,
            S::Skipped => CallbackEvent::OnSkipped,
            S::Scheduled
            | S::Queued
            | S::Restarting
            | S::Deferred
            | S::UpForReschedule
            | S::UpstreamFailed
            | S::Removed => return None,
        };
        Some(Self { event, state: state.as_str(), reason, deadline: None })
    }

    /// Tells of a run that has ended.
    pub(super) fn of_run(state: DagRunState, reason: Option<&'a str>) -> Self {
        let event = match state {
            DagRunState::Failed => CallbackEvent::OnFailure,
            DagRunState::Queued | DagRunState::Running | DagRunState::Success => {
                CallbackEvent::OnSuccess
            }
        };
        Self { event, state: state.as_str(), reason, deadline: None }
    }
}

impl Decision<'_> {
    /// Brings about what a task says of the state that its instance has just come to.
    pub(super) fn call_back(&mut self, key: &TaskInstanceKey, reason: Option<&str>) {
        let Some(active) = self.state.runs.get(&run_key(key)) else { return };
        let Some(spec) = active.dag.tasks.get(&key.task_id) else { return };
        if spec.callbacks == Callbacks::default() {
            return;
        }
        let Some(ti) = active.tasks.get(&(key.task_id.clone(), key.map_index)) else { return };
        let Some(told) = ti.state.and_then(|state| Told::of_task(state, reason)) else { return };
        let (specs, try_number) = (spec.callbacks.of(told.event).to_vec(), ti.try_number);
        for spec in specs {
            let request = self.request(CallbackSubject::Run(run_key(key)), spec, told);
            self.put_callback(CallbackRequest {
                task_id: Some(key.task_id.clone()),
                map_index: key.map_index,
                try_number,
                ..request
            });
        }
    }

    /// Brings about callbacks of a run.
    pub(super) fn call_back_run(
        &mut self,
        key: &DagRunKey,
        specs: &[CallbackSpec],
        told: Told<'_>,
    ) {
        for spec in specs {
            let request = self.request(CallbackSubject::Run(key.clone()), spec.clone(), told);
            self.put_callback(request);
        }
    }

    /// Brings about what an asset says of how it stands now.
    pub(super) fn call_back_asset(&mut self, name: &AssetName, told: Told<'_>) {
        let spec = self.state.deck.assets.get(name);
        let specs = spec.map_or_else(Vec::new, |spec| spec.callbacks.of(told.event).to_vec());
        for spec in specs {
            let request = self.request(CallbackSubject::Asset { asset: name.clone() }, spec, told);
            self.put_callback(request);
        }
    }

    pub(super) fn request(
        &mut self,
        subject: CallbackSubject,
        spec: CallbackSpec,
        told: Told<'_>,
    ) -> CallbackRequest {
        CallbackRequest {
            id: format!("callback-{}", self.next_token()),
            subject,
            task_id: None,
            map_index: UNMAPPED,
            try_number: 0,
            event: told.event,
            spec,
            task_or_run_state: told.state.to_owned(),
            reason: told.reason.map(str::to_owned),
            details: None,
            deadline: told.deadline,
            state: CallbackState::Pending,
            tries: 0,
            created_at: self.now,
            ended_at: None,
            output: None,
            error: None,
        }
    }

    pub(super) fn put_callback(&mut self, request: CallbackRequest) {
        self.draft.put_callback(request.clone());
        self.draft.effect(Effect::CallBack(Box::new(request)));
    }
}
