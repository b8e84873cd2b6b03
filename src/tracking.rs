//! Experiments, runs, metrics, artifacts, and the registry of models: MLflow's words, over the
//! store. All functions take `&Store` and block; the daemon calls them off its async threads.

pub mod artifact;
pub mod experiment;
pub mod registry;
pub mod run;

mod alias;

/// Returns the candidate that was probably meant by `name`.
pub(crate) fn meant<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
