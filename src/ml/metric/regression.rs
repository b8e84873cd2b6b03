//! Figures of a regression.

use indexmap::IndexMap;

/// Returns `r2`, `rmse`, `mae`, `mape` and the pinball loss at three quantiles. A constant truth has `r2` 1 if it is met, else 0.
pub fn regression(truth: &[f64], predicted: &[f64]) -> IndexMap<String, f64> {
    let count = truth.len().max(1) as f64;
    let mean = truth.iter().sum::<f64>() / count;
    let sum = |term: &dyn Fn(f64, f64) -> f64| -> f64 {
        truth.iter().zip(predicted).map(|(truth, predicted)| term(*truth, *predicted)).sum()
    };
    let squares = sum(&|truth, predicted| (truth - predicted).powi(2));
    let spread = sum(&|truth, _| (truth - mean).powi(2));
    let r2 = match (squares == 0.0, spread == 0.0) {
        (true, _) => 1.0,
        (false, true) => 0.0,
        (false, false) => 1.0 - squares / spread,
    };
    IndexMap::from([
        ("r2".to_owned(), r2),
        ("rmse".to_owned(), (squares / count).sqrt()),
        ("mae".to_owned(), sum(&|truth, predicted| (truth - predicted).abs()) / count),
        (
            "mape".to_owned(),
            sum(&|truth, predicted| (truth - predicted).abs() / truth.abs().max(f64::EPSILON))
                / count,
        ),
        ("pinball_10".to_owned(), sum(&|truth, predicted| pinball(truth - predicted, 0.1)) / count),
        ("pinball_50".to_owned(), sum(&|truth, predicted| pinball(truth - predicted, 0.5)) / count),
        ("pinball_90".to_owned(), sum(&|truth, predicted| pinball(truth - predicted, 0.9)) / count),
    ])
}

/// What an answer costs that is too low by `missing`: least for the quantile.
fn pinball(missing: f64, quantile: f64) -> f64 {
    (quantile * missing).max((quantile - 1.0) * missing)
}
