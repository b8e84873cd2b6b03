//! Boosted trees of XGBoost and LightGBM, read by hessboost.

use hessboost::model::{BoostedModel, Iterations, ModelFormat};
use serde_json::Value;

use super::{Engine, Flavor, ForeignError, Read, column, number};
use crate::batch::Batch;
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
    /// Adds the numbers of a row; `row` and `sums` are room to work in.
    fn row<'a>(
        &self,
        cells: impl Iterator<Item = Cell<'a>>,
        (row, sums): (&mut Vec<f32>, &mut [f32]),
        out: &mut Vec<f64>,
    ) -> Result<(), String> {
        row.clear();
        // Infinity is refused by the engine; what does not fit is as large as can be.
        row.extend(cells.map(|cell| (number(cell) as f32).clamp(f32::MIN, f32::MAX)));
        let margins = self.model.predict_margin_row_into(row, self.iterations, sums);
        margins.map_err(|error| error.to_string())?;
        let logistic = |sum: f32| 1.0 / (1.0 + (-f64::from(sum)).exp());
        match self.answer {
            Answer::Value => {
                let mut value = [0.0_f32];
                let transformed = self.model.transform_margins_into(sums, &mut value);
                transformed.map_err(|error| error.to_string())?;
                out.push(f64::from(value[0]));
            }
            Answer::Binary => {
                let second = logistic(sums[0]);
                out.extend([1.0 - second, second]);
            }
            Answer::Logits => out.extend(sums.iter().copied().map(logistic)),
            Answer::Softmax => softmax(sums, out),
        }
        Ok(())
    }
}

fn softmax(sums: &[f32], out: &mut Vec<f64>) {
    let most = sums.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let part = |sum: &f32| f64::from(sum - most).exp();
    let all: f64 = sums.iter().map(part).sum();
    out.extend(sums.iter().map(|sum| part(sum) / all));
}

impl Engine for Booster {
    fn answer(&self, batch: &Batch) -> Result<Vec<f64>, String> {
        let mut out = Vec::new();
        let (mut row, mut sums) = (Vec::new(), vec![0.0_f32; self.model.n_outputs()]);
        for at in 0..batch.rows() {
            self.row(batch.row(at), (&mut row, &mut sums), &mut out)?;
        }
        Ok(out)
    }
}
