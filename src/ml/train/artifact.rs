//! Files beside the model.

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::evaluate::{Fit, Judged};
use crate::ml::dataset::Dataset;
use crate::ml::estimator::Family;
use crate::ml::metric;

/// Returns the files of a trained model by name.
pub(super) fn artifacts(
    dataset: &Dataset,
    family: &Family,
    fit: &Fit,
    judged: &Judged,
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
    }
    let value = json!({ "kind": family.importance, "importance": importance(dataset, fit) });
    files.insert("feature_importance.json".to_owned(), bytes(&value));
    files
}

/// Returns each column's share, greatest first; a column's indicators count together.
fn importance(dataset: &Dataset, fit: &Fit) -> IndexMap<String, f64> {
    let numbers = fit.estimator.importance();
    let total: f64 = numbers.iter().sum();
    let mut rest = numbers.as_slice();
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
