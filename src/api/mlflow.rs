//! MLflow's REST API over the tracker, for MLflow's own clients.
//!
//! | requests | what |
//! |---|---|
//! | `/api/2.0/mlflow/experiments/*` | experiments, their tags and their search |
//! | `/api/2.0/mlflow/runs/*`, `metrics/*` | runs, what they log, their search and histories |
//! | `/api/2.0/mlflow/webhooks`, `webhooks/*` | whom to tell of the registry |
//! | `/api/2.0/mlflow/artifacts/list` | what a run's artifacts are |
//! | `/api/2.0/mlflow-artifacts/artifacts/*` | the artifacts themselves |
//! | `/health`, `/version`, `/api/3.0/mlflow/server-info` | `OK`; whose API this is |
//!
//! Each is at `/ajax-api/2.0` too, as MLflow's pages ask for it.

use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::api::control::Shared;

mod artifacts;
mod check;
mod experiments;
mod log;
mod logged_models;
mod metrics;
mod model_versions;
mod registered_models;
mod registry;
mod runs;
mod webhooks;
mod wire;

/// Whose API is spoken.
const VERSION: &str = "3.17.2";

/// Returns the routes.
pub(super) fn routes() -> Router<Shared> {
    let mlflow = experiments()
        .merge(runs())
        .merge(registry::routes())
        .merge(webhooks())
        .route("/artifacts/list", get(artifacts::list_of_run));
    Router::new()
        .nest("/api/2.0/mlflow", mlflow.clone())
        .nest("/ajax-api/2.0/mlflow", mlflow)
        .nest("/api/2.0/mlflow-artifacts", files())
        .nest("/ajax-api/2.0/mlflow-artifacts", files())
        .route("/get-artifact", get(artifacts::download_of_run))
        .route("/api/3.0/mlflow/server-info", get(server_info))
        .route("/ajax-api/3.0/mlflow/server-info", get(server_info))
        .route("/health", get(|| async { "OK" }))
        .route("/version", get(|| async { VERSION }))
}

/// Says whether a path is one of MLflow's: an attempt's pass is good for these alone.
pub(super) fn has(path: &str) -> bool {
    let path = path.strip_prefix("/ajax-api").or_else(|| path.strip_prefix("/api")).unwrap_or(path);
    ["/2.0/mlflow/", "/2.0/mlflow-artifacts/", "/3.0/mlflow/"].iter().any(|p| path.starts_with(p))
        || ["/health", "/version", "/get-artifact"].contains(&path)
}

fn experiments() -> Router<Shared> {
    Router::new()
        .route("/experiments/create", post(experiments::create))
        .route("/experiments/get", get(experiments::get))
        .route("/experiments/get-by-name", get(experiments::get_by_name))
        .route("/experiments/search", get(experiments::search).post(experiments::search))
        .route("/experiments/update", post(experiments::update))
        .route("/experiments/delete", post(experiments::delete))
        .route("/experiments/restore", post(experiments::restore))
        .route("/experiments/set-experiment-tag", post(experiments::set_tag))
        .route("/experiments/delete-experiment-tag", post(experiments::delete_tag))
}

fn runs() -> Router<Shared> {
    Router::new()
        .route("/runs/create", post(runs::create))
        .route("/runs/get", get(runs::get))
        .route("/runs/update", post(runs::update))
        .route("/runs/delete", post(runs::delete))
        .route("/runs/restore", post(runs::restore))
        .route("/runs/search", post(runs::search))
        .route("/runs/log-metric", post(log::metric))
        .route("/runs/log-parameter", post(log::param))
        .route("/runs/set-tag", post(log::set_tag))
        .route("/runs/delete-tag", post(log::delete_tag))
        .route("/runs/log-batch", post(log::batch))
        .route("/runs/log-inputs", post(log::inputs))
        .route("/runs/outputs", post(log::outputs))
        .route("/metrics/get-history", get(metrics::history))
        .route("/metrics/get-history-bulk", get(metrics::histories))
        .route("/metrics/get-history-bulk-interval", get(metrics::sampled))
}

fn webhooks() -> Router<Shared> {
    Router::new()
        .route("/webhooks", get(webhooks::list).post(webhooks::create))
        .route(
            "/webhooks/{id}",
            get(webhooks::get).patch(webhooks::update).delete(webhooks::delete),
        )
        .route("/webhooks/{id}/test", post(webhooks::test))
}

fn files() -> Router<Shared> {
    Router::new().route("/artifacts", get(artifacts::list)).route(
        "/artifacts/{*path}",
        get(artifacts::download).put(artifacts::upload).delete(artifacts::delete),
    )
}

async fn server_info() -> Json<Value> {
    Json(json!({
        "store_type": "SqlStore",
        "workspaces_enabled": false,
        "trace_archival_enabled": false,
    }))
}

#[cfg(test)]
mod tests;
