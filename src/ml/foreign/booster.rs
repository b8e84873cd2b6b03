//! Boosted trees of XGBoost and LightGBM, read by hessboost.

use hessboost::model::{BoostedModel, Iterations, ModelFormat};
use serde_json::Value;

use super::{Engine, Flavor, ForeignError, Read, column, number};
use crate::model::ColumnSpec;
use crate::preprocess::Cell;

/// Says whose file it is; `None`: of neither.
pub(super) fn flavor(bytes: &[u8]) -> Option<Flavor> {
    match ModelFormat::detect(bytes)? {
        ModelFormat::XgboostJson | ModelFormat::XgboostUbjson => Some(Flavor::Xgboost),
        ModelFormat::LightgbmText => Some(Flavor::Lightgbm),
        _ => None,
    }
}

/// Reads a file. Where it `stops_early` the rounds after the best one do not count.
pub(super) fn read(bytes: &[u8], stops_early: bool) -> Result<Read, ForeignError> {
    let (format, called) = match ModelFormat::detect(bytes) {
        Some(format @ ModelFormat::XgboostJson) => (format, "XGBoost's JSON"),
        Some(format @ ModelFormat::XgboostUbjson) => (format, "XGBoost's UBJSON"),
        Some(format @ ModelFormat::LightgbmText) => (format, "LightGBM's text"),
        _ => {
            let format = "XGBoost's JSON or UBJSON, or LightGBM's text";
            return Err(ForeignError::Format { format, fault: "it begins otherwise".to_owned() });
        }
    };
    let fault = |fault: String| ForeignError::Format { format: called, fault };
    let model = BoostedModel::decode(bytes, format).map_err(|error| fault(error.to_string()))?;
    let (answer, classes) = meaning(&model).map_err(fault)?;
    let iterations = if stops_early { Iterations::Best } else { Iterations::from(..) };
    let columns = columns(&model, bytes, format);
    let classes = (0..classes).map(|class| class.to_string()).collect();
    Ok(Read { engine: Box::new(Booster { model, answer, iterations }), columns, classes })
}

/// What the sums of the leaves are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// A value, after the objective's own transformation.
    Value,
    /// The logit of the second of two classes.
    Binary,
    /// A score for each class; their softmax are probabilities.
    Softmax,
    /// A logit for each class.
    Logits,
}

/// Says what the model answers, and with how many classes.
fn meaning(model: &BoostedModel) -> Result<(Answer, usize), String> {
    let outputs = model.n_outputs();
    match (model.objective().name(), outputs) {
        ("binary:logistic" | "binary:logitraw", 1) => Ok((Answer::Binary, 2)),
        ("binary:logistic", many) => Ok((Answer::Logits, many)),
        ("multi:softprob" | "multi:softmax", many) => Ok((Answer::Softmax, many)),
        (_, 1) if model.prediction_width() == 1 => Ok((Answer::Value, 0)),
        (objective, many) => {
            Err(format!("{many} numbers a row, as objective `{objective}` gives, are not served"))
        }
    }
}

/// The columns by the names that the file has; XGBoost's binary form is not looked into for them.
fn columns(model: &BoostedModel, bytes: &[u8], format: ModelFormat) -> Vec<ColumnSpec> {
    let count = model.n_features();
    let named = match format {
        ModelFormat::XgboostJson => serde_json::from_slice::<Value>(bytes).ok().and_then(|file| {
            let names = file.pointer("/learner/feature_names")?.as_array()?.clone();
            names.into_iter().map(|name| name.as_str().map(str::to_owned)).collect()
        }),
        ModelFormat::LightgbmText => std::str::from_utf8(bytes).ok().and_then(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("feature_names="))?;
            Some(line.split(' ').map(str::to_owned).collect())
        }),
        _ => None,
    };
    let named = named.filter(|names: &Vec<String>| names.len() == count);
    named
        .unwrap_or_else(|| (0..count).map(|at| format!("f{at}")).collect())
        .into_iter()
        .map(column)
        .collect()
}

#[derive(Debug)]
struct Booster {
    model: BoostedModel,
    answer: Answer,
    iterations: Iterations,
}

impl Booster {
    fn row(&self, cells: &[Cell<'_>]) -> Result<Vec<f64>, String> {
        // Infinity is refused by the engine; what does not fit is as large as can be.
        let numbers = cells.iter().map(|cell| (number(*cell) as f32).clamp(f32::MIN, f32::MAX));
        let row: Vec<f32> = numbers.collect();
        let mut sums = vec![0.0_f32; self.model.n_outputs()];
        let iterations = self.iterations;
        let margins = self.model.predict_margin_row_into(&row, iterations, &mut sums);
        margins.map_err(|error| error.to_string())?;
        let logistic = |sum: f32| 1.0 / (1.0 + (-f64::from(sum)).exp());
        Ok(match self.answer {
            Answer::Value => {
                let mut value = [0.0_f32];
                let transformed = self.model.transform_margins_into(&sums, &mut value);
                transformed.map_err(|error| error.to_string())?;
                vec![f64::from(value[0])]
            }
            Answer::Binary => {
                let second = logistic(sums[0]);
                vec![1.0 - second, second]
            }
            Answer::Logits => sums.into_iter().map(logistic).collect(),
            Answer::Softmax => softmax(&sums),
        })
    }
}

fn softmax(sums: &[f32]) -> Vec<f64> {
    let most = sums.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let parts: Vec<f64> = sums.iter().map(|sum| f64::from(sum - most).exp()).collect();
    let all: f64 = parts.iter().sum();
    parts.into_iter().map(|part| part / all).collect()
}

impl Engine for Booster {
    fn answer(&self, rows: &[Vec<Cell<'_>>]) -> Result<Vec<Vec<f64>>, String> {
        rows.iter().map(|row| self.row(row)).collect()
    }
}
