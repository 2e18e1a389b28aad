//! What an upstream dialect must be able to do.

use bytes::Bytes;
use domain::catalog::Endpoint;
use http::{HeaderMap, StatusCode};
use protocol::chat::event::ChatEvent;
use protocol::chat::request::{ChatRequest, PartKind};

use crate::error::{DecodeError, EncodeError, UpstreamError};

/// The endpoint that a request is written for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub endpoint: &'a Endpoint,
    /// The base address to dial, without a trailing slash.
    pub base_url: &'a str,
}

/// A request as it goes out, and what reads the answer to it.
pub struct Encoded {
    pub request: http::Request<Bytes>,
    /// Knows what was done to the request: a forced tool that stands for a response format, names
    /// that were shortened, an answer that comes in one piece.
    pub decoder: Box<dyn Decoder>,
    /// Parameters that the endpoint cannot take and that were left out, by their public names.
    /// Told to callers who ask for metadata.
    pub dropped: Vec<String>,
}

/// One upstream API dialect.
///
/// Pure: no I/O, no clock, no randomness. Everything an adapter needs is in its arguments, and
/// everything it does is in its return value. Retries, timeouts, breakers, credentials and
/// metering belong to the gateway.
pub trait Adapter: Send + Sync {
    /// Stable name used in the catalog, in analytics and in fixtures.
    fn slug(&self) -> &'static str;

    /// Translates a canonical request for one endpoint. The result always asks for a stream,
    /// where the dialect has one.
    ///
    /// Returns [`EncodeError::Unsupported`] rather than dropping a parameter that the caller
    /// said it requires, or something without which the answer would be wrong.
    fn encode(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded, EncodeError>;

    /// A decoder for the answer to an ordinary chat request.
    fn decoder(&self) -> Box<dyn Decoder>;

    /// What a failed response means, and whether another try could help.
    fn classify(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> UpstreamError;

    /// Whether the upstream fetches such a part from an address by itself. Where it doesn't, the
    /// gateway fetches it first and passes it inline.
    fn fetches(&self, _kind: &PartKind, _url: &str, _target: &Target<'_>) -> bool {
        true
    }

    /// How the upstream counts the tokens of a prompt, where it does.
    fn count_tokens(&self) -> Option<&dyn CountTokens> {
        None
    }
}

/// Counts the tokens of a prompt without answering it.
pub trait CountTokens: Send + Sync {
    fn encode(
        &self,
        request: &ChatRequest,
        target: &Target<'_>,
    ) -> Result<http::Request<Bytes>, EncodeError>;

    /// The count that a successful response states.
    fn decode(&self, body: &[u8]) -> Result<u64, DecodeError>;
}

/// Turns response bytes into events, however the bytes are cut.
pub trait Decoder: Send {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError>;

    /// The body has ended. Emits what is owed, or reports that it ended early.
    fn finish(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError>;
}
