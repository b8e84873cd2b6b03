//! Models that other tools trained: XGBoost's (JSON, UBJSON), LightGBM's (text), and what is
//! exported as ONNX. They are kept as those tools wrote them, and take what their signature says.

mod booster;
mod manifest;
mod onnx;
#[cfg(test)]
mod tests;

pub use manifest::{Flavor, Manifest};

use std::fmt;

use serde_json::{Map, Value};

use crate::batch::{Answers, Batch};
use crate::model::{ColumnSpec, DataType, InputError};
use crate::preprocess::Cell;
use crate::{Predictor, PythonAnswer, Signature};

/// A model that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    #[error("read `MLmodel`: {0}")]
    Manifest(String),
    /// Hints at what could be done instead.
    #[error("{0}")]
    Flavor(String),
    #[error("read the model as {format}: {fault}")]
    Format { format: &'static str, fault: String },
    #[error("the signature does not fit the model: {0}")]
    Signature(String),
}

/// A model of another tool.
#[derive(Debug)]
pub struct Foreign {
    flavor: Flavor,
    engine: Box<dyn Engine>,
    signature: Signature,
    /// Empty where it answers with a value.
    classes: Vec<String>,
    examples: Vec<(Map<String, Value>, Value)>,
    python: PythonAnswer,
}

/// What computes the answers.
trait Engine: fmt::Debug + Send + Sync {
    /// Answers rows with the probabilities of the classes each, or with a value each, one row
    /// after another. What is wrong is a sentence.
    fn answer(&self, batch: &Batch) -> Result<Vec<f64>, String>;
}

/// An engine, and what the file says of it.
struct Read {
    engine: Box<dyn Engine>,
    /// Its columns, as far as the file names them.
    columns: Vec<ColumnSpec>,
    /// Empty where it answers with a value.
    classes: Vec<String>,
}

impl Foreign {
    /// Reads the file of a model that a manifest describes.
    pub fn read(manifest: &Manifest, bytes: &[u8]) -> Result<Self, ForeignError> {
        let flavor = manifest.flavor()?;
        let read = match flavor {
            Flavor::Xgboost | Flavor::Lightgbm => booster::read(bytes, manifest.is_estimator())?,
            Flavor::Onnx => onnx::read(bytes)?,
        };
        let signature = manifest.signature()?;
        let python = match flavor {
            Flavor::Onnx => PythonAnswer::Both,
            Flavor::Xgboost | Flavor::Lightgbm if manifest.is_estimator() => PythonAnswer::Numbers,
            Flavor::Xgboost | Flavor::Lightgbm => PythonAnswer::Probabilities,
        };
        let model = Self::new(flavor, read, signature, manifest.classes())?;
        Ok(Self { python, ..model })
    }

    /// Reads a file that nothing describes; columns that it does not name are `f0`, `f1`, ….
    pub fn read_bare(bytes: &[u8], signature: Option<Signature>) -> Result<Self, ForeignError> {
        let (flavor, read) = match booster::flavor(bytes) {
            Some(flavor) => (flavor, booster::read(bytes, false)?),
            None => (Flavor::Onnx, onnx::read(bytes)?),
        };
        Self::new(flavor, read, signature, None)
    }

    fn new(
        flavor: Flavor,
        read: Read,
        signature: Option<Signature>,
        classes: Option<Vec<String>>,
    ) -> Result<Self, ForeignError> {
        let classes = match classes {
            Some(named) if named.len() == read.classes.len() => named,
            Some(named) => {
                let (named, found) = (named.len(), read.classes.len());
                let what = format!("{named} classes are named where the model knows {found}");
                return Err(ForeignError::Signature(what));
            }
            None => read.classes,
        };
        let inputs = match signature {
            Some(signature) if signature.inputs.len() == read.columns.len() => {
                named(signature.inputs, &read.columns)
            }
            Some(signature) => {
                let (said, found) = (signature.inputs.len(), read.columns.len());
                let what = format!("{said} columns where the model takes {found}");
                return Err(ForeignError::Signature(what));
            }
            None => read.columns,
        };
        let signature = Signature { inputs, outputs: vec![output(&classes)] };
        let mut model = Self {
            flavor,
            engine: read.engine,
            signature,
            classes,
            examples: Vec::new(),
            python: PythonAnswer::Labels,
        };
        // What does not fit is found now, not when somebody asks.
        let record = model.blank();
        let answers = model.predict(&[Value::Object(record.clone())]);
        let answers = answers.map_err(|error| ForeignError::Signature(error.to_string()))?;
        let answer = answers.first().map(serde_json::to_value).and_then(Result::ok);
        model.examples.extend(answer.map(|answer| (record, answer)));
        Ok(model)
    }

    /// Returns the name that the tool gives the model's file.
    pub const fn file_name(&self) -> &'static str {
        self.flavor.file_name()
    }

    /// Writes the `MLmodel` of a file that had none.
    pub fn manifest(&self) -> String {
        manifest::write(self.flavor, &self.signature)
    }

    /// A record that says as little as can be said.
    fn blank(&self) -> Map<String, Value> {
        let value = |column: &ColumnSpec| match column.data_type {
            DataType::Double => Value::from(0.0),
            DataType::Long => Value::from(0),
            DataType::Boolean => Value::from(false),
            DataType::Datetime => Value::from("1970-01-01"),
            DataType::String => {
                let known = column.categories.as_ref().and_then(|all| all.first());
                Value::from(known.map_or("", String::as_str))
            }
        };
        self.signature.inputs.iter().map(|column| (column.name.clone(), value(column))).collect()
    }
}

impl Predictor for Foreign {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn kind(&self) -> &str {
        self.flavor.name()
    }

    fn examples(&self) -> &[(Map<String, Value>, Value)] {
        &self.examples
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn answer(&self, batch: &Batch) -> Result<Answers, InputError> {
        let numbers = self.engine.answer(batch).map_err(|fault| InputError::Model { fault })?;
        Ok(Answers::new(self.classes.len().max(1), numbers))
    }

    fn python(&self) -> PythonAnswer {
        self.python
    }
}

/// Gives columns that a signature leaves without a name those of the file.
fn named(said: Vec<ColumnSpec>, found: &[ColumnSpec]) -> Vec<ColumnSpec> {
    let name = |(said, found): (ColumnSpec, &ColumnSpec)| match said.name.is_empty() {
        true => ColumnSpec { name: found.name.clone(), ..said },
        false => said,
    };
    said.into_iter().zip(found).map(name).collect()
}

fn output(classes: &[String]) -> ColumnSpec {
    let (data_type, categories) = match classes.is_empty() {
        true => (DataType::Double, None),
        false => (DataType::String, Some(classes.to_vec())),
    };
    ColumnSpec { name: "prediction".to_owned(), data_type, required: true, categories }
}

/// A number that may be missing.
fn column(name: impl Into<String>) -> ColumnSpec {
    ColumnSpec { name: name.into(), data_type: DataType::Double, required: false, categories: None }
}

/// The number of a cell; NaN where it is missing.
fn number(cell: Cell<'_>) -> f64 {
    match cell {
        Cell::Number(value) => value,
        Cell::Boolean(value) => f64::from(u8::from(value)),
        Cell::Missing | Cell::Text(_) | Cell::Date(_) => f64::NAN,
    }
}
