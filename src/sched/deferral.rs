//! Attempts that wait without an executor: they give their slot back, and keep their try and
//! their token, so that late answers are fenced. Their trigger ends them, or the time is up.

use crate::decision::{Decision, open_try};
use crate::effect::{Arm, Effect};
use crate::types::approval::HitlDetail;
use crate::types::deferral::{AtTimeout, Deferral, TriggerSpec};
use crate::types::run::TaskTry;
use crate::types::{AttemptKey, LaunchToken, TaskInstanceKey, TaskInstanceState};
use crate::when;

impl Decision<'_> {
    pub(super) fn defer(&mut self, key: &AttemptKey, token: LaunchToken, deferral: Deferral) {
        let state = self.task(&key.task).and_then(|ti| ti.state);
        if state == Some(TaskInstanceState::Deferred) {
            // Said again by an attempt that was launched twice with one token.
            return;
        }
        let Deferral { trigger, timeout_at, note } = deferral;
        self.move_task(&key.task, Some(TaskInstanceState::Deferred), |ti| {
            // The report that it began may have been lost with the executor that made it.
            ti.start_date = ti.start_date.or(ti.queued_when);
            ti.pid = None;
            ti.trigger = Some(trigger.clone());
            ti.trigger_timeout = timeout_at;
            ti.note = Some(note.clone());
        });
        if let Some(ti) = self.task(&key.task) {
            let state = TaskInstanceState::Deferred;
            let start_date = ti.start_date;
            let kept = TaskTry { start_date, ..open_try(ti, key.clone(), token.clone(), state) };
            self.draft.put_try(kept);
        }
        let approval = TriggerSpec::parse(&trigger).ok().and_then(|spec| spec.approval);
        if let Some(approval) = approval {
            self.draft.put_hitl_detail(HitlDetail {
                key: key.clone(),
                question: approval.question,
                created_at: self.now,
                timeout_at,
                response: None,
            });
        }
        let arm = Arm { key: key.clone(), token, trigger, seen: Some(note) };
        self.draft.effect(Effect::Arm(arm));
    }

    /// What it waits for has not come in time.
    pub(super) fn deferral_timed_out(&mut self, key: &TaskInstanceKey) {
        let Some(ti) = self.task(key) else { return };
        let since = ti.start_date.unwrap_or(self.now);
        let waited = std::time::Duration::try_from(self.now.duration_since(since));
        let error = format!("timed out after {}", when::humane(waited.unwrap_or_default()));
        let at_timeout = self.trigger_of(key).map(|spec| spec.at_timeout).unwrap_or_default();
        if at_timeout == AtTimeout::Default && self.answer_by_default(key) {
            return;
        }
        self.kill(key, &error);
        match at_timeout {
            AtTimeout::Skip => self.skip_attempt(key, &error),
            AtTimeout::FailForGood => self.fail(key, error, None, false),
            AtTimeout::Fail | AtTimeout::Default => self.fail(key, error, None, true),
        }
    }

    /// Says whether a deferred task is skipped where another one would fail for being late.
    pub(super) fn skips_when_late(&self, key: &TaskInstanceKey) -> bool {
        self.trigger_of(key).is_some_and(|spec| spec.at_timeout == AtTimeout::Skip)
    }

    /// Ends a try as skipped.
    pub(super) fn skip_attempt(&mut self, key: &TaskInstanceKey, reason: &str) {
        self.close_try(key, TaskInstanceState::Skipped, None, Some(reason.to_owned()));
        self.end_attempt(key, TaskInstanceState::Skipped, Some(reason.to_owned()));
        self.call_back(key, Some(reason));
    }

    /// Returns what a deferred task instance waits for.
    pub(super) fn trigger_of(&self, key: &TaskInstanceKey) -> Option<TriggerSpec> {
        TriggerSpec::parse(self.task(key)?.trigger.as_ref()?).ok()
    }
}
