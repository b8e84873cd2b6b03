//! What an empty list says of how it is filled: by the DAGs of the sample where they are there, else
//! by what `dags.toml` would have to say.

use crate::keymap::with_keys;
use crate::state::{State, View};

/// Says how a run of the DAG that trains makes what is not there yet.
pub(crate) fn by_training(state: &State, what: &str) -> String {
    let how = match has_dag(state, "mlops_pipeline") {
        true => with_keys!(state, "{}, then {} on mlops_pipeline", Show(View::Dags), Trigger),
        false => with_keys!(state, "{}, then {} opens dags.toml", Show(View::Dags), Edit),
    };
    format!("{what}: {how}")
}

/// Says how a model comes to be served.
pub(crate) fn by_promoting(state: &State) -> String {
    match has_dag(state, "model_serving_pipeline") {
        true => with_keys!(
            state,
            "promoting a version starts model_serving_pipeline, which loads it: {}, then {}",
            Show(View::Models),
            Promote
        ),
        false => "a serving.deploy task loads the version that was promoted".to_owned(),
    }
}

fn has_dag(state: &State, name: &str) -> bool {
    let dags = state.cache.dags().unwrap_or_default();
    dags.iter().any(|dag| dag.dag_id.as_str() == name)
}
