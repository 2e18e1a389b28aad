//! How talking to an upstream goes wrong.

use std::time::Duration;

use protocol::error::ErrorType;

/// A request cannot be written for an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    #[error("`{parameter}` is not supported by this endpoint")]
    Unsupported { parameter: String },
    #[error("the address `{0}` is not a URL")]
    Address(String),
    #[error("the header `{0}` cannot be sent")]
    Header(String),
    #[error("the credential {0}")]
    Credential(&'static str),
    #[error("the catalog sets `{0}` to something that is not JSON")]
    Quirk(String),
}

/// A response is not what the dialect says.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DecodeError {
    #[error("the response is not valid: {0}")]
    Malformed(String),
    #[error("the response ended before it was complete")]
    Truncated,
    /// The response says, in its own form, that the upstream failed.
    #[error(transparent)]
    Upstream(UpstreamError),
}

/// Whether another try could help, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The request itself is at fault: no endpoint will take it.
    No,
    /// The same endpoint may do better.
    Same,
    /// Another endpoint may do better.
    Other,
    /// Another endpoint may do better at once, this one after a while.
    After(Duration),
}

/// An upstream said no, or said nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct UpstreamError {
    pub kind: ErrorType,
    pub retry: Retry,
    /// HTTP status, when there was one.
    pub status: Option<u16>,
    /// The upstream's own error code, when it gave one.
    pub provider_code: Option<String>,
    /// The upstream's own words, shortened; may be shown to the caller as `metadata.raw`.
    pub raw: Option<String>,
    /// Our words, fit to show.
    pub message: String,
}
