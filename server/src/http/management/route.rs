//! `POST /api/v1/route/explain`

use axum::Json;
use axum::extract::State;
use gateway::Gateway;
use gateway::explain::Explanation;
use protocol::dialects::chat_completions;
use serde::Serialize;

use crate::http::error::ApiError;
use crate::http::extract::body::Body;
use crate::http::extract::caller::Caller;

#[derive(Serialize)]
pub(crate) struct Explained {
    data: Explanation,
}

/// Says which endpoints a chat request would be sent to, in which order and why, and why not to
/// the others. Takes what `/chat/completions` takes; nobody is called and nothing is charged.
#[utoipa::path(
    post,
    path = "/api/v1/route/explain",
    tag = "routing",
    request_body(content = crate::http::openapi::ChatRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "Every endpoint with its rank and score, or with the reason why not"),
        (status = "4XX", description = "What is wrong, and what to do", body = crate::http::openapi::ErrorBody),
    ),
    security(("key" = [])),
)]
pub(crate) async fn explain(
    State(gateway): State<Gateway>,
    Caller(caller): Caller,
    Body(body): Body,
) -> Result<Json<Explained>, ApiError> {
    let request = chat_completions::decode(&body)?;
    Ok(Json(Explained { data: gateway.explain(&caller, &request)? }))
}
