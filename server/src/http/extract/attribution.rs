//! Which app is asking, as far as it says so.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{REFERER, USER_AGENT};
use axum::http::request::Parts;

use crate::http::error::ApiError;

/// The longest text that is kept of a header.
const LENGTH_MAX: usize = 512;

/// The longest name of a session, in the header as in a body.
const SESSION_LENGTH_MAX: usize = 256;

/// Headers by which an app names itself, and the session that it asks in.
#[derive(Debug, Clone, Default)]
pub struct Attribution(pub gateway::Attribution);

impl<S: Sync> FromRequestParts<S> for Attribution {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let headers = &parts.headers;
        let first = |names: &[&str]| names.iter().find_map(|name| text(headers, name));
        Ok(Self(gateway::Attribution {
            http_referer: first(&["http-referer", REFERER.as_str()]),
            app_title: first(&["x-openrouter-title", "x-title"]),
            user_agent: first(&[USER_AGENT.as_str()]),
            session_id: session(headers)?,
        }))
    }
}

fn session(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    const NAME: &str = "x-session-id";
    match text(headers, NAME) {
        // Cut short, it would name another session.
        Some(name) if name.chars().count() > SESSION_LENGTH_MAX => Err(ApiError::field(
            NAME,
            format!("`{NAME}` must be text of at most {SESSION_LENGTH_MAX} characters"),
        )),
        name => Ok(name),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then(|| value.chars().take(LENGTH_MAX).collect())
}
