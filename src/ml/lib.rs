//! Pure learning: tables in, models and figures out. No disk, no clock, no tokio.
//!
//! ```text
//! bytes ─dataset─► Dataset ─split─► train ─preprocess─► matrix ─estimator─► Model
//!                              └──► test ────────────────────────────────► metrics
//! ```
//! A [`Model`](model::Model) holds its preprocessing: it takes raw records.

pub mod dataset;
pub mod estimator;
pub mod metric;
pub mod model;
pub mod preprocess;
mod random;
#[cfg(test)]
mod sample;
pub mod train;

use dagdeck_dag as dag;

pub use dataset::Dataset;
pub use model::{Model, Prediction, Signature};
pub use train::{TrainSpec, Trained, split, train};
