//! Response bytes to events: a stream, or one document.

use protocol::chat::event::ChatEvent;
use protocol::sse::Event;

use super::answer::Answer;
use crate::document::unreadable;
use crate::error::DecodeError;
use crate::framed::{Framed, Reading};

pub(super) type AnswerDecoder = Framed<Answer>;

impl AnswerDecoder {
    /// `salt` tells answers in one conversation apart where the upstream does not.
    pub(super) fn new(salt: usize) -> Self {
        Self::of(Answer::new(salt))
    }
}

impl Reading for Answer {
    /// Nothing that an event or an answer of text may carry is larger.
    const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;
    const DOCUMENT_BYTES_MAX: usize = Self::EVENT_BYTES_MAX;

    fn event(&mut self, event: Event<'_>, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let data = event.data.trim_ascii();
        if data.is_empty() || data == b"[DONE]" {
            return Ok(());
        }
        self.take(data, out)
    }

    fn document(&mut self, document: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let whole = serde_json::from_slice(document).map_err(|error| unreadable(&error))?;
        self.take_whole(whole, document, out)
    }

    fn close(&mut self, _: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        if self.is_finished() { Ok(()) } else { Err(DecodeError::Truncated) }
    }
}
