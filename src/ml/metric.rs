//! Figures of merit, as scikit-learn computes them.

mod classification;
mod curve;
mod regression;
#[cfg(test)]
mod tests;

pub use classification::{area_under_curve, average_precision, classification, confusion_matrix};
pub use curve::{CalibrationBin, calibration, precision_recall_curve, roc_curve};
pub use regression::regression;
