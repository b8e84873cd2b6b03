//! Takes an answer to a question: checked, given once, and the end of the task that asked.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::attempt::Success;
use crate::dag::params;
use crate::decision::{About, Decision};
use crate::input::{Rejected, Reply};
use crate::types::approval::{ApprovalSpec, HitlDetail, HitlResponse, Question, Response};
use crate::types::event::Severity;
use crate::types::{LaunchToken, TaskInstanceKey};

impl Decision<'_> {
    pub(super) fn answer(&mut self, response: Response) -> Result<Reply, Rejected> {
        let key = response.key;
        let Some((token, approval)) = self.asked(&key) else {
            return Err(Rejected::NotAsked { key });
        };
        let question = &approval.question;
        let user = response.user;
        if !question.assignees.is_empty()
            && !user.as_ref().is_some_and(|user| question.assignees.contains(user))
        {
            let assignees = question.assignees.clone();
            return Err(Rejected::NotAssigned { task_id: key.task_id, user, assignees });
        }
        let chosen_options = response.chosen_options;
        let params_input = checked(question, &chosen_options, response.params_input)
            .map_err(|problems| Rejected::UnfitAnswer { problems })?;
        let response = HitlResponse {
            chosen_options,
            params_input,
            responded_by: user,
            responded_at: self.now,
            timed_out: false,
        };
        self.respond(&key, &token, &approval, &response);
        Ok(Reply::Done)
    }

    /// Takes the default in the place of people. `false`: there is none that fits.
    pub(crate) fn answer_by_default(&mut self, key: &TaskInstanceKey) -> bool {
        let Some((token, approval)) = self.asked(key) else { return false };
        let question = &approval.question;
        let Some(chosen_options) = question.defaults.clone() else { return false };
        let Ok(params_input) = checked(question, &chosen_options, Map::new()) else { return false };
        let response = HitlResponse {
            chosen_options,
            params_input,
            responded_by: None,
            responded_at: self.now,
            timed_out: true,
        };
        self.respond(key, &token, &approval, &response);
        true
    }

    /// Returns what a task instance waits to be answered.
    fn asked(&self, key: &TaskInstanceKey) -> Option<(LaunchToken, ApprovalSpec)> {
        let token = self.task(key)?.token.clone()?;
        Some((token, self.trigger_of(key)?.approval?))
    }

    fn respond(
        &mut self,
        key: &TaskInstanceKey,
        token: &LaunchToken,
        approval: &ApprovalSpec,
        response: &HitlResponse,
    ) {
        let Some(ti) = self.task(key) else { return };
        self.draft.put_hitl_detail(HitlDetail {
            key: ti.attempt(),
            question: approval.question.clone(),
            // The store keeps the first.
            created_at: ti.start_date.unwrap_or(self.now),
            timeout_at: ti.trigger_timeout,
            response: Some(response.clone()),
        });
        let chosen = response.chosen_options.join(", ");
        let message = match &response.responded_by {
            Some(user) => format!("{user} answered `{}`: {chosen}", key.task_id),
            None if response.timed_out => {
                format!("nobody answered `{}` in time: {chosen}", key.task_id)
            }
            None => format!("`{}` was answered: {chosen}", key.task_id),
        };
        let owner = response.responded_by.clone();
        self.log(Severity::Info, "task_instance.answered", About::task(key), owner, message);
        let is_rejected = approval.is_rejected(&response.chosen_options);
        if is_rejected && approval.fail_on_reject {
            let by = response.responded_by.as_deref().unwrap_or("default");
            self.fail(key, format!("rejected by {by}"), None, true);
            return;
        }
        let success = Success {
            output: serde_json::to_value(response).unwrap_or(Value::Null),
            outputs: BTreeMap::new(),
            chosen: approval.follows(&response.chosen_options),
            skip_all_downstream: is_rejected && approval.ignore_downstream_trigger_rules,
            asset_events: Vec::new(),
        };
        self.succeed(key, token, success);
    }
}

/// Checks an answer against its question; returns the form with its defaults filled in.
fn checked(
    question: &Question,
    chosen: &[String],
    given: Map<String, Value>,
) -> Result<Map<String, Value>, Vec<String>> {
    let mut problems = Vec::new();
    let options = || question.options.iter().map(|option| format!("`{option}`"));
    let all = options().collect::<Vec<_>>().join(", ");
    match chosen {
        [] => problems.push(format!("nothing was chosen; choices: {all}")),
        [_, _, ..] if !question.multiple => {
            problems.push(format!("only one may be chosen; choices: {all}"));
        }
        _ => {}
    }
    for (at, option) in chosen.iter().enumerate() {
        if !question.options.contains(option) {
            problems.push(format!("`{option}` is no choice; choices: {all}"));
        } else if chosen[..at].contains(option) {
            problems.push(format!("`{option}` was chosen twice"));
        }
    }
    let input = filled(question, given, &mut problems);
    if problems.is_empty() { Ok(input) } else { Err(problems) }
}

/// Fills a form in. A field without a default must be given.
fn filled(
    question: &Question,
    mut given: Map<String, Value>,
    problems: &mut Vec<String>,
) -> Map<String, Value> {
    for name in given.keys().filter(|name| !question.params.contains_key(*name)) {
        let known: Vec<String> = question.params.keys().map(|name| format!("`{name}`")).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        problems.push(format!("`{name}` is no field of the form; fields: {known}"));
    }
    let mut input = Map::new();
    for (name, schema) in &question.params {
        let Some(value) = given.remove(name).or_else(|| schema.get("default").cloned()) else {
            problems.push(format!("field `{name}` is not filled in"));
            continue;
        };
        match params::check(schema, &value) {
            Ok(()) => {
                input.insert(name.clone(), value);
            }
            Err(messages) => {
                problems.extend(messages.iter().map(|text| format!("field `{name}` {text}")));
            }
        }
    }
    input
}
