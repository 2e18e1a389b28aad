//! Response bytes to events: a stream of chunks, one document, or a list of them.

use domain::catalog::Endpoint;
use domain::pricing::Unit;
use protocol::chat::event::ChatEvent;
use protocol::sse::Event;
use serde_json::value::RawValue;

use super::answer::{Answer, Asked};
use super::thinking;
use crate::document::unreadable;
use crate::error::DecodeError;
use crate::framed::{Framed, Reading};

pub(super) type AnswerDecoder = Framed<Answer>;

impl AnswerDecoder {
    pub(super) fn new(endpoint: &Endpoint, has_search: bool, salt: usize) -> Self {
        Self::of(Answer::new(Asked {
            salt,
            keeps_words: has_search,
            counts_queries: thinking::takes_levels(endpoint),
            counts_images: endpoint.prices.stated(Unit::ImageOutput).is_some(),
        }))
    }
}

impl Reading for Answer {
    /// An event may carry a large image, inline; nothing that it may carry is larger.
    const EVENT_BYTES_MAX: usize = 32 * 1024 * 1024;
    const DOCUMENT_BYTES_MAX: usize = Self::EVENT_BYTES_MAX;

    fn event(&mut self, event: Event<'_>, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let data = event.data.trim_ascii();
        // Some that pass Google's streams on end them as OpenAI does.
        if data.is_empty() || data == b"[DONE]" {
            return Ok(());
        }
        self.take(data, out)
    }

    fn document(&mut self, document: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let chunks: Vec<&RawValue> = if document.first() == Some(&b'[') {
            serde_json::from_slice(document).map_err(|error| unreadable(&error))?
        } else {
            vec![serde_json::from_slice(document).map_err(|error| unreadable(&error))?]
        };
        chunks.into_iter().try_for_each(|chunk| self.take(chunk.get().as_bytes(), out))
    }

    fn close(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        self.finish(out)
    }
}
