//! What a failure of Cohere's means: `{"message": "…"}` and the usual statuses, with some of its
//! own.

use http::{HeaderMap, StatusCode};
use protocol::error::ErrorType;

use crate::error::{Retry, UpstreamError};
use crate::openai_compatible::classify;

/// A token that was blocked, and a request that the other side gave up.
const INVALID_TOKEN: u16 = 498;
const CLIENT_CLOSED: u16 = 499;

pub(super) fn response(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> UpstreamError {
    let error = classify::response(status, headers, body);
    match status.as_u16() {
        INVALID_TOKEN => UpstreamError { raw: None, ..unavailable(error) },
        CLIENT_CLOSED => unavailable(error),
        _ => error,
    }
}

pub(super) fn in_band(body: &[u8]) -> UpstreamError {
    classify::in_band(body)
}

fn unavailable(error: UpstreamError) -> UpstreamError {
    UpstreamError {
        kind: ErrorType::ProviderUnavailable,
        retry: Retry::Other,
        message: "the provider returned an error".to_owned(),
        ..error
    }
}
