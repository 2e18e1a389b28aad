//! OpenAI chat completions as the rest of the world speaks it.
//!
//! How a provider departs from it is data: see `quirks`.

pub(crate) mod encode;
mod messages;
mod tools;
mod ids;
mod structured;
mod thinking;
pub(crate) mod decode;
mod calls;
mod delta;
mod wire;
mod citations;
mod forced;
pub(crate) mod usage;
mod vectors;
mod rerank;
mod whole;
pub(crate) mod classify;

use http::{HeaderMap, StatusCode};
use protocol::chat::request::{ChatRequest, PartKind};

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
        let base = target.base_url.trim_end_matches('/');
        encode::encode(request, target, &|path| format!("{base}{path}"))
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(decode::StreamDecoder::new())
    }

    fn classify(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> UpstreamError {
        classify::response(status, headers, body)
    }

    fn fetches(&self, kind: &PartKind, _url: &str, target: &Target<'_>) -> bool {
        encode::fetches(kind, target)
    }
}
