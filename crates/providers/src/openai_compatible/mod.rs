//! OpenAI chat completions as the rest of the world speaks it.
//!
//! How a provider departs from it is data: see `quirks`.

mod classify;
mod decode;
mod delta;
mod encode;
mod quirks;
mod usage;

use http::{HeaderMap, StatusCode};
use protocol::chat::request::ChatRequest;

use crate::adapter::{Adapter, Decoder, Encoded, Target};
use crate::error::{EncodeError, UpstreamError};

/// Every provider whose API takes `POST …/chat/completions` in OpenAI's form.
#[derive(Debug, Clone, Copy)]
pub struct OpenAiCompatible;

impl Adapter for OpenAiCompatible {
    fn slug(&self) -> &'static str {
        "openai_compatible"
    }

    fn encode(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded, EncodeError> {
        encode::encode(request, target)
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(decode::StreamDecoder::new())
    }

    fn classify(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> UpstreamError {
        classify::response(status, headers, body)
    }
}
