//! Response bytes to events.

use protocol::chat::event::ChatEvent;
use protocol::sse::Reader;

use super::events::State;
use crate::adapter::Decoder;
use crate::error::DecodeError;
use crate::turns::emit::Undo;

/// A result of a tool on the upstream's side may carry a whole page; nothing is larger.
const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The same for an answer that comes in one piece.
const DOCUMENT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Decodes a stream of events, or the JSON document of an upstream that does not stream.
pub(super) struct StreamDecoder {
    form: Form,
    state: State,
}

enum Form {
    /// Nothing but white space has arrived.
    Unknown,
    Events(Reader),
    Document(Vec<u8>),
}

impl StreamDecoder {
    pub(super) fn new(undo: Undo) -> Self {
        Self { form: Form::Unknown, state: State::new(undo) }
    }
}

impl Decoder for StreamDecoder {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let mut bytes = bytes;
        if matches!(self.form, Form::Unknown) {
            bytes = bytes.trim_ascii_start();
            self.form = match bytes.first() {
                None => Form::Unknown,
                Some(b'{' | b'[') => Form::Document(Vec::new()),
                Some(_) => Form::Events(Reader::new(EVENT_BYTES_MAX)),
            };
        }
        let state = &mut self.state;
        match &mut self.form {
            Form::Unknown => Ok(()),
            Form::Events(reader) => reader.push(bytes, |event| state.take(event.data, out)),
            Form::Document(document) => {
                if document.len().saturating_add(bytes.len()) > DOCUMENT_BYTES_MAX {
                    return Err(DecodeError::Malformed("it is too large".to_owned()));
                }
                document.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let state = &mut self.state;
        match &mut self.form {
            Form::Unknown => return Err(DecodeError::Truncated),
            Form::Events(reader) => reader.finish(|event| state.take(event.data, out))?,
            Form::Document(document) => state.whole(&std::mem::take(document), out)?,
        }
        if state.has_finished() { Ok(()) } else { Err(DecodeError::Truncated) }
    }
}
