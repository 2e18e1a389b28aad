//! Errors as callers of the API see them: an envelope, never an internal message.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use control::ControlError;
use gateway::GatewayError;
use protocol::dialects::Dialect;
use protocol::error::{ErrorType, PublicError};
use store::StoreError;

/// A refusal or a failure in the chat envelope.
#[derive(Debug)]
pub struct ApiError(pub PublicError);

impl ApiError {
    pub(crate) fn new(error_type: ErrorType, message: impl Into<String>) -> Self {
        Self(PublicError::new(error_type, message))
    }

    /// A request that is wrong in one place: names it, so that clients can point at it.
    pub(crate) fn field(field: &str, message: impl Into<String>) -> Self {
        Self(PublicError::new(ErrorType::InvalidRequest, message).with_metadata("field", field))
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorType::NotFound, message)
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            ErrorType::Server,
            "something went wrong on the server; the operator's log says what, under this \
             answer's `x-request-id`",
        )
    }

    fn unavailable() -> Self {
        let mut error = PublicError::new(
            ErrorType::Server,
            "the server cannot reach its database at the moment; try again in a few seconds",
        );
        error.status = 503;
        error.retry_after = Some(2);
        Self(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.0.to_chat_json())).into_response();
        if let Some(seconds) = self.0.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // For routes whose callers expect another envelope: see `in_dialect`.
        response.extensions_mut().insert(Arc::new(self.0));
        response
    }
}

/// Puts errors in the envelope of the dialect that a route speaks, wherever they come from.
pub(crate) async fn in_dialect(
    State(dialect): State<Dialect>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let Some(error) = response.extensions().get::<Arc<PublicError>>().cloned() else {
        return response;
    };
    let (mut head, _) = response.into_parts();
    head.headers.remove(CONTENT_LENGTH);
    (head, Json(error.to_json(dialect, None))).into_response()
}

impl From<PathRejection> for ApiError {
    fn from(_: PathRejection) -> Self {
        Self::not_found("there is nothing at this path: it is not UTF-8 text")
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        let detail = rejection.body_text();
        let reason = detail.rsplit(": ").next().unwrap_or_default();
        Self::field("query", format!("the query string cannot be read: {reason}"))
    }
}

impl From<GatewayError> for ApiError {
    fn from(error: GatewayError) -> Self {
        Self(error.to_public())
    }
}

impl From<PublicError> for ApiError {
    fn from(error: PublicError) -> Self {
        Self(error)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = %error, "A read from the database failed");
        Self::unavailable()
    }
}

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        let message = error.public_message();
        match error {
            ControlError::Denied => Self::new(ErrorType::PermissionDenied, message),
            ControlError::NotFound => Self::not_found(message),
            ControlError::Invalid { field, .. } => Self::field(field, message),
            ControlError::Conflict { .. } => {
                let mut error = PublicError::new(ErrorType::InvalidRequest, message);
                error.status = 409;
                Self(error)
            }
            ControlError::Throttled { retry_after_seconds } => {
                let mut error = PublicError::new(ErrorType::RateLimitExceeded, message);
                error.retry_after = u32::try_from(retry_after_seconds).ok();
                Self(error)
            }
            ControlError::Unavailable => Self::unavailable(),
        }
    }
}
