//! Experiments, runs, metrics, artifacts, and the registry of models: MLflow's words, over the
//! store. All functions take `&Store` and block; the daemon calls them off its async threads.

pub mod alias;
pub mod artifact;
pub mod exchange;
pub mod experiment;
pub mod gone;
pub mod input;
pub mod logged_model;
pub mod mirror;
pub mod model_folder;
pub mod prune;
pub mod registry;
pub mod run;
pub mod search;
pub mod standing;
pub mod thin;
