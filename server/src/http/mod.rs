//! The router: every route, grouped by who uses it.

use axum::Router;
use axum::extract::OriginalUri;
use axum::http::{HeaderName, Method};
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};
use protocol::error::ErrorType;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

pub mod error;
pub mod extract;
pub mod health;
pub mod inference;
pub mod layers;
pub mod management;
pub mod openapi;
pub mod serve;
#[cfg(feature = "web")]
mod session_store;
#[cfg(feature = "web")]
mod site;
#[cfg(feature = "web")]
mod web;

use error::ApiError;

use crate::state::AppState;

/// Everything that this server answers.
pub fn router(state: &AppState) -> anyhow::Result<Router> {
    let router = Router::new()
        .nest("/api/v1", api())
        // Clients that were made for OpenAI and are given only a host.
        .nest("/v1", api())
        .merge(nothing())
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(health::metrics))
        .with_state(state.clone());
    #[cfg(feature = "web")]
    let router = router.fallback_service(site::router(state)?);
    #[cfg(not(feature = "web"))]
    let router = router.fallback(unknown_path);
    Ok(router.layer(from_fn_with_state(state.clone(), layers::frame)))
}

/// The public API. Any page may call it: what it needs is a key, never a cookie.
fn api() -> Router<AppState> {
    let inference = inference::routes();
    let management = Router::new()
        .route("/models", get(management::models::list))
        .route("/embeddings/models", get(management::models::list_embeddings))
        .route("/models/count", get(management::models::count))
        .route("/models/{author}/{slug}/endpoints", get(management::models::endpoints))
        .route("/model/{author}/{slug}", get(management::models::find))
        .route("/providers", get(management::providers::list))
        .route("/route/explain", post(management::route::explain))
        .route("/generation", get(management::generation::find))
        .route("/key", get(management::key::find))
        .route("/credits", get(management::credits::find))
        .route("/openapi.json", get(openapi::document))
        .layer(CompressionLayer::new());
    inference
        .merge(management)
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(cross_origin())
}

/// Whatever else is asked of the API. It may be read from any page too: a script that has a
/// path wrong must see that it is the path.
fn nothing() -> Router<AppState> {
    Router::new()
        .route("/api", any(unknown_path))
        .route("/api/", any(unknown_path))
        .route("/api/{*path}", any(unknown_path))
        .route("/v1/{*path}", any(unknown_path))
        .layer(cross_origin())
}

fn cross_origin() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(Any)
        // Not `*`, which browsers do not take to mean `Authorization`.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            inference::GENERATION_ID,
            layers::REQUEST_ID,
            HeaderName::from_static("retry-after"),
        ])
        .max_age(std::time::Duration::from_hours(24))
}

async fn unknown_path(OriginalUri(uri): OriginalUri) -> ApiError {
    ApiError::not_found(format!(
        "there is nothing at `{}`; /api/v1/openapi.json lists what there is",
        shown(uri.path())
    ))
}

pub(crate) async fn wrong_method(method: Method, OriginalUri(uri): OriginalUri) -> ApiError {
    let mut error = ApiError::new(
        ErrorType::InvalidRequest,
        format!(
            "`{}` cannot be asked with {method}; /api/v1/openapi.json lists what can",
            shown(uri.path())
        ),
    );
    error.0.status = 405;
    error
}

/// What a caller sent, short enough to be repeated to them.
fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}
