//! What a failure means.

use http::{HeaderMap, StatusCode};
use protocol::error::ErrorType;
use serde::Deserialize;

use crate::error::{Retry, UpstreamError};
use crate::raw;
use crate::turns::failure::{self, Failure};

/// Classifies a response whose status says that it failed.
pub(super) fn response(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> UpstreamError {
    // `ThrottlingException:http://internal.amazon.com/…`
    let kind = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let kind = kind.map(|kind| kind.split(':').next().unwrap_or(kind).to_owned());
    let status = status.as_u16();
    let failure = meaning(status, kind.as_deref().unwrap_or_default(), &said(body));
    failure.into_error(status, kind, raw::shorten(body), headers)
}

/// Classifies an exception in the middle of a stream that began well.
pub(super) fn in_band(kind: &str, body: &[u8]) -> UpstreamError {
    let status = match kind.to_ascii_lowercase().trim_end_matches("exception") {
        "validation" => 400,
        "accessdenied" => 403,
        "modeltimeout" => 408,
        "modelstreamerror" | "modelerror" => 424,
        "throttling" | "modelnotready" => 429,
        "serviceunavailable" => 503,
        _ => 500,
    };
    let failure = meaning(status, kind, &said(body));
    let code = (!kind.is_empty()).then(|| kind.to_owned());
    failure.into_error(status, code, raw::shorten(body), &HeaderMap::new())
}

fn meaning(status: u16, kind: &str, message: &str) -> Failure {
    match kind.to_ascii_lowercase().trim_end_matches("exception") {
        "throttling" | "servicequotaexceeded" => {
            Failure(ErrorType::RateLimitExceeded, Retry::Other)
        }
        "modelnotready" | "serviceunavailable" => {
            Failure(ErrorType::ProviderOverloaded, Retry::Other)
        }
        "modeltimeout" => Failure(ErrorType::Timeout, Retry::Other),
        "modelerror" | "modelstreamerror" => Failure(ErrorType::ProviderUnavailable, Retry::Other),
        // A model that our account may not use, or not in this form or region.
        "validation" if message.contains("model identifier is invalid") => {
            Failure(ErrorType::NotFound, Retry::Other)
        }
        "validation" if message.contains("on-demand throughput") => {
            Failure(ErrorType::NotFound, Retry::Other)
        }
        // An account that may not ask for answers is told so as if the request were at fault.
        "validation" if message.contains("operation not allowed") => {
            Failure(ErrorType::ProviderUnavailable, Retry::Other)
        }
        _ if status == 424 => Failure(ErrorType::ProviderUnavailable, Retry::Other),
        _ => failure::of_status(status, message),
    }
}

/// The words of an error, in lower case.
fn said(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Said {
        #[serde(alias = "Message")]
        message: String,
    }
    let text = match serde_json::from_slice::<Said>(body) {
        Ok(said) => said.message,
        Err(_) => String::from_utf8_lossy(body.get(..2_048).unwrap_or(body)).into_owned(),
    };
    text.to_lowercase()
}
