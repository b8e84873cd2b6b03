//! MLflow's REST API over the tracker, for MLflow's own clients.
//!
//! | requests | what |
//! |---|---|
//! | `/api/2.0/mlflow/experiments/*` | experiments and their tags |
//! | `/api/2.0/mlflow/runs/*`, `metrics/get-history` | runs, what they log, their search |
//! | `/health`, `/version` | `OK`; the version of MLflow whose API this is |
//!
//! Each is at `/ajax-api/2.0/mlflow` too, as MLflow's pages ask for it.

use axum::Router;
use axum::routing::{get, post};

use crate::api::control::Shared;

mod experiments;
mod runs;
mod wire;

/// Whose API is spoken.
const VERSION: &str = "3.17.2";

/// Returns the routes.
pub(super) fn routes() -> Router<Shared> {
    let mlflow = Router::new()
        .route("/experiments/create", post(experiments::create))
        .route("/experiments/get", get(experiments::get))
        .route("/experiments/get-by-name", get(experiments::get_by_name))
        .route("/experiments/update", post(experiments::update))
        .route("/experiments/delete", post(experiments::delete))
        .route("/experiments/restore", post(experiments::restore))
        .route("/experiments/set-experiment-tag", post(experiments::set_tag))
        .route("/experiments/delete-experiment-tag", post(experiments::delete_tag))
        .route("/runs/create", post(runs::create))
        .route("/runs/get", get(runs::get))
        .route("/runs/update", post(runs::update))
        .route("/runs/delete", post(runs::delete))
        .route("/runs/restore", post(runs::restore))
        .route("/runs/log-metric", post(runs::log_metric))
        .route("/runs/log-parameter", post(runs::log_parameter))
        .route("/runs/set-tag", post(runs::set_tag))
        .route("/runs/delete-tag", post(runs::delete_tag))
        .route("/runs/log-batch", post(runs::log_batch))
        .route("/runs/search", post(runs::search))
        .route("/metrics/get-history", get(runs::history));
    Router::new()
        .nest("/api/2.0/mlflow", mlflow.clone())
        .nest("/ajax-api/2.0/mlflow", mlflow)
        .route("/health", get(|| async { "OK" }))
        .route("/version", get(|| async { VERSION }))
}
