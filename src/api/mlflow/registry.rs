//! Routes of the registry, each below `/api/2.0/mlflow`.
//!
//! | requests | what |
//! |---|---|
//! | `registered-models/*` | models, their tags and aliases |
//! | `model-versions/*` | versions, their tags and stages |
//! | `logged-models`, `logged-models/{id}/*` | models that are logged and not registered yet |

use axum::Router;
use axum::routing::{delete, get, patch, post};

use crate::api::control::Shared;
use crate::api::mlflow::{logged_models, model_versions, registered_models};

pub(super) fn routes() -> Router<Shared> {
    Router::new().merge(models()).merge(versions()).merge(logged())
}

fn models() -> Router<Shared> {
    use registered_models as models;
    Router::new()
        .route("/registered-models/create", post(models::create))
        .route("/registered-models/get", get(models::get))
        .route("/registered-models/update", patch(models::update))
        .route("/registered-models/rename", post(models::rename))
        .route("/registered-models/delete", delete(models::delete))
        .route("/registered-models/search", get(models::search))
        .route(
            "/registered-models/get-latest-versions",
            post(models::latest_versions).get(models::latest_versions),
        )
        .route("/registered-models/set-tag", post(models::set_tag))
        .route("/registered-models/delete-tag", delete(models::delete_tag))
        .route(
            "/registered-models/alias",
            get(models::by_alias).post(models::set_alias).delete(models::delete_alias),
        )
}

fn versions() -> Router<Shared> {
    use model_versions as versions;
    Router::new()
        .route("/model-versions/create", post(versions::create))
        .route("/model-versions/get", get(versions::get))
        .route("/model-versions/update", patch(versions::update))
        .route("/model-versions/delete", delete(versions::delete))
        .route("/model-versions/search", get(versions::search))
        .route("/model-versions/get-download-uri", get(versions::download_uri))
        .route("/model-versions/transition-stage", post(versions::transition_stage))
        .route("/model-versions/set-tag", post(versions::set_tag))
        .route("/model-versions/delete-tag", delete(versions::delete_tag))
}

fn logged() -> Router<Shared> {
    use logged_models as models;
    Router::new()
        .route("/logged-models", post(models::create))
        .route("/logged-models/search", post(models::search))
        .route(
            "/logged-models/{id}",
            get(models::get).patch(models::finalize).delete(models::delete),
        )
        .route("/logged-models/{id}/tags", patch(models::set_tags))
        .route("/logged-models/{id}/tags/{key}", delete(models::delete_tag))
        .route("/logged-models/{id}/params", post(models::log_params))
        .route("/logged-models/{id}/artifacts/directories", get(models::artifacts))
}
