//! What an upstream dialect must be able to do.

use bytes::Bytes;
use domain::catalog::Endpoint;
use http::{HeaderMap, StatusCode};
use protocol::chat::event::ChatEvent;
use protocol::chat::request::ChatRequest;

use crate::error::{DecodeError, EncodeError, UpstreamError};

/// The endpoint that a request is written for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub endpoint: &'a Endpoint,
    /// The base address to dial, without a trailing slash.
    pub base_url: &'a str,
}

/// One upstream API dialect.
///
/// Pure: no I/O, no clock, no randomness. Everything an adapter needs is in its arguments, and
/// everything it does is in its return value. Retries, timeouts, breakers, credentials and
/// metering belong to the gateway.
pub trait Adapter: Send + Sync {
    /// Stable name used in the catalog, in analytics and in fixtures.
    fn slug(&self) -> &'static str;

    /// Translates a canonical request for one endpoint. The result always asks for a stream.
    ///
    /// Returns [`EncodeError::Unsupported`] rather than dropping a parameter that the caller
    /// said it requires.
    fn encode(
        &self,
        request: &ChatRequest,
        target: &Target<'_>,
    ) -> Result<http::Request<Bytes>, EncodeError>;

    /// A decoder for one successful response.
    fn decoder(&self) -> Box<dyn Decoder>;

    /// What a failed response means, and whether another try could help.
    fn classify(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> UpstreamError;
}

/// Turns response bytes into events, however the bytes are cut.
pub trait Decoder: Send {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError>;

    /// The body has ended. Emits what is owed, or reports that it ended early.
    fn finish(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError>;
}
