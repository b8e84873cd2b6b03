//! What an answer must be: a status, a list of them, or an expression that is true of it.

use serde_json::{Value, json};

use super::OperatorError;
use crate::dag::template;
use crate::runtime::operator::args::unfit;

/// A condition on what was answered.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::runtime::operator) enum Expect {
    Status(Vec<u16>),
    /// What may stand in `{{ … }}`.
    Holds(String),
}

impl Expect {
    pub(in crate::runtime::operator) fn read(
        value: Option<&Value>,
    ) -> Result<Option<Self>, OperatorError> {
        let Some(value) = value else { return Ok(None) };
        let wrong = || unfit("expect", value, "a status, a list of them, or an expression");
        let status = |value: &Value| match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let status = |value: &Value| {
            status(value).and_then(|n| u16::try_from(n).ok()).filter(|n| (100..600).contains(n))
        };
        match value {
            Value::Array(all) if !all.is_empty() => {
                let all = all.iter().map(status).collect::<Option<Vec<_>>>();
                all.map(|all| Some(Self::Status(all))).ok_or_else(wrong)
            }
            Value::Number(_) => {
                status(value).map(|n| Some(Self::Status(vec![n]))).ok_or_else(wrong)
            }
            Value::String(text) => Ok(Some(match status(value) {
                Some(one) => Self::Status(vec![one]),
                None => Self::Holds(text.clone()),
            })),
            // A template that was rendered to the answer itself.
            Value::Bool(flag) => Ok(Some(Self::Holds(flag.to_string()))),
            _ => Err(wrong()),
        }
    }

    /// As `read`, where there is no status to be asked for.
    pub(super) fn read_expression(value: Option<&Value>) -> Result<Option<String>, OperatorError> {
        match value {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Bool(flag)) => Ok(Some(flag.to_string())),
            Some(other) => Err(unfit("expect", other, "an expression such as `value > 10`")),
        }
    }

    pub(in crate::runtime::operator) fn is_met(
        &self,
        status: u16,
        response: &Value,
    ) -> Result<bool, OperatorError> {
        match self {
            Self::Status(all) => Ok(all.contains(&status)),
            Self::Holds(expression) => holds(expression, &json!({ "response": response })),
        }
    }
}

/// Says whether an expression is true of what was seen. What is not there is false.
pub(super) fn holds(expression: &str, context: &Value) -> Result<bool, OperatorError> {
    template::holds(expression, context)
        .map_err(|error| OperatorError::Fatal(format!("`expect`: {error}")))
}
