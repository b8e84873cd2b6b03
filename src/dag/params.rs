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
        _conf: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Vec<ParamProblem>> {
        todo!("dag helper")
    }
}
