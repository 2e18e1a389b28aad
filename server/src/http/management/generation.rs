//! `GET /api/v1/generation?id=…`

use axum::Json;
use axum::extract::State;
use domain::catalog::{Catalog, Purpose};
use domain::generation::Generation;
use domain::id::GenerationId;
use gateway::Gateway;
use protocol::account::{GenerationRecord, Reply};
use serde::Deserialize;
use store::Db;

use crate::http::error::ApiError;
use crate::http::extract::address::Query;
use crate::http::extract::caller::Caller;
use crate::http::shown;
use crate::state::AppState;

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    id: Option<String>,
}

/// The record of one generation of the caller's workspace.
#[utoipa::path(
    get,
    path = "/api/v1/generation",
    tag = "account",
    params(("id" = String, Query, description = "The generation's id, `gen-…`")),
    responses(
        (status = 200, description = "Tokens, cost, timing and every attempt", body = crate::http::openapi::GenerationBody),
        (status = 400, description = "No id", body = crate::http::openapi::ErrorBody),
        (status = 401, description = "No valid key", body = crate::http::openapi::ErrorBody),
        (status = 404, description = "No such generation in this workspace", body = crate::http::openapi::ErrorBody),
    ),
    security(("key" = [])),
)]
pub(crate) async fn find(
    State(db): State<Db>,
    State(gateway): State<Gateway>,
    State(AppState { catalog, .. }): State<AppState>,
    Caller(caller): Caller,
    Query(asked): Query<Asked>,
) -> Result<Json<Reply<GenerationRecord>>, ApiError> {
    let id = asked
        .id
        .filter(|id| !id.is_empty())
        .ok_or_else(|| ApiError::field("id", "name the generation: `/generation?id=gen-…`"))?;
    let unknown = || ApiError::not_found(format!("Generation {} not found", shown(&id)));
    // What cannot be an id names nothing.
    let id: GenerationId = id.parse().map_err(|_| unknown())?;
    let workspace = caller.workspace_id;
    let mut found = store::generations::find(&db, workspace, &id).await?;
    if found.is_none() {
        // It may have ended a moment ago and wait to be written.
        gateway.flush().await;
        found = store::generations::find(&db, workspace, &id).await?;
    }
    let found = found.ok_or_else(unknown)?;
    let mut record = GenerationRecord::new(&found);
    record.api_type = Some(api_type(&catalog.load(), &found));
    Ok(Json(Reply { data: record }))
}

/// What was asked for, which is what the model is for.
fn api_type(catalog: &Catalog, generation: &Generation) -> &'static str {
    match catalog.find_model(generation.model.as_str()).map(|model| model.purpose()) {
        Some(Purpose::Embeddings) => "embeddings",
        Some(Purpose::Rerank) => "rerank",
        Some(Purpose::Chat) | None => "completions",
    }
}
