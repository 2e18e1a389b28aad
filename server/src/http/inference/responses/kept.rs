//! `/api/v1/responses/{id}`: responses that were kept.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use protocol::dialects::responses::listed;
use serde::Deserialize;
use serde_json::{Value, json};

use super::create::input_items;
use super::schemas;
use crate::http::error::ApiError;
use crate::http::extract::address::{Path, Query};
use crate::http::extract::caller::Caller;
use crate::http::shown;
use crate::state::AppState;

const LIMIT: usize = 20;
const LIMIT_MAX: usize = 100;

fn unknown(id: &str) -> ApiError {
    let mut error = ApiError::not_found(format!(
        "no response `{}` is kept: it was not stored, was deleted or has expired",
        shown(id)
    ));
    error.0 = error.0.with_metadata("field", "response_id");
    error
}

/// A response that was kept, as it was sent.
#[utoipa::path(
    get,
    path = "/api/v1/responses/{response_id}",
    tag = "inference",
    params(("response_id" = String, Path, description = "The response's id")),
    responses(
        (status = 200, description = "The response", body = schemas::ResponsesResponse),
        (status = 401, description = "No valid key", body = schemas::ResponsesError),
        (status = 404, description = "None is kept", body = schemas::ResponsesError),
    ),
    security(("key" = [])),
)]
pub(crate) async fn find(
    State(state): State<AppState>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let found = state.responses.find(caller.workspace_id, &id, state.clock.now()).await?;
    let found = found.ok_or_else(|| unknown(&id))?;
    Ok(([(CONTENT_TYPE, "application/json")], found.response.clone()).into_response())
}

/// Forgets a response. Those that continue it stay, but can no longer be continued themselves.
#[utoipa::path(
    delete,
    path = "/api/v1/responses/{response_id}",
    tag = "inference",
    params(("response_id" = String, Path, description = "The response's id")),
    responses(
        (status = 200, description = "It is forgotten", body = schemas::ResponsesDeleted),
        (status = 401, description = "No valid key", body = schemas::ResponsesError),
        (status = 404, description = "None is kept", body = schemas::ResponsesError),
    ),
    security(("key" = [])),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    if !state.responses.delete(caller.workspace_id, &id).await? {
        return Err(unknown(&id));
    }
    Ok(Json(json!({ "id": id, "object": "response", "deleted": true })))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    limit: Option<usize>,
    order: Option<String>,
    after: Option<String>,
}

/// The items that a kept response answered, without those of responses that it continues.
#[utoipa::path(
    get,
    path = "/api/v1/responses/{response_id}/input_items",
    tag = "inference",
    params(
        ("response_id" = String, Path, description = "The response's id"),
        ("limit" = Option<u32>, Query, description = "How many, 1 to 100; 20 unless stated"),
        ("order" = Option<String>, Query, description = "`asc` or `desc`, which is the default"),
        ("after" = Option<String>, Query, description = "The id of the item before the first"),
    ),
    responses(
        (status = 200, description = "A page of items", body = schemas::ResponsesItems),
        (status = 400, description = "A page that cannot be", body = schemas::ResponsesError),
        (status = 401, description = "No valid key", body = schemas::ResponsesError),
        (status = 404, description = "None is kept", body = schemas::ResponsesError),
    ),
    security(("key" = [])),
)]
pub(crate) async fn list_input(
    State(state): State<AppState>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, ApiError> {
    let limit = page.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(ApiError::field("limit", format!("`limit` must be from 1 to {LIMIT_MAX}")));
    }
    let is_ascending = match page.order.as_deref() {
        None | Some("desc") => false,
        Some("asc") => true,
        Some(_) => return Err(ApiError::field("order", "`order` must be `asc` or `desc`")),
    };
    let found = state.responses.find(caller.workspace_id, &id, state.clock.now()).await?;
    let found = found.ok_or_else(|| unknown(&id))?;
    let items = input_items(&found).map_err(|error| {
        tracing::error!(error = %error, response.id = found.id, "A kept response is damaged");
        ApiError::internal()
    })?;
    let mut items = listed(&found.id, &items);
    if !is_ascending {
        items.reverse();
    }
    if let Some(after) = page.after {
        let Some(place) = items.iter().position(|item| item["id"] == after.as_str()) else {
            let demand = "`after` must be the `id` of an item of this response's input";
            return Err(ApiError::field("after", demand));
        };
        items.drain(..=place);
    }
    let has_more = items.len() > limit;
    items.truncate(limit);
    let end = |item: Option<&Value>| item.map_or(Value::Null, |item| item["id"].clone());
    let (first, last) = (end(items.first()), end(items.last()));
    Ok(Json(json!({
        "object": "list", "data": items, "first_id": first, "last_id": last, "has_more": has_more,
    })))
}
