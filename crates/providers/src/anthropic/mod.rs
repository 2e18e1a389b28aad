//! Anthropic's Messages.
//!
//! A request that was written in this dialect goes out as it was written; any other is made into
//! turns first (see `turns`).

mod classify;
mod count;
mod decode;
mod encode;
mod events;
mod native;
mod usage;
mod wire;

use http::{HeaderMap, StatusCode};
use protocol::chat::request::{ChatRequest, PartKind};

use crate::adapter::{Adapter, CountTokens, Decoder, Encoded, Target};
use crate::error::{EncodeError, UpstreamError};
use crate::quirks::Effective;
use crate::turns::emit::Undo;

/// Every provider whose API takes `POST …/messages` in Anthropic's form.
#[derive(Debug, Clone, Copy)]
pub struct Anthropic;

impl Adapter for Anthropic {
    fn slug(&self) -> &'static str {
        "anthropic"
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

    /// Images and PDFs are fetched over TLS; a text has to be in the request.
    fn fetches(&self, kind: &PartKind, url: &str, target: &Target<'_>) -> bool {
        let is_text = || {
            let path = url.split(['?', '#']).next().unwrap_or_default();
            path.rsplit_once('.').is_some_and(|(_, end)| matches!(end, "txt" | "md" | "csv"))
        };
        url.starts_with("https://")
            && !Effective::of(target.endpoint).wants_inline(kind)
            && match kind {
                PartKind::Image => true,
                PartKind::File => !is_text(),
                PartKind::Text { .. } | PartKind::Audio | PartKind::Video => false,
            }
    }

    fn count_tokens(&self) -> Option<&dyn CountTokens> {
        Some(&count::Counter)
    }
}
