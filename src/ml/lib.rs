//! Pure learning: tables in, models and figures out. No disk, no clock, no tokio.
//!
//! ```text
//! bytes ─dataset─► Dataset ─split─► train ─preprocess─► matrix ─estimator─► Model
//!                              └──► test ────────────────────────────────► metrics
//! ```
//! A [`Model`](model::Model) holds its preprocessing: it takes raw records. A
//! [`Foreign`](foreign::Foreign) one was trained elsewhere; both are [`Predictor`]s.

pub mod dataset;
pub mod estimator;
pub mod foreign;
pub mod metric;
pub mod model;
mod predictor;
pub mod preprocess;
mod random;
#[cfg(test)]
mod sample;
pub mod train;

use dagdeck_dag as dag;

pub use dataset::Dataset;
pub use foreign::Foreign;
pub use model::{Model, Prediction, Signature};
pub use predictor::Predictor;
pub use train::{TrainSpec, Trained, split, train};
