//! The body of a request, up to a limit and within a time.

use std::time::Duration;

use axum::body::Body as HttpBody;
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use protocol::error::ErrorType;

use crate::http::error::ApiError;
use crate::state::AppState;

/// How much of a body that is too long is thrown away before the answer, and for how long.
const DISCARDED_BYTES_MAX: usize = 64 << 20;
const DISCARD_PATIENCE: Duration = Duration::from_secs(1);

/// The bytes of a body. Its type is not looked at: many clients send JSON without saying so.
#[derive(Debug)]
pub struct Body(pub Bytes);

impl FromRequest<AppState> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Self::Rejection> {
        let bytes_max = state.config.http.body_bytes_max;
        let headers = request.headers();
        let encoded = headers.get(CONTENT_ENCODING).is_some_and(|value| value != "identity");
        if encoded {
            return Err(ApiError::field(
                "content-encoding",
                "compressed bodies are not read: send the JSON as it is",
            ));
        }
        let announced =
            headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        let mut body = request.into_body();
        if announced.is_some_and(|length| length > bytes_max as u64) {
            discard(&mut body).await;
            return Err(too_large(bytes_max));
        }
        let reading = read(&mut body, bytes_max);
        let patience = state.config.http.body_timeout;
        let bytes = tokio::time::timeout(patience, reading).await.map_err(|_| {
            let mut error = ApiError::new(
                ErrorType::Timeout,
                format!("the body did not arrive within {} s", patience.as_secs()),
            );
            error.0.status = 408;
            error
        })??;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(ApiError::field("body", "the body is empty: send a JSON object"));
        }
        Ok(Self(bytes))
    }
}

async fn read(body: &mut HttpBody, bytes_max: usize) -> Result<Bytes, ApiError> {
    match Limited::new(&mut *body, bytes_max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            discard(body).await;
            Err(too_large(bytes_max))
        }
        Err(_) => Err(ApiError::field("body", "the body broke off before it was complete")),
    }
}

/// Lets a caller that is still writing get to the point where it reads our answer: a connection
/// that is closed with unread bytes is reset, and the answer is lost with it.
async fn discard(body: &mut HttpBody) {
    let reading = async {
        let mut left = DISCARDED_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(length) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // Running out of patience is fine: the caller was told what it could be told.
    let _ = tokio::time::timeout(DISCARD_PATIENCE, reading).await;
}

fn too_large(bytes_max: usize) -> ApiError {
    ApiError::new(
        ErrorType::PayloadTooLarge,
        format!(
            "the body is longer than {bytes_max} bytes; the operator sets the limit as \
             `http.body_bytes_max`"
        ),
    )
}
