//! Amazon Bedrock's Converse, with its answers in Amazon's binary event stream.
//!
//! One form for every model that Bedrock serves; what only some of them know travels in
//! `additionalModelRequestFields` (see `family`).

mod classify;
mod decode;
mod encode;
mod events;
mod family;
mod frames;
mod said;
mod wire;

use http::{HeaderMap, StatusCode};
use protocol::chat::request::{ChatRequest, PartKind};

use crate::adapter::{Adapter, Decoder, Encoded, Target};
use crate::error::{EncodeError, UpstreamError};
use crate::turns::emit::Undo;

/// `POST …/model/{id}/converse-stream`.
#[derive(Debug, Clone, Copy)]
pub struct Bedrock;

impl Adapter for Bedrock {
    fn slug(&self) -> &'static str {
        "bedrock"
    }

    fn encode(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded, EncodeError> {
        encode::encode(request, target)
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(decode::StreamDecoder::new(Undo::nothing()))
    }

    fn classify(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> UpstreamError {
        classify::response(status, headers, body)
    }

    /// It takes bytes, or files in Amazon's own storage.
    fn fetches(&self, _kind: &PartKind, _url: &str, _target: &Target<'_>) -> bool {
        false
    }
}
