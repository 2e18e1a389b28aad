//! `POST /api/v1/responses`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use domain::id::WorkspaceId;
use gateway::{Gateway, Inbound};
use protocol::dialects::responses::{self, Keep};
use serde::Deserialize;
use serde_json::value::RawValue;
use store::responses::StoredResponse;

use super::schemas;
use crate::http::error::ApiError;
use crate::http::extract::attribution::Attribution;
use crate::http::extract::body::Body;
use crate::http::extract::caller::Caller;
use crate::http::extract::metadata::WantsMetadata;
use crate::http::inference::reply;
use crate::responses::{Conversation, lost};
use crate::state::AppState;

/// Answers in items, in one piece or as a stream of typed events.
///
/// Nothing is kept unless `store` asks for it; what is kept can be continued by
/// `previous_response_id`, read and deleted. Keeping happens after the answer: should it fail, the
/// response is not found later, and the answer stays what it is. A caller that leaves before the
/// end leaves nothing behind.
#[utoipa::path(
    post,
    path = "/api/v1/responses",
    tag = "inference",
    request_body(content = schemas::ResponsesRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "The response, or with `stream` its events and `[DONE]`",
            content(
                (schemas::ResponsesResponse = "application/json"),
                (String = "text/event-stream"),
            ),
            headers(("X-Generation-Id" = String, description = "Names the generation"))),
        (status = "4XX", description = "What is wrong, and what to do", body = schemas::ResponsesError),
        (status = "5XX", description = "No answer could be had", body = schemas::ResponsesError),
    ),
    security(("key" = [])),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    State(gateway): State<Gateway>,
    Caller(caller): Caller,
    Attribution(attribution): Attribution,
    WantsMetadata(wants_metadata): WantsMetadata,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let mut draft = responses::read(&body)?;
    // The draft holds what is needed; twenty megabytes need not stay for a stream.
    drop(body);
    let workspace = caller.workspace_id;
    if let Some(previous) = draft.previous_response_id() {
        let items = earlier_items(&state, workspace, previous).await?;
        draft.continue_from(items);
    }
    let decoded = draft.finish()?;
    let keep = match decoded.stored_input {
        Some(input) => Some(keep(&state, workspace, decoded.previous_response_id, &input)?),
        None => None,
    };
    let clock = state.clock.clone();
    let now = Box::new(move || clock.now().as_seconds());
    let encoder = responses::encoder(decoded.echo, now, keep);
    let inbound = Inbound { request: decoded.request, attribution, encoder, wants_metadata };
    reply(gateway.serve(caller, inbound).await?).await
}

/// Everything that was said up to the end of a response.
async fn earlier_items(
    state: &AppState,
    workspace: WorkspaceId,
    last: &str,
) -> Result<Vec<Box<RawValue>>, ApiError> {
    const FIELD: &str = "previous_response_id";
    // No longer than what a caller could send.
    let bytes_max = state.config.http.body_bytes_max;
    let now = state.clock.now();
    let kept = match state.responses.conversation(workspace, last, bytes_max, now).await? {
        Conversation::Whole(kept) => kept,
        Conversation::Missing(id) if id == last => {
            return Err(ApiError::field(
                FIELD,
                format!(
                    "`{FIELD}` names no response that is kept: it was not stored (`store: true`), \
                     was deleted or has expired; send the conversation in `input`"
                ),
            ));
        }
        Conversation::Missing(id) => {
            return Err(ApiError::field(
                FIELD,
                format!(
                    "`{FIELD}` continues `{id}`, which was deleted or has expired; send the \
                     conversation in `input`"
                ),
            ));
        }
        Conversation::TooLong => {
            return Err(ApiError::field(
                FIELD,
                format!(
                    "`{FIELD}` continues a conversation of more than {bytes_max} bytes or 1000 \
                     responses; begin a new one"
                ),
            ));
        }
    };
    let mut items = Vec::new();
    for response in kept {
        let read = input_items(&response).and_then(|mut input| {
            input.extend(serde_json::from_str::<Output>(&response.response)?.output);
            Ok(input)
        });
        items.extend(read.map_err(|error| {
            tracing::error!(error = %error, response.id = response.id, "A kept response is damaged");
            ApiError::internal()
        })?);
    }
    Ok(items)
}

/// What of a kept response is said again.
#[derive(Deserialize)]
struct Output {
    output: Vec<Box<RawValue>>,
}

/// The items of the request that a response answered.
pub(super) fn input_items(
    response: &StoredResponse,
) -> Result<Vec<Box<RawValue>>, serde_json::Error> {
    serde_json::from_str(&response.input)
}

/// What keeps the response once it is known.
fn keep(
    state: &AppState,
    workspace_id: WorkspaceId,
    previous: Option<String>,
    input: &[Box<RawValue>],
) -> Result<Keep, ApiError> {
    let bytes_max = state.config.responses.bytes_max;
    let input = serde_json::to_string(input).map_err(|_| ApiError::internal())?;
    if input.len() > bytes_max {
        return Err(ApiError::field(
            "store",
            format!(
                "`store` keeps at most {bytes_max} bytes, and `input` has {}; leave it out, or \
                 give images and files by their addresses",
                input.len()
            ),
        ));
    }
    let (keeper, clock) = (Arc::clone(&state.responses), state.clock.clone());
    let retention = state.config.responses.retention;
    Ok(Box::new(move |json: Bytes| {
        #[derive(Deserialize)]
        struct Named {
            id: String,
        }
        let text = String::from_utf8(json.into()).ok();
        let named = text.and_then(|text| Some((serde_json::from_str::<Named>(&text).ok()?, text)));
        let Some((Named { id }, response)) = named else {
            return lost("It is not JSON");
        };
        if input.len().saturating_add(response.len()) > bytes_max {
            return lost("It is longer than `responses.bytes_max`");
        }
        let created_at = clock.now();
        let expires_at = created_at.plus(retention);
        keeper.keep(StoredResponse {
            id,
            workspace_id,
            previous,
            input,
            response,
            created_at,
            expires_at,
        });
    }))
}
