//! The model file: JSON with a format number, readable by people and other programs.
//!
//! The estimator's part is the engine's own format where it has a common one: boosted trees are
//! XGBoost's JSON, which XGBoost reads as it stands.

use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Fitted, ModelError, Signature};
use crate::dag::spec::LearningTask;
use crate::estimator::{Shape, family};
use crate::preprocess::Preprocess;

/// Counts up when an older dagdeck could not read the file any more.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    kind: &'a str,
    engine: &'a str,
    engine_version: &'a str,
    task: LearningTask,
    signature: &'a Signature,
    classes: &'a [String],
    preprocess: &'a Preprocess,
    examples: Vec<Example>,
    estimator: Value,
}

#[derive(Deserialize)]
struct Read {
    kind: String,
    task: LearningTask,
    signature: Signature,
    classes: Vec<String>,
    preprocess: Preprocess,
    examples: Vec<Example>,
    estimator: Value,
}

#[derive(Serialize, Deserialize)]
struct Example {
    inputs: Map<String, Value>,
    output: Value,
}

pub(super) fn write(fitted: &Fitted) -> Vec<u8> {
    let (engine, engine_version) = fitted.family.engine;
    let examples = fitted.examples.iter();
    let written = Written {
        format: FORMAT,
        kind: fitted.family.name,
        engine,
        engine_version,
        task: fitted.task,
        signature: &fitted.signature,
        classes: &fitted.classes,
        preprocess: &fitted.preprocess,
        examples: examples
            .map(|(inputs, output)| Example { inputs: inputs.clone(), output: output.clone() })
            .collect(),
        estimator: fitted.estimator.to_json(),
    };
    serde_json::to_vec(&written).expect("a model is JSON")
}

pub(super) fn read(bytes: &[u8]) -> Result<Fitted, ModelError> {
    let value: Value = serde_json::from_slice(bytes).map_err(ModelError::Format)?;
    match value.get("format").and_then(Value::as_u64) {
        None => return Err(ModelError::Format(serde_json::Error::missing_field("format"))),
        Some(found) if found > u64::from(FORMAT) => {
            let found = u32::try_from(found).unwrap_or(u32::MAX);
            return Err(ModelError::TooNew { found, known: FORMAT });
        }
        Some(_) => {}
    }
    let read: Read = serde_json::from_value(value).map_err(ModelError::Format)?;
    let family = family(&read.kind)
        .ok_or_else(|| ModelError::Estimator(format!("the model `{}` is unknown", read.kind)))?;
    if let Some(fault) = fault(&read) {
        return Err(ModelError::Estimator(fault));
    }
    let shape = Shape {
        task: read.task,
        width: read.preprocess.width(),
        outputs: read.classes.len().max(1),
    };
    let estimator = (family.read)(&read.estimator, shape).map_err(ModelError::Estimator)?;
    Ok(Fitted {
        family,
        task: read.task,
        signature: read.signature,
        classes: read.classes,
        preprocess: read.preprocess,
        estimator,
        examples: read.examples.into_iter().map(|e| (e.inputs, e.output)).collect(),
    })
}

/// Returns why the parts do not fit each other.
fn fault(read: &Read) -> Option<String> {
    let inputs = &read.signature.inputs;
    if inputs.len() != read.preprocess.inputs() {
        let known = read.preprocess.inputs();
        return Some(format!("{} columns, and preprocessing for {known}", inputs.len()));
    }
    if read.preprocess.width() == 0 {
        return Some("no columns".to_owned());
    }
    let few = match read.task {
        LearningTask::Classification => read.classes.len() < 2,
        LearningTask::Regression => !read.classes.is_empty(),
    };
    if few {
        return Some(format!("{} classes", read.classes.len()));
    }
    let takes = read.preprocess.takes(inputs.iter().map(|column| column.data_type));
    let mixed = inputs.iter().zip(takes).find(|(_, takes)| !takes);
    if let Some((column, _)) = mixed {
        return Some(format!("column `{}` is prepared as another type", column.name));
    }
    read.preprocess.fault()
}
