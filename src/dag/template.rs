//! Jinja templates in task arguments: what they refer to, and their rendering.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// A template that cannot be parsed or rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("render `{template}`: {reason}")]
pub struct TemplateError {
    pub template: String,
    pub reason: String,
}

/// Renders every text in `args`, at any depth. A text that is nothing but one `{{ … }}` keeps
/// the type of its value (a number stays a number, a table a table). An undefined name is an
/// error, never an empty text.
pub fn render(
    _args: &Map<String, Value>,
    _context: &Value,
) -> Result<Map<String, Value>, TemplateError> {
    todo!("dag helper")
}

/// Returns the dotted names that the templates in `args` refer to, such as `output.train.run_id`
/// or `params.dataset`.
pub fn references(_args: &Map<String, Value>) -> Result<BTreeSet<String>, TemplateError> {
    todo!("dag helper")
}
