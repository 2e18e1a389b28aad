//! `POST /api/v1/chat/completions`

use axum::extract::State;
use axum::response::Response;
use gateway::{Gateway, Inbound};
use protocol::dialects::chat_completions;

use super::reply;
use crate::http::error::ApiError;
use crate::http::extract::attribution::Attribution;
use crate::http::extract::body::Body;
use crate::http::extract::caller::Caller;
use crate::http::extract::metadata::WantsMetadata;

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
    WantsMetadata(wants_metadata): WantsMetadata,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let request = chat_completions::decode(&body)?;
    // The decoded request holds what is needed; twenty megabytes need not stay for a stream.
    drop(body);
    let encoder = Box::new(chat_completions::encoder);
    let inbound = Inbound { request, attribution, encoder, wants_metadata };
    reply(gateway.serve(caller, inbound).await?).await
}
