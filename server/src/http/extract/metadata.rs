//! Whether the caller asks how its answer came about.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// `X-OpenRouter-Metadata: enabled`, or the same under its older name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WantsMetadata(pub(crate) bool);

impl<S: Sync> FromRequestParts<S> for WantsMetadata {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        const NAMES: [&str; 2] = ["x-openrouter-metadata", "x-openrouter-experimental-metadata"];
        let value = NAMES.iter().find_map(|name| parts.headers.get(*name));
        Ok(Self(value.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"enabled"))))
    }
}
