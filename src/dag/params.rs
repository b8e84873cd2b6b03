//! The params of a DAG: a JSON Schema each, defaults, and the check of what a caller gives.

use serde_json::{Map, Value};

use crate::types::view::ParamProblem;

/// The params of a DAG.
#[derive(Debug, Clone, Default)]
pub struct Params {
    /// An object schema: `properties` in the order written, `required` those without a default.
    pub schema: Value,
    pub defaults: Map<String, Value>,
}

impl Params {
    /// Lays `conf` over the defaults and checks the whole; unknown names are problems too (with
    /// the name that was probably meant).
    pub fn resolve(
        &self,
        conf: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Vec<ParamProblem>> {
        let mut all = self.defaults.clone();
        let mut problems = Vec::new();
        for (name, value) in conf {
            let known = self.schema.get("properties").is_some_and(|p| p.get(name).is_some());
            if !known {
                problems.push(ParamProblem { param: name.clone(), message: "unknown".into() });
            }
            all.insert(name.clone(), value.clone());
        }
        for name in self.schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            if let Some(name) = name.as_str()
                && !all.contains_key(name)
            {
                problems.push(ParamProblem { param: name.into(), message: "is required".into() });
            }
        }
        if problems.is_empty() { Ok(all) } else { Err(problems) }
    }
}
