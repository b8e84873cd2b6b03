//! Routes of the control API and who may use them.

use axum::extract::{DefaultBodyLimit, Request as HttpRequest, State, rejection::JsonRejection};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::sync::watch;

use crate::api::{assets, events, mlflow, openlineage};
use crate::runtime::{Control, Pass};
use crate::types::Fault;
use crate::types::ask::Request;
use crate::web::bind::Accept;
use crate::web::fault::status;
use crate::web::token::borne;
use crate::web::{Door, Limits, Token};

/// Conf of a run, at most; all else is small.
const BODY_BYTES_MAX: usize = 4 << 20;

/// Who may come in.
#[derive(Debug, Clone)]
pub enum Guard {
    /// The listener admits nobody but the owner.
    Listener,
    /// Whoever bears the token.
    Token(Token),
}

#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) control: Control,
    /// Turns true when the doors close: streams end then.
    pub(crate) stop: watch::Receiver<bool>,
}

/// Serves the control API to what `listener` accepts. Event streams end when `stop` turns true.
pub fn open<A: Accept + Sync>(
    listener: A,
    control: Control,
    guard: Guard,
    stop: watch::Receiver<bool>,
) -> Door {
    let router = router(Shared { control, stop }, guard);
    // Long polls last longer than anybody wants to wait for a door to close.
    let limits = Limits { drain: std::time::Duration::from_secs(2), ..Limits::default() };
    Door::open(listener, TowerToHyperService::new(router), limits, None)
}

fn router(shared: Shared, guard: Guard) -> Router {
    let mut guarded = Router::new()
        .route("/control/v1/ask", post(ask))
        .route("/control/v1/events", get(events::stream))
        .route("/api/v2/assets", get(assets::list))
        .route("/api/v2/assets/events", get(assets::events).post(assets::create))
        .route("/api/v1/lineage", post(openlineage::receive))
        .merge(mlflow::routes())
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(shared.clone());
    if let Guard::Token(token) = guard {
        let keeper = (token, shared.control);
        guarded = guarded.layer(middleware::from_fn_with_state(keeper, check_token));
    }
    Router::new().route("/healthz", get(healthz)).merge(guarded)
}

async fn healthz() -> Response {
    Json(json!({"status": "ok"})).into_response()
}

async fn ask(
    State(shared): State<Shared>,
    request: Result<Json<Request>, JsonRejection>,
) -> Response {
    let request = match request {
        Ok(Json(request)) => request,
        Err(rejection) => return refuse(rejection.status(), &rejection.body_text()),
    };
    // On a task of its own: a client that hangs up stops nothing half-way.
    let asked = tokio::spawn(async move { shared.control.ask(request).await }).await;
    match asked {
        Ok(Ok(answer)) => Json(answer).into_response(),
        Ok(Err(fault)) => refuse_with(&fault),
        Err(error) => {
            tracing::error!(%error, "a request was not answered");
            refuse_with(&Fault::internal(&error))
        }
    }
}

/// Lets in who bears the token; to MLflow's routes also an attempt with its pass.
async fn check_token(
    State((token, control)): State<(Token, Control)>,
    mut request: HttpRequest,
    next: Next,
) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    if token.admits(given) {
        return next.run(request).await;
    }
    if mlflow::has(request.uri().path())
        && let Some(pass) = borne(given).and_then(|text| Pass::read(&text, &token))
    {
        match control.tracker().is_under_way(pass.clone()).await {
            Ok(true) => {
                request.extensions_mut().insert(pass);
                return next.run(request).await;
            }
            Ok(false) => {}
            Err(fault) => return refuse_with(&fault),
        }
    }
    let detail = "send the token of `.dagdeck/token` as `Authorization: Bearer TOKEN`";
    let mut response = refuse(StatusCode::UNAUTHORIZED, detail);
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    response
}

async fn no_route(request: HttpRequest) -> Response {
    let path = request.uri().path();
    let detail = format!(
        "there is no `{path}`; there are POST /control/v1/ask, GET /control/v1/events, GET \
         /api/v2/assets, GET and POST /api/v2/assets/events, POST /api/v1/lineage, MLflow's \
         /api/2.0/mlflow/… and /api/2.0/mlflow-artifacts/…, GET /healthz"
    );
    refuse(StatusCode::NOT_FOUND, &detail)
}

async fn no_method(request: HttpRequest) -> Response {
    let detail = format!("`{}` does not take {}", request.uri().path(), request.method());
    refuse(StatusCode::METHOD_NOT_ALLOWED, &detail)
}

pub(crate) fn refuse(status: StatusCode, detail: &str) -> Response {
    (status, Json(json!({"detail": detail}))).into_response()
}

fn refuse_with(fault: &Fault) -> Response {
    (status(fault.kind), Json(json!({"fault": fault}))).into_response()
}
