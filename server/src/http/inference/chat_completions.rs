//! `POST /api/v1/chat/completions`

use std::convert::Infallible;

use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use gateway::{Gateway, Inbound, Outbound};
use protocol::dialects::chat_completions;

use crate::http::error::ApiError;
use crate::http::extract::attribution::Attribution;
use crate::http::extract::body::Body;
use crate::http::extract::caller::Caller;

/// Names the generation in every answer that has one.
pub(crate) const GENERATION_ID: HeaderName = HeaderName::from_static("x-generation-id");
/// Tells nginx and its kin to pass on every piece at once.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Answers a conversation, in one piece or as a stream of server-sent events.
#[utoipa::path(
    post,
    path = "/api/v1/chat/completions",
    tag = "inference",
    request_body(content = crate::http::openapi::ChatRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "The answer, or with `stream` its pieces and `[DONE]`",
            content(
                (crate::http::openapi::ChatCompletion = "application/json"),
                (String = "text/event-stream"),
            ),
            headers(("X-Generation-Id" = String, description = "Names the generation"))),
        (status = "4XX", description = "What is wrong, and what to do", body = crate::http::openapi::ErrorBody),
        (status = "5XX", description = "No answer could be had", body = crate::http::openapi::ErrorBody),
    ),
    security(("key" = [])),
)]
pub(crate) async fn create(
    State(gateway): State<Gateway>,
    Caller(caller): Caller,
    Attribution(attribution): Attribution,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let request = chat_completions::decode(&body)?;
    // The decoded request holds what is needed; twenty megabytes need not stay for a stream.
    drop(body);
    let inbound = Inbound { request, attribution, encoder: chat_completions::encoder };
    reply(gateway.serve(caller, inbound).await?).await
}

/// An answer that has begun, as a response.
async fn reply(outbound: Outbound) -> Result<Response, ApiError> {
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
