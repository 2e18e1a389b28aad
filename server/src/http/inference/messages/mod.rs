//! `POST /api/v1/messages` and `/api/v1/messages/count_tokens`: Anthropic's Messages, with any
//! model.

mod schemas;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use gateway::{Gateway, Inbound};
use protocol::dialects::Dialect;
use protocol::dialects::messages::{self, Betas};
use serde::Serialize;

use super::{GENERATION_ID, reply};
use crate::http::error::{ApiError, in_dialect};
use crate::http::extract::attribution::Attribution;
use crate::http::extract::body::Body;
use crate::http::extract::caller::Caller;
use crate::http::extract::metadata::WantsMetadata;
use crate::http::wrong_method;
use crate::state::AppState;

/// Where Anthropic's clients look for the name of what they asked.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/messages", post(create))
        .route("/messages/count_tokens", post(count))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Dialect::Messages, in_dialect))
}

/// Answers a conversation in Anthropic's form, in one piece or as a stream of named events.
#[utoipa::path(
    post,
    path = "/api/v1/messages",
    tag = "inference",
    params(
        ("anthropic-version" = Option<String>, Header, description = "Accepted and not looked at"),
        ("anthropic-beta" = Option<String>, Header,
            description = "Passed on to upstreams that speak this dialect; also `x-anthropic-beta`"),
    ),
    request_body(content = schemas::MessagesRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "The message, or with `stream` its events",
            content(
                (schemas::MessagesResult = "application/json"),
                (String = "text/event-stream"),
            ),
            headers(("X-Generation-Id" = String, description = "Names the generation"))),
        (status = "4XX", description = "What is wrong, and what to do", body = schemas::MessagesError),
        (status = "5XX", description = "No answer could be had", body = schemas::MessagesError),
    ),
    security(("key" = [])),
)]
pub(crate) async fn create(
    State(gateway): State<Gateway>,
    Caller(caller): Caller,
    Attribution(attribution): Attribution,
    WantsMetadata(wants_metadata): WantsMetadata,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let request = messages::decode_with(&body, &betas(&headers))?;
    // The decoded request holds what is needed; twenty megabytes need not stay for a stream.
    drop(body);
    let encoder = messages::encoder_for(&request);
    let inbound = Inbound { request, attribution, encoder, wants_metadata };
    let mut response = reply(gateway.serve(caller, inbound).await?).await?;
    if let Some(id) = response.headers().get(GENERATION_ID).cloned() {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    Ok(response)
}

/// The length of a prompt.
#[derive(Debug, Serialize)]
pub(crate) struct Counted {
    input_tokens: u64,
}

/// Counts the tokens of a prompt, which costs nothing.
///
/// A provider of the model is asked where one counts; otherwise the count is an estimate.
#[utoipa::path(
    post,
    path = "/api/v1/messages/count_tokens",
    tag = "inference",
    request_body(content = schemas::CountRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "The count", body = schemas::Count),
        (status = "4XX", description = "What is wrong, and what to do", body = schemas::MessagesError),
        (status = "5XX", description = "The tokens could not be counted", body = schemas::MessagesError),
    ),
    security(("key" = [])),
)]
pub(crate) async fn count(
    State(gateway): State<Gateway>,
    Caller(caller): Caller,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Json<Counted>, ApiError> {
    let request = messages::decode_count(&body, &betas(&headers))?;
    drop(body);
    let input_tokens = gateway.count_tokens(caller, request).await?;
    Ok(Json(Counted { input_tokens }))
}

/// What the caller asks of Anthropic beyond the ordinary.
fn betas(headers: &HeaderMap) -> Betas {
    let names = ["anthropic-beta", "x-anthropic-beta"];
    let values = names.iter().flat_map(|name| headers.get_all(*name));
    Betas::read(values.filter_map(|value| value.to_str().ok()))
}
