//! OpenAI's Responses: asked for, and where the caller wants it, kept.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use protocol::dialects::Dialect;

use crate::http::error::in_dialect;
use crate::http::wrong_method;
use crate::state::AppState;

pub(crate) mod create;
pub(crate) mod kept;
pub(crate) mod schemas;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/responses", post(create::create))
        .route("/responses/{response_id}", get(kept::find).delete(kept::delete))
        .route("/responses/{response_id}/input_items", get(kept::list_input))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Dialect::Responses, in_dialect))
}
