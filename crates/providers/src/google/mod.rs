//! Google's `generateContent`, as Gemini speaks it at AI Studio and at Vertex.
//!
//! Both take the same body; the address is data of the catalog, and what differs in between is
//! said by [`Flavour`].
//! How an endpoint is told to think is data, too: with `reasoning_efforts` it is told a level,
//! otherwise a budget, which `clamp = { thinking_budget = "…" }` bounds; `unsupported =
//! ["reasoning.none"]` says that its thinking cannot be switched off.

mod wire;
mod encode;
mod contents;
mod media;
mod generation;
mod thinking;
mod tools;
mod schema;
mod decode;
mod answer;
mod finish;
mod grounding;
mod logprobs;
mod usage;
mod embed;
mod classify;

use http::{HeaderMap, StatusCode};
use protocol::chat::request::{ChatRequest, Kind, PartKind};

use crate::adapter::{Adapter, Decoder, Encoded, Target};
use crate::error::{EncodeError, UpstreamError};

/// `format` of the `reasoning_details` that Gemini writes and may be sent again.
const FORMAT: &str = "google-gemini-v1";

/// Who serves Gemini.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flavour {
    AiStudio,
    Vertex,
}

/// The Gemini API at `generativelanguage.googleapis.com`.
#[derive(Debug, Clone, Copy)]
pub struct Google;

/// The same models at Vertex.
#[derive(Debug, Clone, Copy)]
pub struct Vertex;

impl Adapter for Google {
    fn slug(&self) -> &'static str {
        "google"
    }

    fn encode(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded, EncodeError> {
        write(request, target, Flavour::AiStudio)
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(decode::AnswerDecoder::default())
    }

    fn classify(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> UpstreamError {
        classify::response(status, headers, body)
    }

    fn fetches(&self, kind: &PartKind, url: &str, _target: &Target<'_>) -> bool {
        media::is_fetched(Flavour::AiStudio, kind, url)
    }
}

impl Adapter for Vertex {
    fn slug(&self) -> &'static str {
        "vertex"
    }

    fn encode(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded, EncodeError> {
        write(request, target, Flavour::Vertex)
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(decode::AnswerDecoder::default())
    }

    fn classify(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> UpstreamError {
        classify::response(status, headers, body)
    }

    fn fetches(&self, kind: &PartKind, url: &str, _target: &Target<'_>) -> bool {
        media::is_fetched(Flavour::Vertex, kind, url)
    }
}

fn write(
    request: &ChatRequest,
    target: &Target<'_>,
    flavour: Flavour,
) -> Result<Encoded, EncodeError> {
    match &request.kind {
        Kind::Chat => encode::encode(request, target, flavour),
        Kind::Embeddings(wanted) => embed::encode(request, wanted, target, flavour),
        Kind::Rerank(_) => Err(EncodeError::Unsupported { parameter: "documents".to_owned() }),
    }
}
