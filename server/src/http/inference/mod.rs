//! What a key may ask a model for: one module a dialect. Each decodes, asks the gateway and hands
//! on what comes.

pub mod chat_completions;
pub mod completions;
pub mod embeddings;
pub mod messages;
pub mod rerank;
pub mod responses;
pub(crate) mod schemas;

use std::convert::Infallible;

use axum::Router;
use axum::body::Body as HttpBody;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use futures_util::stream;
use gateway::Outbound;

use crate::http::error::ApiError;
use crate::state::AppState;

/// Names the generation in every answer that has one.
pub(crate) const GENERATION_ID: HeaderName = HeaderName::from_static("x-generation-id");
/// Tells nginx and its kin to pass on every piece at once.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What a key may ask. A dialect with an envelope of its own for errors gets it by a layer:
/// `.route_layer(from_fn_with_state(Dialect::Messages, in_dialect))`.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/chat/completions", post(chat_completions::create))
        .route("/completions", post(completions::create))
        .route("/embeddings", post(embeddings::create))
        .route("/rerank", post(rerank::create))
        .merge(messages::routes())
        .merge(responses::routes())
}

/// An answer that has begun, as a response.
pub(crate) async fn reply(outbound: Outbound) -> Result<Response, ApiError> {
    let Outbound { generation_id, streaming, mut body } = outbound;
    let mut response = if streaming {
        let pieces = stream::poll_fn(move |context| {
            body.poll_recv(context).map(|piece| piece.map(Ok::<_, Infallible>))
        });
        let mut response = HttpBody::from_stream(pieces).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
        response
    } else {
        let answer = body.recv().await.ok_or_else(ApiError::internal)?;
        let mut response = HttpBody::from(answer).into_response();
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    };
    if let Ok(id) = HeaderValue::from_str(generation_id.as_str()) {
        response.headers_mut().insert(GENERATION_ID, id);
    }
    Ok(response)
}
