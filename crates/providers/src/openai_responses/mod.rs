//! OpenAI's Responses, as OpenAI speaks it and others after it.
//!
//! Nothing is kept at the upstream (`store` is false): what a later turn needs travels with the
//! conversation, reasoning in `encrypted_content`.

mod encode;
mod input;
mod tools;
mod native;
mod decode;
mod state;
mod parts;
mod items;
mod emit;

use http::{HeaderMap, StatusCode};
use protocol::chat::request::ChatRequest;

use crate::adapter::{Adapter, Decoder, Encoded, Target};
use crate::error::{EncodeError, UpstreamError};
use crate::openai_compatible::classify;

/// `format` of the `reasoning_details` that OpenAI writes and may be sent again.
const FORMAT: &str = "openai-responses-v1";

/// Every provider whose API takes `POST …/responses`.
#[derive(Debug, Clone, Copy)]
pub struct OpenAiResponses;

impl Adapter for OpenAiResponses {
    fn slug(&self) -> &'static str {
        "openai_responses"
    }

    fn encode(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded, EncodeError> {
        encode::encode(request, target)
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(decode::ResponseDecoder::new(FORMAT))
    }

    fn classify(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> UpstreamError {
        classify::response(status, headers, body)
    }
}
