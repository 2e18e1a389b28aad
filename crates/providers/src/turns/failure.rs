//! What a failure means, by its status and the words that come with it.

use std::time::Duration;

use http::HeaderMap;
use protocol::error::ErrorType;

use crate::error::{Retry, UpstreamError};

/// An upstream that asks for more patience than this is as good as gone.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What went wrong, and whether another try could help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure(pub(crate) ErrorType, pub(crate) Retry);

/// Signs that a prompt is too long, in lower case.
const CONTEXT: [&str; 8] = [
    "prompt is too long",
    "input is too long",
    "too many input tokens",
    "too many tokens",
    "context window",
    "context limit",
    "context length",
    "exceed context",
];
const CONTENT: [&str; 4] =
    ["content filtering policy", "content policy", "usage policy", "blocked by guardrail"];
const IMAGE: [&str; 4] = [
    "could not process image",
    "image does not match the provided media type",
    "unable to download the file",
    "image exceeds",
];

/// `message` is what the upstream says, in lower case.
pub(crate) fn of_status(status: u16, message: &str) -> Failure {
    let says = |signs: &[&str]| signs.iter().any(|sign| message.contains(sign));
    match status {
        // Another endpoint of the model, or another model, may have more room.
        400 | 413 | 422 if says(&CONTEXT) => {
            Failure(ErrorType::ContextLengthExceeded, Retry::Other)
        }
        400 | 403 | 422 if says(&CONTENT) => {
            Failure(ErrorType::ContentPolicyViolation, Retry::Other)
        }
        400 if says(&IMAGE) => Failure(ErrorType::InvalidImage, Retry::No),
        // Our credential, our account or the address that we have is at fault, not the caller.
        300..=399 | 401..=403 | 405 | 407 => Failure(ErrorType::ProviderUnavailable, Retry::Other),
        404 | 410 => Failure(ErrorType::NotFound, Retry::Other),
        409 | 425 => Failure(ErrorType::ProviderOverloaded, Retry::Same),
        413 => Failure(ErrorType::PayloadTooLarge, Retry::Other),
        422 => Failure(ErrorType::Unprocessable, Retry::No),
        429 => Failure(ErrorType::RateLimitExceeded, Retry::Other),
        503 | 529 => Failure(ErrorType::ProviderOverloaded, Retry::Other),
        408 | 504 | 524 => Failure(ErrorType::Timeout, Retry::Other),
        _ if status < 500 => Failure(ErrorType::InvalidRequest, Retry::No),
        _ => Failure(ErrorType::ProviderUnavailable, Retry::Other),
    }
}

impl Failure {
    pub(crate) fn into_error(
        self,
        status: u16,
        code: Option<String>,
        raw: Option<String>,
        headers: &HeaderMap,
    ) -> UpstreamError {
        let Self(kind, retry) = self;
        let retry = match (retry, retry_after(headers)) {
            (Retry::Other | Retry::Same, Some(wait)) if is_temporary(kind) => Retry::After(wait),
            (retry, _) => retry,
        };
        // What is said about our credential or our bill is none of the caller's business.
        let is_ours = kind == ErrorType::ProviderUnavailable && status < 408;
        UpstreamError {
            kind,
            retry,
            status: Some(status),
            provider_code: code.map(|code| code.chars().take(64).collect()),
            raw: raw.filter(|_| !is_ours),
            message: message(kind).to_owned(),
        }
    }
}

const fn is_temporary(kind: ErrorType) -> bool {
    matches!(
        kind,
        ErrorType::RateLimitExceeded
            | ErrorType::ProviderOverloaded
            | ErrorType::ProviderUnavailable
            | ErrorType::Timeout
    )
}

/// Our words for what happened; the upstream's own stand in `raw`.
const fn message(kind: ErrorType) -> &'static str {
    match kind {
        ErrorType::ContextLengthExceeded => {
            "the prompt does not fit into the model's context: shorten it or ask for less output"
        }
        ErrorType::ContentPolicyViolation => "the provider refuses this content",
        ErrorType::InvalidImage => "the provider cannot read an image of this request",
        ErrorType::InvalidRequest => "the provider finds the request invalid",
        ErrorType::NotFound => "the provider does not serve this model at the moment",
        ErrorType::Timeout => "the provider took too long to answer",
        ErrorType::PayloadTooLarge => "the request is too large for the provider",
        ErrorType::Unprocessable => "the provider cannot process the request",
        ErrorType::RateLimitExceeded => "the provider is limiting our rate: retry shortly",
        ErrorType::ProviderOverloaded => "the provider is overloaded: retry shortly",
        _ => "the provider returned an error",
    }
}

/// Seconds, whole or not: neither upstream gives a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().filter(|wait| *wait <= RETRY_AFTER_MAX)
}
