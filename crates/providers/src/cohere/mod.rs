//! Cohere's second API: chat, vectors and orders of documents.

mod encode;
mod messages;
mod decode;
mod answer;
mod citations;
mod usage;
mod embed;
mod rerank;
mod classify;

use http::{HeaderMap, StatusCode};
use protocol::chat::request::{ChatRequest, Kind, PartKind};

use crate::adapter::{Adapter, Decoder, Encoded, Target};
use crate::error::{EncodeError, UpstreamError};
use crate::quirks::Effective;

/// The API below `https://api.cohere.com`.
#[derive(Debug, Clone, Copy)]
pub struct Cohere;

impl Adapter for Cohere {
    fn slug(&self) -> &'static str {
        "cohere"
    }

    fn encode(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded, EncodeError> {
        let quirks = Effective::of(target.endpoint);
        let base = target.base_url.trim_end_matches('/');
        let address = |path: &str| format!("{base}{}", quirks.chat_path().unwrap_or(path));
        match &request.kind {
            Kind::Chat => encode::encode(request, target.endpoint, address("/v2/chat")),
            Kind::Embeddings(wanted) => {
                embed::encode(request, wanted, target.endpoint, address("/v2/embed"))
            }
            Kind::Rerank(wanted) => {
                rerank::encode(request, wanted, target.endpoint, address("/v2/rerank"))
            }
        }
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(decode::AnswerDecoder::default())
    }

    fn classify(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> UpstreamError {
        classify::response(status, headers, body)
    }

    /// Cohere gets images by itself; of other things it takes none.
    fn fetches(&self, kind: &PartKind, _url: &str, target: &Target<'_>) -> bool {
        !Effective::of(target.endpoint).wants_inline(kind)
    }
}
