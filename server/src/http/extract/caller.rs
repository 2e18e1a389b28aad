//! Who is asking, from the headers alone.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::http::error::ApiError;
use crate::state::AppState;

/// The owner of a valid key. Runs before any body is read, so that a stranger cannot make us
/// read one.
#[derive(Debug, Clone)]
pub struct Caller(pub Arc<gateway::ports::Caller>);

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &AppState,
    ) -> Result<Self, Self::Rejection> {
        let headers = &parts.headers;
        let secret = headers
            .get(AUTHORIZATION)
            .and_then(|value| bearer(value.as_bytes()))
            // Where Anthropic's clients put it.
            .or_else(|| headers.get("x-api-key").and_then(|value| value.to_str().ok()));
        let caller = state.gateway.authenticate(secret).await?;
        state.touches.note(caller.key_id, state.clock.now());
        Ok(Self(caller))
    }
}

/// What follows `Bearer`, which may be written in any case.
fn bearer(value: &[u8]) -> Option<&str> {
    let (scheme, token) = std::str::from_utf8(value).ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_follows_the_word_bearer() {
        assert_eq!(bearer(b"Bearer sk-ep-v1-1"), Some("sk-ep-v1-1"));
        assert_eq!(bearer(b"bearer  sk-ep-v1-1 "), Some("sk-ep-v1-1"));
        assert_eq!(bearer(b"Basic dTpw"), None);
        assert_eq!(bearer(b"Bearer"), None);
        assert_eq!(bearer(b"Bearer \xff"), None);
    }
}
