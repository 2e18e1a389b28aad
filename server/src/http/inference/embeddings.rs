//! `POST /api/v1/embeddings`

use axum::extract::State;
use axum::response::Response;
use gateway::{Gateway, Inbound};
use protocol::chat::request::Kind;
use protocol::dialects::embeddings;
use protocol::embeddings::Encoding;

use super::reply;
use crate::http::error::ApiError;
use crate::http::extract::attribution::Attribution;
use crate::http::extract::body::Body;
use crate::http::extract::caller::Caller;
use crate::http::extract::metadata::WantsMetadata;

/// Makes a vector of each input.
#[utoipa::path(
    post,
    path = "/api/v1/embeddings",
    tag = "inference",
    request_body(content = super::schemas::EmbeddingsRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "The vectors, in the order of the inputs",
            body = super::schemas::EmbeddingsBody,
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
    let request = embeddings::decode(&body)?;
    drop(body);
    let encoding = match &request.kind {
        Kind::Embeddings(asked) => asked.encoding,
        Kind::Chat | Kind::Rerank(_) => Encoding::default(),
    };
    let encoder = embeddings::encoder(encoding);
    let inbound = Inbound { request, attribution, encoder, wants_metadata };
    reply(gateway.serve(caller, inbound).await?).await
}
