//! Figures of merit, as scikit-learn computes them.

mod classification;
mod regression;
#[cfg(test)]
mod tests;

pub use classification::{classification, confusion_matrix};
pub use regression::regression;
