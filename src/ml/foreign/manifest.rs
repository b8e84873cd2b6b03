//! `MLmodel`: how MLflow describes a model in its folder (YAML; its signature is JSON within).

use serde_json::{Map, Value, json};
use yaml_rust2::{Yaml, YamlLoader};

use super::ForeignError;
use crate::Signature;
use crate::model::{ColumnSpec, DataType};

/// A manifest longer than this is none.
const BYTES_MAX: usize = 1 << 20;

/// Whose format the model's file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    Xgboost,
    Lightgbm,
    Onnx,
}

impl Flavor {
    /// Its name, as MLflow's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Xgboost => "xgboost",
            Self::Lightgbm => "lightgbm",
            Self::Onnx => "onnx",
        }
    }

    /// What MLflow calls the model's file. XGBoost tells its two formats apart by what they hold.
    pub(super) const fn file_name(self) -> &'static str {
        match self {
            Self::Xgboost => "model.xgb",
            Self::Lightgbm => "model.lgb",
            Self::Onnx => "model.onnx",
        }
    }
}

/// Writes an `MLmodel`, by which MLflow's client loads the file too. It is JSON, which is YAML.
pub(super) fn write(flavor: Flavor, signature: &Signature) -> String {
    let file = flavor.file_name();
    let column = |column: &ColumnSpec| json!({"name": column.name, "type": column.data_type, "required": column.required});
    let columns = |all: &[ColumnSpec]| Value::Array(all.iter().map(column).collect()).to_string();
    let python = json!({"loader_module": format!("mlflow.{}", flavor.name()), "data": file});
    let content = json!({
        "flavors": {"python_function": python, flavor.name(): {"data": file}},
        "signature": {
            "inputs": columns(&signature.inputs),
            "outputs": columns(&signature.outputs),
        },
    });
    content.to_string()
}

/// What an `MLmodel` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    content: Value,
}

impl Manifest {
    /// Reads an `MLmodel`.
    pub fn read(text: &str) -> Result<Self, ForeignError> {
        if text.len() > BYTES_MAX {
            return Err(ForeignError::Manifest(format!("it is longer than {BYTES_MAX} bytes")));
        }
        let documents = YamlLoader::load_from_str(text)
            .map_err(|error| ForeignError::Manifest(error.to_string()))?;
        match documents.first().map(value) {
            Some(content @ Value::Object(_)) => Ok(Self { content }),
            _ => Err(ForeignError::Manifest("it is no table of YAML".to_owned())),
        }
    }

    fn flavors(&self) -> Option<&Map<String, Value>> {
        self.content.get("flavors")?.as_object()
    }

    /// Returns all ways in which the model can be loaded.
    pub fn flavor_names(&self) -> Vec<String> {
        self.flavors().map(|all| all.keys().cloned().collect()).unwrap_or_default()
    }

    /// Returns the signature as it stands there, whether columns like that are served or not.
    pub fn said_signature(&self) -> Option<Value> {
        let said = self.content.get("signature")?.as_object()?;
        let list = |key: &str| match said.get(key)? {
            Value::String(text) => serde_json::from_str(text).ok(),
            other => Some(other.clone()),
        };
        let list = |key: &str| list(key).unwrap_or(Value::Array(Vec::new()));
        Some(json!({"inputs": list("inputs"), "outputs": list("outputs")}))
    }

    /// Says whether dagdeck wrote it, of a model that it trained.
    pub fn is_own(&self) -> bool {
        self.flavors().is_some_and(|flavors| flavors.contains_key("dagdeck"))
    }

    /// Says which of the formats known here the model has.
    pub fn flavor(&self) -> Result<Flavor, ForeignError> {
        let flavors = self.flavors();
        let has = |flavor: &Flavor| flavors.is_some_and(|all| all.contains_key(flavor.name()));
        let known = [Flavor::Xgboost, Flavor::Lightgbm, Flavor::Onnx];
        known.into_iter().find(has).ok_or_else(|| {
            let others = flavors.map(|all| all.keys().cloned().collect::<Vec<_>>().join(", "));
            ForeignError::Flavor(format!(
                "a model of the flavors `{}` is not served: only MLflow's xgboost, lightgbm and \
                 onnx are; a model of scikit-learn can be logged by `mlflow.onnx.log_model`",
                others.unwrap_or_default()
            ))
        })
    }

    fn of_flavor(&self, key: &str) -> Option<&str> {
        let flavor = self.flavor().ok()?;
        self.flavors()?.get(flavor.name())?.get(key)?.as_str()
    }

    /// Returns the model's file, relative to the folder of the `MLmodel`.
    pub fn file(&self) -> Result<&str, ForeignError> {
        let flavor = self.flavor()?.name();
        let file = self.of_flavor("data").ok_or_else(|| {
            ForeignError::Manifest(format!("the flavor `{flavor}` names no file under `data`"))
        })?;
        // LightGBM's estimators of scikit-learn's kind are kept as code to be run.
        match file.ends_with(".pkl") || file.ends_with(".pickle") {
            true => Err(ForeignError::Flavor(format!(
                "`{file}` is a pickle, which is a program and is not run here: log the booster \
                 itself (`model.booster_`)"
            ))),
            false => Ok(file),
        }
    }

    /// Says whether it is an estimator of scikit-learn's kind, and no bare booster: for these,
    /// rounds after the best one do not count, and Python answers with classes.
    pub(super) fn is_estimator(&self) -> bool {
        self.of_flavor("model_class").is_some_and(|class| class.contains(".sklearn."))
    }

    /// Returns the names of the classes (`metadata: {classes: […]}`), in the order of their
    /// numbers, where somebody wrote them.
    pub(super) fn classes(&self) -> Option<Vec<String>> {
        let named = self.content.pointer("/metadata/classes")?.as_array()?;
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some(named.iter().map(text).collect())
    }

    /// Returns the signature, where there is one.
    pub fn signature(&self) -> Result<Option<Signature>, ForeignError> {
        let Some(said) = self.content.get("signature").filter(|said| !said.is_null()) else {
            return Ok(None);
        };
        let list = |key: &str| match said.get(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) => columns(text, key),
            Some(_) => Err(ForeignError::Manifest(format!("`signature.{key}` is no text"))),
        };
        Ok(Some(Signature { inputs: list("inputs")?, outputs: list("outputs")? }))
    }
}

/// Reads MLflow's schema: a list of columns, or of one tensor.
fn columns(text: &str, key: &str) -> Result<Vec<ColumnSpec>, ForeignError> {
    let wrong = |what: String| ForeignError::Manifest(format!("`signature.{key}`: {what}"));
    let list: Vec<Map<String, Value>> =
        serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let mut columns = Vec::new();
    for entry in &list {
        let name = entry.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let said = entry.get("type").and_then(Value::as_str).unwrap_or_default();
        let required = entry.get("required").and_then(Value::as_bool).unwrap_or(true);
        let (data_type, count) = match said {
            "double" | "float" => (DataType::Double, 1),
            "long" | "integer" => (DataType::Long, 1),
            "boolean" => (DataType::Boolean, 1),
            "string" => (DataType::String, 1),
            "tensor" => tensor(entry).map_err(wrong)?,
            other => return Err(wrong(format!("columns of type `{other}` are not served"))),
        };
        // A matrix names none of its columns, and may hold NaN.
        let required = required && said != "tensor";
        let spec = ColumnSpec { name, data_type, required, categories: None };
        columns.extend(std::iter::repeat_n(spec, count));
    }
    Ok(columns)
}

/// The columns of a matrix.
fn tensor(entry: &Map<String, Value>) -> Result<(DataType, usize), String> {
    let spec = entry.get("tensor-spec");
    let shape = spec.and_then(|spec| spec.get("shape")).and_then(Value::as_array);
    let width = match shape.map(Vec::as_slice) {
        Some([_]) => Some(1),
        Some([_, width]) => width.as_u64().and_then(|width| usize::try_from(width).ok()),
        _ => None,
    };
    let width = width.filter(|width| *width <= 100_000);
    let width = width.ok_or("only tensors of rows and columns are served")?;
    let dtype = spec.and_then(|spec| spec.get("dtype")).and_then(Value::as_str).unwrap_or_default();
    match dtype {
        "bool" => Ok((DataType::Boolean, width)),
        "str" | "object" => Ok((DataType::String, width)),
        number if number.starts_with("float") => Ok((DataType::Double, width)),
        number if number.contains("int") => Ok((DataType::Long, width)),
        other => Err(format!("tensors of `{other}` are not served")),
    }
}

/// The same as JSON; what JSON cannot say is null.
fn value(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::String(text) => Value::from(text.as_str()),
        Yaml::Integer(number) => Value::from(*number),
        Yaml::Real(text) => text.parse::<f64>().map_or(Value::Null, Value::from),
        Yaml::Boolean(value) => Value::from(*value),
        Yaml::Array(all) => all.iter().map(value).collect(),
        Yaml::Hash(all) => {
            let entries = all.iter().filter_map(|(key, entry)| match key {
                Yaml::String(key) => Some((key.clone(), value(entry))),
                Yaml::Integer(key) => Some((key.to_string(), value(entry))),
                _ => None,
            });
            Value::Object(entries.collect())
        }
        Yaml::Alias(_) | Yaml::Null | Yaml::BadValue => Value::Null,
    }
}
