//! `POST /api/v1/completions`

use axum::extract::State;
use axum::response::Response;
use gateway::{Gateway, Inbound};
use protocol::dialects::completions;

use super::reply;
use crate::http::error::ApiError;
use crate::http::extract::attribution::Attribution;
use crate::http::extract::body::Body;
use crate::http::extract::caller::Caller;
use crate::http::extract::metadata::WantsMetadata;

/// Continues a prompt, in one piece or as a stream of server-sent events: the older form of
/// `/chat/completions`.
#[utoipa::path(
    post,
    path = "/api/v1/completions",
    tag = "inference",
    request_body(content = super::schemas::CompletionRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "The text, or with `stream` its pieces and `[DONE]`",
            content(
                (super::schemas::Completion = "application/json"),
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
    let (request, echo) = completions::decode(&body)?;
    drop(body);
    let encoder = completions::encoder(echo);
    let inbound = Inbound { request, attribution, encoder, wants_metadata };
    reply(gateway.serve(caller, inbound).await?).await
}
