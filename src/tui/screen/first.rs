//! What an empty list says of how it is filled: by the DAGs of the sample where they are there, else
//! by what `dags.toml` would have to say.

use crate::state::State;

/// Says how a run of the DAG that trains makes what is not there yet.
pub(crate) fn by_training(state: &State, what: &str) -> String {
    let how = match has_dag(state, "mlops_pipeline") {
        true => "1, then t on mlops_pipeline",
        false => "1, then e opens dags.toml",
    };
    format!("{what}: {how}")
}

/// Says how a model comes to be served.
pub(crate) fn by_promoting(state: &State) -> &'static str {
    match has_dag(state, "model_serving_pipeline") {
        true => "promoting a version starts model_serving_pipeline, which loads it: 5, then P",
        false => "a serving.deploy task loads the version that was promoted",
    }
}

fn has_dag(state: &State, name: &str) -> bool {
    let dags = state.cache.dags().unwrap_or_default();
    dags.iter().any(|dag| dag.dag_id.as_str() == name)
}
