//! `POST /api/v1/rerank`

use axum::extract::State;
use axum::response::Response;
use gateway::{Gateway, Inbound};
use protocol::dialects::rerank;

use super::reply;
use crate::http::error::ApiError;
use crate::http::extract::attribution::Attribution;
use crate::http::extract::body::Body;
use crate::http::extract::caller::Caller;
use crate::http::extract::metadata::WantsMetadata;

/// Puts documents in the order in which they answer a query.
#[utoipa::path(
    post,
    path = "/api/v1/rerank",
    tag = "inference",
    request_body(content = super::schemas::RerankRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "The best documents first",
            body = super::schemas::RerankBody,
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
    let (request, documents) = rerank::decode(&body)?;
    drop(body);
    let encoder = rerank::encoder(documents);
    let inbound = Inbound { request, attribution, encoder, wants_metadata };
    reply(gateway.serve(caller, inbound).await?).await
}
