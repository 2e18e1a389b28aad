//! Response bytes to events: typed events, or the one object of an upstream that does not stream.

use protocol::chat::event::ChatEvent;
use protocol::sse::Event;

use super::state::State;
use crate::document::{malformed, unreadable};
use crate::error::DecodeError;
use crate::framed::{Framed, Reading};

pub(super) type ResponseDecoder = Framed<State>;

impl ResponseDecoder {
    /// `format` says who wrote the encrypted reasoning.
    pub(super) fn new(format: &str) -> Self {
        Self::of(State::new(format))
    }
}

impl Reading for State {
    /// An event may carry a whole response with images; nothing that it may carry is larger.
    const EVENT_BYTES_MAX: usize = 32 * 1024 * 1024;
    const DOCUMENT_BYTES_MAX: usize = Self::EVENT_BYTES_MAX;

    fn event(&mut self, event: Event<'_>, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let data = event.data.trim_ascii();
        if self.is_done() || data.is_empty() || data == b"[DONE]" {
            return Ok(());
        }
        let wire = serde_json::from_slice(data).map_err(|error| malformed(&error))?;
        self.take(&wire, data, out)
    }

    fn document(&mut self, document: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let response = serde_json::from_slice(document).map_err(|error| unreadable(&error))?;
        self.whole(&response, document, out)
    }

    fn close(&mut self, _: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        if self.is_done() { Ok(()) } else { Err(DecodeError::Truncated) }
    }
}
