//! What an attempt is handed beside its order, in memory and through a pipe only: connections
//! with their secrets, and the values that stand behind the placeholders of its order.
//!
//! An order on disk says `${var:TOKEN}` where a template named a secret variable; the value takes
//! its place right before the operator runs. What the operator gives back is masked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::runtime::attempt::{Order, Private};
use crate::runtime::task_log::TaskLog;
use crate::sched::Outcome;
use crate::types::xcom::XcomValue;

/// One JSON document on the attempt's standard input.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Handover {
    #[serde(flatten)]
    pub(crate) private: Private,
    /// From placeholder to value.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, String>,
}

impl Handover {
    /// Puts values in the place of placeholders, in the arguments and the environment.
    pub(crate) fn fill(&self, order: &mut Order) {
        if self.secrets.is_empty() {
            return;
        }
        self.fill_args(&mut order.args);
        order.context.iter_mut().for_each(|context| self.fill_args(context));
        for value in order.env.values_mut() {
            *value = self.filled(value);
        }
    }

    /// Puts values in the place of placeholders in rendered arguments.
    pub(crate) fn fill_args(&self, args: &mut Map<String, Value>) {
        for value in args.values_mut() {
            each_text(value, &|text| self.filled(text));
        }
    }

    fn filled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (placeholder, value) in &self.secrets {
            if text.contains(placeholder) {
                text = text.replace(placeholder, value);
            }
        }
        text
    }
}

/// Masks every secret in what is kept of an outcome.
pub(crate) fn mask(outcome: &mut Outcome, log: &TaskLog) {
    match outcome {
        Outcome::Success { output, outputs, asset_events, .. } => {
            each_text(output, &|text| log.masked(text));
            for value in outputs.values_mut() {
                if let XcomValue::Value(value) = value {
                    each_text(value, &|text| log.masked(text));
                }
            }
            for event in asset_events {
                event.extra.values_mut().for_each(|v| each_text(v, &|text| log.masked(text)));
            }
        }
        Outcome::Skipped { reason } => *reason = log.masked(reason),
        Outcome::Failed { error, .. } => *error = log.masked(error),
    }
}

/// Masks all texts of a value.
pub(crate) fn mask_texts(value: &mut Value, log: &TaskLog) {
    each_text(value, &|text| log.masked(text));
}

fn each_text(value: &mut Value, change: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, change)),
        Value::Object(items) => items.values_mut().for_each(|item| each_text(item, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_masked_in_outputs_and_errors() {
        let dir = tempfile::tempdir().unwrap();
        let log = TaskLog::open(dir.path(), vec!["hunter2".into()]).unwrap();
        let mut outcome = Outcome::output(json!({"a": ["x hunter2", 7]}));
        mask(&mut outcome, &log);
        assert_eq!(outcome, Outcome::output(json!({"a": ["x ***", 7]})));
        let mut outcome = Outcome::failed("login as hunter2");
        mask(&mut outcome, &log);
        assert_eq!(outcome, Outcome::failed("login as ***"));
    }

    #[test]
    fn it_reads_as_the_private_part_with_a_key_more() {
        let mut handover = Handover::default();
        handover.private.mask.push("m".into());
        handover.secrets.insert("${var:A}".into(), "v".into());
        let text = serde_json::to_string(&handover).unwrap();
        let private: Private = serde_json::from_str(&text).unwrap();
        assert_eq!(private, handover.private);
        assert_eq!(serde_json::from_str::<Handover>(&text).unwrap(), handover);
    }
}
