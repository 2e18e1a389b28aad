//! `GET /api/v1/credits`

use axum::Json;
use axum::extract::State;
use gateway::Gateway;
use protocol::account::{Credits, Reply};
use store::Db;

use crate::http::error::ApiError;
use crate::http::extract::caller::Caller;

/// What the workspace of the key was given and has used.
#[utoipa::path(
    get,
    path = "/api/v1/credits",
    tag = "account",
    responses(
        (status = 200, description = "Credit in dollars", body = crate::http::openapi::CreditsBody),
        (status = 401, description = "No valid key", body = crate::http::openapi::ErrorBody),
    ),
    security(("key" = [])),
)]
pub(crate) async fn find(
    State(db): State<Db>,
    State(gateway): State<Gateway>,
    Caller(caller): Caller,
) -> Result<Json<Reply<Credits>>, ApiError> {
    // What ended a moment ago counts, whether or not it was written yet.
    gateway.flush().await;
    let balance = store::ledger::accounts::balance(&db, caller.workspace_id).await?;
    Ok(Json(Reply { data: Credits::new(&balance) }))
}
