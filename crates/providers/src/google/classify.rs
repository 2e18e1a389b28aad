//! What a failure of Google's means.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use protocol::error::ErrorType;
use serde_json::Value;

use crate::error::{Retry, UpstreamError};
use crate::raw;

/// An upstream that asks for more patience than this is as good as gone.
const RETRY_DELAY_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Classifies a response whose status says that it failed.
pub(super) fn response(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> UpstreamError {
    let said = Said::read(body);
    let header = headers.get("retry-after").and_then(|value| value.to_str().ok());
    let wait = said.retry_delay.or_else(|| delay(header?));
    error(status.as_u16(), &said, wait, body)
}

/// Classifies an error object in the middle of a response that began well.
pub(super) fn in_band(body: &[u8]) -> UpstreamError {
    let said = Said::read(body);
    let status = said.code.filter(|code| (400..600).contains(code));
    let status = status.unwrap_or_else(|| status_of(&said.status));
    error(status, &said, said.retry_delay, body)
}

fn error(status: u16, said: &Said, wait: Option<Duration>, body: &[u8]) -> UpstreamError {
    let (kind, retry) = meaning(status, said);
    let is_temporary = matches!(
        kind,
        ErrorType::RateLimitExceeded | ErrorType::ProviderOverloaded | ErrorType::Timeout
    );
    let retry = match wait {
        Some(wait) if is_temporary && wait <= RETRY_DELAY_MAX => Retry::After(wait),
        _ => retry,
    };
    // What it says about our key, our project or our place is none of the caller's business.
    let may_be_shown = !matches!(status, 401 | 403) && !said.is_about_us();
    UpstreamError {
        kind,
        retry,
        status: Some(status),
        provider_code: Some(said.status.clone()).filter(|code| !code.is_empty()),
        raw: may_be_shown.then(|| raw::shorten(body)).flatten(),
        message: message(kind).to_owned(),
    }
}

/// The parts of an error body that help to understand it.
#[derive(Debug, Default)]
struct Said {
    code: Option<u16>,
    /// `INVALID_ARGUMENT`, `RESOURCE_EXHAUSTED`, …
    status: String,
    /// Lower case.
    message: String,
    /// `API_KEY_INVALID` and the like.
    reason: String,
    retry_delay: Option<Duration>,
}

impl Said {
    /// Reads `{"error": {…}}`, a list of one, or the error itself.
    fn read(body: &[u8]) -> Self {
        let Ok(document) = serde_json::from_slice::<Value>(body) else {
            let text = String::from_utf8_lossy(body.get(..2048).unwrap_or(body));
            return Self { message: text.to_lowercase(), ..Self::default() };
        };
        let document = match &document {
            Value::Array(list) => list.first().unwrap_or(&Value::Null),
            other => other,
        };
        let error = match &document["error"] {
            Value::Null => document,
            error => error,
        };
        let details = error["details"].as_array().map(Vec::as_slice).unwrap_or_default();
        let detail = |kind: &str, member: &str| {
            let is_kind =
                |detail: &&Value| detail["@type"].as_str().is_some_and(|name| name.ends_with(kind));
            details.iter().find(is_kind).and_then(|detail| detail[member].as_str())
        };
        let short = |text: &str| text.chars().take(64).collect::<String>();
        Self {
            code: error["code"].as_u64().and_then(|code| code.try_into().ok()),
            status: error["status"].as_str().map(short).unwrap_or_default(),
            message: error["message"]
                .as_str()
                .or(error.as_str())
                .unwrap_or_default()
                .to_lowercase(),
            reason: detail("google.rpc.ErrorInfo", "reason").map(short).unwrap_or_default(),
            retry_delay: detail("google.rpc.RetryInfo", "retryDelay").and_then(delay),
        }
    }

    fn speaks_of(&self, signs: &[&str]) -> bool {
        signs.iter().any(|sign| self.message.contains(sign))
    }

    fn is_about_context(&self) -> bool {
        self.speaks_of(&[
            "exceeds the maximum number of tokens",
            "input token count",
            "context length",
            "input context is too long",
        ])
    }

    fn is_about_us(&self) -> bool {
        self.reason.starts_with("API_KEY_")
            || self.reason == "SERVICE_DISABLED"
            || self.speaks_of(&["api key", "user location is not supported", "billing"])
    }
}

fn status_of(name: &str) -> u16 {
    match name {
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => 400,
        "UNAUTHENTICATED" => 401,
        "PERMISSION_DENIED" => 403,
        "NOT_FOUND" => 404,
        "RESOURCE_EXHAUSTED" => 429,
        "CANCELLED" => 499,
        "UNAVAILABLE" => 503,
        "DEADLINE_EXCEEDED" => 504,
        _ => 502,
    }
}

fn meaning(status: u16, said: &Said) -> (ErrorType, Retry) {
    match status {
        // Its search for limits sits before everything else: sizes are told as 400, 413 or 500.
        400 | 413 | 500 if said.is_about_context() => {
            (ErrorType::ContextLengthExceeded, Retry::Other)
        }
        400 if said.is_about_us() => (ErrorType::ProviderUnavailable, Retry::Other),
        400 if said.speaks_of(&["unsupported mime type", "mime type is not supported"]) => {
            (ErrorType::UnsupportedImageFormat, Retry::No)
        }
        400 if said.speaks_of(&["unable to process input image", "image is not valid"]) => {
            (ErrorType::InvalidImage, Retry::No)
        }
        300..=399 | 401..=403 | 405 | 407 | 499 => (ErrorType::ProviderUnavailable, Retry::Other),
        404 | 410 => (ErrorType::NotFound, Retry::Other),
        409 => (ErrorType::ProviderOverloaded, Retry::Same),
        413 => (ErrorType::PayloadTooLarge, Retry::Other),
        429 => (ErrorType::RateLimitExceeded, Retry::Other),
        503 | 529 => (ErrorType::ProviderOverloaded, Retry::Other),
        408 | 504 => (ErrorType::Timeout, Retry::Other),
        _ if status < 500 => (ErrorType::InvalidRequest, Retry::No),
        _ => (ErrorType::ProviderUnavailable, Retry::Other),
    }
}

/// Our words for what happened; Google's own stand in `raw`.
const fn message(kind: ErrorType) -> &'static str {
    match kind {
        ErrorType::ContextLengthExceeded => {
            "the prompt does not fit into the model's context: shorten it or ask for less output"
        }
        ErrorType::InvalidImage => "the provider cannot read an image of the request",
        ErrorType::UnsupportedImageFormat => {
            "the provider does not take a file or an image of this type"
        }
        ErrorType::InvalidRequest => "the provider finds the request invalid",
        ErrorType::NotFound => "the provider does not serve this model at the moment",
        ErrorType::Timeout => "the provider took too long to answer",
        ErrorType::PayloadTooLarge => "the request is too large for the provider",
        ErrorType::RateLimitExceeded => "the provider is limiting our rate: retry shortly",
        ErrorType::ProviderOverloaded => "the provider is overloaded: retry shortly",
        _ => "the provider returned an error",
    }
}

/// `34.07s`, or seconds without their unit.
fn delay(text: &str) -> Option<Duration> {
    let seconds = text.trim().trim_end_matches('s').parse::<f64>().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, kind: ErrorType, retry: Retry) -> UpstreamError {
        let status = StatusCode::from_u16(status).unwrap();
        let error = response(status, &HeaderMap::new(), body.as_bytes());
        assert_eq!((error.kind, error.retry), (kind, retry), "{status} {body}");
        error
    }

    #[test]
    fn published_errors_are_understood() {
        use ErrorType as Kind;
        check(
            400,
            r#"{"error":{"code":400,"message":"The input token count (1091639) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#,
            Kind::ContextLengthExceeded,
            Retry::Other,
        );
        check(
            400,
            r#"{"error":{"code":400,"message":"Invalid value at 'contents'","status":"INVALID_ARGUMENT"}}"#,
            Kind::InvalidRequest,
            Retry::No,
        );
        check(
            400,
            r#"{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}"#,
            Kind::ProviderUnavailable,
            Retry::Other,
        );
        check(
            404,
            r#"{"error":{"code":404,"message":"models/x is not found","status":"NOT_FOUND"}}"#,
            Kind::NotFound,
            Retry::Other,
        );
        check(
            503,
            r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#,
            Kind::ProviderOverloaded,
            Retry::Other,
        );
        check(
            504,
            r#"{"error":{"code":504,"message":"Deadline expired","status":"DEADLINE_EXCEEDED"}}"#,
            Kind::Timeout,
            Retry::Other,
        );
        check(500, "<html>", Kind::ProviderUnavailable, Retry::Other);
    }

    #[test]
    fn a_list_is_read_and_a_wait_is_kept() {
        let body = r#"[{"error":{"code":429,"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED",
            "details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[]},
                {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"26.5s"}]}}]"#;
        let wait = Retry::After(Duration::from_millis(26_500));
        let error = check(429, body, ErrorType::RateLimitExceeded, wait);
        assert_eq!(error.provider_code.as_deref(), Some("RESOURCE_EXHAUSTED"));
        let without = r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}"#;
        check(429, without, ErrorType::RateLimitExceeded, Retry::Other);
    }

    #[test]
    fn nothing_about_our_key_is_shown() {
        let body = r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT",
            "details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}"#;
        let error = check(400, body, ErrorType::ProviderUnavailable, Retry::Other);
        assert_eq!(error.raw, None);
    }
}
