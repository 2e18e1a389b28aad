//! What a failure means.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use protocol::error::ErrorType;
use serde_json::Value;

use crate::error::{Retry, UpstreamError};
use crate::raw;

/// An upstream that asks for more patience than this is as good as gone.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Classifies a response whose status says that it failed.
pub(crate) fn response(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> UpstreamError {
    let said = Said::read(body);
    let (kind, retry) = meaning(status.as_u16(), &said);
    let raw = raw(status.as_u16(), kind, body);
    let retry = match (retry, retry_after(headers)) {
        (Retry::Other | Retry::Same, Some(wait)) if is_temporary(kind) => Retry::After(wait),
        (retry, _) => retry,
    };
    UpstreamError {
        kind,
        retry,
        status: Some(status.as_u16()),
        provider_code: said.code.clone(),
        raw,
        message: message(kind).to_owned(),
    }
}

/// Classifies an error object in the middle of a response that began well.
pub(crate) fn in_band(body: &[u8]) -> UpstreamError {
    let said = Said::read(body);
    let named = |name: &str| match name {
        "rate_limit_error" | "rate_limit_exceeded" | "RateLimitError" => Some(429),
        "overloaded_error" => Some(529),
        "invalid_request_error"
        | "BadRequestError"
        | "invalid_prompt"
        | "context_length_exceeded" => Some(400),
        "authentication_error" => Some(401),
        "insufficient_quota" => Some(402),
        _ => None,
    };
    let code = said.code.as_deref();
    let status = code
        .and_then(|code| code.parse().ok())
        .or_else(|| code.and_then(named))
        .or_else(|| said.kind.as_deref().and_then(named));
    let status = status.filter(|status| (400..600).contains(status)).unwrap_or(502);
    let (kind, retry) = meaning(status, &said);
    UpstreamError {
        kind,
        retry,
        // The response itself was well: this is what its error object stands for.
        status: Some(status),
        provider_code: said.code.clone(),
        raw: raw(status, kind, body),
        message: message(kind).to_owned(),
    }
}

/// The upstream's own words. What it says about our credential, our account or our bill is none
/// of the caller's business, and some repeat the credential.
fn raw(status: u16, kind: ErrorType, body: &[u8]) -> Option<String> {
    let is_ours = kind == ErrorType::ProviderUnavailable && (status < 408 || status == 429);
    if is_ours { None } else { raw::shorten(body) }
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

/// The parts of an error body that help to understand it.
#[derive(Debug, Default)]
struct Said {
    code: Option<String>,
    kind: Option<String>,
    /// Lower case.
    message: String,
}

impl Said {
    /// Reads the forms in use: `{"error": {…}}`, `{"error": "…"}`, `{"message": "…"}`,
    /// `{"detail": "…"}`, a list of one of them, or no JSON at all.
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
        let text = |value: &Value| match value {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let message = [error, &error["message"], &error["detail"], &document["message"]]
            .into_iter()
            .find_map(Value::as_str)
            .unwrap_or_default();
        let short = |text: String| text.chars().take(64).collect::<String>();
        Self {
            code: text(&error["code"]).or_else(|| text(&error["type"])).map(short),
            kind: text(&error["type"]),
            message: message.to_lowercase(),
        }
    }

    fn is_about_context(&self) -> bool {
        const SIGNS: [&str; 8] = [
            "context length",
            "context_length",
            "context window",
            "maximum context",
            "too many tokens",
            "prompt is too long",
            "input is too long",
            "exceeds the maximum number of tokens",
        ];
        self.code.as_deref() == Some("context_length_exceeded")
            || SIGNS.iter().any(|sign| self.message.contains(sign))
    }

    fn is_about_us(&self) -> bool {
        const SIGNS: [&str; 8] = [
            "incorrect api key",
            "invalid api key",
            "api key not valid",
            "api key is invalid",
            "exceeded your current quota",
            "check your plan and billing",
            "insufficient balance",
            "credit balance",
        ];
        const CODES: [&str; 3] = ["invalid_api_key", "insufficient_quota", "billing_not_active"];
        let names = [self.code.as_deref(), self.kind.as_deref()];
        names.into_iter().flatten().any(|name| CODES.contains(&name))
            || SIGNS.iter().any(|sign| self.message.contains(sign))
    }

    fn is_about_content(&self) -> bool {
        const SIGNS: [&str; 6] = [
            "content_policy",
            "content policy",
            "content_filter",
            "content management policy",
            "moderation",
            "safety system",
        ];
        let code = self.code.as_deref().unwrap_or_default();
        SIGNS.iter().any(|sign| self.message.contains(sign) || code.contains(sign))
    }
}

fn meaning(status: u16, said: &Said) -> (ErrorType, Retry) {
    match status {
        // Some tell us of our key (xAI) or our bill (OpenAI) as if the request were at fault.
        400 | 429 if said.is_about_us() => (ErrorType::ProviderUnavailable, Retry::Other),
        // Another endpoint of the model, or another model, may have more room.
        400 | 413 | 422 if said.is_about_context() => {
            (ErrorType::ContextLengthExceeded, Retry::Other)
        }
        400 | 403 | 422 if said.is_about_content() => {
            (ErrorType::ContentPolicyViolation, Retry::Other)
        }
        // Our credential, our account or the address that we have is at fault, not the caller.
        300..=399 | 401..=403 | 405 | 407 => (ErrorType::ProviderUnavailable, Retry::Other),
        404 | 410 => (ErrorType::NotFound, Retry::Other),
        409 | 425 => (ErrorType::ProviderOverloaded, Retry::Same),
        413 => (ErrorType::PayloadTooLarge, Retry::Other),
        422 => (ErrorType::Unprocessable, Retry::No),
        429 => (ErrorType::RateLimitExceeded, Retry::Other),
        503 | 529 => (ErrorType::ProviderOverloaded, Retry::Other),
        408 | 504 | 524 => (ErrorType::Timeout, Retry::Other),
        _ if status < 500 => (ErrorType::InvalidRequest, Retry::No),
        _ => (ErrorType::ProviderUnavailable, Retry::Other),
    }
}

/// Our words for what happened; the upstream's own stand in `raw`.
const fn message(kind: ErrorType) -> &'static str {
    match kind {
        ErrorType::ContextLengthExceeded => {
            "the prompt does not fit into the model's context: shorten it or ask for less output"
        }
        ErrorType::ContentPolicyViolation => "the provider refuses this content",
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

/// How long an upstream asks us to wait. A date counts only beside the upstream's own `Date`,
/// because nothing here knows the time.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let wait = if let Some(millis) = text("retry-after-ms").and_then(|text| text.parse().ok()) {
        Duration::from_millis(millis)
    } else {
        let value = text("retry-after")?;
        if let Ok(seconds) = value.parse::<f64>() {
            Duration::try_from_secs_f64(seconds).ok()?
        } else {
            Duration::from_secs(http_date(value)?.checked_sub(http_date(text("date")?)?)?)
        }
    };
    (wait <= RETRY_AFTER_MAX).then_some(wait)
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let rest = text.split_once(", ")?.1.strip_suffix(" GMT")?;
    let mut parts = rest.split(' ');
    let day: u64 = parts.next()?.parse().ok()?;
    let name = parts.next()?;
    let month = u64::try_from(MONTHS.iter().position(|month| *month == name)?).ok()?;
    let year: u64 = parts.next()?.parse().ok().filter(|year| (1970..10_000).contains(year))?;
    let mut clock = parts.next()?.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days from the civil calendar, with years that begin in March.
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    let days = days.checked_sub(719_468)?;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn check(status: u16, body: &str, kind: ErrorType, retry: Retry) {
        let status = StatusCode::from_u16(status).unwrap();
        let error = response(status, &HeaderMap::new(), body.as_bytes());
        assert_eq!((error.kind, error.retry), (kind, retry), "{status} {body}");
    }

    #[test]
    fn statuses_and_bodies_are_understood() {
        use ErrorType as Kind;
        check(302, "", Kind::ProviderUnavailable, Retry::Other);
        check(405, r#"{"detail":"Method Not Allowed"}"#, Kind::ProviderUnavailable, Retry::Other);
        check(400, r#"{"error":{"message":"bad"}}"#, Kind::InvalidRequest, Retry::No);
        check(
            400,
            r#"{"error":{"message":"This model's maximum context length is 8192 tokens"}}"#,
            Kind::ContextLengthExceeded,
            Retry::Other,
        );
        check(
            400,
            r#"{"error":{"message":"no","code":"context_length_exceeded"}}"#,
            Kind::ContextLengthExceeded,
            Retry::Other,
        );
        check(
            400,
            r#"{"error":{"code":"content_filter"}}"#,
            Kind::ContentPolicyViolation,
            Retry::Other,
        );
        check(401, "", Kind::ProviderUnavailable, Retry::Other);
        check(402, "{}", Kind::ProviderUnavailable, Retry::Other);
        check(404, "not found", Kind::NotFound, Retry::Other);
        check(408, "", Kind::Timeout, Retry::Other);
        check(409, "", Kind::ProviderOverloaded, Retry::Same);
        check(413, "", Kind::PayloadTooLarge, Retry::Other);
        check(422, r#"{"detail":"x"}"#, Kind::Unprocessable, Retry::No);
        check(429, "", Kind::RateLimitExceeded, Retry::Other);
        check(500, "<html>", Kind::ProviderUnavailable, Retry::Other);
        check(503, "", Kind::ProviderOverloaded, Retry::Other);
        check(504, "", Kind::Timeout, Retry::Other);
        check(529, "", Kind::ProviderOverloaded, Retry::Other);
    }

    #[test]
    fn waits_are_read_from_headers() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(http_date(date), Some(784_111_777));
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        for (pairs, expected) in [
            (vec![("retry-after", "7")], Some(7_000)),
            (vec![("retry-after", "0.5")], Some(500)),
            (vec![("retry-after-ms", "250"), ("retry-after", "1")], Some(250)),
            (vec![("retry-after", "Sun, 06 Nov 1994 08:50:00 GMT"), ("date", date)], Some(23_000)),
            (vec![("retry-after", date)], None),
            (vec![("retry-after", "-1")], None),
            (vec![("retry-after", "NaN")], None),
            (vec![("retry-after", "1e300")], None),
            (vec![("retry-after", "soon")], None),
        ] {
            let expected = expected.map(Duration::from_millis);
            assert_eq!(retry_after(&headers(&pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_wait_makes_another_try_here_possible() {
        let error = response(
            StatusCode::TOO_MANY_REQUESTS,
            &headers(&[("retry-after", "7")]),
            br#"{"error":{"message":"slow down","type":"rate_limit","code":null}}"#,
        );
        assert_eq!(error.retry, Retry::After(Duration::from_secs(7)));
        assert_eq!(error.provider_code.as_deref(), Some("rate_limit"));
        assert!(error.raw.unwrap().contains("slow down"));
    }

    #[test]
    fn nothing_about_our_credential_is_shown() {
        let body = br#"{"error":{"message":"Incorrect API key provided: sk-proj-abcdef123456"}}"#;
        let error = response(StatusCode::UNAUTHORIZED, &HeaderMap::new(), body);
        assert_eq!(error.raw, None);
        let error = response(StatusCode::UNPROCESSABLE_ENTITY, &HeaderMap::new(), body);
        let raw = error.raw.unwrap();
        assert!(!raw.contains("abcdef"), "{raw}");
    }

    #[test]
    fn what_is_wrong_with_our_account_is_not_the_callers_fault() {
        for (status, body) in [
            (400, r#"{"code":"invalid argument","error":"Incorrect API key provided: xa***"}"#),
            (400, r#"{"error":{"message":"no","code":"invalid_api_key"}}"#),
            (403, r#"{"error":"Your team 1a2b-3c has used all available credits"}"#),
            (
                429,
                r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.",
                    "type":"insufficient_quota","code":"insufficient_quota"}}"#,
            ),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let error = response(status, &HeaderMap::new(), body.as_bytes());
            let expected = (ErrorType::ProviderUnavailable, Retry::Other);
            assert_eq!((error.kind, error.retry), expected, "{status} {body}");
            assert_eq!(error.raw, None, "{status} {body}");
        }
        let error = in_band(br#"{"error":{"code":"insufficient_quota","message":"x"}}"#);
        assert_eq!((error.kind, error.raw), (ErrorType::ProviderUnavailable, None));
    }
}
