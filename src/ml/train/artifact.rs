//! Files beside the model.

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::evaluate::{Fit, Judged};
use super::{explain, slices};
use crate::dataset::Dataset;
use crate::estimator::Family;
use crate::metric;

/// Classes that get curves, at most.
const CURVES_MAX: usize = 10;
/// Points of a curve, at most.
const POINTS_MAX: usize = 200;
/// Bins of a calibration curve, as many as scikit-learn's displays draw well.
const CALIBRATION_BINS: usize = 10;

/// Returns the files of a trained model by name.
pub(super) fn artifacts(
    dataset: &Dataset,
    family: &Family,
    fit: &Fit,
    judged: &Judged,
    rows: &[usize],
    seed: u64,
) -> IndexMap<String, Vec<u8>> {
    let mut files = IndexMap::new();
    if let Judged::Classes { truth, probabilities } = judged {
        let matrix = metric::confusion_matrix(truth, probabilities);
        let value = json!({
            "classes": dataset.classes(),
            "matrix": matrix,
            "rows": "true class",
            "columns": "predicted class",
        });
        files.insert("confusion_matrix.json".to_owned(), bytes(&value));
        let [roc, precision, calibration] = curves(dataset.classes(), truth, probabilities);
        files.insert("roc_curve.json".to_owned(), bytes(&roc));
        files.insert("precision_recall_curve.json".to_owned(), bytes(&precision));
        files.insert("calibration_curve.json".to_owned(), bytes(&calibration));
    }
    let own = fit.estimator.importance();
    // Some families cannot say what they rest on.
    if own.iter().any(|gain| *gain > 0.0) {
        let shares = by_column(dataset, fit, &own);
        importance(&mut files, "feature_importance.json", family.importance, &shares);
    }
    let kind = format!("drop of {} when mixed up", explain::score_name(dataset.task));
    let drops = explain::permutation(dataset, rows, fit, seed);
    importance(&mut files, "permutation_importance.json", &kind, &drops);
    if let Some(shares) = explain::contributions(dataset, rows, fit, seed) {
        importance(&mut files, "shap_importance.json", "mean |SHAP value|", &shares);
    }
    let slices = slices::slices(dataset, rows, judged);
    if !slices.is_empty() {
        files.insert("slices.json".to_owned(), bytes(&json!({ "slices": slices })));
    }
    files
}

/// Adds a file.
pub(super) fn keep(
    files: &mut IndexMap<String, Vec<u8>>,
    file: &str,
    value: &impl serde::Serialize,
) {
    files.insert(file.to_owned(), serde_json::to_vec(value).expect("plain data is JSON"));
}

fn importance(
    files: &mut IndexMap<String, Vec<u8>>,
    file: &str,
    kind: &str,
    shares: &IndexMap<String, f64>,
) {
    files.insert(file.to_owned(), bytes(&json!({ "kind": kind, "importance": shares })));
}

/// Returns the ROC, the precision-recall and the calibration curves: of the second class where there are two, else of
/// each of the first classes against the others.
fn curves(classes: &[String], truth: &[usize], probabilities: &[Vec<f64>]) -> [Value; 3] {
    let shown = if classes.len() == 2 { 1..2 } else { 0..classes.len().min(CURVES_MAX) };
    let (mut roc, mut precisions, mut calibration) = (Vec::new(), Vec::new(), Vec::new());
    for class in shown {
        let scores: Vec<f64> = probabilities.iter().map(|row| row[class]).collect();
        let positive: Vec<bool> = truth.iter().map(|found| *found == class).collect();
        let (fpr, tpr): (Vec<f64>, Vec<f64>) =
            metric::roc_curve(&scores, &positive, POINTS_MAX).into_iter().unzip();
        let auc = metric::area_under_curve(&scores, &positive);
        roc.push(json!({ "class": classes[class], "auc": auc, "fpr": fpr, "tpr": tpr }));
        let (recall, precision): (Vec<f64>, Vec<f64>) =
            metric::precision_recall_curve(&scores, &positive, POINTS_MAX).into_iter().unzip();
        let area = metric::average_precision(&scores, &positive);
        precisions.push(json!({
            "class": classes[class], "average_precision": area,
            "recall": recall, "precision": precision,
        }));
        let bins = metric::calibration(&scores, &positive, CALIBRATION_BINS);
        calibration.push(json!({
            "class": classes[class],
            "mean_predicted": bins.iter().map(|bin| bin.mean_predicted).collect::<Vec<_>>(),
            "fraction_of_positives":
                bins.iter().map(|bin| bin.fraction_of_positives).collect::<Vec<_>>(),
            "count": bins.iter().map(|bin| bin.count).collect::<Vec<_>>(),
        }));
    }
    let curves = [json!({ "classes": roc }), json!({ "classes": precisions })];
    let [roc, precision] = curves;
    [roc, precision, json!({ "bins": CALIBRATION_BINS, "classes": calibration })]
}

/// Returns each column's share of the weights of numbers, greatest first; a column's indicators
/// count together.
pub(super) fn by_column(dataset: &Dataset, fit: &Fit, numbers: &[f64]) -> IndexMap<String, f64> {
    let total: f64 = numbers.iter().sum();
    let mut rest = numbers;
    let mut columns: Vec<(String, f64)> = Vec::new();
    for (column, width) in dataset.features.iter().zip(fit.preprocess.widths()) {
        let (of_column, others) = rest.split_at(width.min(rest.len()));
        rest = others;
        let sum: f64 = of_column.iter().sum();
        columns.push((column.name.clone(), if total > 0.0 { sum / total } else { 0.0 }));
    }
    columns.sort_by(|a, b| b.1.total_cmp(&a.1));
    columns.into_iter().collect()
}

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("a JSON value is JSON")
}
