//! Human in the loop: what people are asked, and what they answered. Airflow's words
//! (`hitl_detail`) on the wire.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{AttemptKey, TaskId, TaskInstanceKey};
use crate::time::Timestamp;

/// The choices where the task names none.
pub const APPROVE: &str = "Approve";
/// The choice that lets nothing downstream happen.
pub const REJECT: &str = "Reject";

/// A question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// In one line.
    pub subject: String,
    pub body: Option<String>,
    /// What may be chosen.
    pub options: Vec<String>,
    /// What is taken when nobody answers in time.
    pub defaults: Option<Vec<String>>,
    /// Whether more than one may be chosen.
    pub multiple: bool,
    /// The form: a JSON Schema for each field.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// Who may answer; empty: everyone.
    #[serde(default)]
    pub assignees: Vec<String>,
}

/// A question and where its answers lead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalSpec {
    #[serde(flatten)]
    pub question: Question,
    /// Of a branch: each choice with the tasks that it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<Map<String, Value>>,
    /// A rejection fails the task.
    #[serde(default)]
    pub fail_on_reject: bool,
    /// A rejection skips all that is downstream, whatever its trigger rules.
    #[serde(default)]
    pub ignore_downstream_trigger_rules: bool,
}

/// A question of one try of a task, with its answer where there is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HitlDetail {
    #[serde(flatten)]
    pub key: AttemptKey,
    #[serde(flatten)]
    pub question: Question,
    pub created_at: Timestamp,
    /// When the default is taken, or the try fails.
    pub timeout_at: Option<Timestamp>,
    pub response: Option<HitlResponse>,
}

/// An answer; also the output of the task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HitlResponse {
    pub chosen_options: Vec<String>,
    /// What the form was filled in with.
    pub params_input: Map<String, Value>,
    /// `None`: nobody; the time was up.
    pub responded_by: Option<String>,
    pub responded_at: Timestamp,
    pub timed_out: bool,
}

/// A wish to answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    #[serde(flatten)]
    pub key: TaskInstanceKey,
    pub chosen_options: Vec<String>,
    #[serde(default)]
    pub params_input: Map<String, Value>,
    /// Who answers, for the record.
    #[serde(default)]
    pub user: Option<String>,
}

impl ApprovalSpec {
    /// Says whether a plain question, approve or reject, was answered with a rejection.
    pub fn is_rejected(&self, chosen: &[String]) -> bool {
        let options = &self.question.options;
        let is_plain = self.then.is_none()
            && options.len() == 2
            && options.iter().any(|option| option == APPROVE);
        is_plain && chosen.iter().any(|option| option == REJECT)
    }

    /// Returns the tasks that an answer leads to; `None`: all that is downstream goes on.
    pub fn follows(&self, chosen: &[String]) -> Option<Vec<TaskId>> {
        let Some(then) = &self.then else { return self.is_rejected(chosen).then(Vec::new) };
        let of = |option: &String| match then.get(option) {
            Some(Value::String(task)) => vec![TaskId::from(task.as_str())],
            Some(Value::Array(tasks)) => {
                tasks.iter().filter_map(Value::as_str).map(TaskId::from).collect()
            }
            _ => Vec::new(),
        };
        Some(chosen.iter().flat_map(of).collect())
    }
}
