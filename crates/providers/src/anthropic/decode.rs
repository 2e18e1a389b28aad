//! Response bytes to events: a stream, or the document of an upstream that does not stream.

use protocol::chat::event::ChatEvent;
use protocol::sse::Event;

use super::events::State;
use crate::error::DecodeError;
use crate::framed::{Framed, Reading};
use crate::turns::emit::Undo;

pub(super) type StreamDecoder = Framed<State>;

impl StreamDecoder {
    pub(super) fn new(undo: Undo) -> Self {
        Self::of(State::new(undo))
    }
}

impl Reading for State {
    /// A result of a tool on the upstream's side may carry a whole page; nothing is larger.
    const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;
    const DOCUMENT_BYTES_MAX: usize = 32 * 1024 * 1024;

    fn event(&mut self, event: Event<'_>, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        self.take(event.data, out)
    }

    fn document(&mut self, document: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        self.whole(document, out)
    }

    fn close(&mut self, _: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        if self.has_finished() { Ok(()) } else { Err(DecodeError::Truncated) }
    }
}
