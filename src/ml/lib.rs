//! Pure learning: tables in, models and figures out. No disk, no clock, no tokio.
//!
//! ```text
//! bytes ─dataset─► Dataset ─split─► train ─preprocess─► matrix ─estimator─► Model
//!                              └──► test ────────────────────────────────► metrics
//! ```
//! A [`Model`](model::Model) holds its preprocessing: it takes raw records. A
//! [`Foreign`](foreign::Foreign) one was trained elsewhere; both are [`Predictor`]s.

pub mod arms;
pub mod batch;
#[cfg(feature = "bench")]
pub mod bench;
pub mod compare;
pub mod dataset;
pub mod drift;
pub mod estimator;
pub mod foreign;
pub mod metric;
pub mod model;
mod predictor;
pub mod preprocess;
pub mod profile;
mod random;
#[cfg(test)]
mod sample;
pub mod search;
pub mod train;

use dagdeck_dag as dag;
use dagdeck_types as types;

pub use batch::{Answers, Batch};
pub use compare::{Comparison, HeldOut};
pub use dataset::Dataset;
pub use estimator::reference as estimators;
pub use foreign::Foreign;
pub use model::{Model, Prediction, Signature};
pub use predictor::{Predictor, PythonAnswer};
pub use profile::Profile;
pub use search::{Sampler, Search, SearchSpec, Trial, TrialState};
pub use train::{TrainSpec, Trained, split, train};
