//! `approval`: asks people, and waits without an executor for what they say. The engine takes
//! the answer (`Command::Answer`), so nothing is polled here.

use serde_json::Map;

use super::args::{Args, unfit};
use super::error::OperatorError;
use super::{DaemonContext, Work};
use crate::dag::params;
use crate::types::approval::{APPROVE, ApprovalSpec, Question, REJECT};
use crate::types::deferral::{AtTimeout, Deferral, OnError, TriggerSpec};
use crate::types::{Timestamp, time};

pub(super) fn run(context: &DaemonContext) -> Result<Work, OperatorError> {
    // As written: a question is kept in the store and shown, so it says no secrets.
    let args = Args(&context.written);
    let approval = read(args)?;
    let timeout = args.duration_or_none("timeout")?;
    let timeout_at = timeout.map(|wait| time::now().saturating_add(wait).unwrap_or(Timestamp::MAX));
    let has_default = approval.question.defaults.is_some();
    let note = format!("asks: {}", approval.question.subject);
    context.log.say(&format!("{note} ({})", approval.question.options.join(", ")));
    let spec = TriggerSpec {
        operator: context.order.operator.clone(),
        args: Map::new(),
        at_timeout: if has_default { AtTimeout::Default } else { AtTimeout::Fail },
        on_error: OnError::Fail,
        poke_interval: 0.0,
        max_wait: None,
        approval: Some(approval),
    };
    Ok(Work::Deferred(Deferral { trigger: spec.to_text(), timeout_at, note }))
}

fn read(args: Args<'_>) -> Result<ApprovalSpec, OperatorError> {
    let options = args.texts_or_none("choices")?;
    let options = options.unwrap_or_else(|| vec![APPROVE.to_owned(), REJECT.to_owned()]);
    if options.is_empty() {
        return Err(OperatorError::fatal("`choices` is empty: there is nothing to choose"));
    }
    let defaults = args.texts_or_none("default")?;
    let multiple = args.flag("multiple", false)?;
    for name in defaults.iter().flatten() {
        if !options.contains(name) {
            let all = options.join(", ");
            let text = format!("`default`: `{name}` is no choice; choices: {all}");
            return Err(OperatorError::Fatal(text));
        }
    }
    let form = args.table("form")?;
    for (name, schema) in &form {
        if !schema.is_object() {
            return Err(unfit("form", schema, "a JSON Schema for each field"));
        }
        params::check_schema(schema).map_err(|reason| {
            OperatorError::Fatal(format!("`form`: field `{name}` is no JSON Schema: {reason}"))
        })?;
    }
    let then = args.table("then")?;
    Ok(ApprovalSpec {
        question: Question {
            subject: args.text("question")?,
            body: args.text_or_none("body")?,
            options,
            defaults,
            multiple,
            params: form,
            assignees: args.texts_or_none("assignees")?.unwrap_or_default(),
        },
        then: (!then.is_empty()).then_some(then),
        fail_on_reject: args.flag("fail_on_reject", false)?,
        ignore_downstream_trigger_rules: args.flag("ignore_downstream_trigger_rules", false)?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[allow(clippy::needless_pass_by_value, reason = "`json!` reads best where it is called")]
    fn read_from(args: Value) -> Result<ApprovalSpec, String> {
        let Value::Object(args) = args else { panic!("arguments are a table") };
        read(Args(&args)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_question_alone_asks_for_approval() {
        let asked = read_from(json!({"question": "Deploy?"})).unwrap();
        assert_eq!(asked.question.options, ["Approve", "Reject"]);
        assert_eq!((asked.question.defaults, asked.then), (None, None));
    }

    #[test]
    fn what_templates_make_of_it_is_checked_again() {
        let error = read_from(json!({})).unwrap_err();
        assert_eq!(error, "`question` is missing");
        let error = read_from(json!({"question": "?", "choices": []})).unwrap_err();
        assert!(error.contains("`choices` is empty"), "{error}");
        let error = read_from(json!({"question": "?", "default": "Yes"})).unwrap_err();
        assert!(error.contains("`Yes` is no choice; choices: Approve, Reject"), "{error}");
        let error = read_from(json!({"question": "?", "form": {"a": 1}})).unwrap_err();
        assert!(error.contains("expected a JSON Schema for each field"), "{error}");
        let form = json!({"a": {"type": "txt"}});
        let error = read_from(json!({"question": "?", "form": form})).unwrap_err();
        assert!(error.contains("field `a` is no JSON Schema"), "{error}");
    }
}
