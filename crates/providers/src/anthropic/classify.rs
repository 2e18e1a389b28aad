//! What a failure means.

use http::{HeaderMap, StatusCode};
use protocol::error::ErrorType;
use serde::Deserialize;

use crate::error::{Retry, UpstreamError};
use crate::raw;
use crate::turns::failure::{self, Failure};

/// Signs that our account is at fault, in lower case.
const OURS: [&str; 3] =
    ["credit balance", "organization has been disabled", "specified api usage limits"];

/// The error object, with or without its envelope.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    #[serde(rename = "type")]
    kind: Option<String>,
    message: Option<String>,
    error: Option<Box<Said>>,
}

impl Said {
    fn read(body: &[u8]) -> Self {
        let said: Self = serde_json::from_slice(body).unwrap_or_default();
        match said.error {
            Some(inner) => *inner,
            None => said,
        }
    }
}

/// Classifies a response whose status says that it failed.
pub(super) fn response(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> UpstreamError {
    let said = Said::read(body);
    let failure = meaning(status.as_u16(), &said);
    failure.into_error(status.as_u16(), said.kind, raw::shorten(body), headers)
}

/// Classifies an `error` event in the middle of a stream that began well.
pub(super) fn in_band(body: &[u8]) -> UpstreamError {
    let said = Said::read(body);
    let status = match said.kind.as_deref() {
        Some("invalid_request_error") => 400,
        Some("authentication_error") => 401,
        Some("billing_error") => 402,
        Some("permission_error") => 403,
        Some("not_found_error") => 404,
        Some("request_too_large") => 413,
        Some("rate_limit_error") => 429,
        Some("timeout_error") => 504,
        Some("overloaded_error") => 529,
        _ => 500,
    };
    let failure = meaning(status, &said);
    failure.into_error(status, said.kind, raw::shorten(body), &HeaderMap::new())
}

fn meaning(status: u16, said: &Said) -> Failure {
    let message = said.message.as_deref().unwrap_or_default().to_lowercase();
    match said.kind.as_deref() {
        Some("overloaded_error") => Failure(ErrorType::ProviderOverloaded, Retry::Other),
        Some("rate_limit_error") => Failure(ErrorType::RateLimitExceeded, Retry::Other),
        Some("billing_error") => Failure(ErrorType::ProviderUnavailable, Retry::Other),
        Some("timeout_error") => Failure(ErrorType::Timeout, Retry::Other),
        // What is wrong with our account is told as if the request were at fault.
        _ if OURS.iter().any(|sign| message.contains(sign)) => {
            Failure(ErrorType::ProviderUnavailable, Retry::Other)
        }
        _ => failure::of_status(status, &message),
    }
}
